"""Landmarks: 468 points of each face that was asked about, and what moves in it."""

from mien.inference.landmarks.measures import measure, measured
from mien.inference.landmarks.mesh import FaceMesh
from mien.inference.landmarks.pose import HeadPose, head_pose

__all__ = ["FaceMesh", "HeadPose", "head_pose", "measure", "measured"]
