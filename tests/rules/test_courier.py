"""Threads that deliver: in order, bounded, and never in the way of the stream."""

from __future__ import annotations

import threading
import time

import pytest

from mien.core.errors import DeliveryError, InputError
from mien.rules.actions.base import Delivery, FunctionAction, RuleAction
from mien.rules.actions.dispatcher import Dispatcher, Retries
from tests.rules.events import event

QUICK = Retries(attempts=3, pause=0.01)


def soon() -> float:
    return time.monotonic() + 5


def test_in_order_and_none_twice() -> None:
    seen: list[Delivery] = []
    courier = Dispatcher("seen", FunctionAction(seen.append), QUICK, list[str]().append)
    events = [event() for _ in range(100)]
    for one in events:
        courier.offer(one)
    assert courier.close(soon()) == 0
    assert seen == events
    assert courier.delivered == 100


def test_what_fails_is_tried_again_and_then_given_up() -> None:
    tries: list[str] = []
    told: list[str] = []

    def fail(delivery: Delivery) -> None:
        tries.append(delivery.rule)
        if delivery.rule == "broken":
            raise ZeroDivisionError("no lamp")

    courier = Dispatcher("lamp", FunctionAction(fail), QUICK, told.append)
    courier.offer(event("broken"))
    courier.offer(event("well"))
    assert courier.close(soon()) == 1
    assert tries == ["broken", "broken", "broken", "well"]
    assert told == [
        "lamp: ZeroDivisionError: no lamp; trying again",
        "lamp: broken (start at 2.50 s) not delivered, tried 3 times: ZeroDivisionError: no lamp",
        "lamp: works again",
    ]


def test_a_function_that_wants_to_end_the_program_ends_nothing() -> None:
    told: list[str] = []

    def leave(delivery: Delivery) -> None:
        raise SystemExit(3)

    def gone(line: str) -> None:
        told.append(line)
        raise BrokenPipeError

    courier = Dispatcher("leave", FunctionAction(leave), QUICK, gone)
    courier.offer(event())
    courier.offer(event())
    assert courier.close(soon()) == 2
    assert sum("tried 3 times: SystemExit: 3" in line for line in told) == 2


def test_what_is_of_no_use_is_not_tried_again() -> None:
    tries: list[Delivery] = []

    def refuse(delivery: Delivery) -> None:
        tries.append(delivery)
        raise DeliveryError("no", again=False)

    courier = Dispatcher("lamp", FunctionAction(refuse), QUICK, list[str]().append)
    courier.offer(event())
    assert courier.close(soon()) == 1
    assert len(tries) == 1


def test_a_hook_that_hangs_holds_up_nobody() -> None:
    free, held = threading.Event(), threading.Event()

    class Hanging(RuleAction):
        keep = 5

        def deliver(self, delivery: Delivery) -> None:
            held.set()
            free.wait(30)

        def close(self) -> None:
            free.set()

    told: list[str] = []
    courier = Dispatcher("slow", Hanging(), QUICK, told.append)
    courier.offer(event())
    assert held.wait(5)
    for _ in range(20):
        courier.offer(event())  # Would hang here if it waited.
    assert told == ["slow: 5 events wait for it already: the oldest are dropped until it works again"]
    began = time.monotonic()
    assert courier.close(began + 0.2) == 21
    assert time.monotonic() - began < 5
    assert told[-1] == "slow: 6 events were not delivered before the end"


def test_closing_does_not_wait_for_pauses() -> None:
    def fail(delivery: Delivery) -> None:
        raise OSError("no")

    courier = Dispatcher("lamp", FunctionAction(fail), Retries(attempts=5, pause=20), list[str]().append)
    courier.offer(event())
    time.sleep(0.1)
    began = time.monotonic()
    assert courier.close(began + 0.1) == 1
    assert time.monotonic() - began < 5


def test_impossible_retries() -> None:
    with pytest.raises(InputError, match="at least 1 attempt"):
        Retries(attempts=0)
