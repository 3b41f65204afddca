"""Which reference label belongs to which clip: by name, and by as much of the path as both sides give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from unicodedata import normalize

from mien.core.names import unspelled
from mien.media.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES

_ENDINGS = IMAGE_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True)
class Matching:
    """What belongs together.

    Args:
        pairs: Reference name of each clip that has one.
        missing: Reference names without a clip.
        ambiguous: For each reference name that fits several clips, or that several fit with it, what is wrong.
        entangled: Clips that only ambiguous reference names fit.
    """

    pairs: dict[str, str]
    missing: tuple[str, ...]
    ambiguous: dict[str, str]
    entangled: frozenset[str]


def match_names(reference: Sequence[str], clips: Sequence[str]) -> Matching:
    """Bring reference names and clips together.

    A name fits a clip when their last parts are the same, whatever the ending of a media file, and the
    folders of one are the last folders of the other. Of several clips that fit, the one with the same ending
    goes first, then the one with the same path.

    >>> match_names(["a/1", "2.avi", "3"], ["x/a/1.mp4", "x/b/1.mp4", "x/2.mp4"])
    Matching(pairs={'x/a/1.mp4': 'a/1', 'x/2.mp4': '2.avi'}, missing=('3',), ambiguous={}, entangled=frozenset())
    >>> match_names(["1.mp4"], ["a/1.mp4", "b/1.mp4"]).ambiguous
    {'1.mp4': '1.mp4 fits a/1.mp4 and b/1.mp4: write more of its path'}
    """
    by_stem: dict[str, list[str]] = {}
    for clip in clips:
        by_stem.setdefault(_stem(clip), []).append(clip)
    claims: dict[str, list[str]] = {}
    missing: list[str] = []
    ambiguous: dict[str, str] = {}
    entangled: set[str] = set()
    for name in reference:
        fitting = _best(name, [clip for clip in by_stem.get(_stem(name), []) if _fits(name, clip)])
        if not fitting:
            missing.append(name)
        elif len(fitting) > 1:
            ambiguous[name] = f"{name} fits {_told(fitting)}: write more of its path"
            entangled |= set(fitting)
        else:
            claims.setdefault(fitting[0], []).append(name)
    for clip, names in claims.items():
        if len(names) > 1:
            ambiguous |= dict.fromkeys(names, f"{_told(names)} both fit {clip}: write more of their paths")
            entangled.add(clip)
    pairs = {clip: names[0] for clip, names in claims.items() if len(names) == 1}
    return Matching(pairs, tuple(missing), ambiguous, frozenset(entangled - set(pairs)))


def _best(name: str, fitting: list[str]) -> list[str]:
    same_ending = [clip for clip in fitting if _parts(clip)[-1] == _parts(name)[-1]] or fitting
    return [clip for clip in same_ending if _parts(clip) == _parts(name)] or same_ending


def _fits(name: str, clip: str) -> bool:
    folders, others = _parts(name)[:-1], _parts(clip)[:-1]
    shared = min(len(folders), len(others))
    return folders[len(folders) - shared :] == others[len(others) - shared :]


def _parts(name: str) -> tuple[str, ...]:
    # However it is written: escaped in a table, composed or not (macOS), with the separators of Windows.
    plain = normalize("NFC", unspelled(name)).replace("\\", "/")
    return tuple(part for part in PurePosixPath(plain).parts if part != "/") or (name,)


def _stem(name: str) -> str:
    last = PurePosixPath(_parts(name)[-1])
    return last.stem if last.suffix.lower() in _ENDINGS else last.name


def _told(names: Sequence[str]) -> str:
    return (
        f"{', '.join(names[:3])} and {len(names) - 3} more"
        if len(names) > 4
        else f"{', '.join(names[:-1])} and {names[-1]}"
    )
