"""The page: figures, tables and the timeline's data, put into a template."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import clock, counted, lasting, percent, percents
from mien.core.labels import UNCERTAIN
from mien.reports import movements
from mien.reports.heard import Heard, heard_lanes
from mien.reports.model_facts import accuracy_sentence, model_facts, score_rows
from mien.reports.page import data_address, script, write_page
from mien.reports.people import editor_data, editor_recording
from mien.tracking.persons import ranked

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.inference.card import Card
    from mien.tracking.persons import PersonSummary
    from mien.video.summary import Overview
    from mien.video.timeline import Course

_MOST_PEOPLE = 40
"""People with a lane of their own; so many are told apart on a page, and their data is a few hundred kB."""

_BYTES, _LANE_BYTES = 192_000, 12
"""Of the steps of all lanes together, and of each step of a lane of probabilities."""

_WHOLE, _NONE = 250, 255
"""How 1.0 is written in a byte, and that there is no label."""


@dataclass(frozen=True)
class Facts:
    """What a page tells besides the results.

    Args:
        title: Name of the video.
        settings: How it was read, as pairs of name and value.
        card: The network's card.
        head: Which of its results was used.
        version: Mien's own.
    """

    title: str
    settings: Sequence[tuple[str, str]]
    card: Card
    head: str
    version: str


@dataclass(frozen=True)
class Thumbnail:
    """A face at a moment.

    Args:
        person: Id of the person.
        time: Seconds.
        jpeg: The image.
    """

    person: int
    time: float
    jpeg: bytes


def write_report(
    path: Path,
    overview: Overview,
    facts: Facts,
    thumbnails: Sequence[Thumbnail] = (),
    heard: Heard | None = None,
) -> None:
    """Write a page that loads nothing from anywhere; it appears whole.

    However long the video is, its timeline is told in a bounded number of steps, so that the page stays
    at a few hundred kB (thumbnails come on top).

    Args:
        path: Where the page goes.
        overview: What was read.
        facts: Settings and network.
        thumbnails: Faces that the page shows; none by default.
        heard: How loud it was and what was said, as lanes; nothing by default.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    write_page(path, "video.html", _context(overview, facts, thumbnails, heard))


def _context(
    overview: Overview, facts: Facts, thumbnails: Sequence[Thumbnail], heard: Heard | None = None
) -> dict[str, Any]:
    lanes, movers = _lanes(overview), movements.movers(overview)
    data = _data(overview, lanes, movers, thumbnails, heard or Heard())
    return {
        "title": facts.title,
        "accuracy": accuracy_sentence(facts.card, facts.head),
        "version": facts.version,
        "labels": _labels(overview.labels),
        "uncertain": {
            "colour": overview.labels.colour(UNCERTAIN),
            "below": percent(overview.labels.uncertainty_threshold),
        },
        "remarks": _remarks(overview),
        "figures": _figures(overview),
        "shares": _shares(overview.shares(), overview.labels),
        "series": overview.series,
        "followed": bool(overview.timeline.people),
        "people": [_person(person, overview, thumbnails) for person in overview.people],
        "faces": bool(thumbnails),
        "landmarks": overview.landmarks,
        "movers": [person for person in overview.people if person.track in movers],
        "hidden_people": len(overview.timeline.people) - len(lanes),
        "coverage": _coverage(overview),
        "gaps": [(clock(gap.start), clock(gap.end), lasting(gap.seconds)) for gap in overview.gaps],
        "failures": overview.failures,
        "more_failures": overview.failed - len(overview.failures),
        "settings": facts.settings,
        "scores": score_rows(facts.card, facts.head),
        "model": model_facts(facts.card, facts.head),
        "data": data,
        "editor": editor_data([editor_recording(overview, tracks=lanes)], overview.labels) if lanes else None,
        "scripts": [
            script("video.js"),
            *([script("heard.js")] if data["heard"] else []),
            *([script("movements.js")] if movers else []),
            *([script("people.js")] if lanes else []),
        ],
    }


