"""What covering a part of a face does to the answer: no gradients, so any network that runs will do,
without PyTorch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.inference.classifier import Classifier


def occlusion(
    classifier: Classifier, crop: NDArray[np.float32], target: int, *, patch: int = 12, stride: int = 4
) -> NDArray[np.float32]:
    """How much the probability of an expression falls when a square of the face is covered (Zeiler and Fergus
    2014).

    A square in the mean gray of the crop slides over it and beyond its edges, so that every pixel is covered
    about equally often. A pixel gets the mean fall over all squares that cover it.

    Args:
        classifier: The network.
        crop: ``(1, h, w)`` gray, 0 to 255.
        target: Column of the expression.
        patch: Side of the square in px.
        stride: Step in px.

    Returns:
        ``(h, w)``, -1 to 1: 0.2 says that covering this place takes 20 points of probability away, below 0
        that it adds some.

    Raises:
        InputError: The square or the step does not fit the crop.

    >>> from mien.explain import open_explained
    >>> flat = np.full((1, 48, 48), 90, np.float32)
    >>> float(abs(occlusion(open_explained("small").classifier, flat, 0)).max())  # gray on gray
    0.0
    """
    _, height, width = crop.shape
    if not (0 < stride <= patch <= min(height, width)):
        raise InputError(
            f"expected 0 < stride <= patch <= {min(height, width)} px; got a patch of {patch} and a stride of {stride}"
        )
    tops, lefts = (np.arange(stride - patch, side, stride) for side in (height, width))
    rows, columns = (_covered(starts, patch, side) for starts, side in ((tops, height), (lefts, width)))
    masks = (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, height, width)
    covered = np.where(masks[:, None], crop.mean(), crop[None]).astype(np.float32)
    probabilities = classifier.probabilities(np.concatenate([crop[None], covered]))[:, target]
    falls = probabilities[0] - probabilities[1:]
    return np.asarray(np.tensordot(falls, masks, axes=1) / masks.sum(axis=0), np.float32)


def _covered(starts: NDArray[np.int64], patch: int, side: int) -> NDArray[np.bool_]:
    """``(n, side)``: which pixels of a line each position covers."""
    pixels = np.arange(side)
    return (pixels >= starts[:, None]) & (pixels < starts[:, None] + patch)
