"""All other programs whose tables are read as rows. A new one is its file and a line here."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Set
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mien.outputs.tables.programs import facereader, imotions, openface, pyfeat
from mien.outputs.tables.programs.table import ProgramTable, encoding_of
from mien.outputs.tables.saved_row import SavedRow


class Program(NamedTuple):
    """One program.

    Args:
        name: What it is called.
        recognised: Whether a header of these names is its.
        rows: What makes rows of its tables.
    """

    name: str
    recognised: Callable[[Set[str]], bool]
    rows: Callable[[ProgramTable], Iterator[SavedRow]]


PROGRAMS = (
    Program("OpenFace", openface.recognised, openface.rows),
    Program("py-feat", pyfeat.recognised, pyfeat.rows),
    Program("FaceReader", facereader.recognised, facereader.rows),
    Program("iMotions", imotions.recognised, imotions.rows),
)

ENDINGS = (".csv", ".tsv", ".txt")
"""Of the files that other programs write."""

_DEEPEST = 200
"""Lines above a header at most."""
_WIDEST = 1 << 20
"""Characters of a line at most: beyond, it is no table."""


def open_program_table(path: Path) -> ProgramTable | None:
    """The table of another program, known by its header; None where it is of none, as mien's own are.

    Raises:
        InputError: The file cannot be read.
    """
    if path.suffix.lower() not in ENDINGS:
        return None
    encoding = encoding_of(path)
    preamble: list[tuple[str, ...]] = []
    with open(path, encoding=encoding, errors="replace", newline="") as file:
        lines = iter(lambda: file.readline(_WIDEST), "")
        for number, line in enumerate(islice(lines, _DEEPEST), 1):
            for delimiter in "\t;,":
                header = _cells(line, delimiter)
                for program in PROGRAMS:
                    if len(header) > 1 and program.recognised({*header}):
                        above = tuple(preamble)
                        return ProgramTable(
                            path, program.name, program.rows, encoding, delimiter, header, number, above
                        )
            preamble.append(max((_cells(line, mark) for mark in "\t;,"), key=len))
    return None


def _cells(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return ()
