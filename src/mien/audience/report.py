"""A measurement as one page that loads nothing from anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mien.audience.changes import LEAST_CHANGE
from mien.audience.result import LAW, Audience, Change, Shift, Window, by_effect, settings
from mien.audience.timeline import Column, course, overall, pieces
from mien.core.formatting import clock, counted, lasting, percent, percents
from mien.core.labels import Labels
from mien.core.names import titled
from mien.metrics.sentiment import SENTIMENTS
from mien.plotting.mark_labels import mark_labels
from mien.reports.page import write_page

WIDTH, HEIGHT = 1000.0, 200.0
_LETTERS = 92
"""So many fit into the width of the charts on a sheet of A4, and more on most screens; a phone shows numbers alone."""
_MOST_WINDOWS = 500
WORDS = {
    "reported": "",
    "too_few": "too few people",
    "blank": "image of one colour",
    "not_looked": "no image",
    "too_short": "too little before or after to compare",
    "not_reached": "not reached",
    "measured": "",
}
"""What a status is called."""


def write_report(path: Path, audience: Audience) -> None:
    """Write the page; it appears whole.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    write_page(path, "audience.html", _context(audience))


def _context(audience: Audience) -> dict[str, Any]:
    columns, whole = course(audience.windows), overall(audience)
    return {
        "title": titled(audience.source),
        "law": LAW,
        "least": round(LEAST_CHANGE * 100),
        "figures": _figures(audience, whole),
        "charts": [
            _chart("Expressions", audience, columns, audience.labels),
            *([_chart("Sentiment", audience, columns, SENTIMENTS)] if audience.tells_sentiment else []),
        ],
        "missing": _missing(columns),
        "marks": _marks(audience, columns),
        "similarity": _similarity(columns),
        "points": [_point(number, change, audience) for number, change in by_effect(audience.changes)],
        "labels": list(audience.labels),
        "windows": [_window(window) for window in audience.windows[:_MOST_WINDOWS]],
        "more_windows": max(0, len(audience.windows) - _MOST_WINDOWS),
        "coverage": _coverage(audience),
        "settings": [*([("Read by", audience.reader)] if audience.reader else []), *_settings(audience)],
        "remarks": _remarks(audience),
        "width": WIDTH,
        "height": HEIGHT,
        "ticks": _ticks(columns),
    }


_SETTINGS = {
    "interval": "Seconds between two looks",
    "window": "Seconds of a window",
    "context": "Seconds compared before and after a key point",
    "min_group": "People about whom something is told, at least",
    "quorum": "People who must be read for a window to count",
    "offset": "Seconds added to the times of key points",
    "duration": "Seconds that were to be measured",
    "start": "Seconds of the video from which on it was measured",
    "end": "Seconds of the video up to which it was measured",
    "seed": "Seed of the intervals",
    "mapping": "What counts as positive and negative",
}


