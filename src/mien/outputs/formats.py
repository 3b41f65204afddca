"""All formats that a run can write. A new one is its file and a line here: what ``-o`` takes and its help
says, what writes it, and what the service offers come from this list. Importing it loads no writer."""

from __future__ import annotations

from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mien.outputs.base import Writer


class FileFormat(NamedTuple):
    """What a file of an ending is.

    Args:
        kind: What help calls it; formats of one kind stand together.
        module: Where its writer is.
        name: The writer, a class like `mien.outputs.base.Writer`.
    """

    kind: str
    module: str
    name: str


FORMATS = {
    ".csv": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".json": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".jsonl": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".parquet": FileFormat("rows", "mien.outputs.tables.writers", "Parquet"),
    ".vtt": FileFormat("subtitles", "mien.outputs.subtitles", "Subtitles"),
    ".srt": FileFormat("subtitles", "mien.outputs.subtitles", "Subtitles"),
    ".eaf": FileFormat("ELAN", "mien.outputs.elan", "Elan"),
    ".html": FileFormat("report", "mien.outputs.report", "Report"),
}
"""By their ending, which says what is written."""


def writer_of(path: Path) -> type[Writer] | None:
    """What writes a file of this name; None where nothing does.

    >>> writer_of(Path("talk.VTT")).__name__, writer_of(Path("talk.doc"))
    ('Subtitles', None)
    """
    found = FORMATS.get(path.suffix.lower())
    writer: type[Writer] | None = found and getattr(import_module(found.module), found.name)
    return writer


def kinds_of_files() -> str:
    """The endings of each kind, for help.

    >>> kinds_of_files()
    'rows: .csv .json .jsonl .parquet; subtitles: .vtt .srt; ELAN: .eaf; report: .html'
    """
    kinds = groupby(FORMATS, key=lambda ending: FORMATS[ending].kind)
    return "; ".join(f"{kind}: {' '.join(endings)}" for kind, endings in kinds)
