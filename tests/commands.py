"""The command ``mien`` in a process of its own that starts at once.

Python, typer, torch and the like take one to nine seconds of a core to be loaded, many hundred times over in these
tests. Here one process loads them once and forks for each command. How `python -m mien` itself starts, and what is
loaded for what, other tests see.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

LOADED = (
    "mien.cli.app",
    "mien.cli.analyze_view",
    "mien.cli.progress",
    "mien.outputs.run_info",
    "mien.outputs.writer",
    "mien.reports.page",
    "mien.video.analyze",
    "jinja2",
    "matplotlib.backends.backend_agg",
    "onnxruntime",
)
"""What most commands load: nothing that starts threads of its own, as polars does, which would be missing after a fork."""
FOR_TRAINING = ("onnx", "lightning.pytorch", "onnxscript", "mien.training.export")
"""What commands that train load besides."""
TRAINERS = {"train", "reproduce", "explain"}
MODEL_TRAINERS = {"average", "calibrate", "compare", "ensemble", "export", "quantize", "teacher-cache"}


def run_mien(
    *words: object,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run ``mien`` with these words to its end; one command at a time.

    Args:
        words: Of the command line, after ``mien``.
        cwd: The folder it runs in; this process' own unless given.
        env: Variables besides those of this process.
        stdin: What it can read.
    """
    command = [sys.executable, "-m", "mien", *map(str, words)]
    sys.audit("subprocess.Popen", sys.executable, command, cwd, env)  # It is no unit test that comes here.
    with tempfile.TemporaryDirectory(prefix="mien-command-") as place:
        streams = [Path(place, name) for name in ("stdin", "stdout", "stderr")]
        for path, content in zip(streams, (stdin, b"", b""), strict=True):
            path.write_bytes(content)
        wanted = {
            "words": command[3:],
            "folder": str(cwd or Path.cwd()),
            "environment": {**os.environ, **(env or {})},
            "streams": list(map(str, streams)),
        }
        status = _asked(_forker(*packages(command[3:])), wanted)
        out, err = (path.read_bytes().decode().replace("\r\n", "\n") for path in streams[1:])
    return subprocess.CompletedProcess(command, status, out, err)


def packages(words: Sequence[str]) -> tuple[str, ...]:
    """What the process that forks a command has loaded.

    >>> packages(["models", "list"]) == packages([]) == LOADED, packages(["train"])[-1]
    (True, 'mien.training.export')
    """
    trains = set(words[:1]) & TRAINERS or (words[:1] == ["models"] and set(words[1:2]) & MODEL_TRAINERS)
    return (*LOADED, *FOR_TRAINING) if trains else LOADED


@cache
def _forker(*packages: str) -> subprocess.Popen[str]:
    """A process that forks, as long as this one lives."""
    process = subprocess.Popen(
        [sys.executable, __file__, *packages], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(_end, process)
    return process


def _end(forker: subprocess.Popen[str]) -> None:
    """End it with its pipes, so that nothing is said of them when Python ends."""
    forker.kill()
    with forker:
        pass


def _asked(forker: subprocess.Popen[str], wanted: Mapping[str, object]) -> int:
    """How a command ended."""
    assert forker.stdin is not None
    assert forker.stdout is not None
    child = None
    try:
        print(json.dumps(wanted), file=forker.stdin, flush=True)
        child = int(forker.stdout.readline())
        return int(forker.stdout.readline())
    except BaseException:  # A test that is over its time, or a forker that has ended.
        _forker.cache_clear()
        forker.kill()
        if child is not None:
            os.kill(child, signal.SIGKILL)
        raise


_IN_TURN = """
import json, os, runpy, sys, time
words, told, wait = json.loads(sys.argv[1]), open(sys.argv[2], "w"), float(sys.argv[3])
for name, command in words.items():
    sys.argv = ["mien", *command]
    print("$", name, file=sys.stderr, flush=True)
    try:
        runpy.run_module("mien", run_name="__main__")
    except SystemExit as end:
        home = [os.path.join(folder, one) for folder, *inner in os.walk(os.environ["HOME"]) for part in inner for one in part]
        print(json.dumps([name, end.code, home]), file=told, flush=True)
time.sleep(wait)
"""


def in_turn(words: Mapping[str, Sequence[object]], told: Path, wait: float = 0) -> list[str]:
    """A program that runs ``mien`` with the words of each name, in one process, which loads what they need once.

    Args:
        words: Of each command line, after ``mien``, by a name.
        told: Where the program writes of each command how it ended and what is in its home folder, which should be an
            empty one, for `endings`; the name of each it writes to the standard error, after a ``$``.
        wait: Seconds for which it stays when all are done.
    """
    plain = {name: list(map(str, line)) for name, line in words.items()}
    return [sys.executable, "-c", _IN_TURN, json.dumps(plain), str(told), str(wait)]


def endings(told: Path) -> dict[str, tuple[object, list[str]]]:
    """How each command of `in_turn` ended, and what was in the home folder then."""
    lines = map(json.loads, told.read_text(encoding="utf-8").splitlines())
    return {name: (status, home) for name, status, home in lines}


def main() -> None:
    """Load packages, then fork for each line; a child leaves this function as a command."""
    del sys.path[0]  # The folder of this file.
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.freeze()  # Or each child would copy most of the memory to look through it.
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        print(child, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def become(wanted: Mapping[str, Any]) -> None:
    """Be ``python -m mien`` from here on."""
    for number, path in enumerate(wanted["streams"]):
        opened = os.open(path, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    sys.path.insert(0, wanted["folder"])
    sys.argv = ["mien", *wanted["words"]]
    runpy.run_module("mien", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
