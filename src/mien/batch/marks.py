"""By what a file is known again: whether it is the one that was read, or another under its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from mien.batch.remote import facts_of
from mien.batch.shard import Mark, Part

_SAMPLE = 4096
_AT_ONCE, _PORTION = 8, 100
_TOLD = (
    "size",
    "ETag",
    "etag",
    "md5Hash",
    "content_hash",
    "checksum",
    "generation",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
)
"""What file systems of fsspec tell of a file by which another one is known."""


def marks_of(parts: Sequence[Part], before: Mapping[str, Mark | None]) -> list[Mark | None]:
    """The marks of parts: size in bytes, time of change, time at which the system last touched its entry, and
    a digest of samples.

    Samples are read of a file that is new, or whose entry was touched with size and time of change as before:
    it was copied or restored, got other rights, or another file was put in its place with the old time.

    Args:
        parts: Of which.
        before: Marks by the names of sources, as an earlier run found them.

    Returns:
        One for each; None for a file that is not there.
    """
    files: dict[str, Mark | None] = {}

    def mark(part: Part) -> Mark | None:
        if part.mark is not None:
            return part.mark
        if "://" in part.place:
            facts = facts_of(part.place)
            return None if facts is None else told_mark(facts)
        if part.count == 1 or part.place not in files:
            files[part.place] = _mark(part.place, before.get(part.source))
        return files[part.place]

    portions = [parts[start : start + _PORTION] for start in range(0, len(parts), _PORTION)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(
            chain.from_iterable(threads.map(lambda portion: [mark(part) for part in portion], portions))
        )


def same(one: Mark | None, other: Mark | None) -> bool:
    """Whether two marks are those of one file: the time at which its entry was touched says nothing by
    itself.

    >>> same((9, 100, 100, "a1"), (9, 100, 200, "a1")), same((9, 100, 100, "a1"), (9, 100, 200, "b2"))
    (True, False)
    """
    return one == other or (
        one is not None
        and other is not None
        and len(one) == len(other) == 4
        and (*one[:2], one[3]) == (*other[:2], other[3])
    )


def told_mark(facts: Mapping[str, Any]) -> Mark:
    """A mark of what a file system of fsspec tells.

    >>> told_mark({"name": "a.jpg", "size": 7, "ETag": "x"})
    ('size 7', 'ETag x')
    """
    return tuple(f"{name} {facts[name]}" for name in _TOLD if facts.get(name) is not None)


def _mark(place: str, before: Mark | None) -> Mark | None:
    try:
        status = os.stat(place)
    except (OSError, ValueError):
        return None
    found = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if before is not None and before[:3] == found:
        return before
    sample = _sample(place, status.st_size)
    if sample is None and before is not None and before[:2] == found[:2]:
        sample = str(before[3])  # It may not be read any more; nothing says that it is another one.
    return (*found, sample)


def _sample(place: str, size: int) -> str | None:
    """A digest of the beginning, the middle and the end."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        with open(place, "rb", buffering=0) as file:
            for start in sorted({0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)}):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    except OSError:
        return None
    return digest.hexdigest()
