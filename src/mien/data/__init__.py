"""Labelled faces to learn from and to be judged on."""

from mien.data.dataset import FaceDataset
from mien.data.fer2013 import load_fer2013

__all__ = ["FaceDataset", "load_fer2013"]
