"""Golden vectors of landmarks: their inputs, and what Python answers."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.measures import MEASURES, MOVEMENT
from mien.inference.landmarks import FaceMesh, head_pose, measured, mesh
from mien.inference.landmarks.pose import canonical
from mien.tracking.blinks import Blinks
from mien.tracking.movement import Movement
from mien.tracking.talking import mark_talking

Json = Any
OPENED = (14, 17, 84, 314, 152)
"""Points that go down where a mouth opens, in the vectors of movement."""


def face_map_inputs() -> list[Json]:
    random = np.random.default_rng(21)
    cases = []
    for _ in range(8):
        x, y, width, height = random.uniform(5, 60, 4).round(2).tolist()
        box, angle = [x, y, x + width, y + height], round(float(random.uniform(-3.1, 3.1)), 4)
        corners = random.uniform(0, 60, (2, 2)).round(2).tolist()
        cases.append({"box": box, "angle": angle, "corners": corners})
    return cases


def face_map(given: Json) -> Json:
    """Maps of the squares of a face and of an eye to the image."""
    matrix = mesh._to_image(np.array(given["box"]), given["angle"])
    outer, inner = np.array(given["corners"])
    return {
        "face": matrix.ravel().tolist(),
        "eye": mesh._eye_to_image(outer, inner).ravel().tolist(),
    }


def face_crop_inputs(image: Json) -> list[Json]:
    """Smaller and larger, turned, over the edge, outside, and so large that blocks are averaged.

    Args:
        image: 64 px wide and 48 px high.
    """
    maps = [
        (1.0, 0.0, 10, 8),
        (0.5, 0.4, 20, 20),
        (1.7, -2.0, 60, 30),
        (2.3, 0.0, -10, -10),
        (3.9, 1.1, 20, 10),
        (6.2, 3.0, 70, 55),
        (1.2, 0.3, 200, 90),
    ]
    cases = []
    for scale, angle, x, y in maps:
        a, b = scale * np.cos(angle), scale * np.sin(angle)
        cases.append({"image": image, "map": [float(v) for v in (a, -b, x, b, a, y)], "side": 16})
    return cases


def face_crop(given: Json) -> Json:
    """What the network sees of a face."""
    told = given["image"]
    image = np.frombuffer(base64.b64decode(told["data"]), np.uint8)
    image = image.reshape(told["height"], told["width"], told["step"])[..., :3]
    cut = mesh._crop(np.ascontiguousarray(image), np.array(given["map"]).reshape(2, 3), given["side"])
    return base64.b64encode(np.ascontiguousarray(cut).tobytes()).decode()


def face_mesh_inputs(image: Json) -> list[Json]:
    """Faces with the detector's landmarks and without."""
    points = [[20.0, 18.0], [38.0, 24.0], [28.0, 28.0], [22.0, 36.0], [34.0, 38.0]]
    return [
        {"image": image, "box": [12.0, 6.0, 44.5, 44.0], "landmarks": None},
        {"image": image, "box": [12.0, 6.0, 44.5, 44.0], "landmarks": points},
    ]


class _Drawn:
    """A network that draws: its points lie on a circle that moves with how bright what it sees is; in the same way in
    ``web/tests/answers-landmarks.js``."""

    def __init__(self, side: int, count: int) -> None:
        self._side, self._count = side, count

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        at = np.arange(self._count)
        rows = []
        for image in inputs["image"]:
            bright = float(image.astype(np.float64).mean())
            x = self._side * (0.5 + 0.3 * np.cos(at) + 0.1 * bright)
            y = self._side * (0.5 + 0.3 * np.sin(at) - 0.1 * bright)
            rows.append(np.column_stack([x, y, 5 * np.cos(3 * at)]).ravel())
        found = np.array(rows, np.float32)
        return {"points": found, "face": np.full((len(found), 1), 0.75, np.float32)}


def face_mesh(given: Json) -> Json:
    """Some of the points of a face: how often it is looked at, how it is turned, and its lids."""
    told = given["image"]
    image = np.frombuffer(base64.b64decode(told["data"]), np.uint8)
    image = image.reshape(told["height"], told["width"], told["step"])[..., :3]
    own = FaceMesh.__new__(FaceMesh)
    drawn: dict[str, Any] = {"_network": _Drawn(mesh.SIDE, mesh.COUNT), "_eyes": _Drawn(mesh.EYE_SIDE, 71)}
    vars(own).update(drawn)
    landmarks = None if given["landmarks"] is None else [given["landmarks"]]
    points, scores = own.find(np.ascontiguousarray(image), Faces([given["box"]], [1], [0], [0], landmarks))
    shown = points[0, [0, 33, 133, 159, 145, 263, 386, 374, 467]].astype(float)
    return {"points": shown.ravel().tolist(), "score": float(scores[0])}


