"""``mien serve`` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServiceFaultError(Exception):
    """The service has ended, or its log holds a traceback."""


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, int]]:
    """A service that keeps what it keeps in ``folder / "kept"``: its address, ending with a slash, and its
    process.

    Raises:
        ServiceFaultError: While it ran it made a mistake.
    """
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--folder", str(folder / "kept")]
    path = folder / "log.txt"
    with path.open("w+") as log:
        process = subprocess.Popen(command, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            yield _address(process, path), process.pid
            if process.poll() is not None:
                raise ServiceFaultError(f"the service has ended: {path.read_text()[-2000:]}")
            if "Traceback" in (said := path.read_text()):
                raise ServiceFaultError(f"the service made a mistake: {said[-3000:]}")
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, once it does."""
    while True:
        if process.poll() is not None:
            raise SystemExit(f"the service did not start: {log.read_text()}")
        time.sleep(0.1)
        url = next((word for word in log.read_text().split() if word.startswith("http://")), "")
        if url:
            return url
