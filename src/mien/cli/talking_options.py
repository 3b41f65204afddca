"""Options about faces that talk, which what is analyzed and what is watched share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import NetworkOptions
from mien.cli.span_options import OVER_TIME

if TYPE_CHECKING:
    from mien.video.runner import VideoOptions


class Talking(StrEnum):
    """What becomes of stretches in which somebody talks."""

    mark = "mark"
    skip = "skip"


@dataclass(frozen=True)
class TalkingOptions:
    """What becomes of faces that talk."""

    talking: Annotated[
        Talking | None,
        typer.Option(
            help="Tell where somebody talks, by landmarks (mark), or leave that out of shares, means and segments too (skip).",
            show_default=False,
            rich_help_panel=OVER_TIME,
        ),
    ] = None

    def networks(self, networks: NetworkOptions) -> NetworkOptions:
        """With landmarks where they are needed."""
        return networks if self.talking is None else replace(networks, landmarks=True)

    def video_options(self, video_options: VideoOptions) -> VideoOptions:
        """The same with what was asked for."""
        return video_options if self.talking is None else replace(video_options, talking=self.talking.value)