def measures_inputs() -> list[Json]:
    """Every reason for having none, and faces whose shape differs."""
    random = np.random.default_rng(22)
    wanted = [
        (0, 0, 0, 80, 0.9, (320, 240)),
        (25, -12, 8, 60, 0.8, (320, 240)),
        (-41, 20, -140, 45, 0.6, (320, 240)),
        (70, 0, 0, 60, 0.9, (320, 240)),
        (0, 0, 0, 80, 0.4, (320, 240)),
        (10, 0, 0, 9, 0.9, (320, 240)),
        (0, 0, 0, 80, 0.9, (165, 240)),
    ]
    return [
        {
            "points": _turned(yaw, pitch, roll, size, random).round(2).ravel().tolist(),
            "score": score,
            "width": width,
            "height": height,
        }
        for yaw, pitch, roll, size, score, (width, height) in wanted
    ]


def _turned(yaw: float, pitch: float, roll: float, size: float, random: np.random.Generator) -> np.ndarray:
    """A face with a shape of its own, turned, in the middle of 320 x 240 px."""
    shape = canonical() + random.normal(0, 0.02, (468, 3))
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(size * shape @ about_y @ about_x @ about_z + (160, 100, 0))


def measures(given: Json) -> Json:
    """Where a head is turned to, what moves in the face, and why that is not known."""
    points = np.array(given["points"], np.float32).reshape(1, 468, 3)
    image = np.zeros((given["height"], given["width"], 3), np.uint8)
    [face] = measured(image, Faces([[0, 0, 9, 9]], [1], [0], [0]), points, [given["score"]])
    pose = head_pose(points[0])
    return {
        "measures": face.measures,
        "missing": face.measures_missing,
        "scale": pose.scale,
        "own": pose.points[[1, 13, 152]].ravel().tolist(),
    }


def movement_inputs() -> list[Json]:
    """Two people: one talks and comes nearer, one is away now and then."""
    random = np.random.default_rng(23)
    base = _turned(5, 3, 2, 50, random).round(2).ravel().tolist()
    frames, time = [], 0.0
    for index in range(24):
        time += 0.9 if index == 18 else float(random.choice([1 / 30, 0.07, 0.12]))
        faces = [{"track": 1, "scale": 1 + index / 100, "x": float(index), "open": 2.0 * (index % 3)}]
        if index % 7 < 5:
            faces.append({"track": 2, "scale": 0.8, "x": -float(index), "open": float(index % 2)})
        frames.append({"time": round(time, 4), "faces": faces, "measured": index % 6 != 5})
    return [{"base": base, "frames": frames}]


def movement(given: Json) -> Json:
    """How fast the face of each person moves, frame by frame."""
    own, base = Movement(), np.array(given["base"]).reshape(468, 3)
    column, out = list(MEASURES).index(MOVEMENT.name), []
    for frame in given["frames"]:
        n = len(frame["faces"])
        values = np.full((n, len(MEASURES)), 0.0 if frame["measured"] else np.nan, np.float32)
        faces = Faces(
            np.zeros((n, 4)),
            np.ones(n),
            np.zeros(n),
            np.full(n, frame["time"]),
            tracks=[face["track"] for face in frame["faces"]],
            mesh=np.array([_moved(base, face) for face in frame["faces"]], np.float32),
            measures=values,
            measure_reasons=np.zeros(n),
        )
        found = own.update(faces).measures
        assert found is not None
        speeds = [None if np.isnan(speed) else float(speed) for speed in found[:, column]]
        out.append(speeds if frame["measured"] else [None] * n)
    return out


def _moved(base: np.ndarray, face: Json) -> np.ndarray:
    points = base * face["scale"] + (face["x"], 0, 0)
    points[list(OPENED), 1] += face["open"]
    return points


