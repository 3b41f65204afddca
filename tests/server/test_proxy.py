"""Under a path of its own behind a proxy, and what a proxy says of its clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from mien.core.errors import InputError
from mien.server.proxy import Proxied
from mien.server.rates import RateLimit
from mien.server.settings import ServerSettings
from tests.server.reverse_proxy import proxied
from tests.server.service import Service, serving

TOKEN = "a-token-of-the-tests-0123"


@pytest.fixture(scope="module", params=[True, False], ids=["stripped", "passed on"])
def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, httpx.Client]]:
    """A service, and a client that reaches it through a proxy alone."""
    with (
        serving(tmp_path_factory.mktemp("behind"), prefix="/tools/mien", token=TOKEN) as service,
        proxied(service.port, "/tools/mien", request.param) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield service, client


@pytest.mark.integration
def test_every_link_leads_back(behind: tuple[Service, httpx.Client], movie: Callable[..., Path]) -> None:
    service, client = behind
    assert client.get("openapi.json").json()["servers"] == [{"url": "/tools/mien"}]
    assert f"{str(client.base_url).rstrip('/')}/v1/models" in client.get("docs").text
    model = client.get("v1/models").json()["models"][0]
    assert model["url"] == "/tools/mien/networks/small-int8.onnx"
    assert client.get(httpx.URL(client.base_url).join(model["url"])).status_code == 200
    answer = client.post("v1/videos", files={"file": movie(3).read_bytes()}, data={"results": "result.csv"})
    place = answer.headers["location"]
    assert place == f"/tools/mien/v1/videos/{answer.json()['id']}"
    with client.stream("GET", httpx.URL(client.base_url).join(f"{place}/events")) as events:
        told = [json.loads(line[5:]) for line in events.iter_lines() if line.startswith("data:")]
    link = told[-1]["results"]["result.csv"]
    assert link == f"{place}/result.csv"
    assert client.get(httpx.URL(client.base_url).join(link)).text.startswith("source")
    login = client.post("v1/login", json={"token": TOKEN})
    assert "Path=/tools/mien/" in login.headers["set-cookie"]
    assert service.client.get("/tools/mien").headers["location"] == "/tools/mien/"


@pytest.mark.integration
def test_streams_pass(behind: tuple[Service, httpx.Client]) -> None:
    _, client = behind

    async def ready() -> Any:
        address = str(client.base_url).replace("http", "ws") + "v1/stream"
        async with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
            await socket.send('{"type": "start"}')
            return json.loads(await socket.recv())

    assert asyncio.run(ready())["type"] == "ready"


@pytest.mark.integration
def test_a_prefix_opens_no_way_around_the_token(behind: tuple[Service, httpx.Client]) -> None:
    service, _ = behind
    for path in ("", "/tools/mien", "/tools/mien/tools/mien", "//tools/mien", "/tools/mien/"):
        assert service.client.get(f"{path}/v1/models").status_code in (401, 404), path
    for path in ("/tools/mie/v1/models", "/tools/mienx/v1/models", "/tools/v1/models"):
        assert service.client.get(path, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404


def seen(headers: dict[str, str], client: str = "10.0.0.9", path: str = "/v1/models") -> tuple[str, str, str]:
    """Path, client and prefix that the service sees behind known proxies."""
    found: list[Any] = []

    async def app(scope: Any, _receive: object, _send: object) -> None:
        found.append((scope["path"], scope["client"][0], scope["mien.prefix"]))

    scope = {
        "type": "http",
        "path": path,
        "client": (client, 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(Proxied(app, "/own", ["10.0.0.0/8", "::1"])(scope, None, None))
    told: tuple[str, str, str] = found[0]
    return told


def test_only_known_proxies_are_believed() -> None:
    told = {"x-forwarded-prefix": "/there/", "x-forwarded-for": "192.0.2.1, 203.0.113.7, 10.0.0.4"}
    assert seen(told, path="/there/v1/models") == ("/v1/models", "203.0.113.7", "/there")
    assert seen(told, client="::1") == ("/v1/models", "203.0.113.7", "/there")
    assert seen(told, client="::ffff:10.0.0.9") == ("/v1/models", "203.0.113.7", "/there")
    for stranger in ("192.0.2.9", "127.0.0.1", "::2", "testclient"):
        assert seen(told, stranger) == ("/v1/models", stranger, "/own")
    assert seen({}) == ("/v1/models", "10.0.0.9", "/own")
    for wrong in ("//evil.example", "/a/../b", "/a b", "/a, /b", "a", "/" + "a" * 300, '/"><script>'):
        assert seen({"x-forwarded-prefix": wrong})[2] == "/own"


@pytest.mark.integration
def test_a_client_that_names_a_prefix_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        told = service.client.get("/v1/models", headers={"X-Forwarded-Prefix": "/evil"}).json()
        assert told["models"][0]["url"] == "/networks/small-int8.onnx"


@pytest.mark.integration
def test_clients_behind_a_known_proxy_are_told_apart(tmp_path: Path) -> None:
    limit = RateLimit(0.01, 2)
    with serving(tmp_path, rate_limit=limit, proxies=("127.0.0.1",)) as service:

        def status(client: str) -> int:
            headers = {"X-Forwarded-For": f"198.51.100.1, {client}"}
            return service.client.get("/v1/models", headers=headers).status_code

        assert [status("192.0.2.1") for _ in range(3)] == [200, 200, 429]
        assert status("192.0.2.2") == 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"prefix": "mien"}, "expected a path such as /mien"),
        ({"prefix": "/mien/"}, "expected a path such as /mien"),
        ({"prefix": "/../mien"}, "expected a path such as /mien"),
        ({"proxies": ("proxy.example",)}, "expected the address of a proxy"),
        ({"proxies": ("10.0.0.1/8",)}, "expected the address of a proxy"),
    ],
)
def test_mistakes_are_told_at_the_start(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ServerSettings(tmp_path, **options)
