"""Images in the body of a request, in whichever of three shapes: a form with files, one image as it is, or JSON with
base64. What is beyond the limits is refused while it comes, and JSON is decoded while it comes: an image is in memory
once, as bytes.
"""

from __future__ import annotations

import json
import re
import secrets
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Collection
from typing import Any, Protocol

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from mien.server.errors import APIError
from mien.server.settings import Limits
from mien.server.uploads import arriving, take_form

RAW = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
"""Types of a body that is one image; any other ``image/...`` is taken as well."""

_SHORT = 256  # Bytes of a string that is looked at as a whole: names of models, not images.
_OUTLINE = 16_384  # Bytes of JSON beside its long strings.
_IN_STRING = re.compile(rb'[^"\\]*(?:\\(?:u.{4}|[^u])[^"\\]*)*', re.DOTALL)
_ESCAPES = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|[/nr])")
_DATA_URL = re.compile(rb"data:[^,]{0,200};base64,")


class ImageSink(Protocol):
    """Where the bytes of one image go."""

    name: str

    def write(self, data: bytes, /) -> int: ...

    def spoil(self, message: str) -> None:
        """Nothing can be made of this image; the others are read."""
        ...


class ImageTaker(Protocol):
    """Decides how many images there may be, and where they go."""

    def open(self, name: str, /) -> ImageSink:
        """An image begins."""
        ...

    def order(self, images: list[Any], /) -> None:
        """The images in the order in which they are answered."""
        ...


async def take_images(
    request: Request, limits: Limits, taker: ImageTaker, options: Collection[str]
) -> dict[str, Any]:
    """Take the images of a request as they come.

    Args:
        request: A form with files in the field ``file``; an image; or JSON with ``image`` or ``images``.
        limits: How much there may be, and how fast it must come.
        taker: Gets the images.
        options: Names of the other fields of a form that may be there.

    Returns:
        The other fields of a form or of JSON.

    Raises:
        APIError: It is nothing of that kind, too large or too slow, or the taker refuses an image.
    """
    kind = parse_options_header(request.headers.get("content-type", ""))[0].decode("latin-1").lower()
    if kind == "multipart/form-data":
        fields = await take_form(request, limits.request_bytes, limits, taker, options)
        return {name: value for name, value in fields.items() if value}
    if kind == "application/json":
        body = _JSONImages(taker)
        async for piece in arriving(request, limits.request_bytes, limits):
            body.write(piece)
        return body.finish()
    if kind.startswith("image/") or kind in RAW:
        image = taker.open("file-1")
        async for piece in arriving(request, limits.request_bytes, limits):
            image.write(piece)
        return {}
    raise APIError(
        415,
        "expected an image (Content-Type: image/jpeg, or application/octet-stream), multipart/form-data with a field 'file', "
        f"or application/json with base64; got {kind[:100] or 'nothing'}",
    )