def blinks_inputs() -> list[Json]:
    """Three people at 30 frames a second, who blink, close an eye, sleep and go away; then at five a second."""
    random = np.random.default_rng(24)
    cases = []
    for rate, count in ((30.0, 330), (5.0, 60)):
        frames = []
        for index in range(count):
            faces = []
            for track in (1, 2, 3):
                phase = (index + 17 * track) % (50 + 9 * track)
                shut = phase < (4 if track < 3 else 20)
                opening = round(float(0.31 + random.normal(0, 0.01) - (0.22 if shut else 0.0)), 4)
                left = None if phase == 30 else opening
                right = left if left is None or track != 2 or index % 3 else 0.3
                if not (track == 3 and 150 < index < 200):
                    faces.append({"track": track, "eyes": [left, right]})
            frames.append({"time": round(index / rate + (4.0 if index > 250 else 0.0), 4), "faces": faces})
        cases.append({"frames": frames})
    return cases


def blinks(given: Json) -> Json:
    """The blinks of everybody, and how many a minute."""
    own, found = Blinks(), []
    columns = [list(MEASURES).index(name) for name in ("left_eye_opening", "right_eye_opening")]
    for frame in given["frames"]:
        n = len(frame["faces"])
        values = np.full((n, len(MEASURES)), np.nan, np.float32)
        for row, face in enumerate(frame["faces"]):
            values[row, columns] = [np.nan if eye is None else eye for eye in face["eyes"]]
        found += own.update(
            Faces(
                np.zeros((n, 4)),
                np.ones(n),
                np.zeros(n),
                np.full(n, frame["time"]),
                tracks=[face["track"] for face in frame["faces"]],
                measures=values,
                measure_reasons=np.zeros(n),
            )
        )
    return {
        "blinks": [vars(blink) for blink in found],
        "per_minute": [own.per_minute(track) for track in (1, 2, 3)],
    }


def talking_inputs() -> list[Json]:
    """Somebody who talks now and then, also with a face that is too small, somebody who chews, and somebody who is away and
    not measured now and then; at rates that are high enough and not."""
    random = np.random.default_rng(25)
    cases = []
    for rate, count in ((25.0, 300), (13.0, 150), (10.0, 60)):
        frames = []
        for index in range(count):
            time = round(index / rate + (0.3 if index > 100 else 0.0), 4)
            syllables = 0.1 * (1 - np.cos(2 * np.pi * 4.5 * time))
            mouths = {
                1: syllables if time % 5 < 2.5 else 0.02,
                2: 0.1 * (1 - np.cos(2 * np.pi * 1.4 * time)),
                3: syllables if index % 40 else None,
            }
            faces = [
                {
                    "track": track,
                    "side": 40.0 if track == 1 and 6 < time < 7 else 80.0,
                    "opening": None if value is None else round(float(value + random.normal(0, 0.004)), 4),
                }
                for track, value in mouths.items()
                if track != 3 or not 4 < time < 4.5
            ]
            frames.append({"time": time, "faces": faces})
        cases.append({"frames": frames})
    return [*cases, *(_twice(rate) for rate in (13.0, 8.0))]


def _twice(rate: float) -> Json:
    """Two frames of each time; at half of the lower rate syllables could not be told."""
    frames = []
    for index in range(int(3 * rate)):
        time = round(index / rate, 4)
        opening = round(float(0.1 * (1 - np.cos(2 * np.pi * 3.0 * time))), 4)
        frames += 2 * [{"time": time, "faces": [{"track": 1, "side": 80.0, "opening": opening}]}]
    return {"frames": frames}


def talking(given: Json) -> Json:
    """Who talks, frame by frame."""
    results, opening = [], list(MEASURES).index("mouth_opening")
    for index, frame in enumerate(given["frames"]):
        n = len(frame["faces"])
        values = np.full((n, len(MEASURES)), np.nan, np.float32)
        values[:, opening] = [
            np.nan if face["opening"] is None else face["opening"] for face in frame["faces"]
        ]
        faces = Faces(
            [[0, 0, face["side"], face["side"]] for face in frame["faces"]],
            np.ones(n),
            np.full(n, index),
            np.full(n, frame["time"]),
            tracks=[face["track"] for face in frame["faces"]],
            measures=values,
            measure_reasons=np.zeros(n),
        )
        results.append(FrameResult("clip", index, frame["time"], faces))
    return [[face.talking for face in result.faces] for result in mark_talking(results)]
