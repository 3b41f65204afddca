"""What several tests share: images that any machine has, and those that only some have."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from hypothesis import settings

from mien import Pipeline
from mien.core.drawn_face import draw_portrait
from mien.data import FaceDataset, load_fer2013
from mien.media import VideoWriter

collect_ignore_glob = [
    "conftest.py",
    "*/conftest.py",
]  # They hold no examples, and pytest takes two of one name for one module.
settings.register_profile("untimed", deadline=None)  # No test is timed: a busy machine is no fault.
settings.load_profile("untimed")
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(autouse=True)
def nobody_runs_in_real_time() -> Iterator[None]:
    """A test that leaves this process at such a priority starves everything on the machine."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """Real images and clips, which a fresh clone does not have."""
    folder = SHARED / "media"
    if not folder.is_dir():
        pytest.skip("../shared/media is not there: real images and clips are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def shared_fer2013() -> Path:
    """FER-2013 with the FER+ votes, which a fresh clone does not have."""
    path = SHARED / "fer2013" / "fer2013.parquet"
    if not path.is_file():
        pytest.skip("../shared/fer2013 is not there: the data set is not part of the repository")
    return path


@pytest.fixture(scope="session")
def shared_everyday() -> Path:
    """Press and film photographs with the people on them, which a fresh clone does not have."""
    path = SHARED / "everyday" / "everyday.parquet"
    if not path.is_file():
        pytest.skip("../shared/everyday is not there: the data set is not part of the repository")
    return path


@pytest.fixture(scope="session")
def fer2013(shared_fer2013: Path) -> FaceDataset:
    """All of it, which takes ten seconds to read."""
    return load_fer2013(shared_fer2013)


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """The default pipeline, on one thread."""
    return Pipeline(threads=1)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A drawn face, (240, 240, 3)."""
    return draw_portrait()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A smiling astronaut, (512, 512, 3): NASA's portrait of Eileen Collins, public domain."""
    import skimage

    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def grace_hopper() -> np.ndarray:
    """Rear Admiral Grace Hopper looking at the camera: US Navy, public domain."""
    from matplotlib import cbook
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


@cache
def _clip(frames: int, nobody: range, rate: float, ending: str) -> bytes:
    """The file of a clip, encoded once: a hundred tests ask for one, most for one that another test has, too."""
    portrait = draw_portrait()
    blank = np.full_like(portrait, 90)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip{ending}")
        with VideoWriter(path, 240, 240, rate=rate) as writer:
            for index in range(frames):
                writer.write(blank if index in nobody else np.roll(portrait, index, axis=1), index / rate)
        return path.read_bytes()


@pytest.fixture
def movie(tmp_path: Path) -> Callable[..., Path]:
    """Makes a clip: a face in the frames asked for, nobody in the others."""

    def make(
        frames: int = 12, *, nobody: range = range(4, 7), rate: float = 10, name: str = "clip.mp4"
    ) -> Path:
        path = tmp_path / name
        path.write_bytes(_clip(frames, nobody, rate, path.suffix))
        return path

    return make


class _Pages(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what the page tells."""

    told: ClassVar[dict[str, list[str]]]
    heard: ClassVar[threading.Event]

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path == "/told":
            type(self).told = parse_qs(url.query)
            self.send_response(204)
            self.end_headers()
            self.heard.set()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def chromium(tmp_path: Path) -> Callable[[Path], dict[str, str]]:
    """Opens ``index.html`` of a folder in a real browser, and gives what the page tells by fetching
    ``/told?name=value``.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")

    def show(folder: Path) -> dict[str, str]:
        class Pages(_Pages):
            told = {}  # noqa: RUF012
            heard = threading.Event()

        quiet = [
            f"--disable-{part}"
            for part in ("gpu", "quic", "background-networking", "component-update", "sync")
        ]
        plain = ["--headless", "--no-sandbox", "--no-first-run", "--autoplay-policy=no-user-gesture-required"]
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(folder))) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page = f"http://127.0.0.1:{server.server_port}/"
            command = [browser, *plain, *quiet, f"--user-data-dir={tmp_path / 'profile'}", page]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                assert Pages.heard.wait(90), "the page never told how it went"
            finally:
                process.kill()
                process.wait()
                server.shutdown()
        return {name: values[0] for name, values in Pages.told.items()}

    return show
