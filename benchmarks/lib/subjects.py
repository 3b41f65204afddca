"""Processes that read the same frames in turns, so that whatever else the machine does hits all of them
alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.fixtures import ROOT
from benchmarks.lib.machine import ONE_THREAD, pin, quietest_core


class SubjectError(Exception):
    """A subject cannot be measured here; the message says why."""


@dataclass
class Subject:
    """A process that reads frames when told to.

    Args:
        name: What the table shows.
        command: Starts it; see `timing.serve` for what it says.
        env: Its environment.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    rounds: list[dict[str, Any]] = field(default_factory=list)
    hello: dict[str, Any] = field(default_factory=dict)

    def start(self, log: Path) -> None:
        """Start the process and wait until it has warmed up."""
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.env,
                text=True,
            )
        self.hello = self._listen()

    def read_all(self) -> None:
        """One round."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # It has ended; what it said last tells why.
            print(file=self._process.stdin, flush=True)
        self.rounds.append(self._listen())

    def stop(self) -> None:
        """End the process."""
        if hasattr(self, "_process"):
            self._process.communicate()

    def _listen(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ROUND "):
                return dict(json.loads(line.removeprefix("ROUND ")))
        last = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        raise SubjectError(last[-1] if last else "it ended without a word")

    def result(self) -> dict[str, Any]:
        """Its figures over all rounds."""
        out: dict[str, Any] = {
            key: _spread([ms for one in self.rounds for ms in one[key]]) for key in ("wall_ms", "cpu_ms")
        }
        out["rounds_wall_ms"] = [round(statistics.median(one["wall_ms"]), 2) for one in self.rounds]
        faces = self.rounds[0]["faces"]
        out |= {
            "frames": len(faces),
            "frames_with_face": sum(count > 0 for count in faces),
            "frames_with_more": sum(count > 1 for count in faces),
        }
        if "stand_in_ms" in self.rounds[0]:
            out["stand_in_ms"] = round(
                statistics.median(one["stand_in_ms"] / len(faces) for one in self.rounds), 2
            )
            out["note"] = self.rounds[0]["note"]
        return {**out, **self.hello}


def same_imports() -> dict[str, str]:
    """For processes with this interpreter: they import mien and the benchmarks as this process does, installed
    or not.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry)])}


def own_environment() -> dict[str, str]:
    """The same with one thread."""
    return {**same_imports(), **ONE_THREAD}


def take_turns(
    subjects: Sequence[Subject], rounds: int, folder: Path, skipped: dict[str, str]
) -> list[Subject]:
    """Start all, let them take turns on the core that is idle the most, end them.

    Args:
        subjects: Whoever of mien does not start ends the benchmark.
        rounds: How often each reads everything.
        folder: For what they say on standard error.
        skipped: Gets the reason for each peer that does not start, or does not read.

    Returns:
        Those that read everything, with their rounds.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    pin(quietest_core())
    ready = list(subjects)

    def each(work: Callable[[Subject], None]) -> None:
        for subject in list(ready):
            try:
                work(subject)
            except SubjectError as error:
                if subject.name.startswith("mien"):
                    raise SystemExit(f"{subject.name} does not run: {error}") from None
                skipped[subject.name] = str(error)
                ready.remove(subject)

    try:
        each(lambda subject: subject.start(folder / f"{subjects.index(subject)}.log"))
        for _ in range(rounds):
            each(Subject.read_all)
    finally:
        for subject in subjects:
            subject.stop()
        if allowed is not None:
            os.sched_setaffinity(0, allowed)
    return ready


def _spread(values: list[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return {"median": round(float(middle), 2), "p05": round(float(low), 2), "p95": round(float(high), 2)}