def _labels(labels: Labels) -> list[dict[str, str]]:
    return [{"name": name, "colour": labels.colour(name)} for name in labels]


def _remarks(overview: Overview) -> list[str]:
    """What must be known before anything else."""
    remarks = []
    if not overview.whole:
        remarks.append(f"Stopped before the end: all figures are about {_part(overview)}.")
    if overview.failed:
        remarks.append(
            "A part of this video could not be read; all figures are about the rest. Coverage says which part."
        )
    if overview.frames and not overview.with_face:
        remarks.append(f"No face was found in {'this video' if overview.whole else 'what was read'}.")
    if not overview.frames:
        remarks.append("No frame of this video could be read.")
    return remarks + overview.remarks()


def _part(overview: Overview) -> str:
    """How much of a video was read."""
    last = clock(overview.start + overview.length)
    if overview.duration is None:
        return f"what was read, up to {last}"
    return f"what was read, up to {last} of {clock(overview.duration)}"


def _figures(overview: Overview) -> list[dict[str, str]]:
    seen = percent(overview.with_face / overview.frames) if overview.frames else "-"
    figures = [
        {"value": lasting(overview.length), "what": "looked at", "more": _frames(overview.frames)},
        {
            "value": seen,
            "what": "of them with a face",
            "more": f"up to {overview.most} at once" if overview.most > 1 else "",
        },
    ]
    if overview.followed:
        count = len(overview.timeline.people)
        figures.append(
            {"value": f"{count:,}", "what": "people followed" if count > 1 else "person followed", "more": ""}
        )
    for name, share in list(percents(overview.shares()).items())[:1]:
        figures.append({"value": name, "what": "shown most", "more": f"{share} of the time in view"})
    if overview.talking is not None:
        more = "left out of all other figures" if overview.skip_talking else "where that can be told"
        figures.append({"value": percent(overview.talking), "what": "of the time talking", "more": more})
    if overview.failed:
        figures.append({"value": f"{overview.failed:,}", "what": "not readable", "more": "see Coverage"})
    return figures


def _frames(count: int) -> str:
    return counted(count, "frame")


def _shares(shares: dict[str, float], labels: Labels) -> list[dict[str, Any]]:
    texts = percents(shares)
    return [
        {"name": name, "value": round(share, 5), "text": texts[name], "index": _index(name, labels)}
        for name, share in shares.items()
    ]


def _index(name: str, labels: Labels) -> int:
    """Of the colour of a label; uncertain comes last."""
    return len(labels) if name == UNCERTAIN else labels.index(name)


def _person(person: PersonSummary, overview: Overview, thumbnails: Sequence[Thumbnail]) -> dict[str, Any]:
    labels = overview.labels
    longest = max(person.dwells, key=lambda name: person.dwells[name].longest)
    return {
        "id": person.track,
        "first": clock(person.first),
        "end": clock(person.end),
        "seconds": lasting(person.seconds),
        "mostly": person.mostly,
        "mostly_index": _index(person.mostly, labels),
        "shares": _shares(ranked(person.shares), labels),
        "confidence": percent(person.confidence),
        "uncertain": percent(person.uncertain),
        "longest": f"{longest} {lasting(person.dwells[longest].longest)}"
        if person.dwells[longest].count
        else "-",
        "blinks": person.blink_rate,
        "face": _face(person, overview, thumbnails),
    }


def _face(person: PersonSummary, overview: Overview, thumbnails: Sequence[Thumbnail]) -> str:
    """Of the thumbnails of a person the one in the middle of the longest stretch, as an address; empty where
    there is none."""
    own = [each for each in thumbnails if each.person == person.track]
    stretches = [segment for segment in overview.segments if segment.track == person.track]
    if not own or not stretches:
        return ""
    longest = max(stretches, key=lambda segment: segment.seconds)
    middle = (longest.start + longest.end) / 2
    return data_address(min(own, key=lambda each: abs(each.time - middle)).jpeg, "image/jpeg")


