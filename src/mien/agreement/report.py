"""A comparison of raters as one page that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mien.agreement.coefficients import Figure, PairAgreement, Together
from mien.agreement.comparison import Agreement
from mien.agreement.lags import REACH
from mien.agreement.raters import CodedRecording
from mien.core.formatting import clock, counted, lasting, percent
from mien.core.labels import Labels
from mien.core.names import titled
from mien.metrics.resampling import LEAST
from mien.reports.page import write_page

WIDTH, LANE = 1000.0, 22.0
"""Size of the timeline's picture; its width is that of the page."""
_MOST_RECORDINGS, _MOST_DIFFERENCES = 24, 40


def write_report(path: Path, agreement: Agreement) -> None:
    """Write the page; it appears whole.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    write_page(path, "agreement.html", _context(agreement))


def _context(agreement: Agreement) -> dict[str, Any]:
    raters = agreement.raters
    recordings = raters.recordings
    return {
        "title": titled(recordings[0].source)
        if len(recordings) == 1
        else counted(len(recordings), "recording"),
        "raters": list(raters.names),
        "labels": [{"name": name, "colour": raters.classes.colour(name)} for name in raters.classes],
        "remarks": list(agreement.remarks),
        "figures": _figures(agreement),
        "pairs": [_pair(pair, raters.classes) for pair in agreement.pairs],
        "groups": [_group(group) for group in agreement.groups],
        "shown": [name for name in raters.classes if any(name in pair.f1 for pair in agreement.pairs)],
        "timelines": [_timeline(each, agreement) for each in recordings[:_MOST_RECORDINGS]],
        "more_recordings": max(0, len(recordings) - _MOST_RECORDINGS),
        "several": len(recordings) > 1,
        "differences": [
            {
                "source": titled(each.source),
                "span": f"{clock(each.start)} to {clock(each.end)}",
                "seconds": f"{each.seconds:.1f}",
                "labels": [label or "not coded" for label in each.labels],
            }
            for each in agreement.differences[:_MOST_DIFFERENCES]
        ],
        "more_differences": max(0, len(agreement.differences) - _MOST_DIFFERENCES),
        "reach": f"{REACH:g}",
        "least": LEAST,
        "settings": list(_settings(agreement)),
        "width": WIDTH,
        "lane": LANE,
    }


def _figures(agreement: Agreement) -> list[dict[str, str]]:
    """The coefficients at a glance: of labels, or where nobody has coded any, of valence."""
    whole = agreement.groups[-1]
    figures = [{"value": str(len(agreement.raters.recordings)), "what": "recordings", "more": ""}]
    for group in agreement.groups:
        of_labels = group.alpha.value is not None
        figures.append(
            {
                "value": number(group.alpha if of_labels else group.valence_alpha),
                "what": "Krippendorff's alpha" if of_labels else "alpha of valence",
                "more": "all raters" if group is whole else "coders alone",
            }
        )
    seconds = sum(each.seconds for each in agreement.differences)
    figures.append({"value": lasting(seconds), "what": "in which raters differ", "more": ""})
    return figures


def number(figure: Figure) -> str:
    """A coefficient with its interval, where there is one.

    >>> number(Figure(0.5)), number(Figure(0.5, 0.25, 0.75)), number(Figure(None))
    ('0.50', '0.50 (0.25 to 0.75)', '-')
    """
    if figure.value is None:
        return "-"
    ends = "" if figure.low is None or figure.high is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{ends}"


def share(figure: Figure) -> str:
    """A share in percent with its interval, where there is one.

    >>> share(Figure(0.5, 0.25, 0.75))
    '50 % (25 % to 75 %)'
    """
    if figure.value is None:
        return "-"
    ends = (
        ""
        if figure.low is None or figure.high is None
        else f" ({percent(figure.low)} to {percent(figure.high)})"
    )
    return f"{percent(figure.value)}{ends}"


def _pair(pair: PairAgreement, classes: Labels) -> dict[str, Any]:
    rows = [place for place, name in enumerate(classes) if name in pair.f1]
    return {
        "one": pair.one,
        "other": pair.other,
        "seconds": lasting(pair.seconds),
        "agreement": share(pair.agreement),
        "kappa": number(pair.kappa),
        "icc": number(pair.icc),
        "f1": {name: number(figure) for name, figure in pair.f1.items()},
        "names": [classes[place] for place in rows],
        "matrix": [
            [(float(pair.confusion[row, column]), _part(pair.confusion[row], column)) for column in rows]
            for row in rows
        ],
        "lags": [
            {
                "label": label,
                "n": lag.n,
                "median": f"{lag.median:+.2f}",
                "middle": f"{lag.quarter:+.2f} to {lag.three_quarters:+.2f}",
                "interval": "-"
                if lag.low is None or lag.high is None
                else f"{lag.low:+.2f} to {lag.high:+.2f}",
            }
            for label, lag in pair.lags.items()
        ],
    }


def _part(row: Sequence[float], column: int) -> float:
    total = float(sum(row))
    return float(row[column]) / total if total else 0.0


def _group(group: Together) -> dict[str, Any]:
    return {
        "raters": ", ".join(group.raters),
        "alpha": number(group.alpha),
        "valence_alpha": number(group.valence_alpha),
        "icc": {form: number(figure) for form, figure in group.icc.items()},
    }


def _timeline(recording: CodedRecording, agreement: Agreement) -> dict[str, Any]:
    start, step = float(recording.times[0]) - agreement.options.step / 2, agreement.options.step
    length = max(len(recording.times) * step, step)

    def bar(begin: float, end: float, row: int) -> dict[str, float]:
        left, right = (WIDTH * (edge - start) / length for edge in (begin, end))
        return {"x": round(left, 2), "width": round(right - left, 2), "y": row * LANE}

    raters = agreement.raters
    bars = [
        {
            **bar(stretch.start, stretch.end, row),
            "colour": raters.classes.colour(stretch.label),
            "told": f"{name}, {clock(stretch.start)} to {clock(stretch.end)}: {stretch.label}",
        }
        for row, (name, coding) in enumerate(zip(raters.names, recording.codings, strict=True))
        for stretch in coding.stretches
    ]
    own = [each for each in agreement.differences if each.source == recording.source]
    windows = [each for each in agreement.windows if each.source == recording.source]
    return {
        "source": titled(recording.source),
        "rows": [*raters.names, "they differ"],
        "height": LANE * (len(raters.names) + 1),
        "bars": bars,
        "apart": [
            {
                **bar(each.start, each.end, len(raters.names)),
                "told": f"{clock(each.start)} to {clock(each.end)}",
            }
            for each in own
        ],
        "start": clock(start, 0),
        "end": clock(start + length, 0),
        "windows": [
            {
                "span": f"{clock(each.start, 0)} to {clock(each.end, 0)}",
                "agreement": "-" if each.agreement is None else percent(each.agreement),
                "confused": ""
                if each.confused is None
                else f"{' and '.join(each.confused)}, {each.confused_seconds:.1f} s",
            }
            for each in windows
        ],
    }


_SETTINGS = {
    "step": "Seconds between two moments that are compared",
    "person": "Whose face of the rows",
    "tiers": "Tiers of coders' files",
    "subject": "Whom coders' events are about",
    "observation": "Observation of BORIS",
    "uncoded": "Label of time that is not coded",
    "window": "Seconds of a window over time",
}


def _settings(agreement: Agreement) -> Iterator[tuple[str, str]]:
    options = agreement.options
    for name, title in _SETTINGS.items():
        value = getattr(options, name)
        if value not in (None, ()):
            yield title, ", ".join(value) if isinstance(value, tuple) else f"{value}"
    if options.scale is not None:
        yield "Coders' scale of valence", f"{options.scale[0]:g} to {options.scale[1]:g}"
    for coder, seconds in options.offsets.items():
        yield f"Seconds added to the times of {coder or 'all coders'}", f"{seconds:+g}"
    for word, label in options.labels.labels.items():
        yield f"Coders' word {word}", label or "left out"
