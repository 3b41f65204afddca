"""Every command, in an empty home folder: nothing new is found in it afterwards, nor in the temporary
folder, and no host is looked for.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import typer
from PIL import Image

from mien.cli.app import app
from mien.core.drawn_face import draw_portrait
from mien.data import write_dataset
from mien.media import VideoWriter
from tests.commands import endings, in_turn
from tests.empty_home import elsewhere, new_world, traced

for package in ("torch", "lightning", "onnx", "captum", "polars", "fastapi", "jinja2", "matplotlib", "mcp"):
    pytest.importorskip(
        package, reason=f"{package} is not installed: pip install 'mien[train,explain,serve,report,mcp]'"
    )

from tests.adoption.making_models import Made  # noqa: E402
from tests.training.stripes import stripes  # noqa: E402
from tests.waiting import until  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # However busy the machine is.
_TINY = [
    "--set",
    'options={"widths":[4,8],"blocks":1}',
    "--epochs",
    1,
    "--batch",
    16,
    "--threads",
    1,
    "--device",
    "cpu",
]


def commands(group: typer.Typer = app, before: str = "") -> Iterator[str]:
    """Every command of ``mien``, by its words."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{before}{command.name or command.callback.__name__.replace('_', '-')}"
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before}{inner.name} ")


RUNS: dict[str, list[object]] = {
    "analyze": [
        "film.mp4",
        "-o",
        "page.html",
        "-o",
        "rows.csv",
        "--annotate",
        "copy.mp4",
        "--plots",
        "charts",
    ],
    "score": ["rows.csv", "reference.csv", "--plots", "scored"],
    "people": ["rows.csv", "corrections.csv", "-o", "people.html", "-o", "named.csv"],
    "agree": ["rows.csv", "coder.csv", "-o", "agreed.html", "-o", "agreed.png"],
    "batch": ["faces", "-o", "shards", "--detector", "whole", "--workers", 1],
    "watch": ["live:film.mp4", "--duration", 1, "--format", "jsonl"],
    "audience": [
        "film.mp4",
        "--consented",
        "-o",
        "audience.csv",
        "-o",
        "audience.html",
        "-o",
        "audience.png",
    ],
    "study run": ["films/{participant}/{condition}.mp4", "-o", "study", "--workers", 1],
    "study compare": ["study", "-o", "compared-study"],
    "web": ["site"],
    "models list": ["nano"],
    "doctor": [],
    "train": ["faces.parquet", "--preset", "small", "--run", "run", *_TINY],
    "models teacher-cache": [
        "faces.parquet",
        "run",
        "-o",
        "views",
        "--count",
        1,
        "--threads",
        1,
        "--device",
        "cpu",
    ],
    "explain": ["run/small.onnx", "face.png", "-o", "sheets", "--detector", "whole"],
    "models compare": ["faces.parquet", "--output", "compared", "--seeds", "1,2", *_TINY[:4], *_TINY[6:]],
    "evaluate": [
        "run/small.onnx",
        "faces.parquet",
        "--plots",
        "plots",
        "-o",
        "evaluated.html",
        "--threads",
        1,
    ],
    "reproduce": [
        "mini_xception",
        "faces.parquet",
        "--output",
        "repeated",
        "--seeds",
        "1",
        "--epochs",
        1,
        "--threads",
        1,
    ],
    "models export": ["run", "faces.parquet", "-o", "exported.onnx"],
    "models adopt": [
        "other.onnx",
        "--labels",
        "red,green,blue",
        "--colour",
        "rgb",
        "--mean",
        "0",
        "--std",
        "1",
        "--pixels",
        "255",
        "-o",
        "adopted.onnx",
    ],
    "models average": ["run/small.onnx", "run/small.onnx", "faces.parquet", "-o", "mean.onnx"],
    "models calibrate": ["mean.onnx", "faces.parquet"],
    "models ensemble": ["run/small.onnx", "run/small.onnx", "faces.parquet", "-o", "joined.onnx"],
    "models quantize": ["run/small.onnx", "faces.parquet", "-o", "small-int8.onnx"],
    "models test": ["exported.onnx", "faces.parquet", "--log", "private.log"],
    "rules run": ["live:film.mp4", "--rules", "rules.toml", "--log", "events.jsonl"],
    "data stats": ["faces.parquet"],
    "data preview": ["faces.parquet", "-o", "preview.png"],
    "data audit": ["faces.parquet"],
    "data convert": ["faces.parquet", "converted"],
    "data split": ["faces.parquet", "divided.parquet"],
    "data crop": ["photos", "cut"],
    "rules check": ["rules.toml"],
    "rules new": ["doorbell"],
}
"""What each command is run with, one after the other in a folder where `material` has put what they need and
they leave things for each other."""
TWO = ["train", "faces.parquet", "--preset", "small", "--run", "two", "--devices", 2, *_TINY]
"""Starts the program that it is once more, and so has a process of its own; torch asks the system for the
name of 127.0.0.1, so it is not traced."""
SERVICE = "serve"
TOOLS = "mcp"


