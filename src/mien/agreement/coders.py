"""Coders' files: one for each recording, in any format that `mien.events` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from mien.agreement.coding import CodedStretch, Coding, Floats, Overlap, apart
from mien.agreement.options import AgreementOptions
from mien.core.errors import InputError
from mien.core.formatting import clock, counted
from mien.core.labels import Labels
from mien.core.names import spelled
from mien.events import Event, read_events

_MOST = 5
"""Remarks of one kind about a file."""


@dataclass(frozen=True)
class RecordingExtent:
    """What is known of a recording before coders are read.

    Args:
        start: Seconds of its first frame.
        end: Seconds at which its last frame is over.
        labels: Expressions of its rows.
    """

    start: float
    end: float
    labels: Labels


@dataclass(frozen=True, eq=False)
class Coder:
    """What a coder made of the recordings.

    Args:
        name: As it is shown.
        codings: By recording; those that the coder has not coded are missing.
        remarks: What was amiss.
        complete: Whether all files could be used.
    """

    name: str
    codings: Mapping[str, Coding]
    remarks: tuple[str, ...]
    complete: bool = True


def coder_names(paths: Sequence[Path]) -> list[str]:
    """What coders are called: the names of their files or folders, without an ending as far as they differ.

    >>> coder_names([Path("a/anna.csv"), Path("b/ben")]), coder_names([Path("a/one.csv"), Path("b/one.csv")])
    (['anna', 'ben'], ['a/one.csv', 'b/one.csv'])
    """
    stems = [spelled(path.name if path.is_dir() else path.stem) for path in paths]
    return stems if len({*stems}) == len(stems) else [spelled(path) for path in paths]


def read_coder(
    path: Path, name: str, recordings: Mapping[str, RecordingExtent], options: AgreementOptions
) -> Coder:
    """Read a coder's file, or a folder with a file for each recording, named as that is.

    Raises:
        InputError: Nothing of it can be used.
        MissingExtraError: A file is of ELAN or Praat, and what reads it is not installed.
    """
    remarks: list[str] = []
    codings: dict[str, Coding] = {}
    files = _files(path, recordings, remarks)
    for source, file in files.items():
        try:
            events, said = read_events(file, tiers=options.tiers, observation=options.observation)
            coding = _Reading(file, name, recordings[source], options).coding(events)
            remarks += [*said, *coding[1]]
            codings[source] = coding[0]
        except InputError as error:
            remarks.append(f"{error}: not counted" if str(file) in str(error) else f"{file}: {error}")
    if not any(len(coding.stretches) or len(coding.levels) for coding in codings.values()):
        raise InputError(
            f"{path}: expected stretches that a coder has labelled; got none. {' '.join(remarks[:1])}".strip()
        )
    return Coder(name, codings, tuple(remarks), len(codings) == len(files))


def _files(path: Path, recordings: Mapping[str, RecordingExtent], remarks: list[str]) -> dict[str, Path]:
    """The coder's file of each recording."""
    if not path.exists():
        raise InputError(f"expected a coder's file or folder; {path} is not there: check the path")
    stems: dict[str, list[str]] = {}
    for source in recordings:
        stems.setdefault(PurePath(source).stem.lower(), []).append(source)
    if not path.is_dir():
        only = list(recordings) if len(recordings) == 1 else stems.get(path.stem.lower(), [])
        if len(only) != 1:
            raise InputError(
                f"{path}: the rows are of {counted(len(recordings), 'recording')}: give a folder with a file for each, named as that is"
            )
        return {only[0]: path}
    found: dict[str, Path] = {}
    for file in sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")):
        sources = stems.get(file.stem.lower(), [])
        if len(sources) == 1 and sources[0] not in found:
            found[sources[0]] = file
        else:
            reason = (
                "two files or recordings have this name" if sources else "the rows have no such recording"
            )
            remarks.append(f"{file}: {reason}; left out")
    missing = [source for source in recordings if source not in found]
    if missing:
        more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
        remarks.append(f"{path}: no file for {', '.join(missing[:_MOST])}{more}: not coded there")
    return found


