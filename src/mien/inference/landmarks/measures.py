"""What moves in a face, measured on its points: openings, rises and distances.

Lengths are parts of the distance of the outer corners of the eyes, in the face's own frame
(`mien.inference.landmarks.pose`), so that they hardly depend on size and turn. Left and right are as seen in the
image. These are distances, not action units of the Facial Action Coding System: those are judged by trained people
from wrinkles, bulges and movement, and no distance stands for one of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core.faces import Faces
from mien.core.measures import MEASURES, POSE, REASONS
from mien.inference.landmarks.pose import head_pose

Points = NDArray[np.float64]

MOST_TURNED = 60.0
"""Degrees of yaw or pitch beyond which one half of the face is guessed, not seen."""
LEAST_SURE = 0.5
LEAST_SIZE = 12.0
"""px of the distance of the eyes' corners, about a face of 20 px."""
LEAST_INSIDE = 0.9
"""Share of the points that must lie in the image: what is beyond its edge is guessed."""


def _apart(first: int, second: int) -> Callable[[Points], float]:
    return lambda points: float(np.linalg.norm(points[first] - points[second]))


def _eye(outer: int, inner: int, lids: tuple[tuple[int, int], ...]) -> Callable[[Points], float]:
    """Soukupova and Cech 2016, "Real-time eye blink detection using facial landmarks"."""
    upper, lower = (list(side) for side in zip(*lids, strict=True))

    def opening(points: Points) -> float:
        heights = np.linalg.norm(points[upper] - points[lower], axis=1)
        return float(heights.mean() / np.linalg.norm(points[outer] - points[inner]))

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


_LEFT_LIDS, _RIGHT_LIDS = ((160, 144), (159, 145), (158, 153)), ((387, 373), (386, 374), (385, 380))
_LEFT, _RIGHT = (33, 133), (362, 263)

_SHAPE: dict[str, Callable[[Points], float]] = {
    "left_eye_opening": _eye(33, 133, _LEFT_LIDS),
    "right_eye_opening": _eye(263, 362, _RIGHT_LIDS),
    "mouth_opening": _apart(13, 14),
    "mouth_width": _apart(61, 291),
    "smile": _above((61, 291), (13, 14)),
    "lip_height": _lips,
    "left_inner_brow_raise": _above((55, 107), _LEFT),
    "right_inner_brow_raise": _above((285, 336), _RIGHT),
    "left_outer_brow_raise": _above((46, 70), _LEFT),
    "right_outer_brow_raise": _above((276, 300), _RIGHT),
    "jaw_drop": _apart(2, 152),
    "asymmetry": _asymmetry,
}


def measure(points: ArrayLike, score: float = 1.0) -> tuple[dict[str, float], str]:
    """Head pose and all other `MEASURES` of one face in one image.

    Args:
        points: ``(468, 3)`` px, as `mien.inference.landmarks.FaceMesh` finds them.
        score: How sure that was a face, 0 to 1.

    Returns:
        The measures by name, NaN where there is none (``movement`` needs more than one image); and why, one
        of `mien.core.measures.REASONS`, empty where they are there. A head that is turned too far keeps its
        pose.

    >>> values, why = measure(np.full((468, 3), np.nan))
    >>> values["smile"], why
    (nan, 'no face seen')
    """
    seen = np.asarray(points, np.float64)
    missing = dict.fromkeys(MEASURES, float("nan"))
    if score < LEAST_SURE or not np.isfinite(seen).all():
        return missing, "no face seen"
    pose = head_pose(seen)
    if pose.scale < LEAST_SIZE:
        return missing, "too small"
    angles = {entry.name: getattr(pose, entry.name) for entry in POSE}
    if max(abs(pose.yaw), abs(pose.pitch)) > MOST_TURNED:
        return missing | angles, "turned away"
    return missing | angles | {name: formula(pose.points) for name, formula in _SHAPE.items()}, ""


def measured(image: NDArray[np.uint8], faces: Faces, mesh: NDArray[np.float32], scores: ArrayLike) -> Faces:
    """Faces with ``mesh``, ``measures`` and ``measure_reasons``.

    Args:
        image: ``(h, w, 3)`` in which they are.
        faces: Of that image.
        mesh: ``(n, 468, 3)`` px, as `mien.inference.landmarks.FaceMesh` finds them.
        scores: ``(n,)`` how sure those were faces.
    """
    values = np.full((len(faces), len(MEASURES)), np.nan, np.float32)
    reasons = np.zeros(len(faces), np.int64)
    for row, (points, score) in enumerate(zip(mesh, np.asarray(scores).tolist(), strict=True)):
        found, why = measure(points, score)
        if not why and _inside(points, image.shape) < LEAST_INSIDE:
            found, why = dict.fromkeys(MEASURES, float("nan")), "at the edge"
        values[row], reasons[row] = list(found.values()), REASONS.index(why)
    return faces.with_columns(mesh=mesh, measures=values, measure_reasons=reasons)


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> float:
    """Share of the points that lie in the image."""
    x, y = points[:, 0], points[:, 1]
    return float(np.mean((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])))
