"""Where files about each source go: one rule for every output, by which no two sources of a run share one, and none replaces what
is read."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

from mien.core.errors import InputError

_PLACE = re.compile("{name}|{parent}")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
"""What no name may hold on Windows, or begin with before its first dot, whatever its ending."""

_MOST_BYTES = 251
"""Bytes of a name: file systems allow 255, and a copy may get an ending of four."""


def output_paths(
    pattern: Path,
    sources: Sequence[str | Path],
    *,
    ending: bool = False,
    counts: Callable[[int], bool] = lambda _: True,
    becomes: Callable[[Path], Iterable[Path]] = lambda path: (path,),
) -> list[Path]:
    """A path for each source, out of a pattern in which ``{name}`` and ``{parent}`` stand for its name and
    that of its folder.

    Where sources would share one, so that one would replace the other, their names are told apart: by the
    ending of the file, by the folders that they lie in, and where even these are the same, by a number. Names
    that differ in case or in the composition of letters alone count as the same, as on the disks of Windows
    and macOS.

    Args:
        pattern: Such as ``reports/{name}.html``.
        sources: Paths of files.
        ending: Whether ``{name}`` keeps the ending of the file.
        counts: Whether the source of this position gets such a file at all; asked where that matters alone.
        becomes: What a path may become when its content is known.

    >>> paths = output_paths(Path("reports/{name}.html"), ["monday/talk.mp4", "tuesday/talk.mp4", "a.mp4"])
    >>> [path.as_posix() for path in paths]
    ['reports/monday/talk.html', 'reports/tuesday/talk.html', 'reports/a.html']
    """
    variants = [list(_variants(source, ending)) for source in sources]
    filled = [_filled(pattern, source, own[0]) for source, own in zip(sources, variants, strict=True)]
    for same in _groups(filled):
        group = [at for at in same if counts(at)]
        # As many as all of them have; the first by which all differ.
        for choice in range(1, min((len(variants[at]) for at in group), default=0)) if len(group) > 1 else ():
            tried = [_filled(pattern, sources[at], variants[at][choice]) for at in group]
            if len({*map(_key, tried)}) == len(tried):
                for at, path in zip(group, tried, strict=True):
                    filled[at] = path
                break
    return _numbered(filled, counts, becomes, _tail(pattern))


def is_pattern(path: Path) -> bool:
    """Whether a path has a place for the name of a source."""
    return _PLACE.search(str(path)) is not None


def _variants(source: str | Path, ending: bool) -> Iterator[str]:
    """Names of a source, from the shortest on; folders before it are divided from it by ``/``."""
    path = Path(os.path.abspath(source))
    names = [path.name] if ending else [path.stem, path.name]
    folders = path.parts[1:-1]
    for count in range(len(folders) + 1):
        yield from ("/".join([*folders[len(folders) - count :], name]) for name in names)


def _filled(pattern: Path, source: str | Path, name: str) -> Path:
    meant = {"{parent}": Path(os.path.abspath(source)).parent.name, "{name}": name}

    def parts(part: str) -> Iterator[str]:
        if part == pattern.anchor or not _PLACE.search(part):  # What a person wrote stays as it is.
            yield part if part == pattern.anchor else shortened(part)
            return
        alone = part.startswith("{name}")
        # In one go: names may hold such words themselves.
        text = _PLACE.sub(lambda found: meant[found[0]] if alone else meant[found[0]].replace("/", "-"), part)
        yield from (shortened(storable(piece)) for piece in text.split("/") if piece)

    return Path(*(piece for part in pattern.parts for piece in parts(part)))


def storable(name: str) -> str:
    """A name of a file or folder as all systems can store it, so that results can be copied anywhere: Windows has
    characters and names of its own, and takes no dot or space at the end.

    >>> [storable(name) for name in ("talk.html", "12:30?.csv", "aux.txt", "NUL", "auxiliary", "so...", "a b ")]
    ['talk.html', '12_30_.csv', 'aux_.txt', 'NUL_', 'auxiliary', 'so..._', 'a b _']
    """
    name = _FORBIDDEN.sub("_", name)
    if found := _DEVICE.match(name):
        name = f"{found[1]}_{name[found.end(1) :].lstrip()}"
    return f"{name}_" if name.endswith((".", " ")) or not name else name


def shortened(name: str, most: int = _MOST_BYTES) -> str:
    """A name of a file that is not too long for a disk: what it loses, a digest stands for.

    >>> shortened("a.html"), len(shortened("ä" * 300 + ".html").encode())
    ('a.html', 250)
    """
    if len(os.fsencode(name)) <= most:
        return name
    path = Path(name)
    suffix = path.suffix if len(path.suffix) < 12 else ""
    digest = f"~{sha256(os.fsencode(name)).hexdigest()[:8]}"
    return (
        cut_to(path.stem if suffix else name, most - len(os.fsencode(suffix)) - len(digest)) + digest + suffix
    )


def cut_to(text: str, most: int) -> str:
    """The beginning of a name, of so many bytes at most, without a part of a letter."""
    text = text[:most]
    while len(os.fsencode(text)) > most:
        text = text[:-1]
    return text


def _key(path: Path) -> str:
    return normalize("NFC", str(path)).casefold()


def _groups(paths: Sequence[Path]) -> list[list[int]]:
    """Positions of paths that are the same."""
    groups: dict[str, list[int]] = {}
    for at, path in enumerate(paths):
        groups.setdefault(_key(path), []).append(at)
    return [group for group in groups.values() if len(group) > 1]


def _tail(pattern: Path) -> str:
    """What stands behind the last place for a name in the name of a file, which is its kind: ``_events.tsv``."""
    return _PLACE.split(pattern.name)[-1] if is_pattern(Path(pattern.name)) else pattern.suffix


def _with_number(path: Path, number: int, tail: str) -> Path:
    tail = tail if tail and path.name.endswith(tail) else path.suffix
    return path.with_name(shortened(f"{path.name.removesuffix(tail)}-{number}{tail}"))


def _numbered(
    paths: Sequence[Path],
    counts: Callable[[int], bool],
    becomes: Callable[[Path], Iterable[Path]],
    tail: str,
) -> list[Path]:
    """The paths, with a number before their tail where one is taken by a source before it."""
    claims = [{_key(other) for other in becomes(path)} for path in paths]
    claimants = Counter(key for keys in claims for key in keys)
    disputed = [at for at, keys in enumerate(claims) if any(claimants[key] > 1 for key in keys)]
    taken = {key for key, count in claimants.items() if count == 1}
    result = list(paths)
    for at in [at for at in disputed if counts(at)]:
        path, number = paths[at], 1
        taken -= {key for key in claims[at] if claimants[key] == 1}
        while not taken.isdisjoint(keys := {_key(other) for other in becomes(result[at])}):
            number += 1
            result[at] = _with_number(path, number, tail)
        taken |= keys
    return result


def refuse_sources(places: Iterable[Path], sources: Iterable[object], option: str) -> None:
    """Make sure that nothing that is read is replaced by an output, under whatever name.

    Args:
        places: Files that are to be written.
        sources: Paths of what is read; a folder stands for all files in it. Others than paths, such as images in memory or
            options that were left out, are passed over.
        option: What a place is given with.

    Raises:
        InputError: A place is one of the sources.
    """
    there = [place for place in places if os.path.lexists(place)]
    originals = {mark for source in sources if isinstance(source, str | Path) for mark in _marks(source)}
    for place in there:
        if not originals.isdisjoint(_marks(place)):
            raise InputError(f"{place} is one of the sources: give another place with {option}")


def _marks(path: str | Path) -> Iterator[object]:
    """What a file is known by: where it lies, and its number on the disk, which is the same under names that
    differ in case alone."""
    with suppress(OSError, ValueError):
        yield os.path.realpath(path)
        found = os.stat(path)
        yield found.st_dev, found.st_ino
        for folder, _, names in os.walk(path) if stat.S_ISDIR(found.st_mode) else ():
            for name in names:
                with suppress(OSError):
                    inner = os.stat(os.path.join(folder, name))
                    yield inner.st_dev, inner.st_ino
