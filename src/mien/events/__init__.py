"""Events: labelled times out of files of other programs and of people, read in one way."""

from mien.events.event import Event
from mien.events.reading import read_events

__all__ = ["Event", "read_events"]
