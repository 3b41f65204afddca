"""Events to a real web server, which answers well, slowly, wrongly and not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mien.core.errors import DeliveryError
from mien.rules.actions.base import SettingsError, checked
from mien.rules.actions.dispatcher import Dispatcher, Retries
from mien.rules.actions.webhook import Webhook, WebhookSettings
from tests.rules.events import event

pytestmark = pytest.mark.integration


class Robot(ThreadingHTTPServer):
    """Answers ``/STATUS`` with that status, ``/slow`` never, ``/drip`` a byte now and then, ``/twice`` well
    from the third time on.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.free = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Robot

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body))
        word = self.path.strip("/")
        if word == "slow":
            self.server.free.wait(30)
        elif word == "drip":
            self.drip()
        elif word == "garbage":
            self.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")
        elif word == "close":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            status = (
                int(word)
                if word.isdigit()
                else 503
                if word == "twice" and len(self.server.heard) < 3
                else 204
            )
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{self.server.url}/204")
            self.end_headers()

    def drip(self) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
            if self.server.free.wait(0.1):
                return
            try:
                self.wfile.write(bytes([letter]))
            except OSError:
                return

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def robot() -> Iterator[Robot]:
    with Robot() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.free.set()
        server.shutdown()


def hook(url: str, **settings: object) -> Webhook:
    return Webhook(WebhookSettings(url=url, **settings))  # type: ignore[arg-type]


def test_the_event_arrives_as_json(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_TOKEN", "s3cret")
    one = event()
    hook(f"{robot.url}/mood?x=1", token_env="ROBOT_TOKEN").deliver(one)
    [(path, headers, body)] = robot.heard
    assert path == "/mood?x=1"
    assert json.loads(body) == one.payload()
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == one.id
    assert headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("path", "word", "again"),
    [
        ("/500", "answers 500", True),
        ("/429", "answers 429", True),
        ("/404", "answers 404", False),
        ("/302", "redirect, which is not followed", False),
        ("/garbage", "not HTTP", True),
        ("/close", "check the address", True),
        ("/slow", "no answer within 0.5 s", True),
        ("/drip", "no answer within 0.5 s", True),
    ],
)
def test_a_server_that_answers_wrongly_slowly_or_not_at_all(
    robot: Robot, path: str, word: str, again: bool
) -> None:
    began = time.monotonic()
    with pytest.raises(DeliveryError, match=word) as caught:
        hook(robot.url + path, timeout=0.5).deliver(event())
    assert caught.value.again is again
    assert time.monotonic() - began < 4
    assert len(robot.heard) == 1, "a redirect is not followed"


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeliveryError, match="nothing listens there"):
        hook(f"http://127.0.0.1:{port}/").deliver(event())


def test_it_is_tried_again_until_it_works(robot: Robot) -> None:
    told: list[str] = []
    courier = Dispatcher("robot", hook(f"{robot.url}/twice"), Retries(4, 0.01), told.append)
    one = event()
    courier.offer(one)
    assert courier.close(time.monotonic() + 5) == 0
    assert [headers["Idempotency-Key"] for _, headers, _ in robot.heard] == [one.id] * 3
    assert told[-1] == "robot: works again"


def test_closing_ends_what_hangs(robot: Robot) -> None:
    courier = Dispatcher("robot", hook(f"{robot.url}/slow", timeout=100), Retries(1), list[str]().append)
    courier.offer(event())
    while not robot.heard:
        time.sleep(0.01)
    began = time.monotonic()
    assert courier.close(began + 0.1) == 1
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://robot.local/", "only http and https"),
        ("robot.local/mood", "only http and https"),
        ("http://", "only http and https"),
        ("http://robot.local:99999/", "only http and https"),
        ("http://robot.local/a b", "only http and https"),
        ("http://robot.local/\r\nX-Evil: 1", "only http and https"),
        ("http://anna:s3cret@robot.local/", "token_env"),
    ],
)
def test_addresses_that_are_refused(url: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word) as caught:
        checked(WebhookSettings, {"url": url})
    assert "s3cret" not in str(caught.value)


def test_a_token_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROBOT_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="ROBOT_TOKEN is not set"):
        Webhook(checked(WebhookSettings, {"url": "http://robot.local/", "token_env": "ROBOT_TOKEN"}))
