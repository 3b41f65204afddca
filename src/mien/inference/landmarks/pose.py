"""Where a head is turned to, from its points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

RIGID = np.array(
    [
        1,
        4,
        5,
        6,
        10,
        33,
        67,
        108,
        109,
        133,
        151,
        168,
        195,
        197,
        234,
        263,
        297,
        337,
        338,
        362,
        454,
        127,
        356,
        162,
        389,
    ]
)
"""Points that move with the skull: forehead, bridge and tip of the nose, corners of the eyes, temples."""


@dataclass(frozen=True)
class HeadPose:
    """Where a head is turned to.

    Args:
        yaw: Degrees to the right as seen in the image; 0 is straight at the camera.
        pitch: Degrees down; 0 is the mean of calm faces in press photographs.
        roll: Degrees clockwise as seen in the image.
        scale: px of the distance of the outer corners of the eyes, were the face seen from the front.
        points: ``(468, 3)`` the points in the face's own frame: that distance is 1, the origin lies between
            these corners, x to the right, y down, z to the back of the head.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    points: NDArray[np.float64]


def head_pose(points: ArrayLike) -> HeadPose:
    """Turn, move and scale a canonical face onto the points of one, by least squares.

    The canonical face is the symmetric mean of the meshes of 600 calm faces, each brought onto the others in the same
    way (Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns"); only
    points that move with the skull count.

    Args:
        points: ``(468, 3)`` px, as `mien.inference.landmarks.FaceMesh` finds them.

    >>> pose = head_pose(100 * canonical())
    >>> [round(float(angle), 3) + 0 for angle in (pose.yaw, pose.pitch, pose.roll)], round(pose.scale, 3)
    ([0.0, 0.0, 0.0], 100.0)
    """
    seen = np.asarray(points, np.float64)
    scale, turn, origin = similarity(canonical()[RIGID], seen[RIGID])
    forward = -turn[2]  # Where the nose points to.
    across = turn[0]
    return HeadPose(
        yaw=float(np.degrees(np.arctan2(forward[0], -forward[2]))),
        pitch=float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
        roll=float(np.degrees(np.arctan2(across[1], across[0]))),
        scale=scale,
        points=(seen - origin) @ turn.T / scale,
    )


@cache
def canonical() -> NDArray[np.float64]:
    """``(468, 3)`` points of the canonical face, in the units of `HeadPose.points`."""
    return np.asarray(np.load(Path(__file__).with_name("canonical.npy")), np.float64)


def similarity(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """What brings points onto others, by least squares (Umeyama 1991).

    Args:
        source: ``(n, 3)``.
        target: ``(n, 3)``, one for each.

    Returns:
        Scale s, rotation R and shift t for which ``s * source @ R + t`` is nearest to the target.
    """
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    centred = source - middle
    left, sizes, right = np.linalg.svd(centred.T @ (target - goal))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * signs) @ right
    scale = float((sizes * signs).sum() / (centred**2).sum())
    return scale, turn, goal - scale * middle @ turn
