"""FaceReader of Noldus: the detailed log of a video, text with tabs below some lines about the analysis."""

from __future__ import annotations

from collections.abc import Iterator, Set

from mien.core.errors import InputError
from mien.outputs.tables.programs.table import Expressions, ProgramTable, last_part
from mien.outputs.tables.saved_row import SavedRow

_EXPRESSIONS = ("Neutral", "Happy", "Sad", "Angry", "Surprised", "Scared", "Disgusted", "Contempt")


def recognised(names: Set[str]) -> bool:
    """Whether a header is that of one of its logs."""
    return "Video Time" in names


def rows(table: ProgramTable) -> Iterator[SavedRow]:
    """A row per frame: where no face was found, or its model did not fit, there is none.

    Raises:
        InputError: It is not the detailed log.
    """
    names = tuple(name for name in _EXPRESSIONS if name in table.header)
    if len(names) < 2:
        raise InputError(
            f"{table.path}: expected the detailed log of FaceReader; got another, with {', '.join(table.header[:5])}: export that one"
        )
    table.leaves_out(["Video Time", *names])
    expressions = Expressions(names)
    source = last_part(table.said("filename", "file name")) or table.path.stem
    for frame, line in enumerate(table.lines()):
        time, shares = line.seconds("Video Time"), expressions.shares(line)
        if shares is None:
            yield SavedRow(source, frame, time, "no_face", None, [], 0.0, [], expressions.labels, None)
        else:
            yield SavedRow(source, frame, time, "face", 1, [0.0] * 4, 1.0, shares, expressions.labels, None)
