"""Photos, programs, files, functions and plug-ins."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import DeliveryError, InputError, RuleError
from mien.rules.actions.base import SettingsError
from mien.rules.actions.command import Command, CommandSettings
from mien.rules.actions.dispatcher import Dispatcher, Retries
from mien.rules.actions.log import Log, LogSettings
from mien.rules.actions.photo import Photo, PhotoSettings
from mien.rules.actions.registry import check_action, create_hook, kinds
from tests.rules.events import event


def shot(covered: bool) -> np.ndarray:
    return np.full((48, 64, 3), 40 if covered else 200, np.uint8)


def test_a_photo_full_or_with_covered_faces(tmp_path: Path) -> None:
    for name, blur, level in (("full", False, 200), ("covered", True, 40)):
        Photo(PhotoSettings(folder=tmp_path / "deep" / name, blur=blur)).deliver(
            event("Everybody smiles", image=shot)
        )
        [found] = (tmp_path / "deep" / name).iterdir()
        assert found.name.startswith("2026-11-20T19-33-02.500+00-00-everybody-smiles-")
        with Image.open(found) as image:
            assert image.size == (64, 48)
            assert abs(int(np.asarray(image).mean()) - level) < 3


def test_a_folder_that_fills_up(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays")
    photo = Photo(PhotoSettings(folder=tmp_path, most_files=3))
    for _ in range(2):
        photo.deliver(event(image=shot))
    with pytest.raises(DeliveryError, match=r"is full \(3 files.*most_files") as caught:
        photo.deliver(event(image=shot))
    assert not caught.value.again
    assert len(list(tmp_path.iterdir())) == 3, "nothing was deleted"
    with pytest.raises(DeliveryError, match="is full"):
        Photo(PhotoSettings(folder=tmp_path, most_bytes=100)).deliver(event(image=shot))


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    photo, log = (
        Photo(PhotoSettings(folder=tmp_path / "photos")),
        Log(LogSettings(file=tmp_path / "events.jsonl")),
    )
    log.deliver(event())
    whole = (tmp_path / "events.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (len(whole) + 50, limits[1])
        )  # No file may grow any more, as on a full disk.
        with pytest.raises(DeliveryError, match="make room"):
            photo.deliver(
                event(
                    image=lambda covered: np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
                )
            )
        with pytest.raises(DeliveryError, match="make room"):
            log.deliver(event())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "photos").iterdir()) == []
    assert (tmp_path / "events.jsonl").read_bytes() == whole
    log.deliver(event())
    assert len([json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]) == 2


def test_places_that_cannot_be_written_to_are_told_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Photo(PhotoSettings(folder=tmp_path / "file" / "photos"))
    with pytest.raises(InputError, match="cannot be written"):
        Log(LogSettings(file=tmp_path))


def python(program: str, **settings: Any) -> Command:
    return Command(CommandSettings(command=[sys.executable, "-c", program], **settings))


@pytest.mark.integration
def test_a_program_gets_the_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "s3cret")
    out = tmp_path / "out.json"
    program = (
        f"import json, os, sys; print('noise'); own = {{k: v for k, v in os.environ.items() if k.startswith('MIEN')}}; "
        f"json.dump([own, json.load(sys.stdin)], open({str(out)!r}, 'w'))"
    )
    one = event("it's; rm -rf $HOME")
    python(program).deliver(one)
    environment, payload = json.loads(out.read_text())
    assert payload == one.payload()
    assert environment == {
        "MIEN_ID": one.id,
        "MIEN_RULE": "it's; rm -rf $HOME",
        "MIEN_KIND": "start",
        "MIEN_TIME": "2.5",
        "MIEN_AT": one.at,
        "MIEN_SOURCE": "camera:0",
        "MIEN_FACES": "2",
        "MIEN_PHOTO": "",
    }
    assert capfd.readouterr().out == "", "standard output is ours"


@pytest.mark.integration
def test_a_program_gets_nothing_of_other_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    kept = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "LC_TIME": "C",
        "TZ": "UTC",
        "TMPDIR": str(tmp_path),
    }
    secrets = {
        "HOOK_TOKEN": "SECRET",
        "MIEN_TOKEN": "SECRET",
        "MIEN_MQTT_USER": "SECRET",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "PYTHONPATH": "SECRET",
    }
    for name, value in {**kept, **secrets, "LAMP": "kitchen"}.items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out.json"
    program = f"import json, os; json.dump(dict(os.environ), open({str(out)!r}, 'w'))"
    python(program, env=["LAMP"]).deliver(event())
    environment = json.loads(out.read_text())
    assert {name: value for name, value in environment.items() if not name.startswith("MIEN_")} == {
        **kept,
        "LAMP": "kitchen",
    }
    assert "SECRET" not in out.read_text()
    with pytest.raises(SettingsError, match="STOVE is not set"):
        python(program, env=["STOVE"])


@pytest.mark.integration
def test_a_program_that_fails_or_hangs(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="ended with 3 and said 'ValueError: no lamp'"):
        python(
            "import sys; sys.stderr.write('x\\n' * 10000 + 'ValueError: no lamp\\n'); sys.exit(3)"
        ).deliver(event())
    pid = tmp_path / "pid"
    started = f"import subprocess, time; open({str(pid)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid)); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(DeliveryError, match="still running after 1 s"):
        python(started, timeout=1.0).deliver(event())
    assert time.monotonic() - began < 10
    if pid.exists():
        child = Path(f"/proc/{pid.read_text()}/stat")
        deadline = time.monotonic() + 5
        while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not child.exists() or child.read_text().split()[2] == "Z", (
            "what it has started is stopped, too"
        )


@pytest.mark.parametrize("command", [[], "rm -rf /", [1, 2]])
def test_commands_that_are_refused(command: Any) -> None:
    with pytest.raises(SettingsError, match="command"):
        check_action("command", {"command": command})


def test_a_program_that_is_not_here_is_refused_at_the_start() -> None:
    settings = check_action("command", {"command": ["no-such-program-anywhere"]})
    for given in (
        settings,
        {"command": ["no-such-program-anywhere"]},
    ):  # What a file says; keys out of Python.
        with pytest.raises(SettingsError, match="there is no program 'no-such-program-anywhere'"):
            create_hook("command", given)
    with pytest.raises(SettingsError, match="url: expected"):
        create_hook("webhook", {"url": "no address"})


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with hooks of its own, as pip would install it."""
    (tmp_path / "lamps.py").write_text(
        "from mien.rules.actions import RuleAction\n"
        "lit = []\n"
        "class Lamp(RuleAction):\n"
        "    keep = 3\n"
        "    def __init__(self, colour): self.colour = colour\n"
        "    def start(self, rules): lit.append(list(rules))\n"
        "    def deliver(self, delivery): lit.append((self.colour, delivery.rule))\n"
        "def bell(): return lambda delivery: lit.append(('ring', delivery.rule))\n"
        "def nothing(): return 7\n"
    )
    facts = tmp_path / "lamps-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: lamps\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[mien.rules.actions]\nlamp = lamps:Lamp\nbell = lamps:bell\nnothing = lamps:nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lamps", raising=False)
    return tmp_path


