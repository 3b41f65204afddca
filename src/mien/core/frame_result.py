"""One sampled frame accounted for, and the rows that tables are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mien.core.errors import InputError, MediaError
from mien.core.face import LANDMARK_KEYS, Face
from mien.core.faces import Faces
from mien.core.formatting import counted, shortened
from mien.core.labels import UNCERTAIN, Labels
from mien.core.measures import MEASURES
from mien.core.names import printable
from mien.core.notebook import html_table

Status = Literal["face", "no_face", "error"]
Row = dict[str, Any]

ROW_KEYS = (
    "source",
    "frame",
    "time",
    "status",
    "track",
    "box",
    "detection_score",
    "emotion",
    "confidence",
    "probs",
    "smoothed_emotion",
    "smoothed_probs",
    "label",
    "label_confidence",
    "valence",
    "expressiveness",
    "error",
)
"""Keys of every row, in order: the same in JSON, CSV, pandas and everywhere else."""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """One sampled frame accounted for: its faces, that it has none, or why it could not be read.

    Args:
        source: Name of the source, spelled as `mien.core.names.spelled` says.
        frame: Index of the frame in its source; None when the source could not be opened at all.
        time: Seconds; None when unknown.
        faces: Faces of the frame.
        error: What went wrong, or None.

    >>> [row["status"] for row in FrameResult("a.jpg", 0, 0.0, Faces.empty()).rows()]
    ['no_face']
    """

    source: str
    frame: int | None
    time: float | None
    faces: Faces
    error: MediaError | None = None

    def __repr__(self) -> str:
        what = "error" if self.error is not None else counted(len(self.faces), "face")
        return f"FrameResult({shortened(self.source, 40)}, frame {self.frame}, {what})"

    def _repr_html_(self) -> str:
        return (
            self.faces._repr_html_() if self.error is None else html_table(["error"], [[str(self.error)]], 1)
        )

    @property
    def status(self) -> Status:
        if self.error is not None:
            return "error"
        return "face" if len(self.faces) else "no_face"

    def rows(self) -> Iterator[Row]:
        """One plain dict per face, or one for a frame without any; the keys are `ROW_KEYS`, and for faces with
        landmarks `mien.core.face.LANDMARK_KEYS` before ``error``."""
        faces: Iterable[Face | None] = self.faces if self.status == "face" else (None,)
        for face in faces:
            yield {
                "source": self.source,
                "frame": self.frame,
                "time": None if self.time is None else round(self.time, 6),
                "status": self.status,
                "track": face and face.track,
                "box": face and list(face.box),
                "detection_score": face and face.detection_score,
                "emotion": face and face.emotion,
                "confidence": face and face.confidence,
                "probs": face and face.probs,
                "smoothed_emotion": face and face.smoothed_emotion,
                "smoothed_probs": face and face.smoothed_probs,
                "label": face and face.label,
                "label_confidence": face and face.label_confidence,
                "valence": face and face.valence,
                "expressiveness": face and face.expressiveness,
                **(
                    {}
                    if face is None or face.measures is None
                    else {name: getattr(face, name) for name in LANDMARK_KEYS}
                ),
                "error": None if self.error is None else printable(str(self.error)),
            }


_CORNERS = ("x1", "y1", "x2", "y2")


def flat_keys(labels: Labels, landmarks: bool = False) -> list[str]:
    """Columns of a flat table: `ROW_KEYS`, the corners of the box, every expression, every expression
    smoothed (``smoothed_happy``), with landmarks every measure, why there is none and whether the person talks, and, as it is long and seldom
    there, ``error`` at the end."""
    return [
        *(key for key in ROW_KEYS if key != "error"),
        *_CORNERS,
        *labels,
        *(f"smoothed_{name}" for name in labels),
        *((*MEASURES, *LANDMARK_KEYS[1:]) if landmarks else ()),
        "error",
    ]


def require_columns(labels: Labels) -> Labels:
    """Labels, where each can be a column of a flat table.

    Raises:
        InputError: One is called as another column, or as what is shown in place of an improbable expression.

    >>> require_columns(Labels(("bored", "track")))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected names of classes that mien's tables have no other column for; got track: name it otherwise
    """
    keys = [*flat_keys(labels, landmarks=True), UNCERTAIN]
    if taken := [name for name in labels if keys.count(name) > 1]:
        raise InputError(
            f"expected names of classes that mien's tables have no other column for; got {', '.join(taken)}: name it otherwise"
        )
    return labels


def flat_row(row: Row, labels: Labels, landmarks: bool = False) -> Row:
    """A row with the corners of its box, its probabilities and its measures in keys of their own as well."""
    corners = dict(zip(_CORNERS, row["box"] or [None] * 4, strict=True))
    smoothed = {
        f"smoothed_{name}": value for name, value in (row["smoothed_probs"] or dict.fromkeys(labels)).items()
    }
    flat = {**row, **corners, **(row["probs"] or dict.fromkeys(labels)), **smoothed}
    if landmarks:
        flat |= row.get("measures") or dict.fromkeys(MEASURES)
        flat |= {name: row.get(name) for name in LANDMARK_KEYS[1:]}
    return flat
