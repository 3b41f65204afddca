"""A measurement as one page that loads nothing from anywhere, and as one chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mien.audience.changes import LEAST_CHANGE
from mien.audience.result import LAW, Audience, Change, Shift, Window, settings
from mien.audience.timeline import Column, course, overall, pieces
from mien.core.formatting import clock, lasting, percent
from mien.core.labels import NOTICE, Labels
from mien.metrics.sentiment import SENTIMENTS
from mien.plotting.timeline import Mark, Row, Span, draw_spans
from mien.reports.page import write_page

WIDTH, HEIGHT = 1000.0, 200.0
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


def write_chart(path: Path, audience: Audience) -> None:
    """Write expressions, sentiments and agreement over time as PNG, with key points as lines.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    columns = course(audience.windows)
    rows = [
        Row("expressions", [_span(column, column.shares) for column in columns], audience.labels, 3),
        Row("sentiment", [_span(column, column.sentiment) for column in columns], SENTIMENTS, 2),
        Row(
            "agreement",
            [Span(column.start, column.end, {"": column.agreement or 0.0}) for column in columns],
            None,
            1,
        ),
    ]
    marks = [
        Mark(str(number), change.time, bool(change.clear))
        for number, change in enumerate(audience.changes, 1)
        if change.status != "not_reached"
    ]
    note = f"{NOTICE} Gray: too few people, or no image."
    draw_spans(path, rows, marks, Path(audience.source).name, note)


def _span(column: Column, shares: Mapping[str, float] | None) -> Span:
    return Span(column.start, column.end, {name: height for name, _, height in pieces(shares or {})})


def _context(audience: Audience) -> dict[str, Any]:
    columns, whole = course(audience.windows), overall(audience)
    return {
        "title": audience.source,
        "law": LAW,
        "least": round(LEAST_CHANGE * 100),
        "figures": _figures(audience, whole),
        "charts": [
            _chart("Expressions", audience, columns, audience.labels),
            _chart("Sentiment", audience, columns, SENTIMENTS),
        ],
        "agreement": _agreement(columns),
        "points": [_point(number, change, columns) for number, change in enumerate(audience.changes, 1)],
        "labels": list(audience.labels),
        "windows": [_window(window) for window in audience.windows[:_MOST_WINDOWS]],
        "more_windows": max(0, len(audience.windows) - _MOST_WINDOWS),
        "coverage": _coverage(audience),
        "settings": [*([("read by", audience.reader)] if audience.reader else []), *_settings(audience)],
        "remarks": audience.remarks,
        "width": WIDTH,
        "height": HEIGHT,
        "ticks": _ticks(columns),
    }


def _settings(audience: Audience) -> list[tuple[str, str]]:
    seconds = ("interval", "window", "context", "offset", "duration")
    plain = {name: value for name, value in settings(audience.options).items() if value is not None}
    return [(name, f"{value:g} s" if name in seconds else str(value)) for name, value in plain.items()]


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
            {"value": best, "what": "shown most", "more": f"{percent(whole.shares[best])} on the whole"}
        )
        figures.append(
            {
                "value": percent(whole.agreement or 0.0),
                "what": "agreement",
                "more": "100 %: all show the same",
            }
        )
    if audience.changes:
        clear = sum(bool(change.clear) for change in audience.changes)
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
    means: Mapping[str, float] = (getattr(whole, of) if whole else None) or {}
    bars = [bar for column in columns for bar in _bars(column, getattr(column, of), columns, classes)]
    legend = [
        {"name": each, "colour": classes.colour(each), "text": percent(means[each]) if each in means else ""}
        for each in classes
    ]
    return {"name": name, "bars": bars, "legend": legend}


def _bars(
    column: Column, shares: Mapping[str, float] | None, columns: list[Column], classes: Labels
) -> Iterable[dict[str, Any]]:
    left, width = _place(column.start, columns), _place(column.end, columns) - _place(column.start, columns)
    if not shares:
        description = f"{column.span}: {WORDS[column.status]}"
        return [
            {
                "x": left,
                "width": width,
                "y": 0.0,
                "height": HEIGHT,
                "colour": None,
                "description": description,
            }
        ]
    description = f"{column.span}, {column.participants} people: " + ", ".join(
        f"{name} {percent(share)}" for name, share in shares.items()
    )
    return [
        {
            "x": left,
            "width": width,
            "y": HEIGHT * (1 - start - height),
            "height": HEIGHT * height,
            "colour": classes.colour(name),
            "description": description,
        }
        for name, start, height in pieces(shares)
        if height > 0
    ]


def _agreement(columns: list[Column]) -> list[dict[str, Any]]:
    return [
        {
            "x": _place(column.start, columns),
            "width": _place(column.end, columns) - _place(column.start, columns),
            "height": 60 * column.agreement,
            "description": f"{column.span}: agreement {percent(column.agreement)}",
        }
        for column in columns
        if column.agreement is not None
    ]


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


def _point(number: int, change: Change, columns: list[Column]) -> dict[str, Any]:
    inside = bool(columns) and columns[0].start <= change.time <= columns[-1].end
    shifts = {
        **(change.shifts or {}),
        **{f"{name} (sentiment)": shift for name, shift in (change.sentiment or {}).items()},
    }
    return {
        "number": number,
        "x": _place(change.time, columns) if inside else None,
        "time": clock(change.time, 0),
        "label": change.label,
        "status": WORDS[change.status],
        "people": change.participants,
        "shifted": [_shift(name, shift) for name, shift in shifts.items() if shift.clear],
        "all": [_shift(name, shift) for name, shift in shifts.items()],
    }


def _shift(name: str, shift: Shift) -> dict[str, Any]:
    return {
        "name": name,
        "before": percent(shift.before),
        "after": percent(shift.after),
        "change": points(shift.change),
        "interval": f"{points(shift.low)} to {points(shift.high)}",
        "sure": shift.clear,
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
        "agreement": "" if window.agreement is None else percent(window.agreement),
        "shares": [percent(share) for share in (window.shares or {}).values()],
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
