"""Which span of a video is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from mien.core.formatting import seconds_of

OVER_TIME = "Videos"


@dataclass(frozen=True)
class SpanOptions:
    """``--from`` and ``--to``."""

    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Read videos from this time on: seconds, mm:ss or hh:mm:ss. What comes before is passed over, not decoded.",
            show_default=False,
            rich_help_panel=OVER_TIME,
        ),
    ] = None
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="Read videos up to this time; times stay those of the whole video.",
            show_default=False,
            rich_help_panel=OVER_TIME,
        ),
    ] = None

    def span(self) -> tuple[float | None, float | None]:
        """Both in seconds; None where one is not given.

        Raises:
            InputError: One is no time.
        """
        return (
            None if self.start is None else seconds_of(self.start, "--from"),
            None if self.end is None else seconds_of(self.end, "--to"),
        )
