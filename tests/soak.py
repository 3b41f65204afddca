"""How often runs are killed: a handful of times by ``make test``, 200 times by ``make soak``."""

from __future__ import annotations

import os
import random
import subprocess


def kills(usual: int) -> int:
    """So many kills of one test.

    Args:
        usual: Where `make soak` (``MIEN_SOAK_KILLS``) does not ask for more.
    """
    return int(os.environ.get("MIEN_SOAK_KILLS", usual))


def killed(process: subprocess.Popen[str], chance: random.Random, longest: float) -> bool:
    """Wait for a random while and kill a process with SIGKILL; whether it was still at work."""
    try:
        process.wait(chance.uniform(0.0, longest))
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode < 0
