"""Which span of a video is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from mien.core.errors import InputError
from mien.core.names import quoted

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
        return _seconds(self.start, "--from"), _seconds(self.end, "--to")


def _seconds(text: str | None, option: str) -> float | None:
    from mien.events.file import parsed_seconds

    seconds = None if text is None else parsed_seconds(text)
    if text is not None and (seconds is None or seconds < 0):
        raise InputError(
            f"{option}: expected a time from 0 on in seconds, as mm:ss or hh:mm:ss; got {quoted(text)}"
        )
    return seconds


def parse_baseline(text: str | None) -> Any:
    """What ``--baseline`` asks for: seconds, ``median``, or nothing.

    Raises:
        InputError: It is neither.
    """
    if text in (None, "median"):
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"expected --baseline as seconds above 0, or median; got {quoted(text)}") from None