RULES_FILE = """
[rules.somebody]
when = "faces >= 1"
do = ["photo"]

[actions.photo]
type = "photo"
folder = "taken"
"""


_LONG_ENOUGH = 14.0
"""Seconds after which ONNX Runtime would have looked for the host of its maker: it does within ten."""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read: images, a film, faces with labels."""
    folder = tmp_path_factory.mktemp("material")
    portrait = draw_portrait()
    Image.fromarray(portrait).save(folder / "face.png")
    with VideoWriter(folder / "film.mp4", 240, 240, rate=5) as movie:
        for index in range(15):
            movie.write(np.roll(portrait, index, axis=1), index / 5)
    for number, place in itertools.product(range(4), ("faces", "photos/happy", "photos/sad")):
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(portrait, number, axis=0)).save(folder / place / f"{number}.png")
    for name in ("p1/calm", "p1/funny", "p2/calm", "p2/funny"):
        copied = folder / "films" / f"{name}.mp4"
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "film.mp4", copied)
    write_dataset(stripes(140), folder / "faces.parquet")
    Made().write(folder / "other.onnx")
    (folder / "rules.toml").write_text(RULES_FILE, encoding="utf-8")
    (folder / "corrections.csv").write_text("change,person,name\nname,1,Anna\n", encoding="utf-8")
    (folder / "coder.csv").write_text("start,end,label\n0,1,happy\n", encoding="utf-8")
    (folder / "reference.csv").write_text("file,label\nfilm.mp4,happy\n", encoding="utf-8")
    return folder


@dataclass
class Ran:
    """What came of the commands and of a service.

    Args:
        ended: Of each command: how it ended, and what was in the home folder then.
        said: What the commands wrote.
        left: What is there after the end.
        traces: What strace has seen; None: it is not here.
    """

    ended: dict[str, tuple[object, list[str]]] = field(default_factory=dict)
    said: str = ""
    left: list[str] = field(default_factory=list)
    traces: str | None = None


@pytest.fixture(scope="module")
def ran(material: Path) -> Ran:
    """All commands and a service, at the same time, in one home folder that was empty."""
    found = Ran()
    places = [material / f"{name}.trace" for name in ("commands", "service", "tools")]
    before = [traced(place) for place in places]
    with new_world(material) as world, open(material / "said", "w+") as said:
        service = world.start(
            *before[1],
            sys.executable,
            "-m",
            "mien",
            SERVICE,
            "--port",
            0,
            "--folder",
            "kept",
            stderr=subprocess.PIPE,
        )
        words = {name: [*name.split(), *options] for name, options in RUNS.items()}
        driver = in_turn(words, told := material / "told", wait=_LONG_ENOUGH)
        running = world.start(*before[0], *driver, stdout=said, stderr=subprocess.STDOUT)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        tools = world.start(*before[2], sys.executable, "-m", "mien", TOOLS, **pipes)
        two = world.start(sys.executable, "-m", "mien", *TWO, stdout=said, stderr=subprocess.STDOUT)
        try:
            ask(service, material)
            call(tools)
            found.ended["two"] = (two.wait(800), [])
            running.wait(800)
            end(service)
        finally:
            for process in (running, two, service, tools):
                process.kill()
        found.ended |= endings(told)
        found.said, found.left = (material / "said").read_text(errors="replace"), world.left()
    if all(before):
        found.traces = "".join(place.read_text(errors="replace") for place in places)
    return found


def ask(service: subprocess.Popen[str], folder: Path) -> None:
    """Have a service read an image, and a video in a process of its own."""
    assert service.stderr is not None
    url = service.stderr.readline().split()[2]
    image, video = ((folder / name).read_bytes() for name in ("face.png", "film.mp4"))
    assert httpx.post(f"{url}v1/images", files={"file": image}, timeout=400).status_code == 200
    # A busy machine may not look through it within the time that a service has for that.
    job = until(
        lambda: httpx.post(f"{url}v1/videos", files={"file": video}, timeout=400).json().get("id"), 800
    )
    assert "event: done" in httpx.get(f"{url}v1/videos/{job}/events", timeout=400).text


def call(tools: subprocess.Popen[str]) -> None:
    """Have a server of tools read an image and a video, and close its input."""
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    asked = [("read_image", "face.png"), ("read_video", "film.mp4")]
    calls = [{"name": name, "arguments": {"path": path}} for name, path in asked]
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        *({"id": number, "method": "tools/call", "params": params} for number, params in enumerate(calls, 2)),
    ]
    assert tools.stdin is not None
    assert tools.stdout is not None
    for message in messages:
        tools.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    tools.stdin.flush()
    answers = [json.loads(tools.stdout.readline()) for _ in range(3)]
    assert not [answer for answer in answers[1:] if answer["result"]["isError"]], answers
    time.sleep(_LONG_ENOUGH)
    _, rest = tools.communicate(timeout=60)
    assert (tools.returncode, rest) == (0, None)


def end(service: subprocess.Popen[str]) -> None:
    """End it, strace having passed on the signal or not."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children")
    traced = children.read_text().split()[:1] if service.args[0] == "strace" else []  # type: ignore[index]
    os.kill(int(traced[0]) if traced else service.pid, signal.SIGTERM)
    service.communicate(timeout=60)


