"""What Python answers to the input of each golden vector; `web/tests/answers.js` has the same names and gives the page's answers."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from mien.core import boxes as box_arithmetic
from mien.core import formatting
from mien.core.assignment import assign
from mien.core.csv_cells import cell
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.measures import REASONS
from mien.core.names import spelled
from mien.core.spacing import Spacing
from mien.inference import crop
from mien.inference.card import read_card
from mien.inference.classifier import Classifier
from mien.inference.detectors import mtcnn, pyramid
from mien.inference.detectors.images import found
from mien.inference.pipeline import Pipeline
from mien.inference.weights import network_path
from mien.metrics.sentiment import PRESETS
from mien.server.web_page import page_settings
from mien.tracking.kalman import Track
from mien.tracking.options import Smoothing, Tracking
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.tracking.tracker import Tracker
from mien.video.summary import Overview
from tests.vectors import landmark_vectors

Json = Any


def settings(_: Json) -> Json:
    """What the page is told by a service as it comes, but for what depends on how mien was built."""
    told = page_settings(_pipeline())
    return {name: value for name, value in told.items() if name not in ("version", "device")}


@cache
def _pipeline() -> Pipeline:
    return Pipeline()


def boxes(given: Json) -> Json:
    """Every kind of arithmetic on the same boxes."""
    rows, shifts = np.array(given["boxes"], np.float32), np.array(given["shifts"], np.float32)
    width, height = given["width"], given["height"]
    return {
        "area": _plain(box_arithmetic.area(rows)),
        "clipped": _plain(box_arithmetic.clip(rows, width, height)),
        "overlap": _plain(box_arithmetic.overlap(rows, rows)),
        "overlap_of_smaller": _plain(box_arithmetic.overlap(rows, rows, over="smaller")),
        "squared": _plain(mtcnn._squared(rows)),
        "thick_squared": _plain(mtcnn._square(rows)),
        "moved": _plain(mtcnn._moved(rows, shifts)),
        "kept": box_arithmetic.suppress(rows, given["scores"], given["limit"]).tolist(),
        "kept_of_smaller": box_arithmetic.suppress(
            rows, given["scores"], given["limit"], over="smaller"
        ).tolist(),
    }


def resized(given: Json) -> Json:
    """An image, or a box of it, at another size."""
    image = Image.fromarray(image_of(given["image"]))
    return packed(np.asarray(image.resize(given["size"], Image.Resampling.BILINEAR, box=given["box"])))


def halved(given: Json) -> Json:
    """An image at half its size."""
    return packed(np.asarray(pyramid.halved(image_of(given["image"]))))


def cropped(given: Json) -> Json:
    """Squares of an image as a network gets them."""
    image = image_of(given["image"])
    return [
        packed(square)
        for square in crop.crop_resize(image, given["boxes"], given["size"], gray=given["gray"])
    ]


def network_input(given: Json) -> Json:
    """The square around each face, and the numbers that the expression network is fed of one."""
    classifier = _pipeline().classifier
    pixels = image_of(given["image"])[None, None, :, :, 0].astype(np.float32)
    return {
        "squares": _plain(classifier.crop.squares(given["boxes"])),
        "fed": _plain(classifier.network.card.input.fed(pixels).ravel()),
    }


def colour_input(given: Json) -> Json:
    """What a network over colours of 224 px is asked about each face, and what it answers, which is played back here."""
    card = read_card(network_path("small-int8"))
    seen = card.input.model_copy(update=given["input"])
    card = card.model_copy(update={"input": seen, "heads": {given["head"]: ("happy", "sad", "bored")}})
    asked: list[int] = []
    left = [np.array(row, np.float32) for row in given["rows"]]

    def run(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        images = feeds[seen.name]
        asked.extend(map(sign, images))
        return {given["head"]: np.stack([left.pop(0) for _ in images])}

    network = SimpleNamespace(card=card, path=Path("colour.onnx"), device="cpu", run=run)
    zeros = [0] * len(given["boxes"])
    faces = Faces(given["boxes"], zeros, zeros, zeros)
    [read] = Classifier(network, given["head"]).classify([image_of(given["image"])], [faces])  # type: ignore[arg-type]
    return {"probs": _plain(read.probs), "asked": asked}


def detector(given: Json) -> Json:
    """What MTCNN makes of the answers of its networks, which are played back here: pyramid, windows, suppression, regression, points."""
    own, player = (
        mtcnn.MTCNN(given["min_face"], min_detection_score=given["min_detection_score"]),
        Player(given["runs"]),
    )
    own._pnet, own._rnet, own._onet = (player.network(name) for name in ("pnet", "rnet", "onet"))
    return detected(own, given)


def detected(own: mtcnn.MTCNN, given: Json) -> Json:
    """Faces found in the image, and boxes looked at again."""
    image = enlarged(image_of(given["image"]), given["side"])
    [first], [again] = own.detect([image]), own.refine([image], [given["known"]])
    return [
        [
            {"box": _plain(box), "detection_score": _plain(score), "landmarks": _plain(points)}
            for box, score, points in zip(*columns, strict=True)
        ]
        for columns in ((faces.boxes, faces.detection_scores, faces.landmarks) for faces in (first, again))
    ]


class Player:
    """Networks that give recorded answers, and check that they are asked what was asked then.

    Args:
        runs: One for each call: the network's name, the shape of its input, `sign` of that, and its outputs as plain lists.
    """

    def __init__(self, runs: list[Json]) -> None:
        self._runs = iter(runs)

    def network(self, name: str) -> Any:
        """One of them."""
        player = self

        class Played:
            outputs = ("shift", "points", "face") if name == "onet" else ("shift", "face")

            def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
                run, image = next(player._runs), inputs["image"]
                assert (run["network"], run["shape"], run["sign"]) == (name, list(image.shape), sign(image))
                return {
                    key: np.array(value["data"], np.float32).reshape(value["dims"])
                    for key, value in run["outputs"].items()
                }

        return Played()


def sign(image: np.ndarray) -> int:
    """A number that tells one input of a detector's network from others: its bytes, weighted by their place."""
    levels = np.rint(image.astype(np.float64).ravel() * 128 + 127.5).astype(np.int64)
    return int((levels * (np.arange(levels.size) % 251 + 1)).sum())