def _coverage(overview: Overview) -> list[tuple[str, str]]:
    without = overview.frames - overview.with_face
    promised = "not said" if overview.duration is None else lasting(overview.duration)
    empty = sum(gap.seconds for gap in overview.gaps)
    return [
        ("Length in the file's header", promised),
        (
            "Looked at",
            f"{_frames(overview.frames)} from {clock(overview.start)} to {clock(overview.start + overview.length)}",
        ),
        ("With a face", _frames(overview.with_face)),
        (
            "Without a face",
            _frames(without)
            + (f", {lasting(empty)} of it in stretches of a second or more" if overview.gaps else ""),
        ),
        ("Not readable", f"{counted(overview.failed, 'note')} below" if overview.failed else "nothing"),
    ]


def _lanes(overview: Overview) -> list[int]:
    """Who gets a lane: those in view longest, in order of their ids."""
    ranked = sorted(overview.people, key=lambda person: -person.seconds)
    return sorted(person.track for person in ranked[:_MOST_PEOPLE])


def _data(
    overview: Overview,
    lanes: Sequence[int],
    movers: Sequence[int],
    thumbnails: Sequence[Thumbnail],
    heard: Heard,
) -> dict[str, Any]:
    step_bytes = _LANE_BYTES * (1 + len(lanes)) + movements.BYTES * len(movers)
    most = min(overview.timeline.most, _BYTES // step_bytes)
    everybody = overview.timeline.course(most=most)
    people = {track: overview.timeline.course(track, most) for track in lanes}
    return {
        "labels": _labels(overview.labels),
        "uncertain": {"name": UNCERTAIN, "colour": overview.labels.colour(UNCERTAIN)},
        "start": everybody.start,
        "step": everybody.step,
        "overall": {
            "looked": everybody.looked.tolist(),
            "seen": everybody.seen.tolist(),
            "failed": everybody.failed.tolist(),
            "in_view": (everybody.seconds > 0).tolist(),
            "probs": _packed(everybody.probs),
        },
        # Of somebody alone there would be the same picture twice.
        "alone": len(overview.timeline.people) == 1,
        "peak": _peak(everybody, overview.labels),
        "people": [_lane(track, course, everybody) for track, course in people.items()],
        "heard": heard_lanes(heard, everybody),
        "movements": movements.movements(overview, movers, most),
        "thumbnails": [
            {
                "person": each.person,
                "time": round(each.time, 3),
                "image": data_address(each.jpeg, "image/jpeg"),
            }
            for each in thumbnails
        ],
    }


def _peak(everybody: Course, labels: Labels) -> dict[str, Any] | None:
    """The step in which one expression other than neutral was shown most, by all together; of neutral alone
    where nothing else came near. None where no face was seen."""
    others = [column for column, name in enumerate(labels) if name != "neutral"]
    near = everybody.probs[:, others].max(initial=0) >= labels.uncertainty_threshold
    shown = everybody.probs * everybody.seconds[:, None]
    if not shown.any():
        return None
    strongest = max(others if near else range(len(labels)), key=lambda column: float(shown[:, column].max()))
    return {"step": int(shown[:, strongest].argmax()), "label": labels[strongest]}


def _offset(course: Course, everybody: Course) -> int:
    """Steps before its first one."""
    return round((course.start - everybody.start) / everybody.step)


def _lane(track: int, course: Course, everybody: Course) -> dict[str, Any]:
    shown = np.where(course.label_ids < 0, course.label_shares.shape[1], course.label_ids)
    labels = np.where(course.seconds > 0, shown, _NONE)
    return {
        "id": track,
        "first": _offset(course, everybody),
        "labels": base64.b64encode(labels.astype(np.uint8).tobytes()).decode(),
        "probs": _packed(course.probs),
        "uncertain": _packed(course.uncertain),
    }


def _packed(probs: NDArray[np.float64]) -> str:
    return base64.b64encode(np.rint(probs * _WHOLE).astype(np.uint8).tobytes()).decode()
