"""Something stored that can be read from its start, as often as wanted: a file, bytes or a binary stream."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import threading
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from mien.core.errors import InputError, MediaError, source_error
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
            stands and is left open; one that cannot seek is first copied, up to ``limit`` bytes.
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
        self, source: str | Path | bytes | Readable, name: str | None = None, limit: int = SPOOL_LIMIT
    ) -> None:
        self._path: Path | None = None
        self._bytes: bytes | None = None
        self._stream: BinaryIO | None = None
        self._start = 0
        self._lock = threading.Lock()
        self._spool: IO[bytes] | None = None
        self.name = name_of(source) if name is None else printable(name)
        if isinstance(source, (str, os.PathLike)):
            self._path = Path(source)
            self.size = self._file_size()
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self._bytes = bytes(source)
            self.size = len(self._bytes)
        elif callable(getattr(source, "read", None)):
            self.size = self._take_stream(source, limit)
        else:
            raise InputError(
                f"expected a path, bytes, a binary file or an image as an array; got {type(source).__name__}"
            )
        if self.size == 0:
            self.close()
            raise MediaError(
                f"{self.name}: expected an image or a video; got an empty file: get the file again", "empty"
            )

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
        """Release the copy of a stream that cannot seek."""
        if self._spool is not None:
            self._spool.close()

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
        except OSError as error:
            raise source_error(self.name, error) from None

    def _take_stream(self, source: Readable, limit: int) -> int:
        stream = cast(BinaryIO, source)
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
                    f"{self.name}: expected a stream of at most {limit} bytes; got more: save it to a file and name that",
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


def _can_seek(stream: BinaryIO) -> bool:
    if isinstance(stream, io.TextIOBase):
        raise InputError(
            "expected a binary file; got one of text: open it with mode 'rb', or use sys.stdin.buffer"
        )
    seekable = getattr(stream, "seekable", None)
    return bool(seekable()) if callable(seekable) else False


def name_of(source: object) -> str:
    """What messages and tables call a source.

    The path as given, spelled so that it can stand in any text (`mien.core.names`), an address without its
    secrets (`mien.core.masking`); ``<bytes>``; ``<array>``; a file object's own name, ``-`` for standard
    input, ``<stream>`` without a name.

    >>> name_of(Path("a/b.jpg")), name_of(b"abc"), name_of(io.BytesIO())
    ('a/b.jpg', '<bytes>', '<stream>')
    """
    if isinstance(source, str | Path):
        return spelled(source_name(str(source)))
    if isinstance(source, ByteSource):
        return source.name
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    if hasattr(source, "dtype"):
        return "<array>"
    name = getattr(source, "name", None)
    if name in ("<stdin>", 0):
        return "-"
    return spelled(source_name(name)) if isinstance(name, str) and name else "<stream>"
