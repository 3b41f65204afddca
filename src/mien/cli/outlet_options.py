"""Where what is watched is handed on, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mien.inference.pipeline import Pipeline
    from mien.outlets.group import Outlets

_HANDING = "Handing on and keeping"


@dataclass(frozen=True)
class OutletOptions:
    """``--outlet``, ``--record`` and ``--record-limit``."""

    outlet: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Hand on numbers of each frame and marked moments, no images: lsl:NAME (Lab Streaming Layer; "
            "lsl:NAME?people=4 for more than one person) or osc://HOST:PORT; give it again for more. Needs mien\\[lab].",
            show_default=False,
            rich_help_panel=_HANDING,
        ),
    ] = None
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep the video without marks, rows, marked moments and settings in a new folder.",
            show_default=False,
            rich_help_panel=_HANDING,
        ),
    ] = None
    record_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="End the recording when its video has this size, such as 20GB; it always leaves 500 MB of the disk.",
            show_default=False,
            rich_help_panel=_HANDING,
        ),
    ] = None

    def opened(
        self, source: str, pipeline: Pipeline, settings: Mapping[str, Any], tell: Callable[[str], None]
    ) -> Outlets:
        """Open them, and say what is handed on and kept.

        Args:
            source: What is watched.
            pipeline: What reads it.
            settings: What decides the rows, ready for JSON.
            tell: Called with lines for people.

        Raises:
            InputError: An address, folder or size is impossible.
            MissingExtraError: What an address needs is not installed.
        """
        from mien.core.errors import InputError
        from mien.outlets.base import StreamFacts
        from mien.outlets.group import Outlets
        from mien.outlets.recording import Recording, size_of
        from mien.outlets.registry import open_outlets

        if self.record_limit is not None and self.record is None:
            raise InputError("--record-limit: expected --record FOLDER with it")
        limit = None if self.record_limit is None else size_of(self.record_limit)
        facts = StreamFacts(source, pipeline.labels, pipeline.mesh is not None, str(settings["network"]))
        opened = open_outlets(self.outlet or (), facts)
        recording = None if self.record is None else Recording(self.record, facts, settings, limit, tell)
        outlets = Outlets(opened, recording, tell)
        for about in outlets.about:
            tell(f"{'records to' if recording and about == recording.about else 'sends to'} {about}")
        return outlets
