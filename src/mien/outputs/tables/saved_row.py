"""One row of a table that was read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mien.core.labels import Labels


@dataclass(frozen=True)
class SavedRow:
    """One row of a table, with its numbers as numbers.

    Args:
        source: The image or video.
        frame: Index of the frame.
        time: Its seconds.
        status: ``face``, ``no_face`` or ``error``.
        track: Number of the person.
        box: ``x1, y1, x2, y2`` in px; empty without a face.
        detection_score: Of the face, 0 to 1.
        probs: Of each expression, 0 to 1; empty without a face, and where a program knows no expressions.
        labels: The expressions; None where no face has named them so far.
        error: Why it could not be read.
        item: Its position in the input of a batch.
        reference: Its reference label in a batch.
        smoothed_probs: Of each expression, 0 to 1; empty where nothing was smoothed.
        smoothed_emotion: The person's smoothed emotion; None where nothing was smoothed.
        measures: Of `mien.core.measures.MEASURES`, NaN where there is none; empty where landmarks were not asked for.
        measures_missing: Why there are none.
        talking: Whether the person talks; None where that is not known.
    """

    source: str
    frame: int | None
    time: float | None
    status: str
    track: int | None
    box: Sequence[float]
    detection_score: float
    probs: Sequence[float]
    labels: Labels | None
    error: str | None
    item: int | None = None
    reference: str | None = None
    smoothed_probs: Sequence[float] = ()
    smoothed_emotion: str | None = None
    measures: Sequence[float] = ()
    measures_missing: str | None = None
    talking: bool | None = None
