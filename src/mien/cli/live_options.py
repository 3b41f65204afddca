"""Options of commands that read live sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import MaxPixels

if TYPE_CHECKING:
    from mien.media import Sampling
    from mien.media.live import LiveOptions

_SOURCE = "Source"


@dataclass(frozen=True)
class SourceOptions:
    """How a live source is opened."""

    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Size in px asked of a camera, such as 1280x720.",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option(
            "--capture-fps",
            help="Frames per second asked of a camera, or taken of the screen (10).",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without a sign of life after which a source is lost.", rich_help_panel=_SOURCE
        ),
    ] = 5.0
    max_pixels: MaxPixels = None
    udp: Annotated[
        bool,
        typer.Option(
            "--udp", help="RTSP over UDP, for cameras that know nothing else.", rich_help_panel=_SOURCE
        ),
    ] = False

    def options(self, sampling: Sampling) -> LiveOptions:
        """How the source is opened.

        Args:
            sampling: Which frames are looked at.

        Raises:
            InputError: An option is impossible.
        """
        from mien.media.live import LiveOptions

        given: dict[str, Any] = {
            "size": self._size(),
            "rate": self.rate,
            "transport": "udp" if self.udp else "tcp",
        }
        if self.max_pixels is not None:
            given["max_pixels"] = self.max_pixels
        return LiveOptions(sampling, timeout=self.timeout, **given)

    def _size(self) -> tuple[int, int] | None:
        from mien.core.errors import InputError

        if self.size is None:
            return None
        match = re.fullmatch(r"(\d+)x(\d+)", self.size)
        if match is None:
            raise InputError(f"expected --size as width x height in px, such as 1280x720; got {self.size!r}")
        return int(match[1]), int(match[2])
