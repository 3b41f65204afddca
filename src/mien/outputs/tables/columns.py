"""Rows of one video read back by their columns: many times as fast as one by one, where nothing is unusual in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.core.measures import REASONS
from mien.video.results import VideoResult

ROUNDED = 0.01
"""How far probabilities may be from adding up to 1, as tables round them and people edit them."""
_NEEDED = ("detection_score", "smoothed_emotion")
_LANDMARKS = ("measures_missing", "talking")


@dataclass(frozen=True)
class FlatLayout:
    """Which columns of a flat table make what.

    Args:
        labels: The expressions.
        groups: Names of columns of ``box``, ``probs``, ``smoothed_probs`` and ``measures``, the last empty where there are none.
    """

    labels: Labels
    groups: Mapping[str, Sequence[str]]

    def numbers(self, rows: Any, group: str) -> NDArray[np.float32] | None:
        """The numbers of a group; None where some are missing or are no numbers."""
        found = rows.select(self.groups[group])
        if not all(kind.is_numeric() for kind in found.dtypes) or sum(found.null_count().row(0)):
            return None
        return np.asarray(found.to_numpy(), np.float32)


def regular_video(source: str, rows: Any, layout: FlatLayout) -> VideoResult | None:
    """The video of some rows; None where they must be looked at one by one: something was not read, is missing, is no number,
    or stands out of order.

    Args:
        source: Its name.
        rows: A data frame of polars with the rows of one source.
        layout: Of the table.
    """
    try:
        return _video(source, rows, layout)
    except (InputError, TypeError, ValueError, OverflowError, NotImplementedError):
        return None  # Columns of other kinds, which polars and numpy tell in words of their own.


def _video(source: str, rows: Any, layout: FlatLayout) -> VideoResult | None:
    if not {*_NEEDED, *(_LANDMARKS if layout.groups["measures"] else ())} <= {*rows.columns}:
        return None
    face = (rows["status"] == "face").to_numpy()
    places, times = rows["frame"], rows["time"]
    known = (rows["status"].is_in(["face", "no_face"])).all() and not places.null_count() + times.null_count()
    if not known or not (places.dtype.is_integer() and times.dtype.is_numeric()):
        return None
    steps = np.diff(places.to_numpy())
    if (steps < 0).any() or ((steps == 0) & ~face[1:]).any() or not face.any():
        return None
    faces = _faces(rows.filter(rows["status"] == "face"), layout)
    if faces is None or not all(map(_are_probabilities, (faces.probs, faces.smoothed_probs))):
        return None
    first = np.flatnonzero(np.append(True, steps > 0))
    clock = np.asarray(times.to_numpy(), np.float64)
    return VideoResult(source, faces, np.asarray(places.to_numpy(), np.int64)[first], clock[first])


def _are_probabilities(probs: NDArray[np.float32] | None) -> bool:
    return probs is None or bool((probs >= 0).all() and (np.abs(probs.sum(1) - 1) <= ROUNDED).all())


def _faces(rows: Any, layout: FlatLayout) -> Faces | None:
    boxes, probs = layout.numbers(rows, "box"), layout.numbers(rows, "probs")
    tracks, emotions = rows["track"], rows["smoothed_emotion"]
    followed, smoothed = (column.null_count() == 0 for column in (tracks, emotions))
    shown = layout.numbers(rows, "smoothed_probs") if smoothed else None
    whole = (followed and tracks.dtype.is_integer()) or tracks.null_count() == len(rows)
    held = (shown is not None) if smoothed else emotions.null_count() == len(rows)
    named = {*emotions.unique().to_list()} - {None} <= {*layout.labels.names}
    if (
        boxes is None
        or probs is None
        or rows["detection_score"].null_count()
        or not (whole and held and named)
    ):
        return None
    ids = {name: number for number, name in enumerate(layout.labels.names)}
    return Faces(
        boxes=boxes,
        detection_scores=rows["detection_score"].to_numpy(),
        frames=rows["frame"].to_numpy(),
        times=rows["time"].to_numpy(),
        tracks=tracks.to_numpy() if followed else None,
        probs=probs,
        smoothed_probs=shown,
        smoothed_emotion_ids=[ids[name] for name in emotions.to_list()] if smoothed else None,
        **_landmarks(rows, layout),
        labels=layout.labels,
    )


def _landmarks(rows: Any, layout: FlatLayout) -> dict[str, Any]:
    """The columns of faces whose landmarks were asked for."""
    names = layout.groups["measures"]
    if not names:
        return {}
    return {
        "measures": rows.select(names).to_numpy(),  # NaN where there is none.
        "measure_reasons": [REASONS.index(reason or "") for reason in rows["measures_missing"].to_list()],
        "talking": [-1 if talks is None else int(talks) for talks in rows["talking"].to_list()],
    }
