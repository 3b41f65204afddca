"""A comparison of raters as plain values and files: JSON, a table of its figures, a page, a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien import __version__
from mien.agreement.coefficients import Figure, PairAgreement, Together
from mien.agreement.comparison import Agreement
from mien.agreement.raters import settings
from mien.agreement.report import write_report
from mien.core.atomic import atomic_write, check_writable, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.labels import NOTICE
from mien.core.names import json_text
from mien.plotting.agreement import RatedRecording, RaterLane, draw_raters
from mien.plotting.style import require_matplotlib
from mien.reports.page import require_jinja2

CSV_KEYS = ("raters", "measure", "label", "value", "low", "high", "n", "seconds", "recordings")
_MOST_DRAWN = 8


def check_place(path: Path) -> None:
    """See whether a file can be written, before it is made.

    Raises:
        InputError: Its ending is unknown, or the place cannot be written to.
        MissingExtraError: What it needs is not installed.
    """
    _writer(path)
    check_writable(path)
    if path.suffix.lower() == ".html":
        require_jinja2()
    if path.suffix.lower() == ".png":
        require_matplotlib()


def write_agreement(path: Path, agreement: Agreement) -> None:
    """Write ``.json`` (everything), ``.csv`` (a figure a line), ``.html`` or ``.png`` (the timeline); it appears whole.

    Raises:
        InputError: Its ending is unknown, or the file cannot be written.
        MissingExtraError: What it needs is not installed.
    """
    _writer(path)(path, agreement)


def agreement_facts(agreement: Agreement) -> dict[str, Any]:
    """Everything as plain values, ready for JSON."""
    raters = agreement.raters
    return {
        "notice": NOTICE,
        "mien": __version__,
        "raters": list(raters.names),
        "labels": list(raters.classes),
        "recordings": [recording.source for recording in raters.recordings],
        "settings": settings(agreement.options),
        "pairs": [_pair_facts(pair) for pair in agreement.pairs],
        "groups": [asdict(group) for group in agreement.groups],
        "over_time": [asdict(window) for window in agreement.windows],
        "differences": [
            {**asdict(each), "labels": dict(zip(raters.names, each.labels, strict=True))}
            for each in agreement.differences
        ],
        "remarks": list(agreement.remarks),
    }


def _pair_facts(pair: PairAgreement) -> dict[str, Any]:
    plain = {name: value for name, value in vars(pair).items() if name != "confusion"}
    facts = {name: _plain(value) for name, value in plain.items()}
    return {**facts, "confusion": pair.confusion.tolist()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def figure_rows(agreement: Agreement) -> Iterator[dict[str, Any]]:
    """A row for each figure, with the columns `CSV_KEYS`."""
    for pair in agreement.pairs:
        yield from _pair_rows(pair)
    for group in agreement.groups:
        yield from _group_rows(group, len(agreement.raters.recordings))


def _pair_rows(pair: PairAgreement) -> Iterator[dict[str, Any]]:
    about = {"raters": f"{pair.one}, {pair.other}", "seconds": pair.seconds, "recordings": pair.recordings}
    yield {**about, "measure": "agreement", **_ends(pair.agreement)}
    yield {**about, "measure": "kappa", **_ends(pair.kappa)}
    for label, figure in pair.f1.items():
        yield {**about, "measure": "f1", "label": label, **_ends(figure)}
    yield {**about, "measure": "valence ICC(2,1)", "seconds": pair.valence_seconds, **_ends(pair.icc)}
    for label, lag in pair.lags.items():
        ends = {"value": lag.median, "low": lag.low, "high": lag.high}
        yield {**about, "measure": "onset lag", "label": label, "n": lag.n, **ends}


def _group_rows(group: Together, recordings: int) -> Iterator[dict[str, Any]]:
    about = {"raters": ", ".join(group.raters), "recordings": recordings}
    yield {**about, "measure": "alpha", **_ends(group.alpha)}
    yield {**about, "measure": "valence alpha", **_ends(group.valence_alpha)}
    for form, figure in group.icc.items():
        yield {**about, "measure": f"valence {form}", **_ends(figure)}


def _ends(figure: Figure) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 6) for name, value in asdict(figure).items()}


def _write_json(path: Path, agreement: Agreement) -> None:
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="\n") as file,
    ):
        file.write(json_text(agreement_facts(agreement), file, 1) + "\n")


def _write_csv(path: Path, agreement: Agreement) -> None:
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        csv_writer(file, CSV_KEYS)(figure_rows(agreement))


def _write_picture(path: Path, agreement: Agreement) -> None:
    raters = agreement.raters
    apart: dict[str, list[tuple[float, float]]] = {}
    for each in agreement.differences:
        apart.setdefault(each.source, []).append((each.start, each.end))
    seconds = {source: sum(end - start for start, end in spans) for source, spans in apart.items()}
    ranked = sorted(raters.recordings, key=lambda recording: -seconds.get(recording.source, 0.0))
    shown = {recording.source for recording in ranked[:_MOST_DRAWN]}
    drawn = [
        RatedRecording(
            recording.source,
            [
                RaterLane(name, [stretch[:3] for stretch in coding.stretches])
                for name, coding in zip(raters.names, recording.codings, strict=True)
            ],
            apart.get(recording.source, []),
        )
        for recording in raters.recordings
        if recording.source in shown
    ]
    note = (
        ""
        if len(drawn) == len(raters.recordings)
        else f"Of {counted(len(raters.recordings), 'recording')} the {len(drawn)} in which raters differ longest."
    )
    draw_raters(path, drawn, raters.classes, note)


_WRITERS: Mapping[str, Callable[[Path, Agreement], None]] = {
    "json": _write_json,
    "csv": _write_csv,
    "html": write_report,
    "png": _write_picture,
}


def _writer(path: Path) -> Callable[[Path, Agreement], None]:
    form = path.suffix.lower().lstrip(".")
    if form not in _WRITERS:
        raise InputError(
            "expected a file ending in .json (everything), .csv (figures), .html (a page) or .png (the timeline); "
            f"got {path}: give another name with -o"
        )
    return _WRITERS[form]
