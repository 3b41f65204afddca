"""Subjects by package and task: what each file beside this one does in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.adapters.environments import environment, fer_python, npm_modules, pip_python
from benchmarks.lib.fixtures import ROOT
from benchmarks.lib.subjects import Subject, SubjectError, own_environment

FER = {"haar": "fer: FER()", "mtcnn": "fer: FER(mtcnn=True)"}
"""What the peer's configurations are called in tables."""


def mien(name: str, task: str, *arguments: object) -> Subject:
    """Mien of this interpreter, on one thread, at a task of `benchmarks.adapters.mien`."""
    command = [sys.executable, "-m", "benchmarks.adapters.mien", task, *map(str, arguments)]
    return Subject(name, command, own_environment())


def fer(name: str, task: str, *arguments: object, detector: str = "haar") -> Subject:
    """The peer fer, on one thread, at a task of `benchmarks.adapters.fer`.

    Raises:
        SubjectError: It does not install.
    """
    python = str(fer_python(detector))
    command = [python, "-m", "benchmarks.adapters.fer", task, *map(str, arguments)]
    return Subject(name, command, {**environment(), "PYTHONPATH": str(ROOT)})


def pip_peer(name: str, package: str, *arguments: object) -> Subject:
    """Another peer from PyPI, on one thread, on the leaderboard (`benchmarks.adapters.pip_peers`).

    Raises:
        SubjectError: It does not install.
    """
    command = [str(pip_python(package)), "-m", "benchmarks.adapters.pip_peers", package, *map(str, arguments)]
    return Subject(name, command, {**environment(), "PYTHONPATH": str(ROOT)})


def npm(name: str, package: str, *arguments: object) -> Subject:
    """A peer for browsers, ``face-api`` or ``human``, in Node.

    Raises:
        SubjectError: It does not install.
    """
    script = Path(__file__).with_name("npm.cjs")
    command = ["node", str(script), str(npm_modules()), package, *map(str, arguments)]
    return Subject(name, command, environment())


def fer_detectors(items: Path, detectors: Sequence[str], skipped: dict[str, str]) -> list[Subject]:
    """The peer fer on frames or images, by its detectors ``haar`` and ``mtcnn``; ``skipped`` gets the reasons
    of those that do not install.
    """
    subjects = []
    for detector in detectors:
        try:
            subjects.append(fer(FER[detector], "frames", items, detector, detector=detector))
        except SubjectError as error:
            skipped[FER[detector]] = str(error)
    return subjects
