"""What is judged: a `Predictor` answers images with probabilities, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.core.progress import ProgressCallback, no_progress

BATCH = 64
_SUM_TOLERANCE = 1e-2

Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""``(n, h, w)`` gray images, 0 to 255, in; ``(n, k)`` probabilities out."""


@dataclass(frozen=True)
class Predictor:
    """Something that reads expressions, ready to be judged. Made by `open_subject`.

    Args:
        name: What results call it.
        head: Which of its results; empty where it has only one without a name.
        labels: Classes of its columns.
        predict: Answers up to `BATCH` images, ``(n, side, side)`` uint8 gray, with ``(n, k)``
            probabilities.
        side: Side of its images in px.
        remarks: What a reader of its results should know.
    """

    name: str
    head: str
    labels: Labels
    predict: Predict
    side: int = 48
    remarks: tuple[str, ...] = ()

    def probabilities(
        self, images: NDArray[np.uint8], track: ProgressCallback = no_progress
    ) -> NDArray[np.float32]:
        """``(n, k)`` probabilities for ``(n, side, side)`` gray images, in batches.

        Args:
            images: Images.
            track: Shows how far it is.

        Raises:
            InputError: What came back is not a row of probabilities for each image.
        """
        starts = range(0, len(images), BATCH)
        parts = [
            self._checked(images[start : start + BATCH])
            for start in track(starts, f"asking {self.name}", len(starts))
        ]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *parts])

    def _checked(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        probs = np.asarray(self.predict(images))
        wanted = (len(images), len(self.labels))
        if probs.shape != wanted:
            raise InputError(
                f"{self.name}: expected answers of the shape {wanted}, a row of probabilities for each image; got {probs.shape}"
            )
        if not np.issubdtype(probs.dtype, np.number) or not np.isfinite(probs).all():
            raise InputError(
                f"{self.name}: expected probabilities; got {probs.dtype} values that are not finite numbers"
            )
        sums = probs.sum(axis=1, dtype=np.float64)
        if probs.min() < 0 or np.abs(sums - 1).max() > _SUM_TOLERANCE:
            got = (
                f"{probs.min():.4g}"
                if probs.min() < 0
                else f"a row that adds up to {sums[np.abs(sums - 1).argmax()]:.4g}"
            )
            raise InputError(
                f"{self.name}: expected probabilities of 0 to 1 that add up to 1; got {got}: take the softmax"
            )
        return probs.astype(np.float32)


def chosen_head(head: str | None, heads: tuple[str, ...], name: str) -> str:
    """The head that was asked for, or the first one.

    Raises:
        InputError: There is none of that name.
    """
    if head is not None and head not in heads:
        raise InputError(
            f"expected a head (--head) out of {', '.join(heads)}, which {name} has; got {head!r}"
        )
    return heads[0] if head is None else head
