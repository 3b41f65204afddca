"""TextGrid of Praat: an interval tier per person, and where landmarks were asked for one for blinks."""

from __future__ import annotations

from pathlib import Path

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import MissingExtraError
from mien.outputs.base import Extra, PerVideoWriter
from mien.outputs.stretches import tiers
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview


def write_textgrid(path: Path, video: Overview) -> None:
    """Write the long form in UTF-8, with praatio; the file appears whole.

    Tiers are called as in ELAN files. Times are seconds to the millisecond, from 0 to the end of what was looked at; where
    nobody was seen, a tier ``expressions`` is empty, since Praat opens no file without tiers.

    Raises:
        MissingExtraError: praatio is not installed.
        InputError: The file cannot be written.
    """
    try:
        from praatio import textgrid
    except ImportError:
        raise MissingExtraError("TextGrid files", "praat", "praatio") from None
    found = tiers(video) or {"expressions": []}
    end = max(
        [round(video.start + video.length, 3), 0.001, *(each[-1].end for each in found.values() if each)]
    )
    grid = textgrid.Textgrid(0.0, end)
    for name, stretches in found.items():
        entries = [(each.start, each.end, each.label) for each in stretches]
        grid.addTier(textgrid.IntervalTier(name, entries, 0.0, end))
    with atomic_write(path) as aside, translate_os_errors(path):
        grid.save(str(aside), "long_textgrid", includeBlankSpaces=True, reportingMode="silence")


class TextGrid(PerVideoWriter):
    """``.TextGrid``: a tier per person for Praat."""

    extra = Extra("TextGrid files", "praat", "praatio", "praatio")

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        write_textgrid(path, video)
