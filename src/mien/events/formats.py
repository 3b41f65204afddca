"""All formats of events that can be read. A new one is its file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mien.events import bids, boris, elan, label_studio, table, textgrid, webvtt
from mien.events.event import Event
from mien.events.file import EventFile


class EventFormat(NamedTuple):
    """One format.

    Args:
        name: What it is called.
        recognised: Whether a file is of it; files are known by what they hold, not by their ending.
        events: What reads it; it adds remarks to the file.
    """

    name: str
    recognised: Callable[[EventFile], bool]
    events: Callable[[EventFile], Iterator[Event]]


FORMATS = (
    EventFormat("WebVTT", webvtt.recognised, webvtt.events),
    EventFormat("ELAN", elan.recognised, elan.events),
    EventFormat("Praat TextGrid", textgrid.recognised, textgrid.events),
    EventFormat("Label Studio", label_studio.recognised, label_studio.events),
    EventFormat("BORIS project", boris.is_project, boris.project_events),
    EventFormat("BIDS events", bids.recognised, bids.events),
    EventFormat("BORIS table", boris.is_table, boris.table_events),
    EventFormat("CSV", lambda file: True, table.events),
)
"""In the order in which a file is tried; whatever nothing else recognises is read as a table, which says what is amiss."""
