"""All raters of all recordings on a common grid of time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.agreement.coders import Coder, RecordingExtent, coder_names, read_coder
from mien.agreement.coding import Coding, coding_of_rows, filled
from mien.agreement.options import MIEN, AgreementOptions
from mien.clips.aggregate import durations
from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, Labels
from mien.video.results import VideoResult

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CodedRecording:
    """What all raters made of one recording.

    Args:
        source: Its name.
        times: ``(n,)`` seconds of the moments that are compared.
        codes: ``(raters, n)`` place of the label among the classes, -1 where a rater has not coded.
        valence: ``(raters, n)``, NaN where a rater has not coded.
        codings: Of each rater, the stretches themselves.
    """

    source: str
    times: Floats
    codes: NDArray[np.int64]
    valence: Floats
    codings: tuple[Coding, ...]


@dataclass(frozen=True, eq=False)
class Raters:
    """Who has rated what.

    Args:
        names: Of the raters; the first one is mien.
        classes: Labels, those of the rows first.
        recordings: In the order of the rows.
        remarks: What was amiss.
        complete: Whether every file that was given could be used.
    """

    names: tuple[str, ...]
    classes: Labels
    recordings: tuple[CodedRecording, ...]
    remarks: tuple[str, ...]
    complete: bool = True

    @property
    def coders(self) -> tuple[int, ...]:
        """Places of the people among the raters."""
        return tuple(range(1, len(self.names)))


def read_raters(videos: Iterable[VideoResult], paths: Sequence[Path], options: AgreementOptions) -> Raters:
    """Bring the rows and the coders' files together. A coder of whom nothing can be used is left out, with a remark.

    Args:
        videos: The rows, by recording.
        paths: A file or folder for each coder.
        options: How they are compared.

    Raises:
        InputError: There are no rows, no coder, or of none of them anything can be used.
    """
    remarks: list[str] = []
    paths = _once(paths, remarks)
    rows = _rows(videos, options, remarks)
    extents = {source: extent for source, (extent, _) in rows.items()}
    coders: list[Coder] = []
    names = coder_names(paths)
    _check_offsets(options, names)
    for path, name in zip(paths, names, strict=True):
        try:
            coders.append(read_coder(path, MIEN + " coded" if name == MIEN else name, extents, options))
            remarks += coders[-1].remarks
        except InputError as error:
            if len(paths) == 1:
                raise
            remarks.append(f"{error}; {name} is left out")
    if not coders:
        raise InputError(f"expected coders' files; none of {len(paths)} can be used: {remarks[-1]}")
    classes = _classes([extent.labels for extent in extents.values()], coders, options)
    recordings = [
        _recording(
            source,
            [coding, *(each.codings.get(source, Coding()) for each in coders)],
            extent,
            (classes, options),
        )
        for source, (extent, coding) in rows.items()
    ]
    complete = len(coders) == len(paths) and all(each.complete for each in coders)
    names = [MIEN, *(each.name for each in coders)]
    return Raters(tuple(names), classes, tuple(recordings), tuple(remarks), complete)


def _once(paths: Sequence[Path], remarks: list[str]) -> list[Path]:
    """Coders without those who were given before: they would agree with themselves."""
    kept: dict[str, Path] = {}
    for path in paths:
        place = os.path.realpath(path)
        if place in kept:
            remarks.append(f"{path} was given before; it counts once")
        kept.setdefault(place, path)
    return list(kept.values())


def _rows(
    videos: Iterable[VideoResult], options: AgreementOptions, remarks: list[str]
) -> dict[str, tuple[RecordingExtent, Coding]]:
    """What the rows say of each recording; one is in memory at a time."""
    found: dict[str, tuple[RecordingExtent, Coding]] = {}
    for video in videos:
        remarks += [remark for remark in video.remarks if remark not in remarks]
        if video.source in found:
            remarks.append(f"{video.source} stands in two places of the rows; the first one counts")
        elif not len(video.times):
            remarks.append(f"{video.source}: no frame of it was read; left out")
        else:
            try:
                found[video.source] = (_extent(video), coding_of_rows(video, options.person))
            except InputError as error:
                remarks.append(f"{error}; left out")
    if not found:
        raise InputError(
            f"expected rows of videos; got none that can be used. {' '.join(remarks[:1])}".strip()
        )
    return found


def _extent(video: VideoResult) -> RecordingExtent:
    end = float(video.times[-1] + durations(video)[-1])
    return RecordingExtent(float(video.times[0]), end, video.faces.labels or EXPRESSIONS)


def _check_offsets(options: AgreementOptions, names: Sequence[str]) -> None:
    unknown = sorted({*options.offsets} - {"", *names})
    if unknown:
        raise InputError(f"expected offsets of coders {', '.join(names)}; got one of {', '.join(unknown)}")


def _classes(of_rows: Iterable[Labels], coders: Sequence[Coder], options: AgreementOptions) -> Labels:
    """The labels of the rows in their order, then what else coders use."""
    own = dict.fromkeys(name for labels in of_rows for name in labels)
    coded: set[str] = {
        stretch.label for coder in coders for coding in coder.codings.values() for stretch in coding.stretches
    }
    if options.uncoded is not None:
        coded.add(options.labels(options.uncoded))
    return Labels((*own, *sorted(coded - {*own})))


def _recording(
    source: str, codings: Sequence[Coding], extent: RecordingExtent, how: tuple[Labels, AgreementOptions]
) -> CodedRecording:
    classes, options = how
    count = max(1, round((extent.end - extent.start) / options.step))
    times = np.asarray(extent.start + options.step * (np.arange(count) + 0.5), np.float64)
    if options.uncoded is not None:
        label = options.labels(options.uncoded)
        codings = [codings[0], *(_fill(each, label, extent) for each in codings[1:])]
    return CodedRecording(
        source,
        times,
        np.array([each.codes(times, classes) for each in codings]),
        np.array([each.valence(times) for each in codings]),
        tuple(codings),
    )


def _fill(coding: Coding, label: str, extent: RecordingExtent) -> Coding:
    """Time that a coder of labels has not coded, with a label; who tells valence alone has no labels."""
    return filled(coding, label, extent.start, extent.end) if len(coding.stretches) else coding


def settings(options: AgreementOptions) -> dict[str, Any]:
    """How raters were compared, as plain values."""
    return {
        "step": options.step,
        "person": options.person,
        "tiers": list(options.tiers),
        "subject": options.subject,
        "observation": options.observation,
        "labels": dict(options.labels.labels),
        "offsets": dict(options.offsets),
        "uncoded": options.uncoded,
        "scale": None if options.scale is None else list(options.scale),
        "window": options.window,
    }
