"""What is sent: files as they are, images of Pillow and numpy as PNG, which keeps every pixel that is read here, too."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from mien.core.errors import InputError, source_error

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

    Sendable = str | Path | bytes | PIL.Image.Image | NDArray[np.uint8]


@dataclass(frozen=True)
class SentFile:
    """A file of a form.

    Args:
        name: As the service calls it.
        open: Gives its content from the start, each time that it is sent.
    """

    name: str
    open: Callable[[], IO[bytes]]


def image_uploads(images: Sendable | Sequence[Sendable]) -> list[SentFile]:
    """One image or several.

    Raises:
        InputError: One is nothing of the kind.

    >>> [upload.name for upload in image_uploads([b"...", Path("a/photo.jpg")])]
    ['image-1', 'photo.jpg']
    """
    several = cast("Iterable[Any]", images) if isinstance(images, list | tuple) else [images]
    uploads = [upload(image, f"image-{number}") for number, image in enumerate(several, 1)]
    if not uploads:
        raise InputError("expected at least one image; got an empty list")
    return uploads


def upload(source: Any, name: str) -> SentFile:
    """Whatever holds an image or a video, as a file.

    Args:
        source: A path, the bytes of a file, an image of Pillow, or an RGB or gray array of bytes.
        name: What it is called where it has no name of its own.

    Raises:
        InputError: It is nothing of the kind.
    """
    if isinstance(source, str) and "://" in source:
        raise InputError(f"{source}: expected a path; got an address: fetch it, and send the bytes")
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return SentFile(path.name, lambda: _opened(path))
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
        return SentFile(name, lambda: io.BytesIO(content))
    content = _png(source, name)
    return SentFile(name, lambda: io.BytesIO(content))


def opened(uploads: Sequence[SentFile], until: ExitStack) -> list[tuple[str, tuple[str, IO[bytes]]]]:
    """Files for a form, open until the stack is left.

    Raises:
        InputError: One cannot be opened.
    """
    return [("file", (one.name, until.enter_context(one.open()))) for one in uploads]


def _opened(path: Path) -> IO[bytes]:
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: expected the path of a file; a null character is in none")
    try:
        return open(path, "rb")
    except OSError as error:
        raise source_error(str(path), error) from None


def _png(source: Any, name: str) -> bytes:
    import numpy as np
    from PIL import Image

    from mien.media.pixels import to_rgb

    if isinstance(source, Image.Image):
        try:
            source.load()
            source = to_rgb(source)  # Upright, and in colours that PNG has.
        except Exception as error:  # Readers of damaged files raise errors of all kinds.
            raise source_error(name, error) from error
    if isinstance(source, np.ndarray):
        gray, rgb = source.ndim == 2, source.ndim == 3 and source.shape[2] == 3
        if source.dtype != np.uint8 or not (gray or rgb) or not source.size:
            raise InputError(
                f"expected an array of uint8 (h, w, 3), RGB, or (h, w), gray; got {source.dtype} {source.shape}: convert it"
            )
    else:
        raise InputError(
            f"expected a path, bytes, an image of Pillow or an array; got {type(source).__name__}"
        )
    image = Image.fromarray(np.ascontiguousarray(source))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
