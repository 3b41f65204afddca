"""Numbers as colours: heat from 0 to 1, and gain against loss from -1 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# (place, red, green, blue), dark to bright so that it also reads in gray and to most colour-blind eyes.
_HEAT = np.array(
    [(0.0, 13, 10, 40), (0.3, 90, 24, 120), (0.6, 205, 62, 78), (0.85, 250, 150, 60), (1.0, 255, 240, 170)]
)
# Blue below 0, near white at 0, red above: told apart by all common kinds of colour blindness.
_SIGNED = np.array(
    [
        (-1.0, 24, 70, 150),
        (-0.45, 120, 168, 214),
        (0.0, 246, 245, 242),
        (0.45, 228, 140, 116),
        (1.0, 170, 24, 44),
    ]
)


def heat(values: NDArray[np.floating], *, signed: bool) -> NDArray[np.uint8]:
    """Colours of numbers.

    Args:
        values: 0 to 1, or -1 to 1 where ``signed``; what lies outside gets the colour of the end.
        signed: Whether there is a below.

    Returns:
        ``(..., 3)`` uint8 RGB.

    >>> heat(np.array([-1.0, 0.0, 1.0]), signed=True).tolist()
    [[24, 70, 150], [246, 245, 242], [170, 24, 44]]
    """
    scale = _SIGNED if signed else _HEAT
    channels = [np.interp(values, scale[:, 0], scale[:, channel]) for channel in (1, 2, 3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def laid_over(view: NDArray[np.uint8], values: NDArray[np.floating], *, signed: bool) -> NDArray[np.uint8]:
    """A gray face under its heat: where there is none the face shows, where there is much the colour does.

    Args:
        view: ``(h, w, 3)`` uint8 RGB.
        values: ``(h, w)``, 0 to 1, or -1 to 1 where ``signed``.
        signed: Whether there is a below.
    """
    gray = np.repeat(view.mean(axis=2, keepdims=True), 3, axis=2)
    share = (0.75 * np.sqrt(np.abs(values).clip(0, 1)))[..., None]
    return np.asarray((gray * (1 - share) + heat(values, signed=signed) * share).round().astype(np.uint8))
