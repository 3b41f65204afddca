"""Rules at work on a stream: what is delivered, and that nothing gets in its way."""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import RuleError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import NOTICE, Labels
from mien.media.live import LiveFrame
from mien.rules.actions.base import Delivery
from mien.rules.actions.photo import PhotoSettings
from mien.rules.engine import Rule
from mien.rules.rule_file import Action, RuleSet
from mien.rules.runner import RuleRunner, RunOptions

LABELS = Labels(("sad", "happy"))
STRAIGHT = [[20, 25], [40, 25], [30, 35.6], [23, 45], [37, 45]]


def rule(name: str = "smile", when: str = "any.happy > 0.7", **settings: object) -> Rule:
    return Rule(name, when, labels=LABELS, **settings)  # type: ignore[arg-type]


def seen(time: float, *happy: float, level: int = 100, points: bool = True) -> tuple[Frame, Faces]:
    n = len(happy)
    image = np.full((80, 80, 3), level, np.uint8)
    probs = np.stack([1 - np.array(happy), happy], axis=1).reshape(n, 2)
    corners = np.repeat([STRAIGHT], n, 0) if points else None
    faces = Faces(
        np.tile([10, 10, 50, 60], (n, 1)),
        np.ones(n),
        np.zeros(n),
        np.full(n, time),
        landmarks=corners,
        probs=probs,
        labels=LABELS,
    )
    return Frame(round(time * 10), time, image), faces


def test_a_function_hears_both_ends_and_a_log_everything(tmp_path: Path) -> None:
    heard: list[Delivery] = []
    log = tmp_path / "events.jsonl"
    with RuleRunner(
        [rule(do=("hear",)), rule("quiet", "faces == 0")],
        LABELS,
        {"hear": heard.append},
        RunOptions("camera:0", log),
    ) as actor:
        for time_, *happy in [(0.0, 0.9), (0.5, 0.2), (1.0,)]:
            actor.update(*seen(time_, *happy))
    assert [(one.rule, one.kind, one.time) for one in heard] == [
        ("smile", "start", 0.0),
        ("smile", "end", 0.5),
    ]
    assert heard[0].image is None, "nobody asked for images"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["rule"], line["kind"]) for line in lines] == [
        ("smile", "start"),
        ("smile", "end"),
        ("quiet", "start"),
    ]
    assert lines[0] == heard[0].payload()
    assert set(lines[0]) == {
        "id",
        "rule",
        "kind",
        "time",
        "at",
        "source",
        "frame",
        "values",
        "faces",
        "measures",
        "photo",
        "notice",
    }
    assert (lines[0]["source"], lines[0]["notice"], lines[0]["faces"]) == ("camera:0", NOTICE, 1)
    assert len({line["id"] for line in lines}) == 3


def test_the_wall_clock_is_that_of_the_frame() -> None:
    heard: list[Delivery] = []
    frame, faces = seen(0.0, 0.9)
    with RuleRunner([rule(do=("hear",))], LABELS, {"hear": heard.append}) as actor:
        actor.update(LiveFrame(0, 0.0, frame.image, captured=time.monotonic() - 3600), faces)
    told = datetime.fromisoformat(heard[0].at or "")
    assert told.utcoffset() is not None
    assert abs(datetime.now().astimezone().timestamp() - told.timestamp() - 3600) < 10


def photos(folder: Path, **settings: object) -> dict[str, Action]:
    return {"photo": Action("photo", PhotoSettings(folder=folder, **settings))}  # type: ignore[arg-type]


def test_the_photo_is_the_sharpest_frame_of_the_moment(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rules = RuleSet((rule(hold=0.4, do=("photo",)),), photos(tmp_path))
    with RuleRunner(rules, LABELS) as actor:
        for number, happy in enumerate([0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]):
            frame, faces = seen(number / 10, happy, level=20 * number)
            contrast = {0: 60, 2: 40, 6: 60}.get(
                number, 5
            )  # The sharpest of those in which the rule holds is number 2.
            grain = rng.integers(0, contrast, (80, 80, 1), np.uint8)
            actor.update(Frame(frame.index, frame.time, frame.image + grain), faces)
    [found] = tmp_path.iterdir()
    with Image.open(found) as image:
        assert abs(float(np.asarray(image).mean()) - (40 + 19.5)) < 4


def test_faces_on_a_photo_are_covered_on_request(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    for name, covered in (("open", False), ("covered", True)):
        with RuleRunner(
            RuleSet((rule(do=("photo",)),), photos(tmp_path / name, blur=covered)), LABELS
        ) as actor:
            actor.update(Frame(0, 0.0, noise), seen(0.0, 0.9)[1])
        [found] = (tmp_path / name).iterdir()
        with Image.open(found) as image:
            pixels = np.asarray(image).astype(float)
        assert bool(pixels[25:45, 20:40].std() < 30) is covered
        assert pixels[:, 62:].std() > 40


def test_a_folder_that_is_full_or_gone_does_not_stop_the_rest(tmp_path: Path) -> None:
    told: list[str] = []
    heard: list[Delivery] = []
    rules = RuleSet((rule(do=("photo", "hear")),), photos(tmp_path / "p", most_files=1))
    with RuleRunner(rules, LABELS, {"hear": heard.append}, RunOptions(tell=told.append)) as actor:
        for number in range(6):
            actor.update(*seen(float(number), 0.9 if number % 2 else 0.1))
    assert len(list((tmp_path / "p").iterdir())) == 1
    assert sum("is full" in line for line in told) == 2
    assert len(heard) == 6 - 1


def test_an_action_that_hangs_or_raises_does_not_slow_the_stream() -> None:
    free = threading.Event()
    heard: list[Delivery] = []

    def broken(delivery: Delivery) -> None:
        raise RuntimeError("no")

    functions = {"hang": lambda delivery: free.wait(30), "broken": broken, "hear": heard.append}
    actor = RuleRunner([rule(do=("hang", "broken", "hear"))], LABELS, functions, RunOptions(grace=0.3))
    slowest = 0.0
    for number in range(2000):
        frame, faces = seen(number / 30, 0.9 if number % 2 else 0.1)
        began = time.thread_time()
        actor.update(frame, faces)
        slowest = max(slowest, time.thread_time() - began)
    began = time.monotonic()
    assert actor.close() > 0
    free.set()
    assert time.monotonic() - began < 10
    assert slowest < 0.5
    assert len(heard) > 100


def test_actions_that_are_not_there_are_told_before_the_start() -> None:
    with pytest.raises(RuleError, match="there is no action 'lamp': there are bell"):
        RuleRunner([rule(do=("lamp",))], LABELS, {"bell": print})


def test_a_clock_that_jumps_and_points_that_are_missing_are_told() -> None:
    told: list[str] = []
    with RuleRunner(
        [rule(when="any.facing > 0.5 and any.happy > 0.7")], LABELS, options=RunOptions(tell=told.append)
    ) as actor:
        assert actor.update(*seen(0.0, 0.9))
        for time_ in (0.1, 500.0, 3.0):
            actor.update(*seen(time_, 0.9, points=False))
    assert [line for line in told if "clock" in line] == [
        "the clock of the source went on by 499.9 s at once at 500.00 s: rules count on from there",
        "the clock of the source jumped by -497.0 s at 3.00 s: rules count on from there",
    ]
    assert sum("mtcnn" in line for line in told) == 1
