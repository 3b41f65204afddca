"""How well ids keep to people: the measures of multiple-object tracking, by the library motmetrics.

IDF1 is the share of faces that bear the id that fits their person best (Ristani et al. 2016,
https://arxiv.org/abs/1609.01775); a switch is a person who is seen under another id than before (Bernardin
and Stiefelhagen 2008).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.lib.crowds import SEEN, Truth
from mien.core.boxes import overlap
from mien.core.faces import Faces

FITS = 0.5
"""Overlap (intersection over union) by which a face is that of a person."""


@dataclass(frozen=True)
class Identities:
    """Counts over one or several clips.

    Args:
        idf1: 0 to 1.
        switches: How often a person's id changed.
        misses: Visible faces that were not found.
        false: Faces where there is none.
        faces: Visible faces in all.
    """

    idf1: float
    switches: int
    misses: int
    false: int
    faces: int


def identities(clips: Iterable[Iterable[tuple[Faces, list[Truth]]]]) -> Identities:
    """Judge tracked clips; a face that is covered by more than 40 % counts neither when it is found nor when
    it is not.

    Args:
        clips: For each clip the faces and the truth of every frame, in order.
    """
    import motmetrics

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The library uses pandas in ways that are going out of fashion.
        sums = [_judged(motmetrics, frames) for frames in clips]
        table = motmetrics.metrics.create().compute_many(
            sums,
            metrics=["idf1", "num_switches", "num_misses", "num_false_positives", "num_objects"],
            generate_overall=True,
        )
    whole = table.loc["OVERALL"]
    counts = (
        int(whole[name]) for name in ("num_switches", "num_misses", "num_false_positives", "num_objects")
    )
    return Identities(float(whole["idf1"]), *counts)


def _judged(motmetrics, frames: Iterable[tuple[Faces, list[Truth]]]):  # type: ignore[no-untyped-def]
    found = motmetrics.MOTAccumulator(auto_id=True)
    for faces, truth in frames:
        assert faces.tracks is not None
        shared = overlap(np.array([one.box for one in truth]), faces.boxes)
        clear = np.array([one.visible >= SEEN for one in truth], bool)
        # A face that is only partly there may be found or not.
        unclear = (shared >= FITS) & ~clear[:, None]
        counted = ~unclear.any(axis=0) | ((shared >= FITS) & clear[:, None]).any(axis=0)
        cost = np.where(shared >= FITS, 1 - shared, np.nan)[clear][:, counted]
        found.update(
            [one.person for one, seen in zip(truth, clear, strict=True) if seen],
            faces.tracks[counted].tolist(),
            cost,
        )
    return found
