"""All formats that a run can write. A new one is its file and a line here: whether a name is known, what
writes it and what must be installed for it come from this list."""

from __future__ import annotations

from mien.outputs.base import Writer
from mien.outputs.elan import Elan
from mien.outputs.report import Report
from mien.outputs.subtitles import SubRip, WebVTT
from mien.outputs.tables.writers import Csv, Json, JsonLines, Parquet

FORMATS: tuple[type[Writer], ...] = (Json, JsonLines, Csv, Parquet, WebVTT, SubRip, Elan, Report)

BY_EXTENSION = {writer.extension: writer for writer in FORMATS}

EXTENSIONS = tuple(BY_EXTENSION)
"""Endings of the files that a run can write; the ending says what is written."""
