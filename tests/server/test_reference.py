"""``/docs``, and the document that it is made of."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from mien.server.document import EXAMPLE_ADDRESS, WHEN
from tests.server.service import Service, encoded
from tests.waiting import until

pytestmark = pytest.mark.integration


def test_the_page_tells_of_every_operation_and_loads_nothing(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    answer = service.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]
    assert not re.findall(r"""(?:src|action)=|<script|<link|href="(?!#|openapi\.json)""", answer.text)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f'id="{operation["operationId"]}"' in answer.text
            assert f"<code>{method.upper()} {path}</code>" in answer.text
    targets = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert targets <= set(re.findall(r'id="([^"]+)"', answer.text)), "every link leads somewhere"


def test_every_field_is_told_of(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        assert "Args:" not in schema["description"]
        for field, about in schema["properties"].items():
            assert about.get("description") or "$ref" in about, (name, field)
    body = document["paths"]["/v1/images"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "application/json", "image/jpeg", "application/octet-stream"} <= set(body)
    example = body["application/json"]["example"]
    assert service.client.post("/v1/images", json=example).json()["images"][0]["status"] == "no_face"
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    assert json.dumps(document).count('"429"') >= 8


def test_what_requests_have_in_common_is_told_once(service: Service) -> None:
    page = service.client.get("/docs").text
    document = service.client.get("/openapi.json").json()
    for when in WHEN.values():
        assert page.count(when[:24]) == 1, when
    for about in (
        "What finds faces, out of the detectors",
        "SHA-256 of the model",
        "Keep only the biggest face.",
    ):
        assert page.count(about) == 1, about
    errors = {
        status: answer["description"]
        for path in document["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    }
    assert errors == {str(status): when for status, when in WHEN.items()}


def test_its_commands_ask_where_it_was_asked_for(service: Service) -> None:
    address = service.url.rstrip("/")
    for headers, place in (
        ({}, address),
        ({"Host": "localhost:1"}, "http://localhost:1"),
        ({"X-Forwarded-Proto": "https", "Host": "[::1]:9"}, "https://[::1]:9"),
    ):
        page = service.client.get("/docs", headers=headers).text
        assert f"curl {place}/healthz" in page
        document = service.client.get("/openapi.json", headers=headers).text
        assert f"curl {place}/healthz" in document
        for told in (page, document):
            assert (EXAMPLE_ADDRESS in told) is (place == EXAMPLE_ADDRESS)
    for host in ("127.0.0.1:8000;x", "127.0.0.1:<b>", "localhost:$(x)"):
        for path in ("/docs", "/openapi.json"):
            assert host not in service.client.get(path, headers={"Host": host}).text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_its_commands_run(
    service: Service, tmp_path: Path, portrait: np.ndarray, movie: Callable[..., Path]
) -> None:
    """In the order of the page, but for the one that deletes."""
    (tmp_path / "face.jpg").write_bytes(encoded(portrait, "JPEG"))
    shutil.copy(movie(5), tmp_path / "talk.mp4")
    commands = [
        unescape(line) for line in re.findall(r">\$ (curl .*?)</pre>", service.client.get("/docs").text)
    ]
    assert len(commands) == sum(
        len(methods) for methods in service.client.get("/openapi.json").json()["paths"].values()
    )
    id = ""
    for command in sorted(commands, key=lambda command: "DELETE" in command):
        if "/photos" in command or "/v1/source" in command:
            continue  # Of services that have some.
        asked = command.replace("ID", id)
        asked = asked.replace("curl ", "curl -sS --fail-with-body ", 1)
        done = subprocess.run(["sh", "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (command, done.stdout[-300:], done.stderr)
        if "talk.mp4" in command:
            id = json.loads(done.stdout)["id"]
            place = f"/v1/videos/{id}"
            until(lambda place=place: service.client.get(place).json()["state"] == "done")  # type: ignore[misc]
    assert (tmp_path / "result.csv").read_text().startswith("source,")
    assert service.client.get(f"/v1/videos/{id}").status_code == 404
