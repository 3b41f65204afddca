"""Where commands write for people and programs: text from outside is shown as it is, whatever it holds and
whatever the stream can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.progress import TextColumn
from rich.segment import Segment
from rich.text import Text

from mien.core.names import STREAM_ERRORS, json_text, printable

_PIPED = 10_000
"""Columns of an output that no terminal shows."""


class Console(rich.console.Console):
    """Rich's, for text from outside: square brackets and colons are no markup, and what a terminal would obey
    is escaped (`mien.core.names`).

    Words are set off by a `Text` or a ``style``. Names go into a `Text` as they come: they are spelled
    already. What is piped or goes to a file has the width that it needs, unless ``COLUMNS`` names one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)
        if self._width is None and not _is_terminal(self.file):
            self._width, self._height = _PIPED, 25

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # What was put into a Text by hand comes this way alone.
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def _is_terminal(file: IO[str]) -> bool:
    try:
        return file.isatty()
    except (AttributeError, ValueError):  # No real file, or one that is closed.
        return False


def words(template: str, style: str = "none") -> TextColumn:
    """A column of a progress bar with text that may come from outside."""
    return TextColumn(template, style=style, markup=False)


def say(text: object) -> None:
    """A line for programs and people on standard output."""
    print(printable(str(text)), flush=True)


def say_json(facts: Any, indent: int | None = 1) -> None:
    """Facts as JSON on standard output; on a stream that is not UTF-8 as JSON in ASCII, which loses
    nothing."""
    print(json_text(facts, sys.stdout, indent), flush=True)


def complain(text: str) -> None:
    """Text on standard error as it is, such as a traceback."""
    sys.stderr.write(printable(text))


def prepare_streams() -> None:
    """Have standard output and error take every character, in whatever encoding they are; one that was closed before the
    command began leads nowhere, and its number is not given to a file that is opened later."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (it stays open to the end)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=STREAM_ERRORS)