@pytest.mark.integration
def test_plug_ins(plugged: Path) -> None:
    assert {"lamp", "bell"} <= set(kinds())
    lamp = create_hook("lamp", check_action("lamp", {"colour": "red"}))
    lamp.start(["smile"])
    bell = create_hook("bell", check_action("bell", {}))
    for hook in (lamp, bell):
        courier = Dispatcher("x", hook, Retries(), list[str]().append)
        courier.offer(event())
        assert courier.close(time.monotonic() + 5) == 0
    import lamps  # type: ignore[import-not-found]

    assert lamps.lit == [["smile"], ("red", "smile"), ("ring", "smile")]
    with pytest.raises(RuleError, match=r"plug-in lamp .* refuses: TypeError.*color"):
        create_hook("lamp", check_action("lamp", {"color": "red"}))
    with pytest.raises(RuleError, match=r"has to give a function .* got int"):
        create_hook("nothing", {})


def test_unknown_actions_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="did you mean photo"):
        check_action("foto", {})
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ImportError, match=r"pip install '.*\[mqtt\]'"):
        create_hook("mqtt", check_action("mqtt", {}))


@pytest.mark.integration
def test_importing_the_hooks_loads_no_broker() -> None:
    import subprocess

    program = "import sys, mien.rules.actions, mien.rules; print('paho' in sys.modules, 'onnxruntime' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.split() == ["False", "False"]
