"""Files on their way in, counted while they come: nothing is held or written beyond what is allowed."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from mien.core.atomic import sync_file
from mien.core.formatting import counted
from mien.core.names import nearest, quoted
from mien.server.errors import APIError
from mien.server.folders import JobFolder
from mien.server.limits import Room
from mien.server.settings import Limits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_FIELD_BYTES = 4096


class Sink(Protocol):
    """Where the content of a file goes."""

    def write(self, data: bytes, /) -> int: ...


class Taker(Protocol):
    """Decides where the files of a form go."""

    def open(self, name: str, /) -> Sink:
        """A file begins."""
        ...


def form_body(file: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the OpenAPI document says of a form with files, which FastAPI does not see as it comes through
    `take_form`.

    Args:
        file: Schema of the field ``file``.
        fields: Schemas of other fields.
    """
    schema = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": file, **fields},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def arriving(request: Request, most: int, limits: Limits) -> AsyncIterator[bytes]:
    """The body of a request, piece by piece.

    Raises:
        APIError: It is longer than ``most`` bytes (413), comes too slowly (408) or ends too early (400).
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    began, count = time.monotonic(), 0
    pieces = aiter(request.stream())
    while True:
        allowed = limits.pause_seconds + count / limits.slowest - (time.monotonic() - began)
        try:
            async with asyncio.timeout(max(0.0, min(limits.pause_seconds, allowed))):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise APIError(
                408,
                f"expected the whole request; after {counted(count, 'byte')} the rest came too slowly: send it again",
                headers={"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise APIError(400, "expected the whole request; the connection ended before it") from None
        count += len(piece)
        if count > most:
            raise _too_large(most)
        yield piece


def _too_large(most: int) -> APIError:
    return APIError(
        413,
        f"expected at most {most:,} bytes; got more: send fewer or smaller files",
        headers={"Connection": "close"},
    )


async def take_form(
    request: Request, most: int, limits: Limits, taker: Taker, options: Collection[str] = ()
) -> dict[str, str]:
    """Take a form with files apart as it comes.

    Args:
        request: With a body of ``multipart/form-data`` whose files are in the field ``file``.
        most: Most bytes of it.
        limits: How fast it must come.
        taker: Gets the files.
        options: Names of the other fields that may be there.

    Returns:
        The other fields.

    Raises:
        APIError: It is not such a form, too large or too slow; another field is there, or one twice; or the
            taker refuses a file.
    """
    kind, about = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not about.get(b"boundary"):
        raise APIError(
            415,
            f"expected multipart/form-data with a field 'file'; got {kind.decode('latin-1')[:100] or 'nothing'}",
        )
    form = _Form(taker, options)
    try:
        parser = MultipartParser(about[b"boundary"], form.callbacks())
        async for piece in arriving(request, most, limits):
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise APIError(400, f"expected multipart/form-data; got something else: {error}") from None
    if not form.files:
        raise APIError(422, "expected one file or more in the field 'file'; got none")
    if not form.ended:
        raise APIError(400, "expected a whole form; its end is missing")
    return form.fields


class _Form:
    """What the parser of forms tells, put together."""

    def __init__(self, taker: Taker, options: Collection[str]) -> None:
        self._taker, self._options = taker, options
        self.fields: dict[str, str] = {}
        self.files = 0
        self.ended = False
        self._reset()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._reset,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _reset(self) -> None:
        self._key, self._value, self._disposition = b"", b"", b""
        self._name = ""
        self._text = bytearray()
        self._file: Sink | None = None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._key.lower() == b"content-disposition":
            self._disposition = self._value
        self._key = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            self.files += 1
            self._file = self._taker.open(
                plain_name(options.get(b"filename", b"").decode("utf-8", "replace"), self.files)
            )
        elif self._name not in self._options:
            beside = f", options in {', '.join(self._options)}" if self._options else " and no other field"
            raise APIError(
                422,
                f"expected the field 'file'{beside}; got {quoted(self._name)}{nearest(self._name, ['file', *self._options])}",
            )
        elif self._name in self.fields:
            raise APIError(422, f"expected the field {self._name!r} once; got it again")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD_BYTES:
            raise APIError(
                413, f"expected at most {_FIELD_BYTES} bytes in the field {quoted(self._name)}; got more"
            )

    def _part_end(self) -> None:
        if self._file is None:
            self.fields[self._name] = self._text.decode("utf-8", "replace")
        self._file = None

    def _end(self) -> None:
        self.ended = True


def plain_name(name: str, number: int) -> str:
    r"""The name of an upload as it is shown; it is never a path, and nothing is stored under it.

    >>> plain_name("../../etc/passwd", 1), plain_name("C:\\a\\b.jpg", 2), plain_name("..", 3)
    ('passwd', 'b.jpg', 'file-3')
    """
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()[-120:]
    return shown if shown.strip(".") else f"file-{number}"


class Upload:
    """A video that is coming in, written to disk as it comes; what it takes is counted before.

    Args:
        name: Its id.
        place: Its folder.
        most: Most bytes.
        room: How much there is for all.

    Attributes:
        size: Bytes so far.
        full: Why the disk did not take it, or None.
    """

    def __init__(self, name: str, place: JobFolder, most: int, room: Room) -> None:
        self.id, self.place, self._most, self._room = name, place, most, room
        self.name = ""
        self.kept = False
        self.size = 0
        self.full: str | None = None
        self._file: IO[bytes] | None = None

    def open(self, name: str, /) -> Upload:
        """Begin; the name is for people only."""
        if self._file is not None:
            raise APIError(
                422, "expected one video in a request; got more: send each with a request of its own"
            )
        self.name = name
        try:
            self._file = os.fdopen(
                os.open(self.place.upload, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
            )
        except OSError as error:
            raise self._refusal(error) from error
        return self

    def write(self, data: bytes, /) -> int:
        """Write some more.

        Raises:
            APIError: It is too long, or the disk is full.
        """
        if self.size + len(data) > self._most:
            raise APIError(
                413,
                f"{self.name}: expected a video of at most {self._most:,} bytes; got more: send a smaller one",
            )
        self._room.take(len(data))
        self.size += len(data)
        assert self._file is not None
        try:
            return self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from error

    def settle(self) -> None:
        """It is whole: see to it that it is on the disk.

        Raises:
            APIError: The disk is full.
        """
        assert self._file is not None
        try:
            sync_file(self._file)
        except OSError as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """No more will come."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _refusal(self, error: OSError) -> APIError:
        self.full = str(error.strerror)
        return APIError(
            507, f"{self.name}: the disk of the service has no room for it: {self.full}", "disk_full"
        )
