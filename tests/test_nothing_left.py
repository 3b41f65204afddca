"""Every command, in an empty home folder: nothing new is found in it afterwards, nor in the temporary folder, and no host is looked for."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import typer
from PIL import Image

from mien.cli.app import app
from mien.data import write_dataset
from mien.media import MovieWriter
from mien.portrait import draw_portrait

for package in ("torch", "lightning", "onnx", "ray", "captum", "polars", "fastapi", "jinja2", "matplotlib"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install 'mien[train,ray,explain,serve,report]'")

sys.path.insert(0, str(Path(__file__).parent / "train"))
from stripes import stripes  # noqa: E402

_TOLD = {"CI", "GITHUB_ACTIONS", "HOME", "TMPDIR", "MPLCONFIGDIR"}
"""Of which libraries take other ways: with the first two, none of them reports anything."""
_TINY = ["--set", 'options={"widths":[4,8],"blocks":1}', "--epochs", 1, "--batch", 16, "--threads", 1, "--accelerator", "cpu"]


def commands(group: typer.Typer = app, before: str = "") -> Iterator[str]:
    """Every command of ``mien``, by its words."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{before}{command.name or command.callback.__name__.replace('_', '-')}"
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before}{inner.name} ")


RUNS: dict[str, list[object]] = {
    "analyze": ["film.mp4", "-o", "page.html", "-o", "rows.csv", "--annotate", "copy.mp4", "--charts", "charts"],
    "batch": ["faces", "-o", "shards", "--detector", "whole", "--workers", 1],
    "watch": ["live:film.mp4", "--for", 1, "--json"],
    "audience": ["film.mp4", "--consented", "-o", "audience.csv", "-o", "audience.html", "-o", "audience.png"],
    "models": ["nano"],
    "doctor": [],
    "train": ["faces.parquet", "--run", "another", *_TINY],
    "views": ["faces.parquet", "run", "-o", "views", "--count", 1, "--threads", 1, "--device", "cpu"],
    "explain": ["run/small.onnx", "face.png", "-o", "sheets", "--detector", "whole"],
    "compare": ["faces.parquet", "--out", "compared", "--seeds", "1,2", *_TINY[:4], *_TINY[6:]],
    "evaluate": ["run/small.onnx", "faces.parquet", "--png", "plots", "--report", "evaluated.html", "--threads", 1],
    "reproduce": ["kalu", "faces.parquet", "--out", "repeated", "--seeds", "1", "--epochs", 1, "--threads", 1],
    "score": ["clips.csv", "golden.csv", "--charts", "scored"],
    "serve": ["--port", 0, "--folder", "kept"],
    "export": ["run", "faces.parquet", "-o", "exported.onnx"],
    "calibrate": ["calibrated.onnx", "faces.parquet"],
    "average": ["run/small.onnx", "run/small.onnx", "faces.parquet", "-o", "mean.onnx"],
    "join": ["run/small.onnx", "run/small.onnx", "faces.parquet", "-o", "joined.onnx"],
    "quantize": ["run/small.onnx", "faces.parquet", "-o", "small-int8.onnx"],
    "open-private": ["opened.onnx", "faces.parquet", "--log", "private.log"],
    "act": ["film.mp4", "--rules", "rules.toml", "--log", "events.jsonl"],
    "data stats": ["faces.parquet"],
    "data preview": ["faces.parquet", "-o", "preview.png"],
    "data audit": ["faces.parquet"],
    "data convert": ["faces.parquet", "converted"],
    "data split": ["faces.parquet", "divided.parquet"],
    "data cut": ["photos", "cut"],
    "rules check": ["rules.toml"],
}
"""What each command is run with, in a folder where `world` has put what it needs."""
MORE: dict[str, list[object]] = {
    "batch on Ray": ["batch", "faces", "-o", "ray-shards", "--detector", "whole", "--workers", 1, "--engine", "ray"],
    "train in two processes": ["train", "faces.parquet", "--run", "two", "--devices", 2, *_TINY],
}


RULES_FILE = """
[rules.somebody]
when = "faces >= 1"
do = ["photo"]

[actions.photo]
type = "photo"
folder = "taken"
"""


