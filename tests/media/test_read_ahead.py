"""Reading on a thread: order, errors, and leaving early without leaving anything behind."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from mien.core.errors import InputError
from mien.media import Prefetcher
from mien.media.prefetch import MOST_BYTES
from tests.waiting import until


class Source:
    """Counts what was asked of it, and knows whether and where it was closed."""

    def __init__(self, length: int, fails_at: int | None = None) -> None:
        self.made = 0
        self.closed_on: str | None = None
        self.length, self.fails_at = length, fails_at

    def __iter__(self) -> Iterator[int]:
        try:
            for number in range(self.length):
                if number == self.fails_at:
                    raise ValueError("in the middle")
                self.made += 1
                yield number
        finally:
            self.closed_on = threading.current_thread().name


def come(source: Source, count: int) -> None:
    """Wait until so many have been made."""
    until(lambda: source.made >= count)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_gives_everything_in_order() -> None:
    with Prefetcher(Source(1000), depth=3) as ahead:
        assert list(ahead) == list(range(1000))
        assert list(ahead) == []


def test_runs_no_further_ahead_than_the_depth() -> None:
    source = Source(100)
    with Prefetcher(source, depth=4) as ahead:
        assert next(ahead) == 0
        come(source, 5)
        time.sleep(0.1)
        assert source.made == 5


def test_error_comes_at_its_place() -> None:
    source = Source(10, fails_at=5)
    with Prefetcher(source, depth=8) as ahead:
        assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="in the middle"):
            next(ahead)
    assert source.closed_on == "mien-read-ahead"


@pytest.mark.parametrize("depth", [1, 8])
def test_leaving_early_closes_the_source_on_its_thread(depth: int) -> None:
    source = Source(10**9)
    with Prefetcher(source, depth=depth) as ahead:
        for number in ahead:
            if number == 3:
                break
    assert source.closed_on == "mien-read-ahead"
    assert list(ahead) == []


def test_exception_of_the_consumer_passes_and_stops_the_thread() -> None:
    source = Source(10**9)

    def consume() -> None:
        with Prefetcher(source, depth=2) as ahead:
            next(ahead)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert source.closed_on is not None


def test_closing_before_the_start_and_twice() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    generator = numbers()
    ahead = Prefetcher(generator)
    ahead.close()
    ahead.close()
    assert list(generator) == []


def test_error_on_closing_is_told() -> None:
    def numbers() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            raise OSError("cannot close")

    ahead = Prefetcher(numbers())
    assert next(ahead) == 0
    with pytest.raises(OSError, match="cannot close"):
        ahead.close()


def test_depth_is_checked() -> None:
    with pytest.raises(InputError, match="depth"):
        Prefetcher([], depth=0)


@pytest.mark.integration
def test_can_be_interrupted_while_it_waits() -> None:
    code = """
        import signal, threading
        from mien.media import Prefetcher
        told = threading.Event()
        def stop(*_):
            told.set()
            raise KeyboardInterrupt
        signal.signal(signal.SIGINT, stop)
        def slow():
            yield 0
            told.wait(100)
            yield 1
        try:
            with Prefetcher(slow()) as ahead:
                next(ahead)
                print("waiting", flush=True)
                next(ahead)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"


def test_large_items_go_one_at_a_time() -> None:
    """Those that lie ready and the one that is worked on count together."""
    for size, begun in ((MOST_BYTES, 1), (MOST_BYTES // 2, 2), (MOST_BYTES // 4, 4), (1, 9)):
        source = Source(100)
        with Prefetcher(source, 8, partial(lambda size, _: size, size)) as ahead:
            for number in range(3):
                assert next(ahead) == number
                come(source, number + begun)
                time.sleep(0.05)
                assert source.made == number + begun
