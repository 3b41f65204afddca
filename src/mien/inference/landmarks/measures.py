"""What moves in a face, measured on its points: openings, rises and distances.

Lengths are parts of the distance of the outer corners of the eyes, in the face's own frame
(`mien.inference.landmarks.pose`), so that they hardly depend on size and turn. Left and right are as seen in the
image. These are distances, not action units of the Facial Action Coding System: those are judged by trained people
from wrinkles, bulges and movement, and no distance stands for one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.inference.landmarks.pose import head_pose

Points = NDArray[np.float64]

MOST_TURNED = 60.0
"""Degrees of yaw or pitch beyond which one half of the face is guessed, not seen."""
LEAST_SURE = 0.5
LEAST_SIZE = 12.0
"""px of the distance of the eyes' corners, about a face of 20 px."""


@dataclass(frozen=True)
class Measure:
    """One thing that is measured.

    Args:
        name: As in tables.
        unit: Of its values.
        formula: In words.
        of: Its value from points in the face's own frame.
    """

    name: str
    unit: str
    formula: str
    of: Callable[[Points], float]


def _apart(first: int, second: int) -> Callable[[Points], float]:
    return lambda points: float(np.linalg.norm(points[first] - points[second]))


def _eye(outer: int, inner: int, lids: tuple[tuple[int, int], ...]) -> Callable[[Points], float]:
    """Soukupova and Cech 2016, "Real-time eye blink detection using facial landmarks"."""

    def opening(points: Points) -> float:
        heights = [np.linalg.norm(points[upper] - points[lower]) for upper, lower in lids]
        return float(np.mean(heights) / np.linalg.norm(points[outer] - points[inner]))

    return opening


def _above(upper: tuple[int, ...], lower: tuple[int, ...]) -> Callable[[Points], float]:
    return lambda points: float(points[list(lower), 1].mean() - points[list(upper), 1].mean())


def _lips(points: Points) -> float:
    return float(np.linalg.norm(points[0] - points[13]) + np.linalg.norm(points[14] - points[17]))


_PAIRS = (
    (33, 263),
    (133, 362),
    (159, 386),
    (145, 374),
    (61, 291),
    (55, 285),
    (105, 334),
    (46, 276),
    (205, 425),
    (50, 280),
)


def _asymmetry(points: Points) -> float:
    left, right = (points[[pair[side] for pair in _PAIRS]] for side in (0, 1))
    return float(np.abs(left * (-1, 1, 1) - right)[:, :2].mean())


_EYES = "part of the eyes' distance"
_LEFT_LIDS, _RIGHT_LIDS = ((160, 144), (159, 145), (158, 153)), ((387, 373), (386, 374), (385, 380))
_LEFT, _RIGHT = (33, 133), (362, 263)

MEASURES: dict[str, Measure] = {
    entry.name: entry
    for entry in (
        Measure(
            "left_eye_opening",
            "part of the eye's width",
            "mean distance of three pairs of points of the lids over the width of the eye",
            _eye(33, 133, _LEFT_LIDS),
        ),
        Measure("right_eye_opening", "part of the eye's width", "as the left", _eye(263, 362, _RIGHT_LIDS)),
        Measure("mouth_opening", _EYES, "distance of the lips' inner edges in the middle", _apart(13, 14)),
        Measure("mouth_width", _EYES, "distance of the corners of the mouth", _apart(61, 291)),
        Measure(
            "smile",
            _EYES,
            "height of the mouth's corners above the middle of the lips' inner edges",
            _above((61, 291), (13, 14)),
        ),
        Measure(
            "lip_height", _EYES, "height of both lips' red; small where they are pressed together", _lips
        ),
        Measure(
            "left_inner_brow_raise",
            _EYES,
            "height of the brow's inner end above the corners of the eye",
            _above((55, 107), _LEFT),
        ),
        Measure("right_inner_brow_raise", _EYES, "as the left", _above((285, 336), _RIGHT)),
        Measure(
            "left_outer_brow_raise",
            _EYES,
            "height of the brow's outer end above the corners of the eye",
            _above((46, 70), _LEFT),
        ),
        Measure("right_outer_brow_raise", _EYES, "as the left", _above((276, 300), _RIGHT)),
        Measure("jaw_drop", _EYES, "distance of the base of the nose and the chin", _apart(2, 152)),
        Measure(
            "asymmetry",
            _EYES,
            "mean distance, across and down, of ten points from the mirror images of their counterparts",
            _asymmetry,
        ),
    )
}
"""All measures of one face, by name, in the order of the columns."""


def measure(points: ArrayLike, score: float = 1.0) -> tuple[dict[str, float], str]:
    """Head pose and all `MEASURES` of one face.

    Args:
        points: ``(468, 3)`` px, as `mien.inference.landmarks.FaceMesh` finds them.
        score: How sure that was a face, 0 to 1.

    Returns:
        ``yaw``, ``pitch``, ``roll`` in degrees, then the measures by name; and why they are NaN, empty where
        they are not. A head that is turned too far keeps its pose.

    >>> values, why = measure(np.full((468, 3), np.nan))
    >>> values["smile"], why
    (nan, 'no face seen')
    """
    seen = np.asarray(points, np.float64)
    missing = dict.fromkeys(("yaw", "pitch", "roll", *MEASURES), float("nan"))
    if score < LEAST_SURE or not np.isfinite(seen).all():
        return missing, "no face seen"
    pose = head_pose(seen)
    if pose.scale < LEAST_SIZE:
        return missing, "too small"
    angles = {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    if max(abs(pose.yaw), abs(pose.pitch)) > MOST_TURNED:
        return missing | angles, "turned away"
    return angles | {name: entry.of(pose.points) for name, entry in MEASURES.items()}, ""
