"""Test-time augmentation: a face is looked at once, unless more is asked for and said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.names import nearest, quoted
from mien.inference.config import TtaName

TTA: tuple[str, ...] = get_args(TtaName)
"""How often a face may be looked at: once, with its mirror image, or in ten crops."""


def require_tta(tta: str) -> str:
    """The name of a test-time augmentation, as it is.

    Raises:
        InputError: There is none of that name.
    """
    if tta not in TTA:
        raise InputError(f"expected tta out of {', '.join(TTA)}; got {quoted(tta)}{nearest(tta, TTA)}")
    return tta


def mean_over_views(
    predict: Callable[[NDArray[Any]], NDArray[np.floating]], images: NDArray[Any], tta: str = "one"
) -> NDArray[np.float32]:
    """``(n, k)`` probabilities, the mean over the views of each image.

    The networks take 48x48 px and mostly crop their own centre of 44. A corner is therefore given as the
    image moved by two px both ways, its edge repeated, so that such a network's centre is exactly that
    corner of 44 px, as in published ten-crops.

    Args:
        predict: Gives ``(n, k)`` probabilities of images.
        images: ``(n, ..., h, w)``.
        tta: One of `TTA`.

    Raises:
        InputError: There is none of that name.

    >>> images = np.array([[[0, 1], [0, 3]]])
    >>> def left(images):
    ...     return images[:, :, 0] / 4
    >>> mean_over_views(left, images).tolist(), mean_over_views(left, images, "flip").tolist()
    ([[0.0, 0.0]], [[0.125, 0.375]])
    """
    answers = [predict(view) for view in _views(images, require_tta(tta))]
    return np.asarray(np.mean(answers, axis=0, dtype=np.float64), np.float32)


def _views(images: NDArray[Any], tta: str) -> Iterator[NDArray[Any]]:
    height, width = images.shape[-2:]
    margin = height // 24 if tta == "ten-crop" else 0
    corners = [(0, 0), (0, 2 * margin), (2 * margin, 0), (2 * margin, 2 * margin)] if margin else []
    around = [(0, 0)] * (images.ndim - 2) + [(margin, margin)] * 2
    padded = np.pad(images, around, mode="edge") if margin else images
    for down, right in [(margin, margin), *corners]:
        view = padded[..., down : down + height, right : right + width]
        yield np.ascontiguousarray(view)
        if tta != "one":
            yield np.ascontiguousarray(view[..., ::-1])
