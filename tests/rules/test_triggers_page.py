"""The examples of docs/triggers.md, as they stand there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from pydantic import BaseModel

from mien import Pipeline
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import EXPRESSIONS
from mien.rules.actions.base import Delivery
from mien.rules.actions.registry import check_action, create_hook
from mien.rules.rule_file import read_rules
from mien.rules.runner import RuleRunner, RunOptions
from mien.tracking.session import Session
from tests.commands import run_mien
from tests.rules.broker import Broker, Listener, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text(encoding="utf-8")
BLANK = np.full((48, 64, 3), 90, np.uint8)


def block(name: str) -> str:
    """The block of the page that begins with this file's name."""
    [found] = re.findall(rf"```\w+\n# {re.escape(name)}[^\n]*\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def actor_of(name: str, folder: Path, *changes: tuple[str, str], told: list[str] | None = None) -> RuleRunner:
    text = block(name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return RuleRunner(
        read_rules(path),
        EXPRESSIONS,
        options=RunOptions("camera:0", tell=(list[str]() if told is None else told).append),
    )


def shown(time: float, **expressions: float) -> tuple[Frame, Faces]:
    """One face that shows something, or none."""
    frame = Frame(round(time * 30), time, BLANK)
    if not expressions:
        return frame, Faces.empty(EXPRESSIONS)
    probs = np.zeros((1, 7))
    for name, value in expressions.items():
        probs[0, EXPRESSIONS.index(name)] = value
    probs[0, EXPRESSIONS.index("neutral")] += 1 - probs.sum()
    return frame, Faces([[0, 0, 40, 40]], [1], [frame.index], [time], probs=probs, labels=EXPRESSIONS)


def test_the_photo_when_everybody_smiles(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pipeline: Pipeline,
    astronaut: np.ndarray,
    grace_hopper: np.ndarray,
) -> None:
    monkeypatch.chdir(tmp_path)
    smiling = astronaut[20:260, 90:330]
    serious = np.asarray(Image.fromarray(grace_hopper).crop((100, 40, 420, 360)).resize((240, 240)))
    soft = np.asarray(Image.fromarray(smiling).filter(ImageFilter.GaussianBlur(3)))
    together = np.hstack([smiling, smiling[:, ::-1]])
    blurred, not_all = np.hstack([soft, smiling[:, ::-1]]), np.hstack([smiling, serious])
    session = Session(pipeline)
    fired = []
    with actor_of("smile.toml", tmp_path) as actor:
        for index in range(40):
            image = not_all if index < 15 else together if index == 21 else blurred
            frame = Frame(index, index / 10, np.ascontiguousarray(image))
            fired += actor.update(frame, session.update([frame])[0])
    assert [(event.kind, event.faces) for event in fired] == [("start", 2)], fired
    assert fired[0].frame > 21
    [photo] = (tmp_path / "photos").iterdir()
    with Image.open(photo) as file:
        saved = np.asarray(file).astype(float)
    assert np.abs(saved - together).mean() < np.abs(saved - blurred).mean(), (
        "the only frame in which nobody is blurred"
    )
    assert np.abs(saved - not_all).mean() > 20, "not everybody smiled then"


@pytest.mark.integration
def test_the_light_that_follows_the_mood(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    lamp: list[Any] = []

    def switch(topic: str, colour: str) -> None:
        lamp.extend(colour for payload in listener.payloads(topic) if payload == "ON")

    with actor_of(
        "mood.toml", tmp_path, ('host = "localhost"', f'host = "127.0.0.1"\nport = {broker.port}')
    ) as actor:
        for step in range(200):
            mood = {"happy": 0.9} if step < 80 else {"sad": 0.9}
            actor.update(*shown(step / 10, **mood))
    state = "mien/living-room/{}/state".format
    wait_until(lambda: listener.payloads(state("low-mood")) == ["OFF", "ON"])
    assert listener.payloads(state("bright-mood")) == ["OFF", "ON", "OFF"]
    switch(state("bright-mood"), "warm")
    switch(state("low-mood"), "calm")
    assert lamp == ["warm", "calm"]
    for topic in re.findall(r"\| `((?:mien|homeassistant)/[^`]+)` \|", PAGE):
        assert listener.payloads(topic), f"{topic} stands on the page"
    assert re.search(r"topic: (\S+)", PAGE)[1] == state("bright-mood")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def robot(port: int) -> Iterator[subprocess.Popen[str]]:
    """The program of the page."""
    program = block("robot.py")
    assert "8080" in program
    process = subprocess.Popen(
        [sys.executable, "-c", program.replace("8080", str(port))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.integration
def test_the_desk_robot(robot: subprocess.Popen[str], port: int, tmp_path: Path) -> None:
    told: list[str] = []
    with actor_of("robot.toml", tmp_path, ("8080", str(port)), told=told) as actor:
        for step in range(60):
            actor.update(
                *shown(step / 10, surprise=0.9 if 10 <= step < 20 or step in (30, 31, 32, 33) else 0.1)
            )
    assert robot.stdout is not None
    assert robot.stdout.readline() == "raise both arms\n"
    assert told == []


def test_what_the_page_says_is_posted_has_the_keys_that_are() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    said = json.loads(example)
    delivery = Delivery(**{key: said[key] for key in said if key != "notice"})
    assert delivery.payload() == said


@pytest.mark.integration
def test_the_alert_when_nobody_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notify = tmp_path / "notify-send"
    notify.write_text(
        f'#!/bin/sh\nprintf "%s|" "$@" "$MIEN_RULE" "$MIEN_TIME" "$DBUS_SESSION_BUS_ADDRESS" >> {tmp_path}/said\n'
    )
    notify.chmod(0o755)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with actor_of("nobody.toml", tmp_path) as actor:
        for step in range(120):
            actor.update(
                *(shown(step / 2) if 20 <= step < 100 and step != 30 else shown(step / 2, neutral=0.5))
            )
    # Somebody passed at 15 s, which interrupts nothing: less than two seconds.
    assert (
        (tmp_path / "said").read_text()
        == "Reception|Nobody has been there for half a minute.|nobody there|40.0|unix:path=/run/bus|"
    )


def test_rules_from_python(
    monkeypatch: pytest.MonkeyPatch,
    movie: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    movie(8, nobody=range(0), name="talk.mp4")
    [example] = [
        found for found in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "RuleRunner(" in found
    ]
    exec(example.replace("any.happy > 0.6", "faces >= 1"), {})
    assert "hello, start" in capsys.readouterr().out


def test_the_plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lamps.py").write_text(block("lamps.py"))
    facts = tmp_path / "lamps-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: lamps\nVersion: 1.0\n")
    points = re.search(r"(lamp) = \"(lamps:Lamp)\"", block("pyproject.toml"))
    assert points is not None
    (facts / "entry_points.txt").write_text(f"[mien.rules.actions]\n{points[1]} = {points[2]}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lamps", raising=False)
    hook = create_hook("lamp", check_action("lamp", {"port": str(tmp_path / "tty")}))
    hook.deliver(Delivery("1", "smile", "start", 0.0, None, "camera:0", 0, {}, 1))
    assert (tmp_path / "tty").read_text() == "warm start\n"


@pytest.mark.integration
def test_what_the_page_shows_of_check_is_what_it_says(tmp_path: Path) -> None:
    assert run_mien("rules", "new", "photo-booth", "-o", "rules.toml", cwd=tmp_path).returncode == 0
    said = run_mien("rules", "check", "rules.toml", cwd=tmp_path).stdout
    assert f"```console\n$ mien rules check rules.toml\n{said}```" in PAGE


def test_every_key_of_rules_and_actions_stands_on_the_page() -> None:
    from mien.rules.actions.registry import OWN
    from mien.rules.rule_file import _RuleTable

    models: list[type[BaseModel]] = [_RuleTable, *(settings for settings, _ in OWN.values())]
    for model in models:
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in PAGE, name
    for kind in OWN:
        assert f"| `{kind}` |" in PAGE