def assignment(given: Json) -> Json:
    """Which row goes with which column at the least cost; null is an impossible pair."""
    cost = np.array([[1e9 if value is None else value for value in row] for row in given["cost"]], np.float64)
    return [list(pair) for pair in assign(cost, limit=given["limit"])]


def spacing(given: Json) -> Json:
    """How far apart frames come: how long the one before lasted, the step, the patience with who is missing, and the usual step."""
    own, told = Spacing(given["least"]), []
    for time in given["times"]:
        lasting = own.lasting(time - (time if own.time is None else own.time))
        told.append(
            [lasting, own.take(time), own.patience if math.isfinite(own.patience) else None, own.usual]
        )
    return told


def tracker(given: Json) -> Json:
    """Who is who in a story of frames, by a detector that sees what the story says."""
    seen = _Seen()
    own = Tracker(seen, Tracking(cuts=given.get("cuts", True)))
    images = [image_of(image) for image in given["images"]]
    return [_followed(own, seen, images, index, frame) for index, frame in enumerate(given["frames"])]


def _followed(own: Tracker, seen: _Seen, images: list[np.ndarray], index: int, frame: Json) -> Json:
    seen.boxes, seen.scores = (
        np.array(frame["boxes"], np.float32).reshape(-1, 4),
        np.array(frame["scores"], np.float32),
    )
    faces = own.update(Frame(index, frame["time"], enlarged(images[frame["image"]], frame["side"])))
    return {
        "faces": [
            [track, *_plain(box)] for track, box in zip(_listed(faces.tracks), faces.boxes, strict=True)
        ],
        "looked": round(own._looked, 6),  # When the whole image was searched last.
        "remembered": round(sum(_remembered(person) for person in own._people), 5),
    }


def _remembered(person: Track) -> float:
    """One number that tells what is remembered of a person from what would be if any step of the filter were another."""
    place = person.x + 2 * person.y + 3 * person.sx + 5 * person.sy + 7 * person.width + 11 * person.height
    return (
        place
        + 13 * person.vx
        + 17 * person.vy
        + 19 * person.tx
        + 23 * person.ty
        + 29 * person.place
        + 31 * person.bond
        + 37 * person.speed
    )


class _Seen:
    """A detector that sees what it is told: in the whole image all of it, in a box the face that it overlaps most."""

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
            if table.shape[1] and table[row].max() > np.float32(0.3):
                best = int(table[row].argmax())
                rows[row], scores[row] = self.boxes[best], self.scores[best]
        return found(rows, scores, np.zeros((len(boxes), 5, 2)))


def stream(given: Json) -> Json:
    """Probabilities and label of everybody, frame by frame: live, as a video, where what comes later bears on a frame as well, and summed up."""
    results, own = _results(given), OnlineSmoother(EXPRESSIONS)
    whole = list(smooth_offline(results, Smoothing(), EXPRESSIONS))
    return {
        "live": [_smooth(own.update(result.faces)) for result in results],
        "recorded": [_smooth(result.faces) for result in whole],
        "people": _people(whole),
    }


def _smooth(faces: Faces) -> Json:
    return [
        [steady, *np.round(smooth, 6)]
        for steady, smooth in zip(
            _listed(faces.smoothed_emotion_ids), _listed(faces.smoothed_probs), strict=True
        )
    ]


