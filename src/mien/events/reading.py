"""Files of events, whatever their format."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mien.core.errors import InputError
from mien.core.names import nearest
from mien.events.event import Event
from mien.events.file import EventFile, read_text
from mien.events.formats import FORMATS


def read_events(
    path: str | Path,
    *,
    tiers: Collection[str] = (),
    samples: bool | None = None,
    observation: str | None = None,
) -> tuple[list[Event], list[str]]:
    r"""The events of a file in order of time, and remarks on what was amiss, a line each.

    The format is told by what the file holds: CSV (a header such as ``time,label`` or ``start,end,label,subject,tier``, or none;
    the delimiter a comma, semicolon or tab), WebVTT, ELAN, ``events.tsv`` of BIDS, a project or an exported table of BORIS,
    TextGrid of Praat, JSON of Label Studio. Times of tables are seconds, ``mm:ss`` or ``hh:mm:ss``, or milliseconds where the header says so.

    Args:
        path: The file, of 20 MB at most.
        tiers: Those that are wanted; all by default.
        samples: Whether a CSV has a label at each step of time rather than an event a line; by default it is taken so where
            twenty or more labels, most like the one before, follow each other at one step of a second at most, and a remark says so.
        observation: Of several in a file of BORIS, or videos in one of Label Studio, the one that is wanted.

    Raises:
        InputError: The file cannot be read, is of no such format, has no line that can be used, or lacks a tier or observation; the
            message names the line where the format has lines. Single lines that cannot be used are remarks.
        MissingExtraError: The file is of ELAN or Praat, and what reads it is not installed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "coded.csv"
    >>> _ = path.write_text("start;end;label\n1:30;1:32,5;smile\n12,5;;door\n", encoding="utf-8")
    >>> events, remarks = read_events(path)
    >>> [(event.start, event.end, event.label, event.line) for event in events], remarks
    ([(12.5, None, 'door', 3), (90.0, 92.5, 'smile', 2)], [])
    """
    file = EventFile(Path(path), read_text(Path(path)), samples, observation)
    form = next(each for each in FORMATS if each.recognised(file))
    if samples and form.name != "CSV":
        raise InputError(f"{path}: expected samples in a CSV; got {form.name}: read it without samples")
    events = sorted(form.events(file), key=lambda event: (event.start, event.end or event.start))
    return _of_tiers(events, tiers, file), file.remarks


def _of_tiers(events: list[Event], tiers: Collection[str], file: EventFile) -> list[Event]:
    if not tiers:
        return events
    there = list(dict.fromkeys(event.tier for event in events))
    for tier in tiers:
        if tier not in there:
            names = ", ".join(name or "no tier" for name in there[:20]) or "none"
            raise InputError(
                f"{file.path}: expected the tier {tier}{nearest(tier, there)}; its tiers with events are: {names}"
            )
    return [event for event in events if event.tier in tiers]
