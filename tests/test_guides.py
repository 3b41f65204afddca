"""What the pages for a start, by task and on concepts tell a reader to type does what they say.

Each page's commands and programs run in one folder, in their order; a service runs until another one is started, and its
port is a free one. A line whose comment says that it takes long, or needs more than an extra of mien, such as a camera, runs
nowhere; tests/test_docs.py sees that the program understands it, as all lines of all pages.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.data import FaceDataset, write_dataset
from mien.inference.weights import network_path
from mien.media import VideoWriter
from tests.command_lines import blocks, commands
from tests.commands import run_mien

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for folder in ("start", "guides", "concepts") for page in (DOCS / folder).glob("*.md"))
NAMED = {
    "time,label": "points.csv",
    "start,end,label": "answers.csv",
    "import numpy as np": "reader.py",
    "file_name,label,age": "faces/validation/metadata.csv",
}
"""Files that pages show, by how they begin; those in folders that a page's commands make are written where they stand."""


def left_to_readers(line: str) -> bool:
    """Whether a line runs nowhere, by its comment.

    >>> [left_to_readers(f"mien serve # {said}") for said in ("needs mien[serve]", "needs mien[serve] and a camera", "takes minutes")]
    [False, True, True]
    """
    needs = re.sub(r"^.*#|mien\[\w+\]", "", line) if "#" in line else ""
    return re.search(r"\btakes\b|\bneeds\b(?!\s*($|;))", needs) is not None


def hurried(text: str) -> str:
    """Times of recordings as they are for readers, of which the clips here have a second for each minute.

    >>> hurried("0:12,1:30,question 1"), hurried("screen:0,80,1600,900")
    ('0.2,1.5,question 1', 'screen:0,80,1600,900')
    """
    return re.sub(r"\b(\d+):(\d\d)\b", lambda time: f"{int(time[1]) + int(time[2]) / 60:g}", text)


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages speak of, in the working folder."""
    monkeypatch.chdir(tmp_path)
    photo = Image.open(DOCS / "images" / "portrait.jpg")
    small = np.asarray(photo.resize((384, 384)))
    photo.save("photo.jpg", quality="keep")
    for name in ("party/a.jpg", "party/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        photo.save(name)
    people = ("train/happy/anna-1", "train/neutral/anna-2", "validation/happy/carla-1")
    for index, person in enumerate(
        (*people, "validation/neutral/carla-2", "test/happy/dora-1", "test/neutral/dora-2")
    ):
        path = Path("photos", f"{person}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.rotate(index * 5).save(path)
    videos = ["talk", "interviews/anna", "interviews/ben"]
    videos += [*(f"videos/p0{n}/{name}" for n in (1, 2) for name in ("calm", "funny"))]
    for name in videos:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(f"{name}.mp4", 384, 384) as movie:
            for index in range(8):
                movie.write(small, index / 5)
    shutil.copy("talk.mp4", "meeting.mp4")
    shutil.copy(network_path("nano"), "mine.onnx")
    write_dataset(faces_of_people(), "faces.parquet")
    return tmp_path


def faces_of_people() -> FaceDataset:
    """Labelled faces with columns that say whose they are."""
    count = np.arange(84)
    images = np.random.default_rng(0).integers(0, 256, (len(count), 48, 48), np.uint8)
    columns = {"age": np.array([f"{20 + 30 * (n % 2)}" for n in count]), "person": (count // 7).astype(str)}
    splits = np.where(count < 14, "Training", "PublicTest")
    return FaceDataset(images, count % 7, None, splits, count, columns=columns)


class Service:
    """The service that a page tells to start, the last one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self, words: list[str]) -> None:
        self.end()
        command = [sys.executable, "-m", "mien", *words, "--port", str(self.port)]
        home = os.environ | {"HOME": str(self._folder)}
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=home)
        assert self._process.stderr is not None
        assert (told := self._process.stderr.readline()).startswith("mien serves http://127.0.0.1:"), told

    def end(self) -> None:
        """As Ctrl-C ends it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            _, told = self._process.communicate(timeout=60)
            assert (self._process.returncode, told) == (0, "")
            self._process = None


@pytest.fixture
def service_of_page(things: Path) -> Iterator[Service]:
    service = Service(things)
    yield service
    service.end()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
@pytest.mark.integration
def test_what_a_page_says_can_be_done(page: Path, things: Path, service_of_page: Service) -> None:
    shown = {text: NAMED.get(text.partition("\n")[0]) for _, text in blocks(page)}
    for text, name in shown.items():
        if name is not None and (things / name).parent.is_dir():
            (things / name).write_text(hurried(text), encoding="utf-8")
    for language, text in blocks(page):
        name = shown[text]
        if name is not None:
            (things / name).write_text(hurried(text), encoding="utf-8")
        elif language == "console":
            for line, expected in commands(text):
                if not left_to_readers(line):
                    typed(line, expected, service_of_page)
        elif language == "sh" and "pip install" not in text:
            asked(text, service_of_page.port)
        elif language == "python":
            exec(text, {})


def typed(line: str, expected: str, service: Service) -> None:
    """A command does what it says, and prints what stands below it."""
    program, *words = shlex.split(hurried(line), comments=True)
    assert program == "mien", line
    if words[0] == "serve":
        service.start(words)
        return
    done = run_mien(*words)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    if expected:
        assert [row.rstrip() for row in done.stdout.splitlines()] == expected.splitlines(), line


def asked(script: str, port: int) -> None:
    """A script runs, and the service answers all of its requests with what was asked for."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    Path(".curlrc").write_text("fail\nsilent\nshow-error\n")
    here = os.environ | {"CURL_HOME": str(Path.cwd())}
    script = f"set -euo pipefail\n{script}".replace(":8000", f":{port}")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=here)
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    if "/v1/images" in script:
        assert '"emotion":"happy"' in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_a_page_opens_with_what_one_gets(page: Path) -> None:
    _, blank, opening = page.read_text(encoding="utf-8").split("\n")[:3]
    assert not blank
    assert opening.startswith("What you get: ")
