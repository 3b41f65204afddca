"""TextGrid of Praat, long and short, with praatio: an event an interval with a label, or a point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mien.core.errors import InputError, MissingExtraError
from mien.events.event import Event
from mien.events.file import EventFile


def recognised(file: EventFile) -> bool:
    """Whether it says so itself, whatever its name."""
    return "ooTextFile" in file.text[:100] and "TextGrid" in file.text[:400]


def events(file: EventFile) -> Iterator[Event]:
    """Intervals and points tier by tier; intervals without a label are silence.

    Raises:
        MissingExtraError: praatio is not installed.
        InputError: The file is not whole.
    """
    for tier in _tiers(file):
        for *times, label in tier["entries"]:
            start, *ends = [file.seconds(str(time), f"tier {tier['name']}") for time in times]
            end = file.ended(start, ends[0], f"tier {tier['name']}") if ends else None
            yield Event(start, end, " ".join(label.split()), tier["name"])


def _tiers(file: EventFile) -> list[dict[str, Any]]:
    try:
        from praatio.utilities.textgrid_io import parseTextgridStr
    except ImportError:
        raise MissingExtraError("TextGrid files", "praat", "praatio") from None
    try:
        tiers = list(parseTextgridStr(file.text, includeEmptyIntervals=False)["tiers"])
        return [{"name": tier["name"], "entries": list(tier["entries"])} for tier in tiers]
    except Exception as error:  # praatio raises whatever its parts do.
        reason = " ".join(f"{type(error).__name__} {error}".split())[:100]
        raise InputError(
            f"{file.path}: expected a whole TextGrid; got one that breaks off ({reason}): save it again"
        ) from None
