"""Peers in environments of their own, made on first use under ``benchmarks/.peers``: ``fer`` and others from
PyPI, and two for browsers from npm.

The own requirements of ``fer`` do not fit together (torch below 2.3 with packages of nvidia, numpy below 2, a
pkg_resources that new setuptools no longer has), so its packages are installed without them and what it
imports is named here. About 2 GB, 2.7 with what FER(mtcnn=True) needs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.lib.fixtures import ROOT
from benchmarks.lib.machine import ONE_THREAD
from benchmarks.lib.subjects import SubjectError

FOLDER = ROOT / "benchmarks" / ".peers"

_BARE = ("fer==25.10.3", "facenet-pytorch==2.6.0")
_NEEDED = (
    "tensorflow-cpu>=2.21",
    "setuptools<81",
    "opencv-contrib-python-headless>=4.14,<5",
    "pandas",
    "pillow",
    "requests",
    "tqdm",
)
_NPM = (
    "@vladmandic/face-api@1.7.15",
    "@vladmandic/human@3.3.6",
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
)
_TORCH = ("torch==2.13.0", "setuptools<81")
_PIP = {
    "facex": ("facex==1.1.0", "scikit-image"),
    "facial-emotion-recognition": ("facial-emotion-recognition==0.3.4", None),
}
"""Peers on the leaderboard alone: the package without what it requires, and what it lacks in fer's
environment."""


def fer_python(detector: str) -> Path:
    """The interpreter of an environment in which ``FER()`` (``haar``) or ``FER(mtcnn=True)`` (``mtcnn``)
    works.

    Raises:
        SubjectError: It does not install, or does not import.
    """
    folder = FOLDER / "fer"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = folder / ".ready"
    if not ready.is_file():
        print("making the environment of fer 25.10.3 (about 2 GB, once) ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], "venv")
        _install(python, "--no-deps", *_BARE)
        _install(python, *_NEEDED)
        _run([str(python), "-c", "from fer.fer import FER; FER()"], "import fer")
        ready.touch()
    torch_ready = folder / ".ready-torch"
    if detector == "mtcnn" and not torch_ready.is_file():
        print("adding torch for FER(mtcnn=True) (about 700 MB, once) ...", file=sys.stderr)
        _install(python, *_TORCH)
        _run([str(python), "-c", "import torch"], "import torch")
        torch_ready.touch()
    return python


def pip_python(package: str) -> Path:
    """The interpreter of fer's environment with another peer from PyPI in it.

    Raises:
        SubjectError: It does not install.
    """
    bare, lacking = _PIP[package]
    python = fer_python("mtcnn" if lacking is None else "haar")
    ready = FOLDER / "fer" / f".ready-{package}"
    if not ready.is_file():
        print(f"adding {bare} ...", file=sys.stderr)
        _install(python, "--no-deps", bare)
        if lacking is not None:
            _install(python, lacking)
        ready.touch()
    return python


def installed() -> Path | None:
    """The interpreter of that environment where it was made already, for what can do without."""
    return fer_python("haar") if (FOLDER / "fer" / ".ready").is_file() else None


def npm_modules() -> Path:
    """The ``node_modules`` with the peers for browsers, which Node runs as WebAssembly. About 370 MB.

    Raises:
        SubjectError: There is no Node, or they do not install.
    """
    folder = FOLDER / "npm"
    ready = folder / ".ready"
    if not ready.is_file():
        print("installing face-api and human from npm (about 370 MB, once) ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(
            ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", "--prefix", str(folder), *_NPM],
            "npm install",
        )
        ready.touch()
    return folder / "node_modules"


def _install(python: Path, *requirements: str) -> None:
    _run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
        f"pip install {' '.join(requirements)}",
    )


def _run(command: list[str], name: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=1800, env=environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SubjectError(f"{name}: {error}") from None
    if done.returncode:
        errors = [
            line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")
        ]
        raise SubjectError(f"{name}: {errors[-1] if errors else f'exit status {done.returncode}'}")


def environment() -> dict[str, str]:
    """What the processes of the peer are started with: none of this interpreter's packages, and one
    thread.
    """
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        },
        **ONE_THREAD,
    }
