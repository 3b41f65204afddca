"""ELAN (``.eaf``), with pympi: an event an annotation; its tier, and the participant of the tier as the subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mien.core.errors import InputError, MissingExtraError
from mien.core.formatting import counted
from mien.events.event import Event
from mien.events.file import EventFile


def recognised(file: EventFile) -> bool:
    """Whether it is an annotation document, whatever its name."""
    return "<ANNOTATION_DOCUMENT" in file.text[:4000]


def events(file: EventFile) -> Iterator[Event]:
    """Annotations tier by tier, those that refer to others with the times of these.

    Raises:
        MissingExtraError: pympi-ling is not installed.
        InputError: The file is not whole.
    """
    document = _document(file)
    for tier in document.get_tier_names():
        subject = document.tiers[tier][2].get("PARTICIPANT", "").strip()
        unknown = 0
        for start, end, label, *_ in _annotations(document, tier, file):
            if start is None or end is None:
                unknown += 1
                continue
            begin = start / 1000
            stop = file.ended(begin, end / 1000, f"tier {tier}")
            yield Event(begin, stop, " ".join((label or "").split()), tier, subject)
        if unknown:
            file.remarks.append(
                f"{file.path}, tier {tier}: {counted(unknown, 'annotation without a time is', 'annotations without a time are')} left out"
            )


def _document(file: EventFile) -> Any:
    try:
        import pympi
    except ImportError:
        raise MissingExtraError("ELAN files", "elan", "pympi-ling") from None
    try:
        document = pympi.Eaf()
        document.remove_tier("default")
        pympi.Elan.parse_eaf(str(file.path.absolute()), document, suppress_version_warning=True)
    except Exception as error:  # pympi raises whatever its parts do.
        raise _broken(file, error) from None
    return document


def _annotations(document: Any, tier: str, file: EventFile) -> list[Any]:
    try:
        if document.tiers[tier][1]:
            return list(document.get_ref_annotation_data_for_tier(tier))
        moments = document.timeslots
        # Not `get_annotation_data_for_tier`, which compares times that may not be there.
        return [
            (moments[begin], moments[end], label)
            for begin, end, label, *_ in document.tiers[tier][0].values()
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(file, error) from None


def _broken(file: EventFile, error: Exception) -> InputError:
    reason = " ".join(f"{type(error).__name__} {error}".split())[:100]
    return InputError(
        f"{file.path}: expected a whole ELAN file; got one that breaks off ({reason}): save it again"
    )
