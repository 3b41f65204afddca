"""The page: figures, tables and the timeline's data, put into a template."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import clock, lasting, percent, percents
from mien.core.labels import UNCERTAIN
from mien.reports.page import data_address, script, write_page
from mien.tracking.persons import ranked

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.inference.card import Card
    from mien.tracking.persons import PersonSummary
    from mien.video.summary import Overview
    from mien.video.timeline import Course

_MOST_PEOPLE = 40
"""People with a lane of their own; so many are told apart on a page, and their data is a few hundred kB."""

_STEPS = 16_000
"""Steps of all lanes together, at 12 bytes each."""

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


def write_report(path: Path, overview: Overview, facts: Facts, thumbnails: Sequence[Thumbnail] = ()) -> None:
    """Write a page that loads nothing from anywhere; it appears whole.

    However long the video is, its timeline is told in a bounded number of steps, so that the page stays
    at a few hundred kB (thumbnails come on top).

    Args:
        path: Where the page goes.
        overview: What was read.
        facts: Settings and network.
        thumbnails: Faces that the page shows; none by default.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    write_page(path, "video.html", _context(overview, facts, thumbnails))


def _context(overview: Overview, facts: Facts, thumbnails: Sequence[Thumbnail]) -> dict[str, Any]:
    lanes = _lanes(overview)
    return {
        "title": facts.title,
        "version": facts.version,
        "labels": _labels(overview.labels),
        "uncertain": {
            "colour": overview.labels.colour(UNCERTAIN),
            "below": percent(overview.labels.uncertainty_threshold),
        },
        "figures": _figures(overview),
        "shares": _shares(overview.shares(), overview.labels),
        "series": overview.series,
        "people": [_person(person, overview.labels) for person in overview.people],
        "hidden_people": len(overview.timeline.people) - len(lanes),
        "coverage": _coverage(overview),
        "gaps": [(clock(gap.start), clock(gap.end), lasting(gap.seconds)) for gap in overview.gaps],
        "failures": overview.failures,
        "more_failures": overview.failed - len(overview.failures),
        "settings": facts.settings,
        "card": _card(facts),
        "data": _data(overview, lanes, thumbnails),
        "script": script("video.js"),
    }


def _labels(labels: Labels) -> list[dict[str, str]]:
    return [{"name": name, "colour": labels.colour(name)} for name in labels]


def _figures(overview: Overview) -> list[dict[str, str]]:
    seen = percent(overview.with_face / overview.frames) if overview.frames else "-"
    figures = [
        {"value": lasting(overview.length), "what": "looked at", "more": f"{overview.frames:,} frames"},
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
    if overview.failed:
        figures.append({"value": f"{overview.failed:,}", "what": "not readable", "more": "see Coverage"})
    return figures


def _shares(shares: dict[str, float], labels: Labels) -> list[dict[str, Any]]:
    texts = percents(shares)
    return [
        {"name": name, "value": round(share, 5), "text": texts[name], "index": _index(name, labels)}
        for name, share in shares.items()
    ]


def _index(name: str, labels: Labels) -> int:
    """Of the colour of a label; uncertain comes last."""
    return len(labels) if name == UNCERTAIN else labels.index(name)


def _person(person: PersonSummary, labels: Labels) -> dict[str, Any]:
    longest = max(person.dwells, key=lambda name: person.dwells[name].longest)
    return {
        "id": person.track,
        "first": clock(person.first),
        "last": clock(person.last),
        "seconds": lasting(person.seconds),
        "mostly": person.mostly,
        "mostly_index": _index(person.mostly, labels),
        "shares": _shares(ranked(person.shares), labels),
        "confidence": percent(person.confidence),
        "uncertain": percent(person.uncertain),
        "longest": f"{longest} {lasting(person.dwells[longest].longest)}"
        if person.dwells[longest].count
        else "-",
    }


def _coverage(overview: Overview) -> list[tuple[str, str]]:
    without = overview.frames - overview.with_face
    promised = "not said" if overview.duration is None else lasting(overview.duration)
    empty = sum(gap.seconds for gap in overview.gaps)
    return [
        ("Length in the file's header", promised),
        (
            "Looked at",
            f"{overview.frames:,} frames from {clock(overview.start)} to {clock(overview.start + overview.length)}",
        ),
        ("With a face", f"{overview.with_face:,} frames"),
        (
            "Without a face",
            f"{without:,} frames"
            + (f", {lasting(empty)} of it in stretches of a second or more" if overview.gaps else ""),
        ),
        ("Not readable", f"{overview.failed:,} notes below" if overview.failed else "nothing"),
    ]


def _card(facts: Facts) -> list[tuple[str, str]]:
    card = facts.card
    scores = "; ".join(
        f"{score.accuracy:.1%} right on {score.data}, n = {score.n:,} ({score.low:.1%} to {score.high:.1%})"
        for score in card.scores
        if f"head {facts.head}," in score.note
    )
    told_of = [
        ("Network", f"{card.name} {card.version}"),
        ("What", card.summary),
        ("Head", f"{facts.head}: {', '.join(card.heads[facts.head])}"),
        ("Measured", scores),
        ("Trained on", card.training),
        ("Held out", card.split),
        ("Rights", card.rights),
        ("Not for", card.limits),
        ("Licence", card.licence),
        ("sha256", card.sha256),
    ]
    return [(name, value) for name, value in told_of if value]


def _lanes(overview: Overview) -> list[int]:
    """Who gets a lane: those in view longest, in order of their ids."""
    ranked = sorted(overview.people, key=lambda person: -person.seconds)
    return sorted(person.track for person in ranked[:_MOST_PEOPLE])


def _data(overview: Overview, lanes: Sequence[int], thumbnails: Sequence[Thumbnail]) -> dict[str, Any]:
    most = min(overview.timeline.most, _STEPS // (1 + len(lanes)))
    everybody = overview.timeline.course(most=most)
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
        "people": [_lane(track, overview.timeline.course(track, most), everybody) for track in lanes],
        "thumbnails": [
            {
                "person": each.person,
                "time": round(each.time, 3),
                "image": data_address(each.jpeg, "image/jpeg"),
            }
            for each in thumbnails
        ],
    }


def _lane(track: int, course: Course, everybody: Course) -> dict[str, Any]:
    shown = np.where(course.label_ids < 0, course.label_shares.shape[1], course.label_ids)
    labels = np.where(course.seconds > 0, shown, _NONE)
    return {
        "id": track,
        "first": round((course.start - everybody.start) / everybody.step),
        "labels": base64.b64encode(labels.astype(np.uint8).tobytes()).decode(),
        "probs": _packed(course.probs),
        "uncertain": _packed(course.uncertain),
    }


def _packed(probs: NDArray[np.float64]) -> str:
    return base64.b64encode(np.rint(probs * _WHOLE).astype(np.uint8).tobytes()).decode()
