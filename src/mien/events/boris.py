"""BORIS (https://www.boris.unito.it): its project, its table of events and its table of aggregated events."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.core.errors import InputError
from mien.core.names import unreadable
from mien.events.cells import cell_at, plain_name, rows
from mien.events.event import Event
from mien.events.file import EventFile

_KNOWN = ("observation id", "behavior")
_NO_SUBJECT = "No focal subject"
_POINT = "POINT"


@dataclass(frozen=True)
class _Coded:
    """One key stroke of a coder, with where it stands in the file."""

    time: float
    subject: str
    label: str
    tier: str
    status: str
    place: int | str


def is_project(file: EventFile) -> bool:
    """Whether it is a project, in JSON, whatever its name."""
    return file.text.lstrip().startswith("{") and '"observations"' in file.text


def is_table(file: EventFile) -> bool:
    """Whether it has the columns of one of the two tables."""
    return _header_line(file) is not None


def table_events(file: EventFile) -> Iterator[Event]:
    """The events of a table: of the aggregated one a line each, of the other one a START and a STOP, or a POINT.

    Raises:
        InputError: A time is none, or there are several observations and none is asked for.
    """
    lines = rows(file, _KNOWN)
    before, header = _preamble(file, lines)
    places = {plain_name(cell)[0]: place for place, cell in reversed([*enumerate(header)])}
    found = list(lines)
    wanted = file.chosen("observation", [cell_at(row, places.get("observation id")) for _, row in found])
    found = [(line, row) for line, row in found if cell_at(row, places.get("observation id")) == wanted]
    texts = [cell_at(row, places.get("time offset")) for _, row in found[:1]] or [""]
    offset = _offset(file, texts[0] or before.get("time offset", ""))
    if "start" in places and "stop" in places:
        yield from file.usable(lambda line: _aggregated(file, [line], places, offset), found)
    else:
        coded = file.usable(lambda line: _coded_rows(file, [line], places, offset), found)
        yield from _paired(file, coded)


def project_events(file: EventFile) -> Iterator[Event]:
    """The events of an observation of a project.

    Raises:
        InputError: It is no project, or there are several observations and none is asked for.
    """
    try:
        project = json.loads(file.text)
        wanted = file.chosen("observation", list(project["observations"]))
        observation = project["observations"][wanted]
        behaviours = {each["code"]: each for each in project["behaviors_conf"].values()}
        offset = _offset(file, str(observation.get("time offset") or ""))
        coded = list(_coded_events(file, observation["events"], behaviours, offset))
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__} {unreadable(error)}".split())[:100]
        raise InputError(
            f"{file.path}: expected a whole project of BORIS; got another form ({reason}): save it again, or export its events"
        ) from None
    yield from _paired(file, coded)


def _header_line(file: EventFile) -> list[str] | None:
    for _, row in zip(range(60), rows(file, _KNOWN), strict=False):
        names = {plain_name(cell)[0] for cell in row[1]}
        if "behavior" in names and names & {"time", "start"} and names & {"status", "behavior type", "stop"}:
            return row[1]
    return None


def _preamble(file: EventFile, lines: Iterator[tuple[int, list[str]]]) -> tuple[dict[str, str], list[str]]:
    """What older versions write above the table, and the header."""
    header = _header_line(file)
    before: dict[str, str] = {}
    for _, row in lines:
        if row == header:
            return before, row
        before[plain_name(row[0])[0]] = cell_at(row, 1)
    return before, []


def _offset(file: EventFile, text: str) -> float:
    """Seconds that BORIS has added to the times of the media."""
    offset = file.seconds(text, "time offset") if text and text not in ("NA", "None") else 0.0
    if offset:
        file.remarks.append(
            f"{file.path}: BORIS has added its time offset of {offset:g} s to all times; it is taken away again"
        )
    return offset


def _aggregated(
    file: EventFile, found: Sequence[tuple[int, list[str]]], places: Mapping[str, int], offset: float
) -> Iterator[Event]:
    for line, row in found:
        start = file.seconds(cell_at(row, places["start"]), line) - offset
        stop = cell_at(row, places["stop"])
        point = cell_at(row, places.get("behavior type")) == _POINT or stop in ("", "NA")
        end = None if point else file.ended(start, file.seconds(stop, line) - offset, line)
        label, tier, subject = _described(row, places)
        yield Event(start, end, label, tier, subject, line)


def _coded_rows(
    file: EventFile, found: Sequence[tuple[int, list[str]]], places: Mapping[str, int], offset: float
) -> Iterator[_Coded]:
    status = places.get("status", places.get("behavior type"))
    for line, row in found:
        label, tier, subject = _described(row, places)
        time = file.seconds(cell_at(row, places["time"]), line) - offset
        yield _Coded(time, subject, label, tier, cell_at(row, status).upper() or _POINT, line)


def _described(row: Sequence[str], places: Mapping[str, int]) -> tuple[str, str, str]:
    """Label, tier and subject."""
    names = [name for name in places if name == "modifiers" or name.startswith("modifier #")]
    modifiers = "|".join(cell_at(row, places[name]) for name in sorted(names))
    subject = cell_at(row, places.get("subject"))
    label = _label(cell_at(row, places["behavior"]), modifiers)
    return label, cell_at(row, places.get("behavioral category")), "" if subject == _NO_SUBJECT else subject


def _label(behaviour: str, modifiers: str) -> str:
    """A behaviour with its modifiers; BORIS writes None for those that a coder left out.

    >>> _label("smile", ""), _label("smile", "strong|None")
    ('smile', 'smile: strong')
    """
    chosen = [part.strip() for part in modifiers.split("|") if part.strip() not in ("", "None", "NA")]
    return f"{behaviour}: {', '.join(chosen)}" if chosen else behaviour


def _coded_events(
    file: EventFile,
    coded: Sequence[Sequence[Any]],
    behaviours: Mapping[str, Mapping[str, Any]],
    offset: float,
) -> Iterator[_Coded]:
    for number, (time, subject, code, modifiers, *_) in enumerate(coded, 1):
        place = f"event {number}"
        seconds = float("nan") if time is None else float(time)
        if not math.isfinite(seconds):
            file.remarks.append(f"{file.where(place)}: {code} has no time and is left out")
            continue
        if code not in behaviours:
            file.remarks.append(
                f"{file.where(place)}: {code} is not in the ethogram and is taken for a point"
            )
        behaviour = behaviours.get(code, {"type": "Point event"})
        state = str(behaviour["type"]).lower().startswith("state")
        yield _Coded(
            seconds - offset,
            subject,
            _label(code, modifiers),
            behaviour.get("category") or "",
            "STATE" if state else _POINT,
            place,
        )


def _paired(file: EventFile, coded: Iterator[_Coded] | Sequence[_Coded]) -> Iterator[Event]:
    """States from where they start to where they stop, points as moments; what has no partner is said and left out."""
    running: dict[tuple[str, str, str], _Coded] = {}
    for each in sorted(coded, key=lambda each: each.time):
        key = (each.subject, each.label, each.tier)
        if each.status not in ("START", "STOP", "STATE"):
            yield _event(each, None)
        elif each.status == "STOP" and key not in running:
            file.remarks.append(
                f"{file.where(each.place)}: {each.label} stops without a start and is left out"
            )
        elif each.status == "START" and key in running:
            file.remarks.append(
                f"{file.where(running[key].place)}: {each.label} starts without a stop and is left out"
            )
            running[key] = each
        elif key in running:
            yield _event(running.pop(key), each.time)
        else:
            running[key] = each
    for each in running.values():
        file.remarks.append(f"{file.where(each.place)}: {each.label} starts without a stop and is left out")


def _event(coded: _Coded, end: float | None) -> Event:
    line = coded.place if isinstance(coded.place, int) else None
    stop = end if end is not None and end > coded.time else None
    return Event(coded.time, stop, coded.label, coded.tier, coded.subject, line)
