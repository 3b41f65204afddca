"""The one record that flows through everything: columns, one row per face, for a frame or a whole
video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core import boxes as box_arithmetic
from mien.core.errors import RecordError
from mien.core.face import Face, face_titles
from mien.core.formatting import counted
from mien.core.labels import Labels
from mien.core.measures import MEASURES, REASONS
from mien.core.notebook import html_table


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces as numpy columns of one length; iterating gives a `Face` per row.

    ``None`` in an optional column means that the step which fills it has not run; a length of 0 means that it
    ran and found nothing. A step returns a new `Faces` with the same rows (`with_columns`). The arrays cannot
    be written to.

    Args:
        boxes: ``(n, 4)`` float32, ``x1, y1, x2, y2`` in px.
        detection_scores: ``(n,)`` float32, 0 to 1, of the detector.
        frames: ``(n,)`` int64, index of the frame.
        times: ``(n,)`` float64, seconds.
        landmarks: ``(n, 5, 2)`` float32 px: left eye, right eye, nose, left and right mouth corner; or None.
        tracks: ``(n,)`` int64, id of the person; or None.
        probs: ``(n, k)`` float32, probability of each of ``labels``; or None.
        smoothed_probs: ``(n, k)`` float32, the probabilities of each person smoothed over time, beside the raw ones;
            or None.
        smoothed_emotion_ids: ``(n,)`` int64, column of ``labels`` that is shown as the person's smoothed emotion; or None.
        mesh: ``(n, 468, 3)`` float32 px, the points of `mien.inference.landmarks.FaceMesh`; or None. Faces of videos
            that are kept have none: they would take 5.6 kB each.
        measures: ``(n, m)`` float32, `mien.core.measures.MEASURES` in their order, NaN where there is none; or None.
        measure_reasons: ``(n,)`` int64, why there are none: places in `mien.core.measures.REASONS`; or None.
        talking: ``(n,)`` int64, whether the person talks, by how often the mouth opens and closes: 1 talks, 0 does not, -1
            is not known (`mien.tracking.talking`); or None.
        labels: Names of the columns of ``probs`` and ``smoothed_probs``; or None.

    Raises:
        RecordError: Columns do not fit together, or a value is impossible.

    >>> faces = Faces(boxes=[[10, 20, 50, 70]], detection_scores=[0.99], frames=[0], times=[0.0])
    >>> from mien.core.labels import Labels
    >>> read = faces.with_columns(probs=[[0.1, 0.9]], labels=Labels(("sad", "happy")))
    >>> len(read), read.emotions, faces.probs is None
    (1, ['happy'], True)
    >>> next(iter(read)).probs
    {'sad': 0.1, 'happy': 0.9}
    >>> read.largest().boxes.tolist()
    [[10.0, 20.0, 50.0, 70.0]]
    """

    boxes: NDArray[np.float32]
    detection_scores: NDArray[np.float32]
    frames: NDArray[np.int64]
    times: NDArray[np.float64]
    landmarks: NDArray[np.float32] | None = None
    tracks: NDArray[np.int64] | None = None
    probs: NDArray[np.float32] | None = None
    smoothed_probs: NDArray[np.float32] | None = None
    smoothed_emotion_ids: NDArray[np.int64] | None = None
    mesh: NDArray[np.float32] | None = None
    measures: NDArray[np.float32] | None = None
    measure_reasons: NDArray[np.int64] | None = None
    talking: NDArray[np.int64] | None = None
    labels: Labels | None = None

    if TYPE_CHECKING:  # Columns are brought to their types, so lists will do.

        def __init__(
            self,
            boxes: ArrayLike,
            detection_scores: ArrayLike,
            frames: ArrayLike,
            times: ArrayLike,
            landmarks: ArrayLike | None = None,
            tracks: ArrayLike | None = None,
            probs: ArrayLike | None = None,
            smoothed_probs: ArrayLike | None = None,
            smoothed_emotion_ids: ArrayLike | None = None,
            mesh: ArrayLike | None = None,
            measures: ArrayLike | None = None,
            measure_reasons: ArrayLike | None = None,
            talking: ArrayLike | None = None,
            labels: Labels | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        self._check(_COLUMNS)

    def _check(self, names: Iterable[str]) -> None:
        """Bring columns to their types, and refuse those that do not fit together."""
        n, classes = len(self.boxes), 0 if self.labels is None else len(self.labels)
        for name in names:
            value = getattr(self, name)
            if value is not None:
                dtype, shape = _COLUMNS[name]
                object.__setattr__(
                    self,
                    name,
                    _column(name, value, dtype, (n, *(classes if side == 0 else side for side in shape))),
                )
        if (self.probs is None) != (self.labels is None):
            raise RecordError("expected probs and labels together; got one without the other")
        if self.probs is None and not (self.smoothed_probs is None and self.smoothed_emotion_ids is None):
            raise RecordError(
                "expected smoothed_probs and smoothed_emotion_ids beside probs; got them without"
            )
        if (
            self.smoothed_emotion_ids is not None
            and not ((self.smoothed_emotion_ids >= 0) & (self.smoothed_emotion_ids < classes)).all()
        ):
            raise RecordError(
                f"expected smoothed_emotion_ids as columns 0 to {classes - 1} of the labels; "
                f"got {self.smoothed_emotion_ids.min()} to {self.smoothed_emotion_ids.max()}"
            )
        if (self.measures is None) != (self.measure_reasons is None):
            raise RecordError("expected measures and measure_reasons together; got one without the other")
        if n and not (self.boxes[:, 2:] >= self.boxes[:, :2]).all():
            raise RecordError("expected boxes as x1, y1, x2, y2 with x1 <= x2 and y1 <= y2")

    def __repr__(self) -> str:
        frames = len(np.unique(self.frames))
        people = (
            "" if self.tracks is None else f", {counted(len(np.unique(self.tracks)), 'person', 'people')}"
        )
        read = "not classified" if self.labels is None else counted(len(self.labels), "expression")
        return f"Faces({counted(len(self), 'face')} in {counted(frames, 'frame')}{people}, {read})"

    def _repr_html_(self) -> str:
        return html_table(
            face_titles(self.measures is not None), (face.cells() for face in self), len(self), repr(self)
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[Face]:
        shown = self.label_ids, self.label_confidence
        return (self._face(row, *shown) for row in range(len(self)))

    @overload
    def __getitem__(self, rows: int | np.integer[Any]) -> Face: ...
    @overload
    def __getitem__(self, rows: slice | Sequence[int] | NDArray[Any]) -> Faces: ...
    def __getitem__(self, rows: Any) -> Face | Faces:
        """One `Face` by its index, as of a list; `Faces` by a slice, a mask or a list of positions.

        >>> boxes = [[0, 0, 9, 9]] * 3
        >>> faces = Faces(boxes, detection_scores=[0.9, 0.8, 0.7], frames=[0, 0, 0], times=[0, 0, 0])
        >>> faces[-1].detection_score, len(faces[1:3]), len(faces[faces.detection_scores > 0.75])
        (0.7, 2, 2)
        """
        chosen = np.arange(len(self))[rows]
        if chosen.ndim == 0:
            return self._face(int(chosen), self.label_ids, self.label_confidence)
        columns: dict[str, Any] = {
            name: None if column is None else column[chosen] for name, column in self._columns()
        }
        return Faces(**columns, labels=self.labels)

    def _columns(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self) if field.name != "labels"]

    def _face(
        self, row: int, label_ids: NDArray[np.int64] | None, label_confidence: NDArray[np.float32] | None
    ) -> Face:
        x1, y1, x2, y2 = (_short(value) for value in self.boxes[row])
        probs = self._named(self.probs, row)
        best = None if probs is None else max(probs, key=probs.__getitem__)
        return Face(
            frame=int(self.frames[row]),
            time=float(self.times[row]),
            box=(x1, y1, x2, y2),
            detection_score=_short(self.detection_scores[row], 6),
            landmarks=None
            if self.landmarks is None
            else tuple((_short(x), _short(y)) for x, y in self.landmarks[row]),
            track=None if self.tracks is None else int(self.tracks[row]),
            emotion=best,
            confidence=None if probs is None or best is None else probs[best],
            probs=probs,
            smoothed_emotion=None
            if self.smoothed_emotion_ids is None or self.labels is None
            else self.labels[int(self.smoothed_emotion_ids[row])],
            smoothed_probs=self._named(self.smoothed_probs, row),
            label=None
            if label_ids is None or self.labels is None
            else self.labels.display_name(int(label_ids[row])),
            label_confidence=None if label_confidence is None else _short(label_confidence[row], 6),
            valence=None if self.valence is None else _short(self.valence[row], 6),
            expressiveness=None if self.expressiveness is None else _short(self.expressiveness[row], 6),
            **self._landmarks(row),
        )

    def _landmarks(self, row: int) -> dict[str, Any]:
        """What landmarks say of a row, by the names of `Face`."""
        if self.measures is None or self.measure_reasons is None:
            return {}
        values = zip(MEASURES, self.measures[row].tolist(), strict=True)
        return {
            "measures": {name: None if math.isnan(value) else round(value, 4) for name, value in values},
            "measures_missing": REASONS[self.measure_reasons[row]] or None,
            "talking": None if self.talking is None or self.talking[row] < 0 else bool(self.talking[row]),
            "mesh": None
            if self.mesh is None or not np.isfinite(self.mesh[row]).all()
            else tuple(map(tuple, self.mesh[row].round(2).tolist())),
        }

    def _named(self, table: NDArray[np.float32] | None, row: int) -> dict[str, float] | None:
        """A row of probabilities by name."""
        if table is None or self.labels is None:
            return None
        return {name: _short(value, 6) for name, value in zip(self.labels, table[row], strict=True)}

    @property
    def emotions(self) -> list[str] | None:
        """Name of the most probable expression of each row, or None where no network has looked."""
        if self.probs is None or self.labels is None:
            return None
        return [self.labels[column] for column in self.probs.argmax(axis=1)]

    @property
    def label_ids(self) -> NDArray[np.int64] | None:
        """``(n,)`` column of the expression that is shown for each row: the smoothed emotion, or the most
        probable one where nothing was smoothed; -1 where its probability, smoothed if it was, is below
        ``labels.min_confidence``. None where no network has looked.

        >>> from mien.core.labels import Labels
        >>> labels = Labels(("sad", "happy"), min_confidence=0.7)
        >>> Faces([[0, 0, 1, 1]] * 2, [1, 1], [0, 0], [0, 0], probs=[[0.4, 0.6], [0.1, 0.9]], labels=labels).label_ids.tolist()
        [-1, 1]
        """
        held = self._held
        if held is None or self.labels is None or self.labels.min_confidence is None:
            return held
        uncertain = self.uncertain
        return held if uncertain is None else np.where(uncertain, -1, held)

    @property
    def label_confidence(self) -> NDArray[np.float32] | None:
        """``(n,)`` probability, smoothed if it was, of the smoothed emotion or of the most probable one where
        nothing was smoothed, 0 to 1: also where that is shown as uncertain. None where no network has
        looked."""
        probs, held = self.probs if self.smoothed_probs is None else self.smoothed_probs, self._held
        return None if probs is None or held is None else probs[np.arange(len(self)), held]

    @property
    def uncertain(self) -> NDArray[np.bool_] | None:
        """``(n,)`` whether that is below ``labels.uncertainty_threshold``: the one rule by which a moment is uncertain. None
        where no network has looked.

        >>> from mien.core.labels import Labels
        >>> labels = Labels(("sad", "happy", "angry"))
        >>> rows = [[0.1, 0.48, 0.42], [0.1, 0.52, 0.38]]
        >>> smoothed = {"probs": rows, "smoothed_probs": rows, "smoothed_emotion_ids": [1, 2]}
        >>> Faces([[0, 0, 1, 1]] * 2, [1, 1], [0, 0], [0, 0], **smoothed, labels=labels).uncertain.tolist()
        [True, True]
        """
        confidence = self.label_confidence
        return (
            None
            if confidence is None or self.labels is None
            else confidence < self.labels.uncertainty_threshold
        )

    @property
    def valence(self) -> NDArray[np.float64] | None:
        """``(n,)`` how pleasant each expression is, -1 to 1: the mean of what `Labels.valences` gives each class, by
        the probabilities, smoothed where they were. None where no network has looked, or a class has none.

        >>> from mien.core.labels import Labels
        >>> probs, labels = [[0.1, 0.6, 0.3]], Labels(("sad", "happy", "neutral"))
        >>> faces = Faces([[0, 0, 9, 9]], [1], [0], [0], probs=probs, labels=labels)
        >>> faces.valence.round(6).tolist(), faces.expressiveness.round(6).tolist()
        ([0.5], [0.7])
        """
        weights = None if self.labels is None else self.labels.valences
        return None if weights is None else self._shown_probs @ np.array(weights)

    @property
    def expressiveness(self) -> NDArray[np.float64] | None:
        """``(n,)`` 1 less the probability of neutral, smoothed where it was, 0 to 1. None where no network has
        looked, or none of its classes is neutral."""
        if self.labels is None or "neutral" not in self.labels:
            return None
        return 1 - self._shown_probs[:, self.labels.index("neutral")]

    @property
    def _shown_probs(self) -> NDArray[np.float64]:
        return np.asarray(self.probs if self.smoothed_probs is None else self.smoothed_probs, np.float64)

    @property
    def _held(self) -> NDArray[np.int64] | None:
        """``(n,)`` column of the smoothed emotion, or of the most probable one where nothing was smoothed."""
        probs = self.probs if self.smoothed_probs is None else self.smoothed_probs
        if probs is None:
            return None
        return np.asarray(
            probs.argmax(axis=1) if self.smoothed_emotion_ids is None else self.smoothed_emotion_ids
        )

    def with_columns(self, **columns: Any) -> Faces:
        """The same rows with some columns replaced or added."""
        if "boxes" in columns or (
            "labels" in columns and (self.labels is not None or "probs" not in columns)
        ):
            return replace(self, **columns)
        unknown = set(columns) - {*_COLUMNS, "labels"}
        if unknown:
            raise TypeError(
                f"expected columns out of {', '.join(_COLUMNS)}; got {', '.join(sorted(unknown))}"
            )
        # The others have been checked already, and this is done several times for every frame.
        new = object.__new__(Faces)
        new.__dict__.update(self.__dict__, **columns)
        new._check(name for name in columns if name != "labels")
        return new

    def split(self, counts: Iterable[int]) -> list[Faces]:
        """Several records of so many rows each, one after the other.

        >>> Faces([[0, 0, 1, 1]] * 3, [1, 1, 1], [0, 1, 1], [0, 0.1, 0.1]).split([1, 0, 2])[2].frames.tolist()
        [1, 1]
        """
        columns, parts, start = (
            [(name, column) for name, column in self._columns() if column is not None],
            [],
            0,
        )
        for count in counts:
            part = object.__new__(Faces)  # Rows of a record that was checked need no check of their own.
            part.__dict__.update(self.__dict__)
            part.__dict__.update({name: column[start : start + count] for name, column in columns})
            parts.append(part)
            start += count
        if start != len(self):
            raise RecordError(f"expected counts that sum to {counted(len(self), 'row')}; got {start}")
        return parts

    def largest(self) -> Faces:
        """The row with the biggest box of each frame."""
        order = np.lexsort((-box_arithmetic.area(self.boxes), self.frames))
        _, first = np.unique(self.frames[order], return_index=True)
        return self[order[first]]

    @staticmethod
    def empty(labels: Labels | None = None) -> Faces:
        """No face: what a step returns that looked and found nothing."""
        probs = None if labels is None else np.empty((0, len(labels)), np.float32)
        none = np.empty(0)
        return Faces(
            np.empty((0, 4), np.float32),
            none.astype(np.float32),
            none.astype(np.int64),
            none,
            probs=probs,
            labels=labels,
        )

    @staticmethod
    def alike(parts: Iterable[Faces]) -> list[Faces]:
        """The same records without the columns that one with rows has not.

        >>> image, video = Faces([[0, 0, 1, 1]], [1], [3], [0.1]), Faces([[0, 0, 1, 1]], [1], [3], [0.1], tracks=[7])
        >>> Faces.concatenate(Faces.alike([image, video])).tracks is None
        True
        """
        every = list(parts)
        absent = {name for part in every if len(part) for name, column in part._columns() if column is None}
        without: dict[str, Any] = dict.fromkeys(absent)
        return [replace(part, **without) for part in every]

    @staticmethod
    def concatenate(parts: Iterable[Faces]) -> Faces:
        """Rows of several records one after the other; parts without rows do not decide which columns there
        are.

        >>> Faces.concatenate([Faces.empty(), Faces([[0, 0, 1, 1]], [1], [3], [0.1])]).frames.tolist()
        [3]
        """
        every = list(parts)
        filled = [part for part in every if len(part)] or every[:1]
        if not filled:
            return Faces.empty()
        first = filled[0]
        if any(part.labels != first.labels for part in filled):
            raise RecordError("expected parts with the same labels")
        columns: dict[str, Any] = {}
        for name, column in first._columns():
            values = [getattr(part, name) for part in filled]
            if any((value is None) != (column is None) for value in values):
                raise RecordError(f"expected {name} in all parts or in none")
            columns[name] = None if column is None else np.concatenate(values)
        return Faces(**columns, labels=first.labels)


# Type of each column, and the lengths of its further axes; 0 stands for the number of labels.
_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "boxes": (np.float32, (4,)),
    "detection_scores": (np.float32, ()),
    "frames": (np.int64, ()),
    "times": (np.float64, ()),
    "landmarks": (np.float32, (5, 2)),
    "tracks": (np.int64, ()),
    "probs": (np.float32, (0,)),
    "smoothed_probs": (np.float32, (0,)),
    "smoothed_emotion_ids": (np.int64, ()),
    "mesh": (np.float32, (468, 3)),
    "measures": (np.float32, (len(MEASURES),)),
    "measure_reasons": (np.int64, ()),
    "talking": (np.int64, ()),
}
_MAY_MISS = ("mesh", "measures")
"""Columns with NaN where something could not be measured."""


def _column(name: str, value: ArrayLike, dtype: type, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{name}: expected {np.dtype(dtype).name} of shape {shape}; got {error}") from None
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)
    if array.shape != shape:
        raise RecordError(f"{name}: expected shape {shape}; got {array.shape}")
    if dtype is not np.int64 and name not in _MAY_MISS and not np.isfinite(array).all():
        raise RecordError(f"{name}: expected finite numbers; got NaN or infinity")
    # A view that cannot be written to, so that the caller's own array stays as it was.
    array = array.view()
    array.flags.writeable = False
    return array


def _short(value: Any, digits: int = 2) -> float:
    """A float with few digits: hundredths of a pixel and millionths of a probability are below any network's
    noise."""
    return round(float(value), digits)
