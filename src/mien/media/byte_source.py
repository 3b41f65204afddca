"""Something stored that can be read from its start, as often as wanted: a file, bytes or a binary stream."""

from __future__ import annotations

import glob
import inspect
import io
import os
import re
import stat
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from mien.core.errors import InputError, MediaError, source_error
from mien.core.formatting import counted
from mien.core.masking import source_name
from mien.core.names import printable, spelled

SPOOL_MEMORY = 32 * 2**20
"""Bytes of a stream that cannot seek, such as standard input, that are held in memory; the rest goes to a
temporary file."""

SPOOL_LIMIT = 4 * 2**30
"""Most bytes taken from a stream that cannot seek."""


class Readable(Protocol):
    """The part of a binary file object that is needed."""

    def read(self, size: int = -1, /) -> bytes: ...


class ByteSource:
    """One source's bytes.

    Args:
        source: A path, the bytes themselves or a binary file object. A file object is read from where it
            stands and is left open, where it stood; one that cannot seek is first copied, up to ``limit`` bytes. An address is
            refused: nothing is fetched.
        name: What messages and tables call it; by default `name_of` the source.
        limit: Most bytes taken from a file object that cannot seek.

    Raises:
        MediaError: The file is missing, empty, not to be read or not a plain file, or the stream is too long.
        InputError: The source is of another type.

    >>> content = ByteSource(b"abc")
    >>> with content.open() as file:
    ...     print(content.name, content.size, file.read())
    <bytes> 3 b'abc'
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | bytearray | memoryview | Readable,
        name: str | None = None,
        limit: int = SPOOL_LIMIT,
    ) -> None:
        self._path: Path | None = None
        self._bytes: bytes | None = None
        self._stream: BinaryIO | None = None
        self._start = 0
        self._lock = threading.Lock()
        self._spool: IO[bytes] | None = None
        _refuse_address(source)
        self.name = name_of(source) if name is None else printable(name)
        if isinstance(source, (str, os.PathLike)):
            self._path = Path(os.fsdecode(source))
            self.size = self._file_size()
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self._bytes = bytes(source)
            self.size = len(self._bytes)
        elif callable(getattr(source, "read", None)):
            self.size = self._take_stream(source, limit)
        else:
            raise InputError(
                f"expected a path, bytes, a binary file, an image of Pillow's or an array; got {_described(source)}"
            )
        if self.size == 0:
            self.close()
            came = (
                "a file object that stands at its end: call seek(0)"
                if self._start
                else "an empty file: get the file again"
            )
            raise MediaError(f"{self.name}: expected an image or a video; got {came}", "empty")

    def open(self) -> BinaryIO:
        """A file object at the start; closing it does not close a stream that was handed in."""
        if self._path is not None:
            try:
                return open(self._path, "rb")
            except OSError as error:
                raise source_error(self.name, error) from None
        if self._bytes is not None:
            return io.BytesIO(self._bytes)
        assert self._stream is not None
        return cast(BinaryIO, _Window(self._stream, self._start, self._lock))

    def head(self, count: int = 4096) -> bytes:
        """The first bytes."""
        with self.open() as file:
            return file.read(count)

    def close(self) -> None:
        """Release the copy of a stream that cannot seek; another one stands where it stood before."""
        if self._spool is not None:
            self._spool.close()
        elif self._stream is not None:
            with suppress(OSError, ValueError), self._lock:  # Somebody may have closed it.
                self._stream.seek(self._start)

    def _file_size(self) -> int:
        assert self._path is not None
        if "\0" in str(self._path):
            raise MediaError(f"{self.name}: expected a path; got one with a zero character in it", "missing")
        try:
            kind = self._path.stat().st_mode
            if stat.S_ISDIR(kind):
                raise MediaError(
                    f"{self.name}: expected a file; got a folder: name the files in it", "unsupported"
                )
            if not stat.S_ISREG(kind):
                # Opening a pipe would wait for somebody who writes into it.
                message = "expected a file; got a pipe, socket or device: send what comes out of it to mien analyze -, or name a camera in mien watch"
                raise MediaError(f"{self.name}: {message}", "unsupported")
            with open(self._path, "rb") as file:
                return file.seek(0, io.SEEK_END)
        except FileNotFoundError as error:
            if not glob.has_magic(str(self._path)):
                raise source_error(self.name, error) from None
            raise MediaError(
                f"{self.name}: expected a file, or files that match this pattern; there are none: check the path",
                "missing",
            ) from None
        except OSError as error:
            raise source_error(self.name, error) from None

    def _take_stream(self, source: Readable, limit: int) -> int:
        stream = cast(BinaryIO, source)
        _refuse_unreadable(stream, self.name)
        try:
            if _can_seek(stream):
                self._stream, self._start = stream, stream.tell()
                size = stream.seek(0, io.SEEK_END) - self._start
                stream.seek(self._start)
                return max(size, 0)
            # Closed in close().
            self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY)  # noqa: SIM115
            self._stream = cast(BinaryIO, self._spool)
            return self._copy(stream, limit)
        except OSError as error:
            self.close()
            raise source_error(self.name, error) from None

    def _copy(self, stream: BinaryIO, limit: int) -> int:
        assert self._spool is not None
        size = 0
        while block := stream.read(2**20):
            if not isinstance(block, (bytes, bytearray, memoryview)):
                self.close()
                raise InputError(
                    f"{self.name}: expected a binary file; got one of text: open it with mode 'rb'"
                )
            size += len(block)
            if size > limit:
                self.close()
                raise MediaError(
                    f"{self.name}: expected a stream of at most {counted(limit, 'byte')}; got more: save it to a file and name that",
                    "too_large",
                )
            self._spool.write(block)
        return size


class _Window(io.RawIOBase):
    """A stream from a given position on, which closing leaves open. Each window has a place of its own, so
    several may be read side by side, by several threads too."""

    def __init__(self, stream: BinaryIO, start: int, lock: threading.Lock) -> None:
        super().__init__()
        self._stream, self._start, self._lock, self._at = stream, start, lock, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        with self._lock:
            self._stream.seek(self._start + self._at)
            data = self._stream.read(size)
        self._at += len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            with self._lock:
                self._at = self._stream.seek(offset, io.SEEK_END) - self._start
        else:
            self._at = max(0, offset + (self._at if whence == io.SEEK_CUR else 0))
        return self._at

    def tell(self) -> int:
        return self._at


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|(https?|ftp|rtsp):/|data:[\w.+-]*/", re.IGNORECASE)
"""How addresses begin; `pathlib.Path` leaves one of two slashes."""


def _refuse_address(source: object) -> None:
    if not isinstance(source, (str, os.PathLike)):
        return
    text = os.fsdecode(source)
    if not _ADDRESS.match(text) or os.path.exists(text):
        return
    scheme = text.partition(":")[0].lower()
    if scheme == "data":
        expected = "expected a file; got the file itself as text"
        raise MediaError(
            f"{text[:30]}...: {expected}: give base64.b64decode(text.partition(',')[2])", "missing"
        )
    advice = "nothing is fetched, so save it first; mien watch reads streams"
    raise MediaError(
        f"{name_of(text)}: expected a file on this machine; got an address: {'give the path alone' if scheme == 'file' else advice}",
        "missing",
    )


def _refuse_unreadable(stream: BinaryIO, name: str) -> None:
    """Refuse a file object of text, or one that is closed, only for writing or only to be awaited."""
    if isinstance(stream, io.TextIOBase):
        raise InputError(
            "expected a binary file; got one of text: open it with mode 'rb', or use sys.stdin.buffer"
        )
    if inspect.iscoroutinefunction(stream.read):
        raise InputError(
            f"{name}: expected a binary file; got a {type(stream).__name__}, which is awaited: give the bytes of await its read()"
        )
    if getattr(stream, "closed", False) is True:
        raise MediaError(f"{name}: expected a file that is open; got a closed one: open it again", "missing")
    readable = getattr(stream, "readable", None)
    if callable(readable) and readable() is False:
        raise InputError(f"{name}: expected a file to read; got one to write: open it with mode 'rb'")


def _described(source: object) -> str:
    """What somebody gave that holds no image, and what to give instead."""
    kind, package = type(source).__name__, type(source).__module__.partition(".")[0]
    if package == "torch":
        return f"a {kind} of torch: give (tensor.permute(1, 2, 0) * 255).byte().cpu().numpy() if it has channels first and 0 to 1"
    if hasattr(source, "__array__") or hasattr(source, "__dlpack__"):
        return f"a {kind} of {package}: give numpy.asarray of it, uint8, height x width x 3"
    if isinstance(source, int):
        return f"{kind}: a camera is read live, by mien watch and mien.video.live"
    return kind


def _can_seek(stream: BinaryIO) -> bool:
    seekable = getattr(stream, "seekable", None)
    return bool(seekable()) if callable(seekable) else False


def name_of(source: object) -> str:
    """What messages and tables call a source.

    The path as given, spelled so that it can stand in any text (`mien.core.names`), an address without its
    secrets (`mien.core.masking`); ``<bytes>``; ``<array>``; ``<image>``; a file object's own name, ``-`` for standard
    input, ``<stream>`` without a name.

    >>> name_of(Path("a/b.jpg")), name_of(b"abc"), name_of(io.BytesIO())
    ('a/b.jpg', '<bytes>', '<stream>')
    """
    if isinstance(source, str | os.PathLike):
        return spelled(source_name(os.fsdecode(source)))
    if isinstance(source, ByteSource):
        return source.name
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    if hasattr(source, "dtype"):
        return "<array>"
    pillow = sys.modules.get("PIL.Image")  # Which need not be loaded to tell that this is none of its images.
    if pillow is not None and isinstance(source, pillow.Image):
        path = getattr(source, "filename", None)
        return spelled(source_name(str(path))) if path else "<image>"
    name = getattr(source, "name", None)
    if name in ("<stdin>", 0):
        return "-"
    return spelled(source_name(name)) if isinstance(name, str) and name else "<stream>"
