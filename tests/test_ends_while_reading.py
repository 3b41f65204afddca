"""A command that ends on its way, while threads read on inside of ONNX Runtime, ends with its own status."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
import mien.cli.app as command
from mien.cli.exits import Interrupted
from mien.core.errors import InputError
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.media import Prefetcher

def answers(network):
    while True:
        yield network.run({"faces": np.zeros((4, 1, 48, 48), np.float32)})

def frames(network):
    with Prefetcher(answers(network)) as ready:
        yield from ready

def app(**_):
    reading = [frames(open_network(network_path("small"), threads=1)) for _ in range(3)]
    for one in reading:
        next(one)
    raise {"stop": Interrupted(), "disk": InputError("rows.csv: cannot be written"), "mistake": ValueError("oops")}[sys.argv[1]]

command.app = app
command.main()
"""


@pytest.mark.integration
@pytest.mark.parametrize(
    ("what", "status", "said"),
    [
        ("stop", 130, "mien: interrupted: nothing half-written was left behind"),
        ("disk", 2, "mien: rows.csv: cannot be written"),
        ("mistake", 1, "ValueError: oops"),
    ],
)
def test_threads_that_still_read_do_not_change_how_a_command_ends(what: str, status: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (status, said)


LOADING = """
import sys

class Stopped:
    def find_spec(name, *_):
        if name == "mien.cli.options":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stopped)
from mien.cli import main
main()
"""


@pytest.mark.integration
def test_a_command_that_is_stopped_as_it_is_loaded_says_so_in_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=120, check=False
    )
    said = "mien: interrupted: nothing half-written was left behind\n"
    assert (done.returncode, done.stderr) == (130, said)
