"""The lane of each test: what it needs tells which one it is in, and `make check` runs the first.

===========  ================================================================================
unit         one process, no network, no browser: whatever is in none of the lanes below
integration  starts programs, talks to servers, trains networks or reads data that is not in the
             repository: it, or its file, has the mark, or it uses a fixture in `OUTSIDE`
browser      uses one of the fixtures in `BROWSERS`
slow         takes a core more than ten seconds: it, or its file, has the mark
===========  ================================================================================

A test is in one lane. A unit test that starts a program or opens a connection fails, with the mark that it lacks.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

LANES = ("unit", "integration", "browser", "slow")
BROWSERS = {"browser", "chromium"}
OUTSIDE = {"broker", "service", "shared_everyday", "shared_fer2013", "shared_media", "started"}
_OUTSIDE = {"os.exec", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "subprocess.Popen"}
"""What Python itself tells of programs and connections: https://docs.python.org/3/library/audit_events.html"""
_HARMLESS = {"fc-list", "lscpu", "uname"}
"""Asked for the fonts by matplotlib, for the cores by joblib and for the machine by `platform`, the first time that somebody
wants to know."""

collect_ignore_glob = ["conftest.py", "*/conftest.py", "src/mien/__pyinstaller/*"]
"""They hold no examples; what PyInstaller reads does its work where it is imported."""
_OF_FILE = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.({'|'.join(LANES)})\b", re.MULTILINE)
"""A lane that a file says it is in with all of its tests."""
_seen: list[str] | None = None
"""What the unit test at work has done that is none of its lane's business; None while no such test is at work."""


def lane(marks: set[str], fixtures: set[str]) -> str:
    """The lane of a test that has these marks and uses these fixtures.

    >>> lane(set(), {"tmp_path"}), lane(set(), {"tmp_path", "browser"}), lane({"slow", "timeout"}, {"browser"})
    ('unit', 'browser', 'slow')
    """
    asked = sorted(marks & set(LANES))
    if len(asked) > 1:
        raise ValueError(
            f"expected one lane; got {' and '.join(asked)}: mark the tests of this file one by one"
        )
    if asked:
        return asked[0]
    if fixtures & BROWSERS:
        return "browser"
    return "integration" if fixtures & OUTSIDE else "unit"


def pytest_configure() -> None:
    sys.addaudithook(_note)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes for `-n auto`: one more than there are cores, as many tests wait for programs, browsers and clocks;
    unit tests do not. With two more, what the service reads at niceness 10 waits behind them for minutes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.option.markexpr == "unit" else cores + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Hundreds of thousands of objects are made for what is imported and stay to the end: they are not looked at for garbage
    again and again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """No file is imported whose tests are all in another lane than the one asked for: many of these load torch's larger parts or Ray."""
    if collection_path.suffix != ".py" or config.option.markexpr not in LANES:
        return None
    found = _OF_FILE.search(collection_path.read_text("utf-8"))
    return True if found and found[1] != config.option.markexpr else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """A file without an example is not imported to look for some."""
    found = yield
    if file_path.suffix == ".py" and ">>>" not in file_path.read_text("utf-8"):
        found = [collector for collector in found if type(collector) is pytest.Module]
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        try:
            found = lane(marks, set(getattr(item, "fixturenames", ())))
        except ValueError as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None
        if found not in marks:
            item.add_marker(found)
    if hasattr(config, "workerinput"):  # One of several processes (pytest-xdist) that share the files out.
        items.sort(key=_turns(items).__getitem__)


def _turns(items: list[pytest.Item]) -> dict[pytest.Item, int]:
    """When each test is run: slow files first, units last, so that no process is left with a long file at the end."""
    turn = {"slow": 0, "integration": 1, "browser": 1, "unit": 2}
    of_file: dict[object, int] = {}
    for item in items:
        found = min(number for lane, number in turn.items() if item.get_closest_marker(lane))
        of_file[item.path] = min(found, of_file.get(item.path, found))
    return {item: of_file[item.path] for item in items}


def _stays(item: pytest.Item) -> Iterator[None]:
    """One phase of a test, which fails where it is a unit test and has left its process."""
    global _seen
    _seen = [] if item.get_closest_marker("unit") else None
    try:
        yield
        if _seen:
            pytest.fail(
                f"a unit test stays in its process; this one did {_seen[0]}: mark it with pytest.mark.integration",
                pytrace=False,
            )
    finally:
        _seen = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Fixtures count as well."""
    yield from _stays(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The test itself."""
    yield from _stays(item)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Hears of everything that Python does, so it must be quick."""
    if (
        _seen is not None
        and event in _OUTSIDE
        and not (arguments and str(arguments[0]).rpartition("/")[2] in _HARMLESS)
    ):
        program = arguments[0] if event == "subprocess.Popen" and arguments[0] else ""
        _seen.append(f"{event} {program}".rstrip())
