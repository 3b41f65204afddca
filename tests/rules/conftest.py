"""What several tests of hooks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rules.broker import MOSQUITTO, Broker, Listener


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Starts brokers with further lines of configuration."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto (.ci/run does)")
    brokers: list[Broker] = []

    def start(*lines: str) -> Broker:
        brokers.append(Broker(tmp_path, *lines))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def broker(started: Callable[..., Broker]) -> Broker:
    """A broker that lets everybody in."""
    return started()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    """Hears everything that the broker is told."""
    listening = Listener(broker.port)
    yield listening
    listening.close()
