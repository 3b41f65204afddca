"""Single images of a data set: from an image file's bytes to pixels and back."""

from __future__ import annotations

import errno
import io
import os
import warnings
from pathlib import Path, PureWindowsPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.core.errors import InputError
from mien.core.masking import masked
from mien.core.names import quoted

_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")


def pixels(content: bytes, where: str, colour: bool = False) -> NDArray[np.uint8]:
    """Decode an image file to gray, or in colour. A gray image that is stored with three equal channels comes out
    unchanged as gray; in colour, a gray image has three equal channels.

    Args:
        content: Bytes of a PNG, JPEG, WebP or another file that Pillow reads.
        where: File and row, for messages.
        colour: Give RGB.

    Returns:
        ``(h, w)`` uint8, with ``colour`` ``(h, w, 3)``.

    Raises:
        InputError: The bytes are not a whole image, or one with more than 8 bits a pixel.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if image.mode in _DEEP:
                raise InputError(
                    f"{where}: expected an image of 8 bits a pixel; got Pillow's mode {image.mode}: save it with 8 bits"
                )
            upright = ImageOps.exif_transpose(image) if image.format == "JPEG" else image
            return np.array(upright.convert("RGB" if colour else "L"))
    except InputError:
        raise
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        unknown = "bytes of no known image format" if content else "an empty file"
        reason = unknown if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
        raise InputError(
            f"{where}: expected an image; got {reason}: replace it, or leave it out with mien data audit -o"
        ) from None


def file_named(name: str, folder: Path, where: str) -> Path:
    """The file that a data set names, which lies in its folder. Nothing is fetched.

    Args:
        name: As the data set has it, with ``/`` between folders, or as Windows writes it.
        folder: What the name starts from.
        where: File and row, for messages.

    Raises:
        InputError: It is an address, or leads out of the folder.
    """
    if "://" in name:
        raise InputError(
            f"{where}: expected the name of a file in {folder}; got the address {masked(name)}, and nothing is fetched: download the image"
        )
    parts = PureWindowsPath(name).parts
    strange = "\0" in name or not _is_text(name)
    if not parts or ".." in parts or PureWindowsPath(name).anchor or strange:
        raise InputError(
            f"{where}: expected the name of a file in {folder}; got {quoted(name)}: name it from that folder on"
        )
    return folder.joinpath(*parts)


def _is_text(name: str) -> bool:
    """Whether a name can be one on a disk: halves of surrogate pairs, which JSON can hold, cannot."""
    try:
        os.fsencode(name)
    except UnicodeError:
        return False
    return True


def content_of(file: Path, where: str | None = None) -> bytes:
    """The bytes of an image file.

    Args:
        file: To read.
        where: What names it, for messages; None for the file itself.

    Raises:
        InputError: It is not there, or cannot be read.
    """
    try:
        if file.exists() and not file.is_file():  # A pipe would wait for somebody who writes.
            raise OSError(errno.EINVAL, "no plain file")
        return file.read_bytes()
    except OSError as error:
        there = (
            f"{where}: expected the image {file}" if where else f"{file}: expected an image that you may read"
        )
        raise InputError(f"{there}; got {error.strerror or error}: mend it or leave it out") from None


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """A gray image, or one in RGB, as a PNG file.

    >>> import numpy as np
    >>> image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    >>> bool((pixels(png_bytes(image), "here") == image).all())
    True
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def central(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """The middle of an image: so large a share of its height and of its width, at least one px.

    >>> import numpy as np
    >>> central(np.arange(16, dtype=np.uint8).reshape(4, 4), 0.5).tolist()
    [[5, 6], [9, 10]]
    """
    height, width = (max(1, round(side * share)) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def resized(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image brought to ``(side, side)``; one that has this size already is left alone."""
    if image.shape[:2] == (side, side):
        return image
    return np.array(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