def _people(results: list[FrameResult]) -> Json:
    overview = Overview("clip", EXPRESSIONS)
    for result in results:
        overview.add(result)
    overview.end()
    return [
        {
            "track": person.track,
            "first": person.first,
            "last": person.last,
            "seconds": person.seconds,
            "shares": [person.shares.get(name, 0.0) for name in EXPRESSIONS],
            "confidence": person.confidence,
        }
        for person in overview.people
    ]


def label(given: Json) -> Json:
    """Which label each face shows: a column, or -1 for uncertain; its probability, and what is printed."""
    labels = Labels(EXPRESSIONS.names, given["below"])
    faces = [_faces([face], 0, 0.0, labels) for face in given["faces"]]
    return [[_listed(one.label_ids)[0], one[0].label_confidence, one[0].caption] for one in faces]


def percents(given: Json) -> Json:
    """Shares of one whole as they are printed."""
    return [
        list(formatting.percents(dict(zip("abcdefg", shares, strict=False))).values()) for shares in given
    ]


def rows(given: Json) -> Json:
    """What stands in a table about a frame."""
    faces = _faces(given["faces"], given["frame"], given["time"], EXPRESSIONS)
    return list(FrameResult(spelled(given["source"]), given["frame"], given["time"], faces).rows())


def cells(given: Json) -> Json:
    """Names of files as they are spelled, those in a table of CSV, and other text there."""
    return [[spelled(text), cell(spelled(text), path=True), cell(text)] for text in given]


def sentiment(given: Json) -> Json:
    """What expressions sum up to."""
    return _plain(np.array(given["probs"]) @ PRESETS["valence"].matrix(EXPRESSIONS))


def _results(given: Json) -> list[FrameResult]:
    results = []
    for index, frame in enumerate(given["frames"]):
        results.append(
            FrameResult(
                "clip", index, frame["time"], _faces(frame["faces"], index, frame["time"], EXPRESSIONS)
            )
        )
    return results


def _faces(rows: list[Json], index: int, time: float, labels: Labels) -> Faces:
    column = {name: [row[name] for row in rows] for name in ("box", "detection_score", "track", "probs")}
    whole: dict[str, Any] = {
        name: np.array([row[key] for row in rows])
        for name, key in (
            ("smoothed_probs", "smoothed_probs"),
            ("smoothed_emotion_ids", "smoothed_emotion_id"),
        )
        if rows and key in rows[0]
    }
    if rows and "measures" in rows[0]:
        whole["measures"] = [[np.nan if v is None else v for v in row["measures"].values()] for row in rows]
        whole["measure_reasons"] = [REASONS.index(row["measures_missing"] or "") for row in rows]
    return Faces(
        boxes=np.array(column["box"], np.float32).reshape(-1, 4),
        detection_scores=column["detection_score"],
        frames=np.full(len(rows), index),
        times=np.full(len(rows), time),
        tracks=np.array(column["track"], np.int64),
        probs=np.array(column["probs"]).reshape(-1, len(labels)),
        labels=labels,
        **whole,
    )


def image_of(told: Json) -> np.ndarray:
    """``(h, w, 3)`` RGB of an image in a vector; the fourth byte of each pixel, where there is one, stands for nothing."""
    data = np.frombuffer(base64.b64decode(told["data"]), np.uint8).reshape(
        told["height"], told["width"], told["step"]
    )
    return np.ascontiguousarray(data[..., :3])


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Each pixel as a square of so many px: a large image in a small file."""
    return np.kron(image, np.ones((side, side, 1), np.uint8))


def packed(array: np.ndarray) -> str:
    """Bytes as text."""
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


def _listed(column: np.ndarray | None) -> list[Any]:
    """A column as a list, empty where it is not there."""
    return [] if column is None else list(column.tolist())


def _plain(values: Any) -> Any:
    """Numbers for JSON, those of 32 bits with as few digits as tell them apart."""
    array = np.asarray(values)
    if array.dtype == np.float32:
        array = np.array([float(str(value)) for value in array.ravel()]).reshape(array.shape)
    return array.tolist()


ANSWERS: dict[str, Callable[[Json], Json]] = {
    answer.__name__: answer
    for answer in (
        settings,
        boxes,
        resized,
        halved,
        cropped,
        network_input,
        colour_input,
        detector,
        assignment,
        spacing,
        tracker,
        stream,
        label,
        percents,
        rows,
        cells,
        sentiment,
        landmark_vectors.face_map,
        landmark_vectors.face_crop,
        landmark_vectors.face_mesh,
        landmark_vectors.measures,
        landmark_vectors.movement,
        landmark_vectors.blinks,
        landmark_vectors.talking,
    )
}
"""By the name of the file that holds the vectors."""