def _settings(audience: Audience) -> list[tuple[str, str]]:
    plain = {name: value for name, value in settings(audience.options).items() if value is not None}
    return [
        (_SETTINGS[name], f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in plain.items()
    ]


def _remarks(audience: Audience) -> list[str]:
    cut = [] if audience.finished else ["The measurement was cut off before its end; see Coverage."]
    return [*cut, *audience.remarks]


def _figures(audience: Audience, whole: Column | None) -> list[dict[str, str]]:
    reported, every = len(audience.reported), len(audience.windows)
    figures = [
        {
            "value": lasting(audience.length),
            "what": "measured",
            "more": "" if audience.finished else "cut off: see Coverage",
        },
        {
            "value": f"{reported} of {every}",
            "what": "windows with figures",
            "more": f"of {lasting(audience.options.window)} each",
        },
    ]
    if whole is not None and whole.shares and whole.participants:
        best = max(whole.shares, key=lambda name: (whole.shares or {})[name])
        figures.append(
            {
                "value": f"{whole.participants}",
                "what": "people at most in a window",
                "more": "each counted once",
            }
        )
        figures.append(
            {"value": best, "what": "shown most", "more": f"{percents(whole.shares)[best]} on the whole"}
        )
        figures.append(
            {
                "value": percent(whole.similarity or 0.0),
                "what": "similarity",
                "more": "100 %: all show the same",
            }
        )
    if audience.changes:
        clear = sum(change.effect > 0 for change in audience.changes)
        figures.append(
            {
                "value": f"{clear} of {len(audience.changes)}",
                "what": "key points with a clear change",
                "more": "",
            }
        )
    return figures


def _chart(name: str, audience: Audience, columns: list[Column], classes: Labels) -> dict[str, Any]:
    whole = overall(audience)
    of = "shares" if classes is audience.labels else "sentiment"
    texts = percents((getattr(whole, of) if whole else None) or {})
    bars = [bar for column in columns for bar in _bars(column, getattr(column, of), columns, classes)]
    legend = [{"name": each, "colour": classes.colour(each), "text": texts.get(each, "")} for each in classes]
    return {"name": name, "bars": bars, "legend": legend}


def _bars(
    column: Column, shares: Mapping[str, float] | None, columns: list[Column], classes: Labels
) -> Iterable[dict[str, Any]]:
    if not shares:
        return []
    told = ", ".join(f"{name} {text}" for name, text in percents(shares).items())
    return [
        {
            **_across(column, columns),
            "y": HEIGHT * (1 - start - height),
            "height": HEIGHT * height,
            "colour": classes.colour(name),
            "description": f"{column.span}, {counted(column.participants or 0, 'person', 'people')}: {told}",
        }
        for name, start, height in pieces(shares)
        if height > 0
    ]


def _missing(columns: list[Column]) -> list[dict[str, Any]]:
    """Stretches about which nothing is told, each with its reasons."""
    stretches: list[list[Column]] = []
    for before, column in zip([None, *columns], columns, strict=False):
        if column.shares is None:
            if before is None or before.shares is not None:
                stretches.append([])
            stretches[-1].append(column)
    return [
        {
            "x": _place(stretch[0].start, columns),
            "width": round(_place(stretch[-1].end, columns) - _place(stretch[0].start, columns), 2),
            "description": f"{clock(stretch[0].start, 0)} to {clock(stretch[-1].end, 0)}: "
            + ", ".join(dict.fromkeys(WORDS[column.status] for column in stretch)),
        }
        for stretch in stretches
    ]


def _similarity(columns: list[Column]) -> list[dict[str, Any]]:
    return [
        {
            **_across(column, columns),
            "height": 60 * column.similarity,
            "description": f"{column.span}: similarity {percent(column.similarity)}",
        }
        for column in columns
        if column.similarity is not None
    ]


def _marks(audience: Audience, columns: list[Column]) -> list[dict[str, Any]]:
    """Key points that lie on the charts, with their names where these have room."""
    if not columns:
        return []
    points = [
        (number, change)
        for number, change in enumerate(audience.changes, 1)
        if columns[0].start <= change.time <= columns[-1].end
    ]
    places = [_place(change.time, columns) for _, change in points]
    labels = mark_labels(
        [place / WIDTH for place in places],
        [f"{number} {change.label}" for number, change in points],
        _LETTERS,
    )
    return [
        {
            "number": number,
            "x": place,
            "row": label.row,
            "text": label.text.removeprefix(str(number)).strip(),
            "before": label.before,
            "strong": change.effect > 0,
        }
        for (number, change), place, label in zip(points, places, labels, strict=True)
    ]


def _across(column: Column, columns: list[Column]) -> dict[str, float]:
    left, right = _place(column.start, columns), _place(column.end, columns)
    return {"x": left, "width": round(right - left, 2)}


def _place(time: float, columns: list[Column]) -> float:
    start, end = columns[0].start, columns[-1].end
    return round(WIDTH * (time - start) / max(end - start, 1e-9), 2)


def _ticks(columns: list[Column]) -> list[tuple[float, str]]:
    if not columns:
        return []
    start, end = columns[0].start, columns[-1].end
    step = next(
        (step for step in (10, 30, 60, 300, 600, 1800, 3600, 7200) if (end - start) / step <= 12), 21600
    )
    first = int(-(-start // step))
    return [
        (_place(tick * step, columns), clock(tick * step, 0)) for tick in range(first, int(end // step) + 1)
    ]


def _point(number: int, change: Change, audience: Audience) -> dict[str, Any]:
    scale = _scale(audience)
    shifts = [
        *(_shift(name, shift, audience.labels, scale) for name, shift in (change.shifts or {}).items()),
        *(_shift(name, shift, SENTIMENTS, scale) for name, shift in (change.sentiment or {}).items()),
    ]
    return {
        "number": number,
        "time": clock(change.time, 0),
        "label": change.label,
        "status": WORDS[change.status],
        "people": change.participants,
        "shifted": [shift for shift in shifts if shift["sure"]],
        "all": shifts,
    }


def _scale(audience: Audience) -> float:
    """The greatest end of an interval of a clear change, in whole tenths: all bars are drawn to one scale."""
    every = [
        shift
        for change in audience.changes
        for shift in [*(change.shifts or {}).values(), *(change.sentiment or {}).values()]
        if shift.clear
    ]
    ends = [abs(end) for shift in every for end in (shift.low, shift.high, shift.change)]
    return math.ceil(10 * max(ends, default=1.0) - 1e-9) / 10


def _shift(name: str, shift: Shift, classes: Labels, scale: float) -> dict[str, Any]:
    def place(change: float) -> float:
        return round(50 + 50 * max(-1.0, min(1.0, change / scale)), 2)

    return {
        "name": name,
        "of": "sentiment" if classes is SENTIMENTS else "expression",
        "colour": classes.colour(name),
        "before": percent(shift.before),
        "after": percent(shift.after),
        "change": points(shift.change),
        "interval": f"{points(shift.low)} to {points(shift.high)}",
        "sure": shift.clear,
        "bar": sorted((50.0, place(shift.change))),
        "whisker": (place(shift.low), place(shift.high)),
    }


def points(change: float) -> str:
    """A change of a share in points of a hundred.

    >>> points(0.3), points(-0.05), points(0.0)
    ('+30', '-5', '0')
    """
    return f"{round(change * 100):+d}" if round(change * 100) else "0"


def _window(window: Window) -> dict[str, Any]:
    return {
        "span": f"{clock(window.start, 0)} to {clock(window.end, 0)}",
        "status": WORDS[window.status],
        "people": window.participants,
        "coverage": "" if window.coverage is None else percent(window.coverage),
        "similarity": "" if window.similarity is None else percent(window.similarity),
        "shares": list(percents(window.shares or {}).values()),
    }


def _coverage(audience: Audience) -> list[tuple[str, str]]:
    counts = {
        word: sum(window.status == status for window in audience.windows)
        for status, word in WORDS.items()
        if word
    }
    windows = [(f"Windows: {word}", str(count)) for word, count in counts.items() if count]
    told_of = [window.coverage for window in audience.reported if window.coverage is not None]
    mean = f"{percent(sum(told_of) / len(told_of))} of the looks, on average" if told_of else "-"
    return [
        ("Ended", "as planned" if audience.finished else "before its time"),
        ("Windows with figures", f"{len(audience.reported)} of {len(audience.windows)}"),
        *windows,
        ("Each participant was read in", mean),
        *(("Remark", remark) for remark in audience.remarks),
    ]
