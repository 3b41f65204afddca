"""How often an image is looked at: once, unless more is asked for and said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.progress import ProgressCallback, no_progress
from mien.evaluation.predictor import Predictor

VIEWS = ("one", "flip", "ten-crop")
"""One look; the image and its mirror image; the centre and the four corners, each with its mirror image."""


def answer(
    subject: Predictor, images: NDArray[np.uint8], views: str = "one", track: ProgressCallback = no_progress
) -> NDArray[np.float32]:
    """``(n, k)`` probabilities, the mean over the views of each image.

    The networks take 48x48 px and mostly crop their own centre of 44. A corner is therefore given as the
    image moved by two px both ways, its edge repeated, so that such a network's centre is exactly that
    corner of 44 px, as in published ten-crops.

    Raises:
        InputError: There are no such views.
    """
    if views not in VIEWS:
        raise InputError(f"expected views out of {', '.join(VIEWS)}; got {views!r}")
    total, count = np.zeros((len(images), len(subject.labels)), np.float64), 0
    for view in _views(images, views):
        total += subject.probabilities(view, track)
        count += 1
    return (total / count).astype(np.float32)


def _views(images: NDArray[np.uint8], views: str) -> Iterator[NDArray[np.uint8]]:
    side = images.shape[1]
    margin = side // 24 if views == "ten-crop" else 0
    moves = (
        [(0, 0), (-margin, -margin), (-margin, margin), (margin, -margin), (margin, margin)]
        if margin
        else [(0, 0)]
    )
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    for down, right in moves:
        view = padded[:, margin + down : margin + down + side, margin + right : margin + right + side]
        yield np.ascontiguousarray(view)
        if views != "one":
            yield np.ascontiguousarray(view[:, :, ::-1])
