"""Subtitles that name the expression of everybody in view: WebVTT and SubRip, which any player shows."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError
from mien.core.labels import NOTICE
from mien.core.names import printable
from mien.outputs.base import PerVideoWriter
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.tracking.segments import Segment

FORMATS = ("vtt", "srt")

_SHORTEST = 0.001
"""Seconds: both formats write times to the millisecond."""


@dataclass(frozen=True)
class Cue:
    """What stands on the image for a while.

    Args:
        start: Seconds.
        end: Seconds, after ``start``.
        lines: One line per person, by id.
    """

    start: float
    end: float
    lines: tuple[str, ...]


def cues(segments: Iterable[Segment], end: float | None = None) -> Iterator[Cue]:
    """Cues that follow one another without overlap: many players show only one at a time.

    Whenever a person comes, goes or changes expression, a new cue begins. When only one person is ever seen,
    the number is left out.

    Args:
        segments: Stretches in which a person shows one expression, in any order.
        end: Seconds at which the video ends; nothing is shown after it.

    >>> from types import SimpleNamespace as S
    >>> two = [S(track=1, label="happy", start=0.0, end=2.0, confidence=0.9), S(track=2, label="sad", start=1.0, end=3.0, confidence=0.7)]
    >>> [(cue.start, cue.end, " / ".join(cue.lines)) for cue in cues(two)]
    [(0.0, 1.0, '1 happy'), (1.0, 2.0, '1 happy / 2 sad'), (2.0, 3.0, '2 sad')]
    """
    stretches = sorted(segments, key=lambda segment: (segment.start, segment.track))
    alone = len({segment.track for segment in stretches}) == 1
    latest = max((segment.end for segment in stretches), default=0.0) if end is None else end
    # Players know no time below 0, where frames that an edit list hides have theirs.
    moments = sorted(
        {min(max(0.0, moment), latest) for segment in stretches for moment in (segment.start, segment.end)}
    )
    current: list[Segment] = []
    waiting = iter([*stretches, None])
    coming = next(waiting)
    for start, stop in pairwise(moments):
        while coming is not None and coming.start <= start:
            current.append(coming)
            coming = next(waiting)
        current = [segment for segment in current if segment.end > start]
        if current and stop - start >= _SHORTEST:
            yield Cue(start, stop, _lines(current, alone))


def _lines(current: Sequence[Segment], alone: bool) -> tuple[str, ...]:
    shown = {
        segment.track: segment.label
        for segment in sorted(current, key=lambda segment: (segment.track, segment.start))
    }
    return tuple(label if alone else f"{track} {label}" for track, label in shown.items())


def write_subtitles(path: Path, shown: Iterable[Cue]) -> None:
    """Write WebVTT (https://www.w3.org/TR/webvtt1/) or SubRip, by the ending of the name; the file appears
    whole.

    Raises:
        InputError: The name ends otherwise, or the file cannot be written.
    """
    form = path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise InputError(f"expected subtitles ending in .vtt or .srt; got {path}: give another name")
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="\n") as file,
    ):
        if form == "vtt":
            file.write(f"WEBVTT\n\nNOTE {NOTICE}\n")
            # Three characters mean something in the text of a cue, two of them in every player.
            file.writelines(
                f"\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{html.escape(_text(cue), quote=False)}\n"
                for cue in shown
            )
        else:
            blocks = (
                f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_text(cue)}\n"
                for number, cue in enumerate(shown, 1)
            )
            file.writelines(f"{chr(10) if number else ''}{block}" for number, block in enumerate(blocks))


def _text(cue: Cue) -> str:
    """The lines of a cue; an empty one would end it."""
    return "\n".join(printable(" ".join(line.split())) or "?" for line in cue.lines)


def _clock(seconds: float, point: str) -> str:
    """Time as both formats write it, but for the decimal point.

    >>> _clock(3661.5, ","), _clock(0.0004, ".")
    ('01:01:01,500', '00:00:00.000')
    """
    whole = round(seconds * 1000)
    hours, rest = divmod(whole, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


class Subtitles(PerVideoWriter):
    """WebVTT for browsers, SubRip for players, by the ending."""

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        write_subtitles(path, cues(video.segments, video.start + video.length))
