"""The HTML report of each video."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.outputs.annotate import pick
from mien.outputs.base import Extra, PerVideoWriter, title
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.reports.video import Thumbnail


class Report(PerVideoWriter):
    """``.html``: figures, people and the timeline of a video on one page that loads nothing."""

    extra = Extra("Reports", "report", "jinja2", "jinja2")
    of_parts = True

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        from mien.reports.heard import Heard
        from mien.reports.video import write_report

        remarks = [("Remark", remark) for remark in (source.media.remarks if source.media else ())]
        facts = replace(
            self.run.facts, title=title(source.source), settings=[*self.run.facts.settings, *remarks]
        )
        shown = self._thumbnails(source, video) if self.run.thumbnails else ()
        heard = Heard(partial(self._levels, source), self.run.transcript)
        write_report(path, video, facts, shown, heard)

    def _levels(
        self, source: AnalyzedSource, start: float, step: float, count: int
    ) -> NDArray[np.float64] | None:
        from mien.media.sound_level import sound_levels

        with self.run.video_options.open(source.source) as media:
            return sound_levels(media, start, step, count)

    def _thumbnails(self, source: AnalyzedSource, video: Overview) -> list[Thumbnail]:
        from mien.reports.thumbnails import thumbnails

        frames = self.run.follow(source.again(), f"faces of {title(source.source)}")
        with self.run.video_options.open(source.source) as media:
            return thumbnails(video, pick(media, frames), self.run.covering)
