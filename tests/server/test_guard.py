from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from mien.core.errors import InputError
from mien.server.middleware import Sessions
from mien.server.settings import ServerSettings
from mien.server.tokens import Token
from tests.server.service import Service, serving, talk

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests-0123"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("closed"), token=TOKEN, names=("mien.example",)) as running:
        yield running


def status(service: Service, path: str, **headers: str) -> int:
    return service.client.get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ).status_code


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "",
        "localhost.evil.example",
        "evil.example:8000",
        "127.0.0.1@evil.example",
    ],
)
def test_foreign_names_for_this_machine_are_refused(service: Service, host: str) -> None:
    assert status(service, "/healthz", host=host) == 421
    assert status(service, "/", host=host) == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:9999", "[::1]", "[::1]:8000"]
)
def test_names_of_this_machine_are_answered(service: Service, host: str) -> None:
    assert status(service, "/healthz", host=host) == 200


def test_a_name_that_was_given_is_answered(closed: Service) -> None:
    assert status(closed, "/healthz", host="mien.example") == 200
    assert status(closed, "/healthz", host="mien.example:443") == 200
    assert status(closed, "/healthz", host="other.example") == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://127.0.0.1:1",
        "file://",
        "http://127.0.0.1",
    ],
)
def test_foreign_pages_are_refused(service: Service, origin: str) -> None:
    answer = service.client.post("/v1/images", headers={"origin": origin}, files={"file": b"x"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "foreign_origin")
    with pytest.raises(InvalidStatus) as refused:
        talk(service, {"type": "start"}, additional_headers={"Origin": origin})
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["error"]["kind"] == "foreign_origin"


def test_the_own_page_is_answered(service: Service) -> None:
    own = service.url.rstrip("/")
    assert status(service, "/v1/models", origin=own, sec_fetch_site="same-origin") == 200
    assert talk(service, {"type": "start"}, additional_headers={"Origin": own})[0]["type"] == "ready"


def test_what_a_browser_asks_for_another_page_is_refused(service: Service) -> None:
    assert status(service, "/v1/models", sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
    assert status(service, "/v1/models", sec_fetch_site="same-site", sec_fetch_mode="cors") == 403
    assert status(service, "/v1/models", sec_fetch_site="cross-site", sec_fetch_mode="navigate") == 403
    assert (
        status(service, "/networks/small.onnx", sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
    )
    assert status(service, "/healthz", sec_fetch_site="cross-site", sec_fetch_mode="navigate") == 200, (
        "a link may lead here"
    )


def test_nobody_but_this_machine_without_a_token(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.com", ""):
        with pytest.raises(InputError, match="expected a token"):
            ServerSettings(tmp_path, host=host)
        ServerSettings(tmp_path, host=host, token=TOKEN)
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        ServerSettings(tmp_path, host=host)
    for token in ("short", "with spaces in between them", "ä" * 20, "x" * 257, ""):
        with pytest.raises(InputError, match="expected a token of 16 to 256"):
            ServerSettings(tmp_path, token=token)
    assert TOKEN not in repr(ServerSettings(tmp_path, token=TOKEN))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/metrics",
        "/v1/videos/0123456789abcdef0123456789abcdef",
        "/v1/videos/x/events",
        "/v1/nothing",
        "/v1/images",
    ],
)
def test_without_the_token_nothing_is_answered(closed: Service, path: str) -> None:
    for given in (
        {},
        {"authorization": "Bearer wrong-token-of-the-tests"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
    ):
        answer = closed.client.get(path, headers=given)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN not in answer.text
    assert closed.client.get(path, headers={"authorization": f"Bearer {TOKEN}"}).status_code != 401
    assert closed.client.get(path, params={"token": TOKEN}).status_code == 401, "addresses end up in logs"


@pytest.mark.parametrize("path", ["/healthz", "/v1/page", "/networks/small.onnx"])
def test_what_the_page_needs_before_it_knows_the_token(closed: Service, path: str) -> None:
    assert closed.client.get(path).status_code == 200


def test_streams_need_the_token_too(closed: Service) -> None:
    for options in (
        {},
        {"subprotocols": ["mien.v1", "mien.token.wrong-token-of-the-tests"]},
        {"additional_headers": {"Authorization": "Bearer x"}},
    ):
        with pytest.raises(InvalidStatus) as refused:
            talk(closed, {"type": "start"}, **options)
        assert refused.value.response.status_code == 401

    async def chosen() -> str | None:
        async with connect(
            closed.stream, subprotocols=[Subprotocol("mien.v1"), Subprotocol(f"mien.token.{TOKEN}")]
        ) as socket:
            return socket.subprotocol

    assert asyncio.run(chosen()) == "mien.v1", "the token is not sent back"
    assert (
        talk(closed, {"type": "start"}, additional_headers={"Authorization": f"Bearer {TOKEN}"})[0]["type"]
        == "ready"
    )


def test_a_browser_logs_in_for_a_cookie_that_is_not_the_token(closed: Service) -> None:
    with httpx.Client(base_url=closed.url) as browser:
        assert browser.post("/v1/login", json={"token": "wrong-token-of-the-tests"}).status_code == 401
        assert not browser.cookies
        answer = browser.post("/v1/login", json={"token": TOKEN})
        assert answer.status_code == 204
        told = answer.headers["set-cookie"].lower()
        assert all(word in told for word in ("httponly", "samesite=strict"))
        assert TOKEN not in told
        assert browser.get("/v1/models").status_code == 200
        cookie = {"Cookie": f"mien={browser.cookies['mien']}"}
        assert talk(closed, {"type": "start"}, additional_headers=cookie)[0]["type"] == "ready"
        assert closed.client.get("/v1/models", headers={"cookie": f"mien={TOKEN}"}).status_code == 401
        strange = Sessions(60).begin(Token("anna", b""))
        assert closed.client.get("/v1/models", headers={"cookie": f"mien={strange}"}).status_code == 401
    for body in (b"", b"[]", b'{"token": 1}', b"\xff\xfe", b'{"token": "x"', b"x" * 5000):
        assert closed.client.post("/v1/login", content=body).status_code in (413, 422)


def test_a_cookie_ends_with_a_restart_and_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, passed = [], 0.0
    monkeypatch.setattr(Sessions.__init__, "__defaults__", (lambda: time.monotonic() + passed,))
    for _ in range(2):
        with (
            serving(tmp_path, token=TOKEN, session_seconds=600) as running,
            httpx.Client(base_url=running.url) as browser,
        ):
            answer = browser.post("/v1/login", json={"token": TOKEN})
            assert "max-age=600;" in answer.headers["set-cookie"].lower()
            words.append(browser.cookies["mien"])
            cookie = {"cookie": f"mien={words[-1]}"}
            assert running.client.get("/v1/models", headers=cookie).status_code == 200
            assert running.client.get("/v1/models", headers={"cookie": f"mien={words[0]}"}).status_code == (
                200 if len(words) == 1 else 401
            )
            passed += 601
            assert running.client.get("/v1/models", headers=cookie).status_code == 401
    assert words[0] != words[1], "it is not made of the token"


def test_sessions_are_bounded() -> None:
    sessions = Sessions(60)
    token = Token("anna", b"")
    words = [sessions.begin(token) for _ in range(3000)]
    assert sessions.find(words[-1]) == token
    assert sum(sessions.find(word) is not None for word in words) <= 1024


def test_every_answer_carries_its_headers(service: Service) -> None:
    for path in ("/", "/static/index.html", "/v1/models", "/v1/nothing", "/healthz", "/openapi.json"):
        headers = service.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "http" not in policy
        assert "server" not in headers


def test_files_of_the_page_are_checked_not_sent_again(service: Service) -> None:
    first = service.client.get("/networks/mtcnn-pnet.onnx")
    assert first.status_code == 200
    again = service.client.get("/networks/mtcnn-pnet.onnx", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = service.client.get("/networks/mtcnn-pnet.onnx", headers={"accept-encoding": "identity"})
    from mien.inference.weights import part_path

    assert plain.content == first.content == part_path("mtcnn-pnet").read_bytes()
    assert "content-encoding" not in plain.headers
    for name in (
        "../pyproject.toml",
        "..%2f..%2fsettings.py",
        "%2e%2e/settings.py",
        "....//settings.py",
        "vendor/../../settings.py",
    ):
        assert service.client.get(f"/static/{name}").status_code == 404, name
    for name in ("../card", "nothing", "..%2f..%2fcard", "mtcnn-pnet.onnx%00"):
        assert service.client.get(f"/networks/{name}.onnx").status_code == 404, name
