"""Labelled faces to learn from and to be judged on."""

from mien.data.audit import Audit, audit
from mien.data.dataset import SPLITS, VOTES, FaceDataset, clean_training, leak_free
from mien.data.opening import load_fer2013, open_dataset
from mien.data.splitting import split_anew
from mien.data.stats import statistics
from mien.data.writing import write_dataset

__all__ = [
    "SPLITS",
    "VOTES",
    "Audit",
    "FaceDataset",
    "audit",
    "clean_training",
    "leak_free",
    "load_fer2013",
    "open_dataset",
    "split_anew",
    "statistics",
    "write_dataset",
]
