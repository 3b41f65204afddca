"""Annotation files of ELAN, which researchers of behaviour use: a tier per person, an annotation per
stretch of one expression; where landmarks were asked for, a second one for blinks."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.core.names import printable
from mien.outputs.base import Extra, PerVideoWriter
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.tracking.blinks import Blink
    from mien.tracking.segments import Segment

_TYPE, _BLINK = "expression", "blink"
_VOCABULARY = "expressions"
_UNDETERMINED = "und"
"""ISO 639 for a language that is not said: the labels are names, not words of one."""


def write_elan(
    path: Path,
    segments: Iterable[Segment],
    labels: Labels,
    video: Path | None = None,
    blinks: Mapping[int, Sequence[Blink]] | None = None,
) -> None:
    """Write ``.eaf`` (ELAN Annotation Format 2.8, https://archive.mpi.nl/tla/elan), with pympi; the file
    appears whole.

    Tiers are called ``person 1``, ``person 2`` ...; the value of an annotation is the smoothed emotion of the
    person. Times are whole milliseconds, as in every such file; what lies before 0 s is cut off, because ELAN
    knows no time there. The expressions are a controlled vocabulary, so that annotations that are corrected
    by hand stay among them. Blinks have tiers of their own, ``person 1 blinks`` ...

    Args:
        path: Where the file goes.
        segments: Stretches in which a person shows one expression.
        labels: All expressions that the network tells apart.
        video: The video, which the file links to, so that ELAN opens it beside the tiers.
        blinks: Of each person whose blinks could be counted, by id: an empty tier says that there were none, and
            no tier that nobody knows.

    Raises:
        MissingExtraError: pympi-ling is not installed.
        InputError: The file cannot be written.
    """
    document = _document(labels)
    if video is not None:
        _link(document, video, path)
    ordered = sorted(segments, key=lambda segment: (segment.track, segment.start))
    counted = blinks or {}
    if counted:
        document.add_linguistic_type(_BLINK)
    for track in sorted({*(segment.track for segment in ordered), *counted}):
        shown = [(each.start, each.end, each.label) for each in ordered if each.track == track]
        if shown:
            _add_tier(document, f"person {track}", _TYPE, track, shown)
        if track in counted:
            closed = [(blink.start, blink.end, _BLINK) for blink in counted[track]]
            _add_tier(document, f"person {track} blinks", _BLINK, track, closed)
    _number_slots(document)
    _save(document, path)


def _add_tier(
    document: Any, name: str, kind: str, track: int, stretches: Iterable[tuple[float, float, str]]
) -> None:
    """A tier of stretches in order of time: from when to when, and what is written there."""
    document.add_tier(name, kind, part=f"person {track}", ann="mien")
    last = 0
    for start, end, value in stretches:
        # Annotations of one tier may touch, but not overlap.
        first, stop = max(last, round(start * 1000)), round(end * 1000)
        if stop > first:
            document.add_annotation(name, first, stop, printable(value))
            last = stop


def _document(labels: Labels) -> Any:
    pympi = _pympi()
    document = pympi.Eaf(author="mien")
    document.remove_tier("default")
    document.remove_linguistic_type("default-lt")
    document.add_language(_UNDETERMINED, "http://cdb.iso.org/lg/CDB-00130975-001", "undetermined (und)")
    document.add_controlled_vocabulary(_VOCABULARY)
    document.add_cv_description(
        _VOCABULARY,
        _UNDETERMINED,
        NOTICE,
    )
    for number, name in enumerate(labels if labels.min_confidence is None else [*labels, UNCERTAIN]):
        document.add_cv_entry(_VOCABULARY, f"cve{number}", [(printable(name), _UNDETERMINED, None)])
    document.add_linguistic_type(_TYPE)
    document.linguistic_types[_TYPE]["CONTROLLED_VOCABULARY_REF"] = _VOCABULARY
    return document


def _link(document: Any, video: Path, path: Path) -> None:
    whole = Path(os.path.realpath(video))
    kind = mimetypes.guess_type(whole.name)[0] or "unknown"
    try:
        beside: str | None = f"./{whole.relative_to(os.path.realpath(path.parent)).as_posix()}"
    except ValueError:
        beside = None
    if beside is not None and printable(beside) != beside:
        beside = quote(
            os.fsencode(beside)
        )  # An address may be written so; a name with what XML forbids may not stand there at all.
    document.add_linked_file(whole.as_uri(), relpath=beside, mimetype=kind)


def _number_slots(document: Any) -> None:
    """Give the time slots numbers in order of time, as ELAN writes them; pympi numbers them as they come, and
    orders them by number."""
    ranked = sorted(document.timeslots.items(), key=lambda slot: slot[1])
    names = {old: f"ts{number}" for number, (old, _) in enumerate(ranked, 1)}
    document.timeslots = {names[old]: moment for old, moment in ranked}
    for aligned, *_ in document.tiers.values():
        for key, (start, end, *rest) in aligned.items():
            aligned[key] = (names[start], names[end], *rest)


def _save(document: Any, path: Path) -> None:
    if path.suffix.lower() != ".eaf":
        raise InputError(f"expected an ELAN file ending in .eaf; got {path}: give another name")
    text = _pympi().Elan.to_string(document, pretty=True)
    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8", newline="\n")


def _pympi() -> Any:
    try:
        import pympi
    except ImportError:
        raise MissingExtraError("ELAN files", "elan", "pympi-ling") from None
    return pympi


class Elan(PerVideoWriter):
    """``.eaf``: a tier per person for ELAN."""

    extra = Extra("ELAN files", "elan", "pympi", "pympi-ling")

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        file = Path(source.source) if isinstance(source.source, str | Path) else None
        write_elan(path, video.segments, self.run.labels, file, video.blinks_by_person())