class _Base64:
    """The text of a JSON string, decoded into an image piece by piece: base64, or a data URL of it."""

    def __init__(self, image: ImageSink) -> None:
        self.image = image
        self._head: bytes | None = b""
        self._rest = b""
        self._over = False

    def write(self, text: bytes) -> None:
        """Some more."""
        if self._head is None:
            self._decode(text)
            return
        self._head += text
        if len(self._head) >= _SHORT:
            self._begin()

    def finish(self) -> None:
        """No more will come."""
        self._begin()
        # Some leave the padding out.
        self._decode(b"=" * (-len(self._rest) % 4), last=True)

    def _begin(self) -> None:
        if self._head is None:
            return
        url = _DATA_URL.match(self._head)
        text, self._head = self._head[url.end() if url else 0 :], None
        self._decode(text)

    def _decode(self, text: bytes, last: bool = False) -> None:
        if self._over:
            return
        text = self._rest + text.translate(None, b"\r\n")
        # The last four letters wait: padding may be nowhere but at the end.
        end = len(text) if last else max(0, (len(text) - 1) // 4 * 4)
        text, self._rest = text[:end], text[end:]
        try:
            data = a2b_base64(text, strict_mode=True)
            if b"=" in text and not last:
                raise Base64Error
        except Base64Error:
            self._over = True
            self.image.spoil("expected base64 or a data URL of it; got something else")
        else:
            self.image.write(data)


class _JSONImages:
    """JSON whose long strings are images: they are decoded as they come, and all that is parsed in the end is what is
    left, with a word in place of each.
    """

    def __init__(self, taker: ImageTaker) -> None:
        self._taker = taker
        self._mark = secrets.token_hex(8)
        self._outline = bytearray()
        self._long: list[_Base64] = []
        self._inside = self._is_long = False
        self._begun = b""  # A short string so far.
        self._carried = b""

    def write(self, piece: bytes) -> None:
        piece, self._carried = self._carried + piece, b""
        at = 0
        while at < len(piece):
            if not self._inside:
                end = piece.find(b'"', at) + 1 or len(piece)
                self._note(piece[at:end])
                self._inside, self._is_long = piece[end - 1 : end] == b'"', False
                at = end
                continue
            found = _IN_STRING.match(piece, at)
            assert found is not None
            self._text(found[0])
            at = found.end()
            if piece[at : at + 1] == b"\\":
                self._carried = piece[at:]  # An escape sequence that is not whole.
                return
            if at < len(piece):
                self._close()
                at += 1

    def finish(self) -> dict[str, Any]:
        """The other fields; the images are with the taker, in order.

        Raises:
            APIError: It is not what was expected.
        """
        try:
            told = json.loads(self._outline, object_pairs_hook=_distinct)
        except (ValueError, RecursionError):
            raise _not_json("something else") from None
        if not isinstance(told, dict) or ("image" in told) == ("images" in told):
            raise _not_json("both, or none of them" if isinstance(told, dict) else "something else")
        images = [told.pop("image")] if "image" in told else told.pop("images")
        if not isinstance(images, list) or not images or not all(isinstance(one, str) for one in images):
            raise _not_json("something else")
        ordered = [self._image(text) for text in images]
        for number, image in enumerate(ordered, 1):
            image.name = f"file-{number}"
        if len(set(map(id, ordered))) != len(self._long):
            raise APIError(422, "expected long texts in image and images only; got one elsewhere")
        self._taker.order(ordered)
        return told

    def _image(self, text: str) -> ImageSink:
        if not text.startswith(self._mark):
            self._open().write(text.encode("utf-8", "replace"))
            text = f"{self._mark}{len(self._long) - 1}"
            self._long[-1].finish()
        return self._long[int(text.removeprefix(self._mark))].image

    def _open(self) -> _Base64:
        self._long.append(_Base64(self._taker.open("file")))
        return self._long[-1]

    def _note(self, text: bytes) -> None:
        self._outline += text
        if len(self._outline) > _OUTLINE:
            raise APIError(
                413, f"expected at most {_OUTLINE:,} bytes of JSON beside the images; got more: send fewer"
            )

    def _text(self, text: bytes) -> None:
        if self._is_long:
            self._long[-1].write(_unescaped(text))
            return
        self._begun += text
        if len(self._begun) > _SHORT:
            self._is_long = True
            self._open().write(_unescaped(self._begun))
            self._begun = b""

    def _close(self) -> None:
        if self._is_long:
            self._long[-1].finish()
            self._begun = f"{self._mark}{len(self._long) - 1}".encode()
        self._note(self._begun + b'"')
        self._inside, self._begun = False, b""


def _unescaped(text: bytes) -> bytes:
    r"""Text of JSON without those escape sequences that may stand in base64: many encoders write some of its letters so.

    >>> _unescaped(rb"a\/b\u002Bc\u003d\n")
    b'a/b+c='
    """
    return _ESCAPES.sub(_meant, text) if b"\\" in text else text


def _meant(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes([int(escape[1], 16)])
    return b"/" if escape[0] == b"\\/" else b""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _not_json(got: str) -> APIError:
    return APIError(
        422,
        'expected JSON with one image, {"image": "..."}, or several, {"images": ["...", ...]}, as base64 or data URLs; '
        f"got {got}",
    )
