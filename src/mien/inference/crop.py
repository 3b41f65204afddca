"""Parts of an image brought to one size, the way every network's input is cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image


def crop_resize(
    image: NDArray[np.uint8], boxes: ArrayLike, size: int, *, gray: bool = False
) -> NDArray[np.uint8]:
    """Cut boxes out of an image and bring them to a square of one size.

    Pixels are averaged when a box shrinks and interpolated linearly when it grows (Pillow's ``BILINEAR``,
    whose filter widens with the scale). Beyond the edge of the image its last pixels are repeated. Edges
    are taken to the nearest sixteenth of a pixel, so that the last digits of a detector's arithmetic, which
    differ from machine to machine, change no pixel.

    Args:
        image: ``(h, w)`` gray or ``(h, w, 3)`` RGB, uint8.
        boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in px, fractions allowed.
        size: Side of each result in px.
        gray: Turn the pixels of a box gray first (ITU-R BT.601 luma, rounded), which takes less time than
            doing so afterwards.

    Returns:
        ``(n, size, size)`` of a gray image or with ``gray``, else ``(n, size, size, 3)``; uint8.

    >>> import numpy as np
    >>> crop_resize(np.full((10, 20), 7, np.uint8), [[-4, 0, 6, 10]], size=3).tolist()
    [[[7, 7, 7], [7, 7, 7], [7, 7, 7]]]
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return (
        crop_resize_each([image] * len(boxes), boxes, size, gray=gray)
        if len(boxes)
        else np.empty((0, size, size, *_colours(image, gray)), np.uint8)
    )


def crop_resize_each(
    images: Sequence[NDArray[np.uint8]], boxes: NDArray[np.float64], size: int, *, gray: bool = False
) -> NDArray[np.uint8]:
    """`crop_resize`, one box out of each of several images, which takes less time than one call for each.

    Args:
        images: n images, one or more, all gray or all RGB; the same one may come several times.
        boxes: ``(n, 4)``, the box of each.
        size: As in `crop_resize`.
        gray: As in `crop_resize`.

    Returns:
        ``(n, size, size)`` or ``(n, size, size, 3)`` uint8.
    """
    boxes = _on_grid(boxes)
    sizes = np.array([image.shape[1::-1] for image in images])
    inside = np.all((boxes[:, :2] >= 0) & (boxes[:, 2:] <= sizes), axis=1)
    shape: tuple[int, ...] = (len(boxes), size, size, *_colours(images[0], gray))
    out = np.empty(shape, np.uint8)
    ready = np.all(boxes == (0, 0, size, size), axis=1) & np.all(sizes == size, axis=1)
    if ready.any():
        out[ready] = _as_they_are([images[row] for row in np.flatnonzero(ready).tolist()], gray)
    for row in np.flatnonzero(~ready).tolist():
        # Pillow copies the pixels that it is given, so it is given those that it needs.
        part, moved = (
            _surrounded(images[row], boxes[row], size)
            if inside[row]
            else _padded(images[row], boxes[row], most=8 * size)
        )
        seen = Image.fromarray(part)
        out[row] = np.asarray(
            (seen.convert("L") if gray else seen).resize((size, size), Image.Resampling.BILINEAR, box=moved)
        )
    return out


def planes(images: NDArray[np.generic]) -> NDArray[np.generic]:
    """Images as networks take them, channel by channel.

    Args:
        images: ``(n, h, w)`` gray or ``(n, h, w, 3)`` RGB.

    Returns:
        ``(n, 1, h, w)`` or ``(n, 3, h, w)``, of the same numbers.

    >>> planes(np.zeros((5, 2, 4))).shape, planes(np.zeros((5, 2, 4, 3))).shape
    ((5, 1, 2, 4), (5, 3, 2, 4))
    """
    return images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1)


def crop_pictures(pictures: Sequence[Image.Image], boxes: ArrayLike, size: int) -> NDArray[np.uint8]:
    """`crop_resize_each` of RGB images that Pillow has already, so that nothing of them is copied.

    Args:
        pictures: n of Pillow's images, RGB; the same one may come several times.
        boxes: ``(n, 4)``, the box of each.
        size: As in `crop_resize`.

    Returns:
        ``(n, size, size, 3)`` uint8.

    >>> crop_pictures([Image.new("RGB", (20, 10), (7, 8, 9))], [[-4, 0, 6, 10]], size=1).tolist()
    [[[[7, 8, 9]]]]
    """
    boxes = _on_grid(np.asarray(boxes, np.float64).reshape(-1, 4))
    column = Image.new("RGB", (size, size * len(boxes)))
    for row, (picture, box) in enumerate(zip(pictures, boxes, strict=True)):
        x1, y1, x2, y2 = moved = tuple(box.tolist())
        seen = picture
        if x1 < 0 or y1 < 0 or x2 > picture.width or y2 > picture.height:
            part, moved = _padded(np.asarray(picture), box, most=8 * size)
            seen = Image.fromarray(part)
        column.paste(seen.resize((size, size), Image.Resampling.BILINEAR, box=moved), (0, size * row))
    return np.asarray(column).reshape(len(boxes), size, size, 3)


def _as_they_are(images: Sequence[NDArray[np.uint8]], gray: bool) -> NDArray[np.uint8]:
    """Images that have the size already, as one: Pillow turns them gray in one call."""
    pixels = np.stack(images)
    if not gray or pixels.ndim == 3:
        return pixels
    count, height, width, _ = pixels.shape
    return np.asarray(Image.fromarray(pixels.reshape(count * height, width, 3)).convert("L")).reshape(
        count, height, width
    )


def _colours(image: NDArray[np.uint8], gray: bool) -> tuple[int, ...]:
    return () if gray else image.shape[2:]


def _on_grid(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The boxes with their edges at sixteenths of a pixel, one sixteenth wide and high at least."""
    edges: NDArray[np.float64] = np.floor(boxes * 16 + 0.5) / 16
    edges[:, 2:] = np.maximum(edges[:, 2:], edges[:, :2] + 1 / 16)
    return edges


def _surrounded(
    image: NDArray[np.uint8], box: NDArray[np.float64], size: int
) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """The pixels under a box with those around it that the filter reaches, and the box in their
    coordinates."""
    x1, y1, x2, y2 = box.tolist()
    margin = int(max(x2 - x1, y2 - y1) / size) + 2
    left, top = max(0, int(x1) - margin), max(0, int(y1) - margin)
    part = np.ascontiguousarray(image[top : int(y2) + 1 + margin, left : int(x2) + 1 + margin])
    return part, (x1 - left, y1 - top, x2 - left, y2 - top)


def _padded(
    image: NDArray[np.uint8], box: NDArray[np.float64], most: int
) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """The pixels under a box that leaves the image, edges repeated, and the box in their coordinates.

    Of a box wider or higher than ``most`` only every so manieth row and column is taken: a square around a
    panorama could be larger than the memory.
    """
    height, width = image.shape[:2]
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.maximum(np.ceil(box[2:]).astype(int), (left + 1, top + 1))
    step = max(1, max(right - left, bottom - top) // most)
    columns = np.clip(np.arange(left + step // 2, right + step // 2, step), 0, width - 1)
    rows = np.clip(np.arange(top + step // 2, bottom + step // 2, step), 0, height - 1)
    part = np.ascontiguousarray(image[rows].take(columns, axis=1))
    x1, y1, x2, y2 = (box - (left, top, left, top)) / step
    return part, (x1, y1, min(x2, len(columns)), min(y2, len(rows)))
