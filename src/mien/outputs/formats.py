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
        beside: Ending of a further file that it writes with each, in place of the last part of this one's; empty where there
            is none.
    """

    kind: str
    module: str
    name: str
    beside: str = ""


FORMATS = {
    ".csv": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".json": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".jsonl": FileFormat("rows", "mien.outputs.tables.writers", "Rows"),
    ".parquet": FileFormat("rows", "mien.outputs.tables.writers", "Parquet"),
    ".xlsx": FileFormat("rows", "mien.outputs.tables.workbook", "Workbook"),
    ".spss.csv": FileFormat("SPSS", "mien.outputs.tables.spss", "SPSSRows", ".sps"),
    ".vtt": FileFormat("subtitles", "mien.outputs.subtitles", "Subtitles"),
    ".srt": FileFormat("subtitles", "mien.outputs.subtitles", "Subtitles"),
    ".eaf": FileFormat("ELAN", "mien.outputs.elan", "Elan"),
    ".TextGrid": FileFormat("Praat", "mien.outputs.textgrid", "TextGrid"),
    ".boris": FileFormat("BORIS", "mien.outputs.boris", "Boris"),
    "_events.tsv": FileFormat("BIDS", "mien.outputs.bids", "BidsEvents", ".json"),
    ".labelstudio.json": FileFormat("Label Studio", "mien.outputs.label_studio", "LabelStudio", ".xml"),
    ".html": FileFormat("report", "mien.outputs.report", "Report"),
}
"""By their ending, which says what is written."""


def ending_of(path: Path) -> str | None:
    """The ending of `FORMATS` that a name has, the longest of them, in capitals or not; None where it has none.

    >>> ending_of(Path("talk.spss.csv")), ending_of(Path("sub-1_EVENTS.TSV")), ending_of(Path("talk.tsv")), ending_of(Path(".csv"))
    ('.spss.csv', '_events.tsv', None, None)
    """
    name = path.name.lower()
    fitting = [ending for ending in FORMATS if name.endswith(ending.lower()) and len(name) > len(ending)]
    return max(fitting, key=len, default=None)


def writer_of(path: Path) -> type[Writer] | None:
    """What writes a file of this name; None where nothing does.

    >>> writer_of(Path("talk.VTT")).__name__, writer_of(Path("talk.doc"))
    ('Subtitles', None)
    """
    ending = ending_of(path)
    if ending is None:
        return None
    found = FORMATS[ending]
    writer: type[Writer] = getattr(import_module(found.module), found.name)
    return writer


def beside(path: Path) -> Path | None:
    """The further file that is written with one; None where there is none.

    >>> beside(Path("out/talk_events.tsv")).as_posix(), beside(Path("talk.vtt"))
    ('out/talk_events.json', None)
    """
    ending = ending_of(path)
    own = FORMATS[ending].beside if ending else ""
    return path.with_suffix(own) if own else None


def kinds_of_files() -> str:
    """The endings of each kind, for help.

    >>> kinds_of_files().startswith("rows: .csv .json .jsonl .parquet .xlsx; SPSS: .spss.csv; subtitles: .vtt .srt; ELAN: .eaf; ")
    True
    """
    kinds = groupby(FORMATS, key=lambda ending: FORMATS[ending].kind)
    return "; ".join(f"{kind}: {' '.join(endings)}" for kind, endings in kinds)