def test_no_command_is_forgotten() -> None:
    assert sorted(commands()) == sorted([*RUNS, SERVICE, TOOLS])


@pytest.mark.parametrize("name", [*RUNS, "two"])
def test_a_command_leaves_nothing_behind(name: str, ran: Ran) -> None:
    assert ran.ended.get(name) == (0, []), ran.said[-3000:]


def test_nothing_is_left_at_the_end(ran: Ran) -> None:
    assert ran.left == []


def test_no_host_is_looked_for(ran: Ran) -> None:
    if ran.traces is None:
        pytest.skip("no strace on this machine: apt-get install strace (.ci/run does)")
    assert "sendto(" in ran.traces, "nothing was traced"
    assert elsewhere(ran.traces) == []


def test_a_list_of_fonts_that_is_there_is_used(material: Path) -> None:
    """Who uses matplotlib has one; making one anew takes time."""
    with new_world(material) as world:
        fonts = world.home / ".cache" / "matplotlib"
        fonts.mkdir(parents=True)
        world.start(
            sys.executable, "-m", "mien", "audience", "film.mp4", "--consented", "-o", "again.png"
        ).wait(100)
        assert list(fonts.glob("fontlist-*.json"))


def test_look_ups_are_seen() -> None:
    here = [
        '9 connect(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0',
        '9 connect(3, {sa_family=AF_INET, sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
    ]
    far = [
        '9 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.1.1.53")}, 16) = 0',
        '9 sendto(3, "", 1, 0, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = 1',
    ]
    assert elsewhere("\n".join([*here, *far])) == far
