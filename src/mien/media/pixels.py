"""Images in memory, as numpy and Pillow have them, become RGB of bytes; those of Pillow some rows at a time, so that the
step between takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.errors import InputError
from mien.core.names import nearest, quoted

Channels = Literal["rgb", "bgr"]
"""In which order an array has its colours: ``bgr`` is OpenCV's."""


def array_to_rgb(
    array: NDArray[Any], channels: Channels = "rgb", name: str | None = None
) -> NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 RGB of an image in an array, without transparency, which becomes white.

    Args:
        array: uint8, 0 to 255: ``(h, w, 3)``, ``(h, w, 4)`` with an alpha channel, ``(h, w)`` or ``(h, w, 1)`` gray; in
            memory it may lie as it likes.
        channels: ``bgr`` for the order of OpenCV, BGR and BGRA. Gray has none.
        name: What messages call it.

    Returns:
        The array itself where it is just that, else a new one.

    Raises:
        InputError: Another shape or dtype, or no such order.

    >>> array_to_rgb(np.zeros((4, 6), np.uint8)).shape
    (4, 6, 3)
    >>> array_to_rgb(np.uint8([[[255, 0, 0]]]), "bgr").tolist()
    [[[0, 0, 255]]]
    >>> array_to_rgb(np.zeros((4, 6, 3)))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected an image of dtype uint8, 0 to 255; got float64: give (image * 255).round().astype('uint8')
    """
    require_channels(channels)
    array = np.asarray(array)
    problem = _dtype_problem(array) or _shape_problem(array)
    if problem is not None:
        raise InputError(problem if name is None else f"{name}: {problem}")
    if array.ndim == 2 or array.shape[2] == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    if channels == "bgr":
        array = array[..., [2, 1, 0, 3]] if array.shape[2] == 4 else array[..., ::-1]
    array = np.ascontiguousarray(array)
    return array if array.shape[2] == 3 else to_rgb(Image.fromarray(array))


def require_channels(channels: str) -> None:
    """Refuse an order of colours that there is not.

    >>> require_channels("BGR")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: channels: expected rgb or bgr; got 'BGR': did you mean bgr?
    """
    if channels not in get_args(Channels):
        near = nearest(str(channels).lower(), get_args(Channels))
        raise InputError(f"channels: expected rgb or bgr; got {quoted(channels)}{near}")


def _dtype_problem(array: NDArray[Any]) -> str | None:
    if array.dtype == np.uint8:
        return None
    message = f"expected an image of dtype uint8, 0 to 255; got {array.dtype}"
    if array.dtype.kind not in "biuf":
        return f"{message}: give the numbers of its pixels"
    return f"{message}: give {_as_bytes(array)}"


def _as_bytes(array: NDArray[Any]) -> str:
    """What makes bytes of an image of another dtype, in Python."""
    if array.dtype == np.bool_:
        return "image.astype('uint8') * 255"
    if array.dtype == np.uint16 and array.max(initial=0) > 255:
        return "(image // 257).astype('uint8') if its white is 65535"
    if array.dtype.kind != "f":
        return "image.clip(0, 255).astype('uint8')"
    if not np.isfinite(array).all():
        return "one without NaN and infinity"
    low, high = array.min(initial=0), array.max(initial=0)
    if high > 1:
        return "image.clip(0, 255).round().astype('uint8')"
    return f"({'image' if low >= 0 else '(image + 1) / 2'} * 255).round().astype('uint8')"


def _shape_problem(array: NDArray[Any]) -> str | None:
    shape = array.shape
    if 0 not in shape and (array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 3, 4))):
        return None
    message = (
        f"expected an image of shape (height, width, 3), (height, width) or (height, width, 4); got {shape}"
    )
    if array.ndim == 3 and shape[0] in (1, 3, 4):
        return f"{message}: give image.transpose(1, 2, 0)"
    return f"{message}: it has no pixels" if 0 in shape else message


_STRIP = 1_000_000
"""About so many pixels are converted at once."""

_AS_STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""How an image lies in its file, by its orientation (EXIF), as a view of the upright one."""


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 of a loaded image, upright and without transparency, which becomes white.

    Gray of more than 8 bits is brought to 8. Where a file of 16 bits holds no value of more than 14 bits, it
    is taken for a camera's image of as many as it has. Other values that 8 or 16 bits do not hold are
    stretched.
    """
    orientation = _orientation(image)
    width, height = image.size
    shape = (width, height) if orientation >= 5 else (height, width)
    pixels = np.empty((*shape, 3), np.uint8)
    stored = _AS_STORED[orientation](pixels) if orientation in _AS_STORED else pixels
    convert = (
        _wide(image)
        if image.mode.startswith("I") or image.mode == "F"
        else on_white
        if image.has_transparency_data
        else _plain
    )
    for top, strip in _strips(image):
        part = convert(strip)
        stored[top : top + len(part)] = part
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Rows of an image, and where they begin."""
    width, height = image.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        yield 0, image
        return
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _orientation(image: Image.Image) -> int:
    if (
        image.format == "HEIF"
    ):  # It says itself how it is turned, which its decoder has done; camera data may say so again.
        return 1
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # Damaged camera data do not make the image unreadable.
        return 1


def _plain(strip: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(strip.convert("RGB"))


def on_white(strip: Image.Image) -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of an image with transparent parts, which become white."""
    strip = strip.convert("RGBA")
    white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, strip).convert("RGB"))


def _wide(image: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """What brings gray of more than 8 bits to 8."""
    extremes = [
        (float(values.min()), float(values.max()))
        for _, strip in _strips(image)
        if (values := _numbers(strip)).size
    ]
    low, high = min(pair[0] for pair in extremes), max(pair[1] for pair in extremes)
    dark, bright = _range(low, high, image.mode, image.format)

    def convert(strip: Image.Image) -> NDArray[np.uint8]:
        levels = np.rint((_numbers(strip) - dark) * (255 / ((bright - dark) or 1.0)))
        return np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)

    return convert


def _numbers(strip: Image.Image) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(strip).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _range(low: float, high: float, mode: str, form: str | None) -> tuple[float, float]:
    """Which values become black and white."""
    sixteen = mode.startswith("I;16") or form == "PPM"
    if sixteen or (mode == "I" and low >= 0 and 255 < high <= 65535):
        bits = max(8, int(high).bit_length())
        return 0.0, float(2**bits - 1 if bits <= 14 else 65535)
    if mode == "F" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if low < 0 or high > 255 else (0.0, 255.0)
