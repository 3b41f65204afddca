"""Every test is collected, in one lane, and a unit test stays in its process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LANES = ("unit", "integration", "browser", "slow")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pytest_on(tmp_path: Path) -> Run:
    """Runs pytest over a file of tests as it runs over these, with words of the command line."""
    shutil.copy(TESTS.parent / "conftest.py", tmp_path)
    markers = "".join(f"\n    {lane}: a lane" for lane in LANES)
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\naddopts = --strict-markers -p no:cacheprovider\nmarkers ={markers}\n"
    )

    def run(tests: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_some.py").write_text(
            f"import os, socket, subprocess, threading\nimport pytest\n{tests}"
        )
        # Neither the width of this terminal nor the words that this run was given by the environment, nor plugins,
        # which take ten times as long to load as pytest.
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *words],
            cwd=tmp_path,
            env=environment | {"COLUMNS": "300"},
            capture_output=True,
            text=True,
        )

    return run


def test_files_have_names_of_their_own() -> None:
    """Pytest imports them by name alone, and takes the second of two with one name for the first, and reads
    none of its tests.
    """
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_every_test_is_in_one_lane(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        lanes = {mark.name for mark in item.iter_markers()} & set(LANES)
        assert len(lanes) == 1, item.nodeid


SOME = """
@pytest.fixture
def browser(): pass

@pytest.fixture
def visit(browser): pass

@pytest.fixture
def service(): pass

def test_plain(): pass
def test_of_a_page(visit): pass
def test_of_a_service(service): pass
def test_of_both(browser, service): pass
@pytest.mark.integration
def test_marked(): subprocess.run(["true"])
@pytest.mark.slow
def test_slow(browser): pass
"""


@pytest.mark.integration
@pytest.mark.parametrize(
    ("lane", "names"),
    [
        ("unit", ["plain"]),
        ("browser", ["of_a_page", "of_both"]),
        ("integration", ["of_a_service", "marked"]),
        ("slow", ["slow"]),
    ],
)
def test_marks_and_fixtures_tell_the_lane(lane: str, names: list[str], pytest_on: Run) -> None:
    done = pytest_on(SOME, "-m", lane, "--collect-only")
    assert [line.partition("::test_")[2] for line in done.stdout.splitlines() if "::" in line] == names


@pytest.mark.integration
def test_a_file_of_another_lane_is_not_imported(pytest_on: Run) -> None:
    tests = "pytestmark = [\n    pytest.mark.integration,\n]\nraise RuntimeError('imported')\n"
    done = pytest_on(tests, "-m", "unit")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    assert "RuntimeError: imported" in pytest_on(tests, "-m", "integration").stdout


LEAVING = """
def test_subprocess_Popen(): subprocess.run(["true"])
def test_os_system(): os.system("true")
def test_os_fork(): os.waitpid(os.fork() or os._exit(0), 0)
def test_socket_connect(): pytest.raises(OSError, socket.create_connection, ("127.0.0.1", 9))

def test_subprocess_Popen_in_a_thread():
    thread = threading.Thread(target=subprocess.run, args=(["true"],))
    thread.start()
    thread.join()

@pytest.fixture
def started():
    subprocess.run(["true"])

@pytest.mark.unit
def test_subprocess_Popen_in_a_fixture(started): pass
"""


@pytest.mark.integration
def test_a_unit_test_that_leaves_its_process_fails(pytest_on: Run) -> None:
    done = pytest_on(LEAVING, "-rA")
    told = dict(re.findall(r"^(?:FAILED|ERROR) test_some.py::test_(\S+) - (.*)$", done.stdout, re.MULTILINE))
    assert len(told) == 6, done.stdout
    for name, line in told.items():
        event = ".".join(name.split("_")[:2])
        assert line.startswith(f"Failed: a unit test stays in its process; this one did {event}"), line
    marked = pytest_on("pytestmark = pytest.mark.integration\n" + LEAVING.replace("@pytest.mark.unit\n", ""))
    assert marked.returncode == 0, marked.stdout


@pytest.mark.integration
def test_a_test_in_two_lanes_is_refused(pytest_on: Run) -> None:
    done = pytest_on("pytestmark = pytest.mark.slow\n@pytest.mark.integration\ndef test_it(): pass\n")
    assert done.returncode == 4
    assert (
        "test_some.py::test_it: expected one lane; got integration and slow: mark the tests of this file one by one"
        in done.stderr
    )


@pytest.mark.integration
def test_processes_that_share_the_tests_begin_with_the_slow_files(pytest_on: Run, tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    long = "import pytest\ndef test_quick(): pass\n@pytest.mark.slow\ndef test_long(): pass\n"
    (tmp_path / "test_z_long.py").write_text(long)
    (tmp_path / "test_m_starting.py").write_text(
        "import pytest\n@pytest.mark.integration\ndef test_it(): pass\n"
    )
    done = pytest_on(
        "def test_unit(): pass\n", "-vv", "-p", "xdist", "-n1", "--dist=loadfile", "--no-loadscope-reorder"
    )
    ran = re.findall(r"PASSED (test_\w+)\.py", done.stdout)
    assert ran == ["test_z_long", "test_z_long", "test_m_starting", "test_some"], done.stdout
