"""Tracks as lanes that a person can correct, on a page of their own and in the report of a video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mien.core.labels import UNCERTAIN, Labels

if TYPE_CHECKING:
    from mien.video.summary import Overview

_DIGITS = 3
_MOST_PIECES = 4000
"""Of all lanes together, about 100 kB; a page has them all at once."""

Piece = tuple[float, float, str]


def editor_data(recordings: Sequence[Mapping[str, Any]], labels: Labels) -> dict[str, Any]:
    """What ``people.js`` needs: `editor_recording` of each recording, and the colours of labels."""
    colours = {name: labels.colour(name) for name in (*labels, UNCERTAIN)}
    return {"recordings": list(recordings), "labels": colours}


def editor_recording(
    overview: Overview,
    names: Mapping[int, str] | None = None,
    changes: Iterable[Mapping[str, str]] = (),
    tracks: Iterable[int] | None = None,
) -> dict[str, Any]:
    """One recording for the editor.

    Args:
        overview: With its people, before corrections.
        names: What people are called, by track.
        changes: Lines of a file of corrections, cells by column.
        tracks: Whom it shows; None: everybody.
    """
    shown = {person.track for person in overview.people} if tracks is None else {*tracks}
    pieces: dict[int, list[Piece]] = {track: [] for track in sorted(shown)}
    for segment in overview.segments:
        if segment.track in shown:
            span = round(segment.start, _DIGITS), round(segment.end, _DIGITS)
            pieces[segment.track].append((*span, segment.label))
    return {
        "source": overview.source,
        "start": round(overview.start, _DIGITS),
        "end": round(overview.start + overview.length, _DIGITS),
        "step": round(overview.length / max(1, overview.frames), _DIGITS),
        "people": [
            {"id": track, "name": (names or {}).get(track, ""), "pieces": own}
            for track, own in _bounded(pieces).items()
        ],
        "changes": list(changes),
    }


def _bounded(pieces: dict[int, list[Piece]]) -> dict[int, list[Piece]]:
    """No more than `_MOST_PIECES`, however long the recording is: of somebody who is seen on, several become one, with the
    label of the longest.
    """
    apart = 0.05
    while sum(map(len, pieces.values())) > max(_MOST_PIECES, len(pieces)):
        pieces = {track: _coarser(own, apart) for track, own in pieces.items()}
        apart *= 2
    return pieces


def _coarser(pieces: list[Piece], apart: float) -> list[Piece]:
    """Pieces with gaps up to so many seconds as one."""
    coarser: list[Piece] = []
    longest = 0.0
    for start, end, label in pieces:
        if coarser and start - coarser[-1][1] <= apart:
            first, _, held = coarser[-1]
            coarser[-1] = (first, end, label if end - start > longest else held)
            longest = max(longest, end - start)
        else:
            coarser.append((start, end, label))
            longest = end - start
    return coarser
