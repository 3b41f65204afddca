"""Labelled faces to learn from and to be judged on."""

from mien.data.audit import Audit, audit
from mien.data.dataset import SPLITS, VOTES, FaceDataset, clean_training, leak_free, statistics
from mien.data.io import load_fer2013, open_dataset, write_dataset
from mien.data.splitting import groups_in_both, split_anew

__all__ = [
    "SPLITS",
    "VOTES",
    "Audit",
    "FaceDataset",
    "audit",
    "clean_training",
    "groups_in_both",
    "leak_free",
    "load_fer2013",
    "open_dataset",
    "split_anew",
    "statistics",
    "write_dataset",
]
