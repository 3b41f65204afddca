from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mien.client import AsyncClient, Client
from tests.server.service import Service, serving
from tests.server.waited import Waited


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as it comes, without a token, on a free port."""
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(params=["blocking", "awaited"])
def connected(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes clients of one of the two kinds."""
    with asyncio.Runner() as runner:
        opened: list[Any] = []

        def make(url: str, **options: Any) -> Any:
            if request.param == "blocking":
                opened.append(Client(url, **options))
            else:
                opened.append(Waited(AsyncClient(url, **options), runner))
            return opened[-1]

        yield make
        for client in opened:
            client.close()
