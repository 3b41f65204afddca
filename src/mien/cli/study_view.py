"""A comparison on the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from mien.cli.table import Table, TableColumn
from mien.studies.texts import number, span

if TYPE_CHECKING:
    from mien.studies.comparison import ComparedStudy

_MOST = 30


def comparison_table(compared: ComparedStudy) -> Table:
    """The comparisons, those with the smallest p-values first."""
    table = Table(
        "signal",
        "levels",
        TableColumn("n", drop=2),
        "difference",
        "95 % interval",
        TableColumn("effect", drop=1),
        "p adjusted",
    )
    ranked = sorted(compared.comparisons, key=lambda one: (math.isnan(one.adjusted), one.adjusted))
    for one in ranked[:_MOST]:
        cells = one.cells()
        n = str(cells["n_a"]) if one.paired else f"{cells['n_b']}, {cells['n_a']}"
        name = one.measure + (f", {one.each}" if one.each else "")
        shown = f"{one.adjusted:.4f}"
        table.add_row(
            name,
            f"{one.other} - {one.one}",
            n,
            number(one.difference),
            span(one.low, one.high),
            number(one.effect),
            Text(shown, style="bold" if one.significant else ""),
        )
    return table
