from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mien.server.inference import Batcher
from tests.waiting import until


def rows(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def same(batch: np.ndarray) -> np.ndarray:
    return batch


def test_what_waits_goes_together_and_each_gets_its_own() -> None:
    sizes: list[int] = []
    begun, gate = threading.Event(), threading.Event()

    def run(batch: np.ndarray) -> np.ndarray:
        begun.set()
        gate.wait(60)
        return batch * 10

    with Batcher(most=8, seen=sizes.append) as batcher, ThreadPoolExecutor(8) as pool:
        first = pool.submit(batcher, run, rows(1))
        assert begun.wait(60)
        others = [pool.submit(batcher, run, rows(*range(number, 2 * number))) for number in (2, 3, 4, 5)]
        until(lambda: len(batcher._line) == 4)
        gate.set()
        assert first.result(60).tolist() == [[10]]
        for number, other in zip((2, 3, 4, 5), others, strict=True):
            assert other.result(60)[:, 0].tolist() == [10 * value for value in range(number, 2 * number)]
    assert sizes[0] == 1
    assert sum(sizes) == 15
    assert max(sizes) <= 8
    assert len(sizes) < 5, "fewer batches than calls"


def test_a_call_larger_than_a_batch_is_one_of_its_own() -> None:
    with Batcher(most=4) as batcher:
        assert batcher(same, rows(*range(9))).shape == (9, 1)


def test_only_what_is_for_the_same_goes_together() -> None:
    sizes: list[int] = []
    begun, gate = threading.Event(), threading.Event()

    def hold(batch: np.ndarray) -> np.ndarray:
        begun.set()
        gate.wait(60)
        return batch

    def negated(batch: np.ndarray) -> np.ndarray:
        return -batch

    with Batcher(seen=sizes.append) as batcher, ThreadPoolExecutor(8) as pool:
        first = pool.submit(batcher, hold, rows(1))
        assert begun.wait(60)
        others = [pool.submit(batcher, run, rows(5)) for run in (same, same, negated, negated)]
        until(lambda: len(batcher._line) == 4)
        gate.set()
        assert [first.result(60).item(), *(one.result(60).item() for one in others)] == [1, 5, 5, -5, -5]
    assert sum(sizes) == 5
    assert max(sizes) <= 2


def test_it_waits_a_moment_for_those_who_are_coming_and_not_for_ever() -> None:
    sizes: list[int] = []
    both = threading.Barrier(2)
    with (
        Batcher(linger=3.0, seen=sizes.append) as batcher,
        ThreadPoolExecutor(2) as pool,
    ):

        def coming(delay: float) -> None:
            with batcher.expecting():
                both.wait(10)
                time.sleep(delay)
                batcher(same, rows(1))

        began = time.monotonic()
        for future in [pool.submit(coming, 0.0), pool.submit(coming, 0.1)]:
            future.result(10)
        assert sizes == [2]
        for future in [pool.submit(coming, 0.0), pool.submit(coming, 4.0)]:
            future.result(10)
        assert sizes == [2, 1, 1]
        batcher(same, rows(1))
        assert time.monotonic() - began < 30


def test_an_error_is_told_to_those_of_its_batch_and_the_next_is_answered() -> None:
    def run(batch: np.ndarray) -> np.ndarray:
        if (batch < 0).any():
            raise ValueError("below zero")
        return batch

    with Batcher() as batcher:
        with pytest.raises(ValueError, match="below zero"):
            batcher(run, rows(-1))
        assert batcher(run, rows(3)).tolist() == [[3]]


def test_at_the_end_its_threads_are_gone() -> None:
    before = threading.active_count()
    batcher = Batcher(threads=3)
    assert threading.active_count() == before + 3
    batcher.close()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        batcher(same, rows(1))
