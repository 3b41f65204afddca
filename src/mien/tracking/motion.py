"""Whether the image changes where no known face is, seen on a small gray copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ACROSS = 40  # Cells of the small copy from left to right.
MOVED = 6.0  # Gray levels (of 255) by which cells must differ for something to have moved there.
CUT = 0.5  # Correlation of two successive images below which they show different scenes.
CUT_DIFFERENCE = 10.0  # Gray levels by which half of the cells differ as well.

Box = tuple[float, float, float, float]


class Scene:
    """Remembers how the image looked when the whole of it was last searched."""

    def __init__(self) -> None:
        self._searched: NDArray[np.float32] | None = None
        self._last: NDArray[np.float32] | None = None
        self._shape = (0, 0)

    def watch(self, image: NDArray[np.uint8]) -> bool:
        """Take in a frame.

        Returns:
            Whether it shows another scene than the one before (a cut).
        """
        before, self._last = self._last, _cells(image)
        self._shape = (image.shape[0], image.shape[1])
        return before is not None and before.shape == self._last.shape and _is_cut(before, self._last)

    def searched(self) -> None:
        """The whole of the last frame was searched for faces."""
        self._searched = self._last

    def moved(self, boxes: Sequence[Box]) -> bool:
        """Whether anything outside these boxes has changed since the last search."""
        now, then = self._last, self._searched
        if now is None or then is None or now.shape != then.shape:
            return True
        # Light that changes everywhere is no motion, and neither is an edge that shifts by half a cell where
        # a camera trembles.
        now = now - np.median(now - then)
        low, high = _extremes(then)
        change = np.maximum((then + low) / 2 - now, now - (then + high) / 2)
        rows, columns = now.shape
        down, across = rows / self._shape[0], columns / self._shape[1]
        for x1, y1, x2, y2 in boxes:
            side, tall = (x2 - x1) / 2, (y2 - y1) / 2  # Hair, neck and shoulders move with a face.
            left, right = max(0, int((x1 - side) * across)), max(0, int((x2 + side) * across) + 1)
            top, bottom = max(0, int((y1 - tall) * down)), max(0, int((y2 + 2 * tall) * down) + 1)
            change[top:bottom, left:right] = 0
        # A face covers several cells: two by two of them at least.
        pairs = np.minimum(change[1:], change[:-1])
        return bool((np.minimum(pairs[:, 1:], pairs[:, :-1]) > MOVED).any())

    def state(self) -> dict[str, Any]:
        """As plain numbers and lists."""
        return {
            "shape": list(self._shape),
            **{name: None if cells is None else cells.tolist() for name, cells in self._copies().items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._shape = (int(state["shape"][0]), int(state["shape"][1]))
        self._searched, self._last = (
            None if state[name] is None else np.array(state[name], np.float32)
            for name in ("searched", "last")
        )

    def _copies(self) -> dict[str, NDArray[np.float32] | None]:
        return {"searched": self._searched, "last": self._last}


def _cells(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means of cells of the image, from 16 of the pixels in each; green alone is nearly the brightness."""
    step = max(1, image.shape[1] // (4 * ACROSS))
    gray = image[::step, ::step, 1]
    rows, columns = max(1, gray.shape[0] // 4), max(1, gray.shape[1] // 4)
    whole = gray[: 4 * rows, : 4 * columns]
    if whole.shape != (4 * rows, 4 * columns):
        return gray.astype(np.float32)
    down = whole[::4].astype(np.uint16) + whole[1::4] + whole[2::4] + whole[3::4]
    cells: NDArray[np.float32] = (down[:, ::4] + down[:, 1::4] + down[:, 2::4] + down[:, 3::4]).astype(
        np.float32
    ) / 16
    return cells


def _extremes(cells: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The darkest and the brightest cell of each cell's neighbourhood, itself included."""
    padded = np.pad(cells, 1, mode="edge")
    low, high = (
        extreme(extreme(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
        for extreme in (np.minimum, np.maximum)
    )
    return np.minimum(np.minimum(low[:-2], low[1:-1]), low[2:]), np.maximum(
        np.maximum(high[:-2], high[1:-1]), high[2:]
    )


def _is_cut(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    if float(np.median(np.abs(now - before))) < CUT_DIFFERENCE:
        return False
    a, b = before - before.mean(), now - now.mean()
    return float((a * b).sum()) < CUT * float(np.sqrt((a * a).sum() * (b * b).sum()))
