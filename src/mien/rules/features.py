"""What is in view in one frame, as the numbers that conditions speak of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.measures import DEGREES, MEASURES
from mien.metrics.sentiment import SENTIMENTS, SentimentMapping

FACING = "facing"
"""How straight a head is turned to the camera, as conditions call it."""

SUMS = ("positive", "negative")
"""Sentiments that conditions know; ``neutral`` is always the expression."""

VALENCE, EXPRESSIVENESS = "valence", "expressiveness"

BLINKS = "blinks_per_minute"
"""How often somebody blinked over the last minute (`mien.tracking.blinks.BlinkRates`)."""

TALKING = "talking"
"""Whether somebody talks (`mien.tracking.talking`): 1, 0, or not known."""


@dataclass(frozen=True)
class Feature:
    """Something about a face that conditions compare with a number.

    Args:
        name: As in conditions.
        least: No value is below.
        most: No value is above.
        unit: Of its values; empty for shares.
        landmarks: Whether it is measured on landmarks.
    """

    name: str
    least: float = 0.0
    most: float = 1.0
    unit: str = ""
    landmarks: bool = False


_OTHERS = {
    VALENCE: Feature(VALENCE, least=-1.0, unit="-1 to 1"),
    TALKING: Feature(TALKING, landmarks=True),
    BLINKS: Feature(BLINKS, most=math.inf, unit="blinks a minute", landmarks=True),
    **{
        name: Feature(
            name,
            -180.0 if measure.unit == DEGREES else -math.inf,
            180.0 if measure.unit == DEGREES else math.inf,
            measure.unit,
            landmarks=True,
        )
        for name, measure in MEASURES.items()
    },
}


def feature(name: str) -> Feature:
    """What is known of one of `names_of`.

    >>> feature("happy").most, feature("yaw").unit, feature("smile").landmarks
    (1.0, 'degrees', True)
    """
    return _OTHERS.get(name) or Feature(name)


# A head whose nose tip stands 30 mm before its eyes, which are 64 mm apart and 70 mm above the mouth, turned
# by an angle: the nose moves by so much of the eyes' distance, or of the distance from eyes to mouth, for
# each unit of the angle's tangent.
_SIDEWAYS, _UPRIGHT = 30 / 64, 30 / 70
# Where the nose is between eyes and mouth: median of 218 FER-2013 training images in which MTCNN found one
# face.
_NOSE = 0.53


class FrameFeatures:
    """The faces of one frame, summed up.

    Smoothed probabilities count where there are any, raw ones elsewhere. Every face counts once, and not at all
    where it has no value.

    Args:
        faces: Of one frame.
        labels: Names of the columns of ``probs``.
        sums: What counts as positive and negative (`sums_of`).
        asked: Names beside expressions and `SUMS` that are asked for (`names_of`).
        blinks: Blinks a minute of people by id (`mien.tracking.blinks.BlinkRates`).

    Attributes:
        count: How many faces there are.
        columns: Of each name the value for each face, NaN where there is none.
        least: Of each name the lowest value; empty without faces.
        most: Of each name the highest value.
        mean: Of each name the mean over the faces.

    Raises:
        InputError: The faces have not been read.

    >>> labels = Labels(("sad", "happy"))
    >>> faces = Faces([[0, 0, 9, 9]] * 2, [1, 1], [0, 0], [0, 0], probs=[[0.75, 0.25], [0.25, 0.75]], labels=labels)
    >>> from mien.metrics.sentiment import PRESETS
    >>> view = FrameFeatures(faces, labels, sums_of(PRESETS["valence"], labels), ["valence"])
    >>> view.count, view.least["happy"], view.most["happy"], view.mean["positive"], view.mean["valence"]
    (2, 0.25, 0.75, 0.5, 0.0)
    """

    __slots__ = ("columns", "count", "least", "mean", "most")

    def __init__(
        self,
        faces: Faces,
        labels: Labels,
        sums: NDArray[np.float64],
        asked: Collection[str] = (),
        blinks: Mapping[int, float] | None = None,
    ) -> None:
        self.count = len(faces)
        self.columns: dict[str, list[float]] = {}
        self.least: dict[str, float] = {}
        self.most: dict[str, float] = {}
        self.mean: dict[str, float] = {}
        if not self.count:
            return
        probs = faces.probs if faces.smoothed_probs is None else faces.smoothed_probs
        if probs is None:
            raise InputError(
                "expected faces whose expressions have been read; got some without probs: give what a Session or a Pipeline returns"
            )
        table = np.asarray(probs, np.float64)
        self._add((*labels, *SUMS), np.hstack([table, table @ sums]))
        for name in asked:
            values = _values(name, faces, blinks or {})
            if values is not None:
                self._add_measured(name, np.asarray(values, np.float64))

    def of(self, name: str, row: int) -> float | None:
        """The value of one face; None where there is none."""
        column = self.columns.get(name)
        return None if column is None or math.isnan(column[row]) else column[row]

    def _add(self, names: tuple[str, ...], table: NDArray[np.float64]) -> None:
        self.columns.update(zip(names, table.T.tolist(), strict=True))
        self.least.update(zip(names, table.min(axis=0).tolist(), strict=True))
        self.most.update(zip(names, table.max(axis=0).tolist(), strict=True))
        self.mean.update(zip(names, table.mean(axis=0).tolist(), strict=True))

    def _add_measured(self, name: str, values: NDArray[np.float64]) -> None:
        known = values[np.isfinite(values)]
        if len(known):
            self._add((name,), known[:, None])
            self.columns[name] = values.tolist()


def _values(name: str, faces: Faces, blinks: Mapping[int, float]) -> NDArray[np.floating] | None:
    """``(n,)`` values of faces, NaN where there is none; None where nothing is known of any."""
    if name == FACING:
        return None if faces.landmarks is None else frontalness(faces.landmarks)
    if name == VALENCE:
        return faces.valence
    if name == EXPRESSIVENESS:
        return faces.expressiveness
    if name == BLINKS:
        tracks = [] if faces.tracks is None else faces.tracks.tolist()
        return np.array([blinks.get(track, np.nan) for track in tracks]) if tracks else None
    if name == TALKING:
        return None if faces.talking is None else np.where(faces.talking < 0, np.nan, faces.talking)
    return None if faces.measures is None else faces.measures[:, list(MEASURES).index(name)]


def names_of(labels: Labels = EXPRESSIONS) -> tuple[str, ...]:
    """Everything about a face that a condition may name.

    >>> names_of(Labels(("sad", "happy")))[:6]
    ('sad', 'happy', 'positive', 'negative', 'facing', 'valence')
    """
    valence = () if labels.valences is None else (VALENCE,)
    expressiveness = (EXPRESSIVENESS,) if "neutral" in labels else ()
    return (*labels, *SUMS, FACING, *valence, *expressiveness, *MEASURES, TALKING, BLINKS)


def frontalness(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """How straight heads are turned to the camera, out of five points.

    It tells the direction of the head, not that of the eyes, and roughly: 1 straight on, about 0.6 at 20
    degrees aside, up or down, 0 from 45 degrees on.

    Args:
        points: ``(n, 5, 2)`` px: left eye, right eye, nose, left and right mouth corner, as in
            `mien.core.faces.Faces`.

    Returns:
        ``(n,)`` 0 to 1.

    >>> straight = np.array([[[30, 40], [70, 40], [50, 61.2], [35, 80], [65, 80]]])
    >>> aside = straight + np.array([[0, 0], [0, 0], [12, 0], [5, 0], [5, 0]])
    >>> frontalness(straight).round(2).tolist(), frontalness(aside).round(2).tolist()
    ([1.0], [0.36])
    """
    corners = np.asarray(points, np.float64)
    left, right, nose = corners[:, 0], corners[:, 1], corners[:, 2]
    eyes, mouth = (left + right) / 2, (corners[:, 3] + corners[:, 4]) / 2
    across = right - left
    width = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    axis = across / width[:, None]
    down = np.stack(
        [-axis[:, 1], axis[:, 0]], axis=1
    )  # Square to the line of the eyes, so that a head that leans stays straight.
    height = np.maximum(np.einsum("ij,ij->i", mouth - eyes, down), 1e-6)
    aside = np.einsum("ij,ij->i", nose - eyes, axis)
    tilt = np.einsum("ij,ij->i", nose - eyes, down) / height - _NOSE
    return np.asarray(np.maximum(0.0, 1 - np.hypot(aside / width / _SIDEWAYS, tilt / _UPRIGHT)))


def sums_of(mapping: SentimentMapping, labels: Labels) -> NDArray[np.float64]:
    """``(k, 2)`` weights by which `SUMS` are summed up from the probabilities of labels; NaN where nobody has said how
    pleasant one of these is."""
    if mapping.unknown(labels):
        return np.full((len(labels), len(SUMS)), np.nan)
    return np.asarray(mapping.matrix(labels)[:, [SENTIMENTS.index(name) for name in SUMS]])
