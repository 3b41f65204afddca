"""Charts of each video as PNG, in a folder."""

from __future__ import annotations

from mien.outputs.base import Extra, Writer, title
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

CHARTS = ("timeline.png", "persons.png", "landmarks.png")
"""Names of the charts of a video: the first is of every one, the others where people were followed, and landmarks found."""


class Charts(Writer):
    """Folders with those of `CHARTS` that a video has; ``places`` are the folders."""

    extra = Extra("Charts", "report", "matplotlib", "matplotlib")

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        if video is not None:
            from mien.plotting.timeline import write_video_charts

            self.written += write_video_charts(self.places[source.position], video, title(source.source))
