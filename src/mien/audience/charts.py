"""A measurement as one chart, as a file and for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mien.audience.timeline import Column, course, pieces
from mien.core.labels import NOTICE
from mien.core.names import titled
from mien.core.notebook import PNGImage
from mien.core.scratch import scratch_folder
from mien.metrics.sentiment import SENTIMENTS
from mien.plotting.timeline import Mark, Row, Span, draw_spans

if TYPE_CHECKING:
    from mien.audience.result import Audience


def chart_of(audience: Audience) -> PNGImage:
    """What `write_chart` writes, for a notebook.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with scratch_folder() as folder:
        write_chart(folder / "audience.png", audience)
        return PNGImage("audience", (folder / "audience.png").read_bytes())


def write_chart(path: Path, audience: Audience) -> None:
    """Write expressions, sentiments and similarity over time as PNG, with key points as lines.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    columns = course(audience.windows)
    rows = [
        Row("expressions", [_span(column, column.shares) for column in columns], audience.labels, 3),
        *(
            [Row("sentiment", [_span(column, column.sentiment) for column in columns], SENTIMENTS, 2)]
            if audience.tells_sentiment
            else []
        ),
        Row(
            "similarity",
            [
                Span(column.start, column.end, {} if column.similarity is None else {"": column.similarity})
                for column in columns
            ],
            None,
            1,
        ),
    ]
    marks = [
        Mark(f"{number} {change.label}", change.time, change.effect > 0)
        for number, change in enumerate(audience.changes, 1)
        if change.status != "not_reached"
    ]
    note = f"{NOTICE} Hatched: too few people, or no image. Lines: key points, drawn through where something changed clearly."
    draw_spans(path, rows, marks, titled(audience.source), note)


def _span(column: Column, shares: Mapping[str, float] | None) -> Span:
    return Span(column.start, column.end, {name: height for name, _, height in pieces(shares or {})})