@dataclass(frozen=True)
class World:
    """A folder to run commands in, a home folder and a temporary one."""

    folder: Path
    home: Path
    temporary: Path

    def run(self, words: Sequence[object], program: Sequence[object] = (sys.executable, "-m", "mien")) -> None:
        """A command to its end, which must be a good one."""
        kept = {name: value for name, value in os.environ.items() if name not in _TOLD and not name.startswith(("XDG_", "MIEN_", "RAY_", "ORT_"))}
        env = {**kept, "HOME": str(self.home), "TMPDIR": str(self.temporary), "COLUMNS": "100"}
        command = [*map(str, program), *map(str, words)]
        running = subprocess.Popen(command, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if words[0] == "serve":
            self._ask(running)
        said, _ = running.communicate(timeout=280)
        assert running.returncode == 0, said

    def _ask(self, running: subprocess.Popen[str]) -> None:
        """Have a service read a picture, and a video in a process of its own; then end it."""
        assert running.stdout is not None
        url = running.stdout.readline().split()[2]
        picture, video = ((self.folder / name).read_bytes() for name in ("face.png", "film.mp4"))
        assert httpx.post(f"{url}v1/images", files={"file": picture}, timeout=100).status_code == 200
        job = httpx.post(f"{url}v1/videos", files={"file": video}, timeout=100).json()["id"]
        assert "event: done" in httpx.get(f"{url}v1/videos/{job}/events", timeout=100).text
        running.send_signal(signal.SIGTERM)

    def left(self) -> list[str]:
        """What is in the home folder and in the temporary one."""
        return sorted(str(path) for folder in (self.home, self.temporary) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read: pictures, a film, faces with labels, a finished run."""
    folder = tmp_path_factory.mktemp("material")
    portrait = draw_portrait()
    Image.fromarray(portrait).save(folder / "face.png")
    with MovieWriter(folder / "film.mp4", 240, 240, rate=5) as movie:
        for index in range(15):
            movie.write(np.roll(portrait, index, axis=1), index / 5)
    for number, place in itertools.product(range(4), ("faces", "photos/happy", "photos/sad")):
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(portrait, number, axis=0)).save(folder / place / f"{number}.png")
    write_dataset(stripes(), folder / "faces.parquet")
    (folder / "rules.toml").write_text(RULES_FILE, encoding="utf-8")
    (folder / "golden.csv").write_text("file,label\nfilm.mp4,happy\n", encoding="utf-8")
    for words in (["train", "faces.parquet", "--run", "run", *_TINY], ["analyze", "film.mp4", "-o", "clips.csv"]):
        World(folder, folder, folder).run(words)
    for name in ("calibrated", "opened"):
        shutil.copy(folder / "run" / "small.onnx", folder / f"{name}.onnx")
    return folder


@pytest.fixture
def world(material: Path) -> Iterator[World]:
    """Of its own, in a place whose path is short enough for the sockets of Ray."""
    with tempfile.TemporaryDirectory(prefix="mien-") as place:
        found = World(Path(place, "work"), Path(place, "home"), Path(place, "t"))
        shutil.copytree(material, found.folder)
        for folder in (found.home, found.temporary):
            folder.mkdir()
        yield found


def test_no_command_is_forgotten() -> None:
    assert sorted(commands()) == sorted(RUNS)


@pytest.mark.parametrize("name", [*RUNS, *MORE])
def test_a_command_leaves_nothing_behind(name: str, world: World) -> None:
    world.run([*name.split(), *RUNS[name]] if name in RUNS else MORE[name])
    assert world.left() == []


def test_a_list_of_fonts_that_is_there_is_used(world: World) -> None:
    """Who uses matplotlib has one; making one anew takes time."""
    fonts = world.home / ".cache" / "matplotlib"
    fonts.mkdir(parents=True)
    world.run(["analyze", "film.mp4", "--charts", "charts"])
    assert list(fonts.glob("fontlist-*.json"))


_LIVING_ON = "import runpy, sys, time\nsys.argv[0] = 'mien'\ntry: runpy.run_module('mien', run_name='__main__')\nfinally: time.sleep(14)"
"""A command whose process lives so long that ONNX Runtime would have looked for the host of its maker, which it does within ten seconds."""


@pytest.mark.parametrize("name", ["analyze", "train", "quantize", "serve", "doctor", "batch on Ray"])
def test_no_host_is_looked_for(name: str, world: World) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace on this machine: apt-get install strace (.ci/run does)")
    trace = world.folder / "trace"
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    words = [*name.split(), *RUNS[name]] if name in RUNS else MORE[name]
    world.run(words, ["strace", "-f", "-qq", "--seccomp-bpf", "-e", calls, "-o", trace, sys.executable, "-c", _LIVING_ON])
    assert elsewhere(trace.read_text(errors="replace")) == []


def elsewhere(trace: str) -> list[str]:
    """Lines of a trace that name an address of another machine."""
    return [line for line in trace.splitlines() if "AF_INET" in line and not re.search(r'"(127\.|::1"|::ffff:127\.)', line)]


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
