"""Files of rules to begin with do what they say, with a real broker, a real web server and real programs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import EXPRESSIONS
from mien.core.measures import MEASURES
from mien.rules.actions.photo import PHOTO_NAME
from mien.rules.rule_file import check_rules, read_rules
from mien.rules.runner import RuleRunner, RunOptions
from mien.rules.templates import about, template, template_names
from tests.rules.broker import Broker, Listener, wait_until

STRAIGHT = np.array([[[20, 25], [40, 25], [30, 35.6], [23, 45], [37, 45]]])


def shown(time: float, **expressions: float) -> tuple[Frame, Faces]:
    """One face that looks into the camera, or none."""
    frame = Frame(round(time * 10), time, np.full((80, 80, 3), 120, np.uint8))
    if not expressions:
        return frame, Faces.empty(EXPRESSIONS)
    probs = np.zeros((1, 7))
    for name, value in expressions.items():
        probs[0, EXPRESSIONS.index(name)] = value
    probs[0, EXPRESSIONS.index("neutral")] += 1 - probs.sum()
    seen = Faces(
        [[10, 10, 50, 60]], [1], [frame.index], [time], landmarks=STRAIGHT, probs=probs, labels=EXPRESSIONS
    )
    return frame, seen


def running(name: str, *changes: tuple[str, str]) -> RuleRunner:
    """The template at work in the current folder."""
    text = template(name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = Path(f"{name}.toml")
    path.write_text(text, encoding="utf-8")
    assert check_rules(path).mistakes == ()
    return RuleRunner(read_rules(path), EXPRESSIONS, options=RunOptions("camera:0"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a program that shows messages by writing them down."""
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus")
    return tmp_path


@pytest.mark.parametrize("name", template_names())
def test_every_template_is_well_and_says_what_it_is_for(name: str, here: Path) -> None:
    Path("rules.toml").write_text(template(name), encoding="utf-8")
    assert check_rules("rules.toml").mistakes == check_rules("rules.toml").obstacles == ()
    assert about(name).endswith(".")
    assert "--rules THIS_FILE" in template(name)


def test_a_template_is_well_where_no_desktop_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    path = tmp_path / "message.toml"
    path.write_text(template("message"), encoding="utf-8")
    found = check_rules(path)
    assert found.mistakes == ()
    assert [line.partition("; ")[2] for line in found.obstacles] == [
        "DBUS_SESSION_BUS_ADDRESS is not set: set it before the start, or leave it out"
    ]


def test_the_photo_booth(here: Path) -> None:
    with running("photo-booth") as runner:
        for step in range(200):
            smiling = 20 <= step < 60 or 150 <= step < 160
            runner.update(*shown(step / 10, happy=0.9 if smiling else 0.1))
    photos = sorted((here / "photos").iterdir())
    assert len(photos) == 2
    assert all(PHOTO_NAME.fullmatch(photo.name) for photo in photos), "or the page would not show them"
    with Image.open(photos[0]) as image:
        assert image.size == (80, 80)
    lines = [json.loads(line) for line in (here / "photos.jsonl").read_text().splitlines()]
    assert sorted(line["photo"] for line in lines) == [f"photos/{photo.name}" for photo in photos]
    assert [line["kind"] for line in lines] == ["start", "start"]


def test_the_photo_that_waits_for_open_eyes(here: Path) -> None:
    def measured(step: int) -> tuple[Frame, Faces]:
        frame, faces = shown(step / 10, happy=0.9)
        closed, aside = step % 3 == 0 and step < 30, 30 <= step < 60
        told = {
            "left_eye_opening": 0.08 if closed else 0.27,
            "right_eye_opening": 0.26,
            "yaw": -35 if aside else 4,
        }
        values = [[told.get(name, 0.1) for name in MEASURES]]
        return frame, faces.with_columns(measures=values, measure_reasons=[0])

    with running("open-eyes") as runner:
        events = [event for step in range(100) for event in runner.update(*measured(step))]
    assert [(event.kind, round(event.time, 1)) for event in events] == [("start", 6.3)]
    assert len(list((here / "photos").iterdir())) == 1


@pytest.mark.integration
def test_the_light(here: Path, broker: Broker, listener: Listener) -> None:
    place = ('host = "localhost"', f'host = "127.0.0.1"\nport = {broker.port}')
    with running("light", place) as runner:
        for step in range(200):
            runner.update(*shown(step / 10, **({"happy": 0.9} if step < 80 else {"sad": 0.9})))
    wait_until(lambda: listener.payloads("mien/living-room/low-mood/state") == ["OFF", "ON"])
    assert listener.payloads("mien/living-room/bright-mood/state") == ["OFF", "ON", "OFF"]
    assert any(listener.payloads("homeassistant/binary_sensor/mien_living-room_low-mood/config"))


@pytest.fixture
def bell() -> Iterator[HTTPServer]:
    """A web server that keeps what is posted."""

    class Bell(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append({"path": self.path, **body})
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    heard: list[dict[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), Bell)
    server.heard = heard  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


PHOTO_TOO = [
    ('do = ["ring"] ', 'do = ["photo", "ring"] '),
    ("# [actions.photo]", "[actions.photo]"),
    ('# type = "photo"', 'type = "photo"'),
    ('# folder = "visitors"', 'folder = "visitors"'),
    ("# most_files = 100", "most_files = 100"),
]


@pytest.mark.integration
@pytest.mark.parametrize("with_photo", [False, True])
def test_the_doorbell(here: Path, bell: HTTPServer, with_photo: bool) -> None:
    place = ("http://homeassistant.local:8123", f"http://127.0.0.1:{bell.server_port}")
    with running("doorbell", place, *(PHOTO_TOO if with_photo else [])) as runner:
        for step in range(600):
            there = 10 <= step < 14 or 100 <= step < 150 or 480 <= step < 520
            runner.update(*(shown(step / 10, neutral=0.9) if there else shown(step / 10)))
    heard = bell.heard  # type: ignore[attr-defined]
    assert [(one["path"], one["kind"], one["time"]) for one in heard] == [
        ("/api/webhook/mien-doorbell", "start", 11.0),
        ("/api/webhook/mien-doorbell", "start", 49.0),
    ], "who walks past does not ring, and nobody rings twice"
    photos = [one["photo"] for one in heard]
    if with_photo:
        assert photos == [f"visitors/{photo.name}" for photo in sorted((here / "visitors").iterdir())]
    else:
        assert photos == [None, None]
        assert not (here / "visitors").exists()


@pytest.mark.integration
def test_the_message(here: Path) -> None:
    with running("message") as runner:
        for step in range(160):
            time = step / 2
            runner.update(*(shown(time) if 10 <= time < 60 else shown(time, neutral=0.9)))
    assert (here / "said").read_text() == "mien|somebody is there|mien|nobody there|mien|somebody is there|"
