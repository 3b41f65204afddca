"""Which files of a folder are images and videos, by their names, and whether one may move, by its first
bytes: what is asked of many files that are not to be decoded."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.core.errors import InputError
from mien.core.names import quoted

_IMAGES = (
    ".apng .avif .bmp .dib .gif .heic .heif .hif .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .jpx .mpo "
    ".pbm .pgm .png .pnm .ppm .psd .qoi .tif .tiff .webp"
)
IMAGE_SUFFIXES = frozenset(_IMAGES.split())
"""Suffixes taken for images, in lower case."""

_VIDEOS = (
    ".3g2 .3gp .asf .avi .divx .dv .flv .h264 .hevc .ivf .m2ts .m2v .m4v .mjpeg .mjpg "
    ".mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogm .ogv .qt .ts .vob .webm .wmv .y4m"
)
VIDEO_SUFFIXES = frozenset(_VIDEOS.split())
"""Suffixes taken for videos, in lower case."""


@dataclass(frozen=True)
class Found:
    """What a search for images and videos came to.

    Args:
        sources: What to open, in order: named files and ``-`` as they were given, the files of a folder
            naturally sorted.
        passed_over: Files in folders that are neither images nor videos by name.
        unreadable: Folders that could not be listed.

    >>> Found(("a.jpg", "talk.mp4"), passed_over=(Path("notes.txt"),)).sources
    ('a.jpg', 'talk.mp4')
    """

    sources: tuple[str | os.PathLike[str], ...]
    passed_over: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()


def find_sources(paths: Sequence[str | os.PathLike[str]]) -> Found:
    """The images and videos behind some paths.

    A folder is searched with all its subfolders, links to folders included, each folder once; files and
    folders whose names start with a dot are skipped. A named file is taken whatever its suffix, a path that
    does not exist too (the error comes when it is opened), and ``-`` passes through. A file that is named
    twice comes twice.

    ``~`` is a person's home, and ``*``, ``?``, ``[...]`` and ``**`` make a pattern, which names all that matches it, each
    file once, unless there is a file of just that name.

    Args:
        paths: Files, folders, patterns and ``-``.

    Returns:
        What was found, and what was passed over.

    Raises:
        InputError: ``paths`` is a single string.

    >>> find_sources(["-", "no-such-file.mp4"]).sources
    ('-', 'no-such-file.mp4')
    """
    if isinstance(paths, (str, bytes, Path)):
        raise InputError(f"expected a list of paths; got {quoted(paths)} alone: write [{str(paths)!r}]")
    sources: list[str | os.PathLike[str]] = []
    passed_over: list[Path] = []
    unreadable: list[Path] = []
    for path in paths:
        named = _named(path)
        if len(named) == 1:
            _search(named[0], sources, passed_over, unreadable)
            continue
        matched: list[str | os.PathLike[str]] = []
        for one in named:
            _search(one, matched, passed_over, unreadable)
        sources += {os.path.normpath(one): one for one in matched}.values()
    return Found(tuple(sources), tuple(passed_over), tuple(unreadable))


def _named(path: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
    """What a path names: itself if it is there, else what matches it as a pattern, ``~`` being a home; itself again where
    that is nothing."""
    text = os.fspath(path)
    if text == "-" or os.path.lexists(text):
        return [path]
    place = os.path.expanduser(text)  # noqa: PTH111, which stops where there is no such person.
    if not glob.has_magic(place) or "\0" in place or os.path.lexists(place):
        return [path if place == text else place]
    matched = glob.glob(place, recursive=True)  # noqa: PTH207, which takes no whole path.
    return [*sorted(matched, key=natural_key)] or [place]


def _search(
    path: str | os.PathLike[str],
    sources: list[str | os.PathLike[str]],
    passed_over: list[Path],
    unreadable: list[Path],
) -> None:
    if str(path) == "-" or not os.path.isdir(path):
        sources.append(path)
        return
    for file in _files(Path(path), unreadable):
        chosen = file.suffix.lower() in IMAGE_SUFFIXES or file.suffix.lower() in VIDEO_SUFFIXES
        (sources if chosen else passed_over).append(file)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts numbers in names by value.

    >>> sorted(["img10.png", "img2.png", "Img1.png"], key=natural_key)
    ['Img1.png', 'img2.png', 'img10.png']
    >>> sorted(["x", "²"], key=natural_key)
    ['x', '²']
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part)


def _files(root: Path, unreadable: list[Path]) -> Iterator[Path]:
    """Files of a folder before those of its subfolders, each folder once, so that links that lead in a circle
    end."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError:
            unreadable.append(folder)
            continue
        visible.sort(key=lambda entry: (natural_key(entry.name), entry.name))
        kinds = [_kind(entry) for entry in visible]
        yield from (folder / entry.name for entry, kind in zip(visible, kinds, strict=True) if kind == "file")
        waiting += [
            folder / entry.name
            for entry, kind in zip(reversed(visible), reversed(kinds), strict=True)
            if kind == "folder"
        ]


def _kind(entry: os.DirEntry[str]) -> str | None:
    """Whether it is a ``folder`` or a ``file``, or neither (pipes, sockets, devices). A link to nowhere or in
    a circle counts as a file: opening it tells what is wrong with it."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() or entry.is_symlink() else None
    except OSError:
        return "file"


_HEAD = 1 << 16
_STILL = (
    b"\xff\xd8\xff",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"\0\0\1\0",
    b"8BPS",
    b"qoif",
    b"P1",
    b"P2",
    b"P3",
    b"P4",
    b"P5",
    b"P6",
)
_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")


def may_move(path: str | Path) -> bool:
    """Whether a file may be a video or an animation; False is certain: a still image, or nothing that can
    be read.

    >>> may_move("no-such-file.mp4")
    False
    """
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head or b"IDAT" not in head
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return head[12:16] == b"VP8X" and bool(head[20] & 2)
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS:
        return b"avis" in head[: int.from_bytes(head[:4], "big")]
    return bool(head) and not head.startswith(_STILL)
