"""iMotions: an export with the values of AFFDEX, below lines about the study; of one respondent or of several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from mien.events.cells import cell_at
from mien.outputs.tables.programs.table import Expressions, ProgramLine, ProgramTable
from mien.outputs.tables.saved_row import SavedRow

_EXPRESSIONS = ("Anger", "Contempt", "Disgust", "Fear", "Joy", "Sadness", "Surprise", "Neutral")
_RESPONDENTS = ("Respondent Name", "RespondentName", "Respondent")
_SAMPLE = "SampleNumber"


def recognised(names: Set[str]) -> bool:
    """Whether a header has times and the expressions of AFFDEX."""
    return {"Timestamp", "Anger", "Joy", "Sadness"} <= names


def rows(table: ProgramTable) -> Iterator[SavedRow]:
    """A row per sample of AFFDEX, respondent by respondent: those of other sensors, whose rows stand between, are passed over."""
    expressions = Expressions(tuple(name for name in _EXPRESSIONS if name in table.header), 100.0)
    respondent = next((name for name in _RESPONDENTS if name in table.header), "")
    table.leaves_out(["Row", "Timestamp", respondent, *expressions.columns, _SAMPLE])
    sample = _sample_column(table)
    if not respondent:
        source = table.said("respondent name") or table.path.stem
        yield from _of_one(source, table.lines(), expressions, sample)
        return
    groups: dict[str, list[ProgramLine]] = {}
    for line in table.lines():  # All at once: the rows of respondents may stand in turn, by time.
        groups.setdefault(line.text(respondent) or table.path.stem, []).append(line)
    for name, lines in groups.items():
        yield from _of_one(name, lines, expressions, sample)


def _sample_column(table: ProgramTable) -> int | None:
    """Where the number of AFFDEX's sample stands: each sensor has such a column before its values."""
    first = table.header.index(_EXPRESSIONS[0])
    return max((place for place, name in enumerate(table.header[:first]) if name == _SAMPLE), default=None)


def _of_one(
    source: str, lines: Iterable[ProgramLine], expressions: Expressions, sample: int | None
) -> Iterator[SavedRow]:
    frame = 0
    for line in lines:
        shares = expressions.shares(line)
        if shares is None and not (sample is not None and cell_at(line.cells, sample)):
            continue
        milliseconds = line.number_of("Timestamp")
        if milliseconds is None:
            raise line.error("Timestamp", "a time in ms")
        time = milliseconds / 1000
        if shares is None:
            yield SavedRow(source, frame, time, "no_face", None, [], 0.0, [], expressions.labels, None)
        else:
            yield SavedRow(source, frame, time, "face", 1, [0.0] * 4, 1.0, shares, expressions.labels, None)
        frame += 1
