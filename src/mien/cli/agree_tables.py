"""How far raters agree, as tables for people."""

from __future__ import annotations

from rich.text import Text

from mien.agreement.comparison import Agreement
from mien.agreement.report import number, share
from mien.cli.console import Console
from mien.cli.table import Table, TableColumn
from mien.core.formatting import clock
from mien.core.labels import NOTICE
from mien.core.names import titled
from mien.metrics.resampling import LEAST

_MOST_DIFFERENCES = 12


def show_agreement(agreement: Agreement, console: Console) -> None:
    """Print coefficients, F1 of each label, lags and the longest stretches in which raters differ."""
    parts = [
        ("", _pairs(agreement)),
        ("all at once", _groups(agreement)),
        ("F1 of each label", _labels(agreement)),
        ("seconds by which the second begins a label later, median", _lags(agreement)),
        ("where raters differ, the longest first (-o FILE.json has all)", _differences(agreement)),
    ]
    for heading, table in parts:
        if table is None:
            continue
        if heading:
            console.print()
            console.print(Text(heading, "bold"), soft_wrap=True)
        console.print(table)
    console.print()
    console.print(
        f"In brackets 95 % intervals over recordings, of {LEAST} or more. What is not coded is missing. {NOTICE}",
        style="dim",
        soft_wrap=True,
    )


def _pairs(agreement: Agreement) -> Table:
    table = Table("raters", "both coded (s)", "agreement", "kappa", "valence ICC(2,1)")
    for pair in agreement.pairs:
        table.add_row(
            f"{pair.one}, {pair.other}",
            f"{pair.seconds:,.1f}",
            share(pair.agreement),
            number(pair.kappa),
            number(pair.icc),
        )
    return table


def _groups(agreement: Agreement) -> Table:
    table = Table("raters", "alpha", "alpha of valence")
    for group in agreement.groups:
        table.add_row(", ".join(group.raters), number(group.alpha), number(group.valence_alpha))
    return table


def _labels(agreement: Agreement) -> Table | None:
    shown = [name for name in agreement.raters.classes if any(name in pair.f1 for pair in agreement.pairs)]
    if not shown:
        return None
    table = Table("raters", *shown)
    for pair in agreement.pairs:
        cells = [
            number(pair.f1[name]).split(" ", maxsplit=1)[0] if name in pair.f1 else "-" for name in shown
        ]
        table.add_row(f"{pair.one}, {pair.other}", *cells)
    return table


def _lags(agreement: Agreement) -> Table | None:
    rows = [(pair, label, lag) for pair in agreement.pairs for label, lag in pair.lags.items()]
    if not rows:
        return None
    table = Table(
        "raters", TableColumn("label", "text"), "beginnings", "median", "middle half", "95 % interval"
    )
    for pair, label, lag in rows:
        ends = "-" if lag.low is None or lag.high is None else f"{lag.low:+.2f} to {lag.high:+.2f}"
        middle = f"{lag.quarter:+.2f} to {lag.three_quarters:+.2f}"
        table.add_row(f"{pair.one}, {pair.other}", label, str(lag.n), f"{lag.median:+.2f}", middle, ends)
    return table


def _differences(agreement: Agreement) -> Table | None:
    if not agreement.differences:
        return None
    names = [TableColumn(name, "text") for name in agreement.raters.names]
    table = Table("recording", "from", "to", *names)
    for each in agreement.differences[:_MOST_DIFFERENCES]:
        labels = [label or "-" for label in each.labels]
        table.add_row(titled(each.source), clock(each.start), clock(each.end), *labels)
    return table
