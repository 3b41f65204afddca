"""`web/src/client.js` in Node against a real service, and against what is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from build_tools.service_types import CLIENT, renewed
from mien.server.schemas import READER
from mien.server.settings import Limits
from tests.server.service import Service, serving
from tests.server.strange import ok, problem, strange

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]  # However busy the machine is.

TOKEN = "a-long-secret-of-tests"
EMPTY = {**READER, "images": []}


@pytest.fixture
def ask(tmp_path: Path, portrait: np.ndarray) -> Callable[..., str]:
    """Has Node do something with the client, and gives what it writes."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine: apt-get install nodejs (.ci/run does)")
    Image.fromarray(portrait).save(tmp_path / "portrait.png")
    # Node 20 has a WebSocket behind this option; later ones do not need it.
    options = ["--no-warnings", "--experimental-websocket"]

    def run(what: str, url: str) -> str:
        command = [
            node,
            *options,
            str(Path(__file__).with_name("client.mjs")),
            what,
            url,
            str(tmp_path),
            TOKEN,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def test_its_types_are_those_of_the_service() -> None:
    text = CLIENT.read_text(encoding="utf-8")
    assert renewed(text) == text, "make client"


def test_images_videos_and_streams(
    ask: Callable[..., str], service: Service, movie: Callable[..., Path]
) -> None:
    movie()
    ask("service", service.url.rstrip("/"))


def test_the_service_has_it_for_pages(service: Service) -> None:
    answer = service.client.get("/static/client.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == CLIENT.read_text(encoding="utf-8")


def test_the_example_of_the_page_runs(
    ask: Callable[..., str], service: Service, movie: Callable[..., Path]
) -> None:
    folder = movie().parent
    page = (CLIENT.parents[2] / "docs/clients.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```js\n(.*?)```", page, re.DOTALL)
    here = example.replace("http://127.0.0.1:8000", service.url.rstrip("/"))
    (folder / "example.mjs").write_text(here.replace("./client.js", CLIENT.as_uri()), encoding="utf-8")
    done = subprocess.run(["node", "example.mjs"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith("happy\n"), done.stderr
    assert "source,frame,time" in done.stdout


def test_a_token(ask: Callable[..., str], tmp_path: Path) -> None:
    with serving(tmp_path / "service", token=TOKEN) as service:
        ask("token", service.url)


def test_a_file_that_is_too_large(ask: Callable[..., str], tmp_path: Path) -> None:
    with serving(tmp_path / "service", limits=Limits(image_bytes=10_000)) as service:
        ask("large", service.url)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            (502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"),
            "not_mien",
            "text/html with status 502",
        ),
        ((200, {"Content-Type": "text/html"}, b"<h1>Hello</h1>"), "not_mien", "check the address"),
        (None, "broken_off", "the connection broke off"),
        (ok({**READER, "networks": []}), "other_version", "got one of 99.0.0 (models: missing)"),
        (problem(404, "Not Found"), "other_version", "it has no such request"),
        (problem(429, "full", **{"Retry-After": "0"}), "some", "full"),
    ],
)
def test_what_is_no_answer(ask: Callable[..., str], answer: Any, kind: str, words: str) -> None:
    with strange(answer) as server:
        told = json.loads(ask("strange", server.url))
    assert (told["kind"], words in told["message"]) == (kind, True), told


def test_nothing_follows_to_another_host(ask: Callable[..., str]) -> None:
    with strange(ok(EMPTY)) as other, strange((307, {"Location": f"{other.url}/v1/models"}, b"")) as server:
        told = json.loads(ask("strange", server.url))
        assert (told["kind"], other.asked) == ("redirected", [])


def test_a_service_that_is_not_there(ask: Callable[..., str]) -> None:
    told = json.loads(ask("strange", "http://127.0.0.1:9"))
    assert (told["kind"], told["status"]) == ("unreachable", None)
    assert "nobody answers there" in told["message"]


def test_a_request_is_sent_again_when_the_service_says_so(ask: Callable[..., str]) -> None:
    busy = problem(429, "full", **{"Retry-After": "0.2"})
    with strange(busy, busy, ok({**EMPTY, "mood": "new"})) as server:
        ask("again", server.url)
        assert [path for _, path, _ in server.asked] == ["/faces/v1/images"] * 3
