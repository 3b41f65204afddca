"""A home folder and a temporary one that are empty, and programs that run there, watched: what do they leave, and whom
do they look for?
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TOLD = {"CI", "GITHUB_ACTIONS", "HOME", "TMPDIR", "MPLCONFIGDIR"}
"""Of which libraries take other ways: with the first two, none of them reports anything."""


@dataclass(frozen=True)
class World:
    """A folder to run commands in, a home folder and a temporary one."""

    folder: Path
    home: Path
    temporary: Path

    def start(self, *command: object, **options: Any) -> subprocess.Popen[str]:
        """Start a program here."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _TOLD and not name.startswith(("XDG_", "MIEN_", "RAY_", "ORT_"))
        }
        env = {**kept, "HOME": str(self.home), "TMPDIR": str(self.temporary), "COLUMNS": "100"}
        return subprocess.Popen([*map(str, command)], cwd=self.folder, env=env, text=True, **options)

    def left(self) -> list[str]:
        """What is in the home folder and in the temporary one."""
        return sorted(str(path) for folder in (self.home, self.temporary) for path in folder.rglob("*"))


@contextmanager
def new_world(folder: Path) -> Iterator[World]:
    """In a place whose path is short enough for the sockets of Ray."""
    with tempfile.TemporaryDirectory(prefix="mien-") as place:
        world = World(folder, Path(place, "home"), Path(place, "t"))
        for one in (world.home, world.temporary):
            one.mkdir()
        yield world


def traced(place: Path) -> list[object]:
    """What goes before a command so that strace writes there whom it talks to; nothing where there is no strace."""
    if shutil.which("strace") is None:
        return []
    return [
        "strace",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg",
        "-o",
        place,
    ]


def elsewhere(trace: str) -> list[str]:
    """Lines of a trace that name an address of another machine."""
    return [
        line
        for line in trace.splitlines()
        if "AF_INET" in line and not re.search(r'"(127\.|::1"|::ffff:127\.)', line)
    ]