@dataclass(frozen=True)
class _Reading:
    """One file on its way to a coding."""

    file: Path
    name: str
    extent: RecordingExtent
    options: AgreementOptions

    def coding(self, events: Sequence[Event]) -> tuple[Coding, list[str]]:
        remarks: list[str] = []
        events = self._of_one_tier(self._lasting(self._about(events), remarks), remarks)
        numbers = _numbers(events)
        if numbers is not None:
            stretches = self._inside(events, remarks)
            return Coding((), self._levels(stretches, remarks)), remarks
        mapped = self._inside(self._mapped(events, remarks), remarks)
        kept, overlaps = apart(mapped)
        remarks += _told([self._overlap(each) for each in overlaps], self.file)
        valences = dict(zip(self.extent.labels, self.extent.labels.valences or (), strict=False))
        levels = [(each.start, each.end, valences[each.label]) for each in kept if each.label in valences]
        return Coding(tuple(kept), np.array(levels, np.float64).reshape(-1, 3)), remarks

    def _about(self, events: Sequence[Event]) -> list[Event]:
        wanted = self.options.subject
        found = [event for event in events if wanted is None or event.subject == wanted]
        if events and not found:
            there = ", ".join(sorted({event.subject or "nobody" for event in events})[:10])
            raise InputError(f"{self.file}: expected events about {wanted}; they are about {there}")
        return found

    def _lasting(self, events: Iterable[Event], remarks: list[str]) -> list[Event]:
        every = list(events)
        moments = [event for event in every if event.end is None]
        remarks += _told(
            [
                f"{self._at(event.line)}: {event.label or 'a moment'} has no end; left out"
                for event in moments
            ],
            self.file,
        )
        return [event for event in every if event.end is not None]

    def _of_one_tier(self, events: Sequence[Event], remarks: list[str]) -> Sequence[Event]:
        """Where a file has several tiers and none is named, the only one that holds labels of the rows."""
        tiers = list(dict.fromkeys(event.tier for event in events))
        if len(tiers) < 2 or self.options.tiers:
            return events
        labels = {*self.extent.labels, *self.options.labels.labels.values()}
        known = {event.tier for event in events if self.options.labels(event.label) in labels}
        if len(known) != 1:
            raise InputError(
                f"{self.file}: expected one tier with labels; got {_tier_names(tiers[:10])}: name one with --tier"
            )
        others = _tier_names([name for name in tiers if name not in known])
        remarks.append(f"{self.file}: tier {next(iter(known))} is used; {others} holds no label of the rows")
        return [event for event in events if event.tier in known]

    def _mapped(self, events: Sequence[Event], remarks: list[str]) -> list[Event]:
        mapped = []
        strange: dict[str, list[Event]] = {}
        for event in events:
            label = self.options.labels(event.label)
            if label:
                mapped.append(Event(event.start, event.end, label, event.tier, event.subject, event.line))
            if label and label not in self.extent.labels:
                strange.setdefault(label, []).append(event)
        for label, found in strange.items():
            remarks.append(
                f"{self._at(found[0].line)}: {label} ({counted(len(found), 'time')}) is no label of the rows: counted as one of "
                "its own; --map says what it stands for"
            )
        return mapped

    def _inside(self, events: Sequence[Event], remarks: list[str]) -> list[CodedStretch]:
        """Stretches on the recording's clock, as far as they lie within it."""
        offset, extent = self.options.offset_of(self.name), self.extent
        kept, outside = [], []
        for event in events:
            stretch = CodedStretch(event.start + offset, (event.end or 0.0) + offset, event.label, event.line)
            inside = stretch._replace(
                start=max(stretch.start, extent.start), end=min(stretch.end, extent.end)
            )
            if inside.end > inside.start:
                kept.append(inside)
            else:
                outside.append(stretch)
        span = f"{clock(extent.start)} to {clock(extent.end)}"
        remarks += _told(
            [
                f"{self._at(each.line)}: {each.label} at {clock(each.start)} lies outside the recording ({span}); left out"
                for each in outside
            ],
            self.file,
        )
        return kept

    def _levels(self, stretches: Sequence[CodedStretch], remarks: list[str]) -> Floats:
        low, high = self.options.scale or (-1.0, 1.0)
        kept, overlaps = apart(stretches)
        remarks += _told([self._overlap(each) for each in overlaps], self.file)
        table = np.array([(each.start, each.end, float(each.label)) for each in kept]).reshape(-1, 3)
        beyond = [each for each in kept if not low <= float(each.label) <= high]
        if beyond:
            raise InputError(
                f"{self._at(beyond[0].line)}: expected valence from {low:g} to {high:g}; got {beyond[0].label}: "
                "--scale names the lowest and the highest number"
            )
        table[:, 2] = 2 * (table[:, 2] - low) / (high - low) - 1
        return table

    def _overlap(self, overlap: Overlap) -> str:
        one, other = overlap
        span = f"{clock(other.start, 2)} to {clock(min(one.end, other.end), 2)}"
        where = f"{self.file}" if one.line is None else f"{self.file}, lines {one.line} and {other.line}"
        return f"{where}: {one.label} and {other.label} overlap from {span}; not counted there"

    def _at(self, line: int | None) -> str:
        return f"{self.file}" if line is None else f"{self.file}, line {line}"


def _numbers(events: Sequence[Event]) -> list[float] | None:
    """The labels as numbers, where all of them are."""
    try:
        return [float(event.label) for event in events] if events else None
    except ValueError:
        return None


def _tier_names(tiers: Sequence[str]) -> str:
    return ", ".join(name or "no tier" for name in tiers)


def _told(remarks: Sequence[str], file: Path) -> list[str]:
    """Remarks of one kind, the first of many."""
    more = len(remarks) - _MOST
    return [*remarks[:_MOST], *([f"{file}: {more} more like the last one"] if more > 0 else [])]
