"""What a data set consists of, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import FERPLUS
from mien.data.dataset import SPLITS, FaceDataset


def imbalance(counts: NDArray[np.int64]) -> float | None:
    """How many times the largest class is as large as the smallest; None where a class has no image.

    >>> imbalance(np.array([40, 10, 20])), imbalance(np.array([3, 0]))
    (4.0, None)
    """
    return round(float(counts.max() / counts.min()), 2) if counts.min() else None


def statistics(data: FaceDataset) -> dict[str, Any]:
    """Counts of a data set, ready for JSON.

    Returns:
        ``images``, ``width`` and ``height`` in px, ``labels``; ``splits`` and ``all`` with the count of
        every class, their ``total`` and ``imbalance``; ``votes``, None or the number of rows that were voted
        on and FER+ majority counts of every split.
    """
    names = [name for name in SPLITS if (data.splits == name).any()]
    return {
        "images": len(data),
        "width": data.images.shape[2],
        "height": data.images.shape[1],
        "labels": list(data.labels),
        "splits": {name: _counted(data.split(name)) for name in names},
        "all": _counted(data),
        "votes": None if data.votes is None else _voted(data, data.votes, names),
    }


def _counted(data: FaceDataset) -> dict[str, Any]:
    counts = data.counts()
    classes = dict(zip(data.labels, counts.tolist(), strict=True))
    return {"classes": classes, "total": len(data), "imbalance": imbalance(counts)}


def _voted(data: FaceDataset, votes: NDArray[np.int64], names: list[str]) -> dict[str, Any]:
    majority = data.ferplus_majority()
    return {
        "rows": int((votes.sum(axis=1) > 0).sum()),
        "not_a_face": int(data.not_a_face.sum()),
        "majority": {name: _majority(majority[data.splits == name]) for name in names},
    }


def _majority(columns: NDArray[np.int64]) -> dict[str, Any]:
    counts = np.bincount(columns[columns >= 0], minlength=len(FERPLUS))
    return {
        "classes": dict(zip(FERPLUS, counts.tolist(), strict=True)),
        "total": int(counts.sum()),
        "dropped": int((columns < 0).sum()),
    }
