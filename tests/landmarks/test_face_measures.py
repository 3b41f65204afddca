"""Pose and measures of faces whose points were moved by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from mien.core.measures import MEASURES, SHAPE
from mien.inference.landmarks import head_pose, measure
from mien.inference.landmarks.pose import canonical

SHAPE_NAMES = [entry.name for entry in SHAPE]
DOCS = Path(__file__).parents[2] / "docs"


def turned(points: np.ndarray, yaw: float = 0, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """Turned to the right, then down, then clockwise, as seen in the image."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return points @ about_x @ about_y @ about_z


def place(points: np.ndarray, scale: float = 80.0) -> np.ndarray:
    return points * scale + (320, 200, 5)


@pytest.mark.parametrize("yaw", [-40.0, 0.0, 25.0])
@pytest.mark.parametrize("scale", [20.0, 300.0])
def test_a_head_that_looks_aside(yaw: float, scale: float) -> None:
    face = canonical()
    # The tip of the nose goes to where somebody looks.
    seen = place(turned(face, yaw=yaw), scale)
    pose = head_pose(seen)
    assert np.sign(round(seen[1, 0] - seen[[33, 263], 0].mean())) == np.sign(yaw)
    assert pose.yaw == pytest.approx(yaw, abs=0.01)
    assert (pose.pitch, pose.roll) == pytest.approx((0, 0), abs=0.01)
    assert pose.scale == pytest.approx(scale)
    np.testing.assert_allclose(pose.points, face, atol=1e-6)


@pytest.mark.parametrize("angle", [-30.0, 12.0, 40.0])
def test_nodding_and_tilting(angle: float) -> None:
    level, nodded = place(canonical()), place(turned(canonical(), pitch=angle))
    # Somebody who looks down has the tip of the nose lower below the eyes.
    lower = np.sign(nodded[1, 1] - nodded[[33, 263], 1].mean() - (level[1, 1] - level[[33, 263], 1].mean()))
    assert head_pose(nodded).pitch == pytest.approx(angle, abs=0.01)
    assert lower == np.sign(angle)
    tilted = place(turned(canonical(), roll=angle))
    assert np.degrees(np.arctan2(*(tilted[263] - tilted[33])[[1, 0]])) == pytest.approx(angle)
    assert head_pose(tilted).roll == pytest.approx(angle, abs=0.01)


def test_a_moving_mouth_does_not_turn_the_head() -> None:
    face = canonical().copy()
    face[[13, 14, 17, 61, 152, 291], 1] += 0.3
    pose = head_pose(place(face))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((0, 0, 0), abs=0.01)


def shift(changes: dict[int, tuple[float, float]]) -> dict[str, float]:
    """What moves when some points do, right and down, by parts of the eyes' distance."""
    moved = canonical().copy()
    for point, by in changes.items():
        moved[point, :2] += by
    before, _ = measure(place(canonical()))
    after, why = measure(place(moved))
    assert why == ""
    return {
        name: round(after[name] - before[name], 4)
        for name in SHAPE_NAMES
        if abs(after[name] - before[name]) > 1e-6
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({61: (0, -0.1), 291: (0, -0.1)}, {"smile": 0.1}),
        ({61: (-0.1, 0), 291: (0.1, 0)}, {"mouth_width": 0.2}),
        ({55: (0, -0.1), 107: (0, -0.1)}, {"left_inner_brow_raise": 0.1, "asymmetry": 0.01}),
        ({336: (0, 0.1), 285: (0, 0.1)}, {"right_inner_brow_raise": -0.1, "asymmetry": 0.01}),
        ({46: (0, -0.1), 70: (0, -0.1)}, {"left_outer_brow_raise": 0.1, "asymmetry": 0.01}),
        ({276: (0, -0.2), 300: (0, -0.2)}, {"right_outer_brow_raise": 0.2, "asymmetry": 0.02}),
    ],
)
def test_what_is_moved_is_what_is_measured(
    changes: dict[int, tuple[float, float]], expected: dict[str, float]
) -> None:
    found = shift(changes)
    # Ten pairs of points, across and down: one that is 0.1 off is a twentieth of that.
    half = {name: value / 2 if name == "asymmetry" else value for name, value in expected.items()}
    assert found == pytest.approx(half, abs=2e-3)


def test_a_mouth_opens_by_the_gap() -> None:
    open_ = canonical().copy()
    gap = np.linalg.norm(open_[13] - open_[14])
    direction = (open_[14] - open_[13]) / gap
    for point in (14, 17, 152):
        open_[point] += 0.25 * direction
    before, after = measure(place(canonical()))[0], measure(place(open_))[0]
    assert after["mouth_opening"] - before["mouth_opening"] == pytest.approx(0.25, abs=1e-3)
    assert after["jaw_drop"] > before["jaw_drop"] + 0.15
    assert after["lip_height"] == pytest.approx(before["lip_height"], abs=1e-3)


def test_a_closed_eye() -> None:
    closed = canonical().copy()
    for upper, lower in ((160, 144), (159, 145), (158, 153)):
        closed[upper] = closed[lower]
    values, _ = measure(place(turned(closed, yaw=20), 60))
    assert values["left_eye_opening"] == pytest.approx(0, abs=1e-6)
    assert values["right_eye_opening"] == pytest.approx(
        measure(place(canonical()))[0]["right_eye_opening"], abs=1e-4
    )


@pytest.mark.parametrize("turn", [{"yaw": 35.0}, {"pitch": -25.0, "roll": 50.0}])
def test_measures_hardly_depend_on_how_the_head_is_held(turn: dict[str, float]) -> None:
    straight, _ = measure(place(canonical(), 50))
    held, _ = measure(place(turned(canonical(), **turn), 400))
    for name in SHAPE_NAMES:
        assert held[name] == pytest.approx(straight[name], abs=1e-6), name


@pytest.mark.parametrize(
    ("points", "score", "reason"),
    [
        (np.full((468, 3), np.nan), 1.0, "no face seen"),
        (place(canonical()), 0.3, "no face seen"),
        (place(canonical(), 8), 1.0, "too small"),
        (place(turned(canonical(), yaw=75)), 1.0, "turned away"),
        (place(turned(canonical(), pitch=70)), 1.0, "turned away"),
    ],
)
def test_what_cannot_be_measured_is_nan_with_a_reason(points: np.ndarray, score: float, reason: str) -> None:
    values, why = measure(points, score)
    assert why == reason
    assert all(math.isnan(values[name]) for name in SHAPE_NAMES)
    assert math.isnan(values["yaw"]) == (reason != "turned away")


def test_the_page_has_every_measure() -> None:
    page = (DOCS / "landmarks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.M))
    assert {name: rows.get(name) for name in MEASURES} == {
        name: f"{entry.formula} | {entry.unit}" for name, entry in MEASURES.items()
    }
