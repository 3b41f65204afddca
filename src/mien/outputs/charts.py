"""Charts of each video as PNG, in a folder."""

from __future__ import annotations

from mien.outputs.base import Extra, Writer, title
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview


class Charts(Writer):
    """A folder with ``timeline.png``, where people were followed ``people.png``, and with their landmarks
    ``landmarks.png``; ``places`` are the folders."""

    extra = Extra("Charts", "report", "matplotlib", "matplotlib")

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        if video is not None:
            from mien.plotting.timeline import write_video_charts

            self.written += write_video_charts(self.places[source.position], video, title(source.source))
