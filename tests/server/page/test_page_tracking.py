"""Who is who and what each one shows: the page follows and smooths as `mien.tracking` and `mien.tracking`
do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from visiting import UNPACKED, Running, packed

from mien.core import boxes as box_arithmetic
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.inference.detectors.pictures import found
from mien.media.frame import Frame
from mien.tracking.assignment import assign
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.tracking.smoothing_options import Smoothing
from mien.tracking.tracker import Tracker

SETTINGS = "(await (await fetch('/v1/page')).json())"
WIDTH, HEIGHT, RATE = 160, 120, 25.0


class _Seen:
    """A detector that sees what it is told: in the whole picture all of it, in a box the face that it
    overlaps most."""

    name = "told"

    def __init__(self) -> None:
        self.boxes, self.scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)

    def detect(self, images: Any) -> list[Faces]:
        return [found(self.boxes, self.scores, np.zeros((len(self.boxes), 5, 2))) for _ in images]

    def refine(self, images: Any, boxes: Any) -> list[Faces]:
        return [self._refined(np.asarray(part, np.float32).reshape(-1, 4)) for part in boxes]

    def _refined(self, boxes: np.ndarray) -> Faces:
        table = box_arithmetic.overlap(boxes, self.boxes)
        rows, scores = boxes.copy(), np.zeros(len(boxes), np.float32)
        for row in range(len(boxes)):
            if len(self.boxes) and table[row].max() > 0.3:
                best = int(table[row].argmax())
                rows[row], scores[row] = self.boxes[best], self.scores[best]
        return found(rows, scores, np.zeros((len(boxes), 5, 2)))


FOLLOWED = f"""async ({{ Tracker }}, frames) => {{
  const settings = {SETTINGS};
  const {{ overlap }} = await import("/static/reading/boxes.js");
  let seen;
  const points = [];
  const detector = {{
    detect: async () => seen.boxes.map((box, at) => ({{ box, score: seen.scores[at], points }})),
    refine: async (picture, boxes) => boxes.map((box) => {{
      const known = box.map(Math.fround);
      const shares = seen.boxes.map((other) => overlap(known, other));
      const most = Math.max(0, ...shares);
      const at = shares.indexOf(most);
      return most > Math.fround(0.3) ? {{ box: seen.boxes[at], score: seen.scores[at], points }} : {{ box: known, score: 0, points }};
    }}),
  }};
  const tracker = new Tracker(detector, settings.tracking);
  const out = [];
  for (seen of frames) {{
    // Every pixel stands for a square of them.
    const {{ width, height, side }} = seen, small = ({UNPACKED})(seen.data), data = new Uint8Array(width * height * 3);
    for (let at = 0; at < data.length; at++) {{
      const row = Math.floor(at / (3 * width)), column = Math.floor(at / 3) % width;
      data[at] = small[Math.floor(row / side) * (width / side) + Math.floor(column / side)];
    }}
    const picture = {{ width, height, step: 3, data }};
    const faces = await tracker.update(picture, seen.time);
    out.push(faces.map(({{ track, box, score }}) => ({{ track, box, score }})));
  }}
  return out;
}}"""


def _story(seed: int) -> list[dict[str, Any]]:
    """Five people who walk, cross, hide, come back and grow unsure; then a cut, a jump in time and a picture
    of another size."""
    random = np.random.default_rng(seed)
    starts, speeds = random.uniform((10, 10), (110, 70), (5, 2)), random.normal(0, 12, (5, 2))
    sides = random.uniform(18, 40, 5)
    scenes = random.integers(0, 256, (2, HEIGHT // 8, WIDTH // 8)).astype(np.uint8)
    frames, time = [], 0.0
    for index in range(160):
        time += random.choice([1 / RATE, 2 / RATE]) + (3.0 if index == 120 else 0)
        scale = 2 if index >= 140 else 1
        places = starts + speeds * min(time, 6.0)
        hidden = (np.arange(5) * 23 + index) % 61 < 9
        boxes = np.concatenate([places, places + sides[:, None] * (0.8, 1.0)], axis=1) + random.normal(
            0, 0.4, (5, 4)
        )
        here = ~hidden & (places > -10).all(axis=1)
        small = scenes[int(index >= 80)].copy()
        if index % 40 > 30:
            small[5:10, 12:17] += np.uint8(60)
        scores = random.choice([0.99, 0.9, 0.75, 0.6], 5).astype(np.float32)
        frames.append(
            {
                "time": time,
                "small": small,
                "side": 8 * scale,
                "boxes": (boxes[here] * scale).astype(np.float32),
                "scores": scores[here],
            }
        )
    return frames


@pytest.mark.parametrize("step", [0.04, 0.45])
def test_the_page_follows_people_as_the_server_does(run_module: Running, step: float) -> None:
    story = [frame for seed in range(2) for frame in _story(seed)]
    times = np.cumsum([step if index % 160 else 5.0 for index in range(len(story))])
    seen, right = _Seen(), []
    tracker = Tracker(seen)
    told = []
    for index, frame in enumerate(story):
        time = float(times[index]) + frame["time"] % 0.02
        seen.boxes, seen.scores = frame["boxes"], frame["scores"]
        side = frame["side"]
        picture = np.kron(frame["small"], np.ones((side, side), np.uint8))[..., None].repeat(3, axis=2)
        right.append(tracker.update(Frame(index, time, picture)))
        height, width = picture.shape[:2]
        told.append(
            {
                "time": time,
                "width": width,
                "height": height,
                "side": side,
                "data": packed(frame["small"]),
                "boxes": frame["boxes"].tolist(),
                "scores": frame["scores"].tolist(),
            }
        )
    got = run_module("reading/tracker.js", FOLLOWED, told)
    assert [[face["track"] for face in faces] for faces in got] == [faces.tracks.tolist() for faces in right]  # type: ignore[union-attr]
    for faces, wanted in zip(got, right, strict=True):
        np.testing.assert_array_equal(
            np.array([face["box"] for face in faces], np.float32).reshape(-1, 4), wanted.boxes
        )
    assert max(faces.tracks.max(initial=0) for faces in right) > 10, "the story has too few people to tell"  # type: ignore[union-attr]


def test_pairs_are_those_of_the_server(run_module: Running) -> None:
    random = np.random.default_rng(4)
    tables = [
        np.where(random.random((n, m)) < 0.25, 1e9, random.uniform(0, 50, (n, m)))
        for n, m in random.integers(1, 7, (60, 2))
    ]
    program = "({ assigned }, tables) => tables.map((table) => assigned(table, 40))"
    got = run_module("reading/assignment.js", program, [table.tolist() for table in tables])
    assert [[tuple(pair) for pair in pairs] for pairs in got] == [assign(table, limit=40) for table in tables]


def _readings(seed: int) -> list[FrameResult]:
    """Three people with moods and misreadings, seen at uneven times, now and then not at all."""
    random = np.random.default_rng(seed)
    readings, time = [], 0.0
    moods = random.integers(0, 7, 3)
    for index in range(220):
        time += float(random.choice([0.033, 0.04, 0.2], p=[0.6, 0.35, 0.05])) + (2.0 if index == 90 else 0.0)
        moods = np.where(random.random(3) < 0.02, random.integers(0, 7, 3), moods)
        logits = random.normal(0, 1, (3, 7))
        logits[np.arange(3), moods] += 1.5
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        here = np.flatnonzero(random.random(3) > 0.1)
        boxes = np.array([[0, 0, 20 + 10 * row, 30 + 12 * row] for row in here], np.float32).reshape(-1, 4)
        faces = Faces(
            boxes=boxes,
            scores=random.uniform(0.5, 1, len(here)),
            frames=np.full(len(here), index),
            times=np.full(len(here), time),
            tracks=here + 1,
            probs=probs[here],
            labels=EXPRESSIONS,
        )
        readings.append(FrameResult("clip", index, time, faces))
    return readings


def _told(readings: list[FrameResult]) -> list[dict[str, Any]]:
    return [
        {
            "time": reading.time,
            "faces": [
                {"track": int(track), "box": box.tolist(), "score": float(score), "probs": probs.tolist()}
                for track, box, score, probs in zip(
                    reading.faces.tracks,  # type: ignore[arg-type]
                    reading.faces.boxes,
                    reading.faces.scores,
                    reading.faces.probs,  # type: ignore[arg-type]
                    strict=True,
                )
            ],
        }
        for reading in readings
    ]


def _same(got: list[dict[str, Any]], faces: Faces) -> None:
    assert [face["steady"] for face in got] == (faces.steady.tolist() if len(faces) else [])  # type: ignore[union-attr]
    if len(faces):
        np.testing.assert_allclose([face["smooth"] for face in got], faces.smooth, atol=2e-6)


def test_the_page_smooths_a_stream_as_the_server_does(run_module: Running) -> None:
    program = f"""async ({{ Smoother }}, readings) => {{
      const smoother = new Smoother({SETTINGS}.smoothing);
      return readings.map(({{ faces, time }}) => smoother.update(faces, time));
    }}"""
    readings = _readings(1)
    smoother = OnlineSmoother(EXPRESSIONS)
    for got, reading in zip(
        run_module("reading/smoother.js", program, _told(readings)), readings, strict=True
    ):
        _same(got, smoother.update(reading.faces))


def test_the_page_smooths_a_recording_as_the_server_does(run_module: Running) -> None:
    program = f"async ({{ smoothed }}, readings) => smoothed(readings, {SETTINGS}.smoothing).map(({{ faces }}) => faces)"
    readings = _readings(2)
    right = list(smooth_offline(readings, Smoothing(), EXPRESSIONS))
    for got, reading in zip(run_module("reading/recorded.js", program, _told(readings)), right, strict=True):
        _same(got, reading.faces)
