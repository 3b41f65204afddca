"""The service keeps to its OpenAPI document, whatever is sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.core.face import Face
from tests.server.service import serving

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests-0123"

# What a file must hold to be an image or a video is beyond OpenAPI: random bytes are refused.
CONFIG = """
[parameters]
id = "{id}"

[[operations]]
include-path = ["/v1/images", "/v1/videos"]
checks.positive_data_acceptance.enabled = false

[[operations]]
include-method = "DELETE"
parameters = {{ id = "{other}" }}
"""


def test_schemathesis_finds_nothing(tmp_path: Path, movie: Callable[..., Path]) -> None:
    with serving(tmp_path / "service", token=TOKEN) as service:
        service.client.headers["authorization"] = f"Bearer {TOKEN}"
        ids = []
        for _ in range(2):
            answer = service.client.post(
                "/v1/videos", files={"file": movie(3).read_bytes()}, data={"results": "result.csv,result.vtt"}
            )
            ids.append(answer.json()["id"])
        for name in ids:
            assert "event: done" in service.client.get(f"/v1/videos/{name}/events").text
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(id=ids[0], other=ids[1]))
        command = [
            str(Path(sys.executable).with_name("st")),
            "--config-file",
            str(config),
            "run",
            f"{service.url}openapi.json",
        ]
        options = [
            "--header",
            f"Authorization: Bearer {TOKEN}",
            "--max-examples",
            "8",
            "--phases",
            "examples,coverage,fuzzing",
            "--seed",
            "1",
        ]
        done = subprocess.run(
            [*command, *options, "--no-color", "--generation-database", "none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert service.client.get("/healthz").status_code == 200


def test_the_document_tells_of_everything(tmp_path: Path) -> None:
    with serving(tmp_path, token=TOKEN) as service:
        document = service.client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/v1/images",
        "/v1/videos",
        "/v1/videos/{id}",
        "/v1/videos/{id}/events",
        "/v1/videos/{id}/{file}",
        "/v1/models",
        "/v1/source",
        "/v1/photos",
        "/v1/photos/{name}",
        "/v1/login",
        "/healthz",
        "/metrics",
    }
    schemas = document["components"]["schemas"]
    assert list(schemas["Face"]["properties"]) == list(Face.__dataclass_fields__)
    assert all("example" in schemas[name] for name in ("Images", "Source", "VideoJob", "Problem"))
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert method["description"], path
            assert ("security" in method) == (path not in ("/v1/login", "/healthz"))
            for status, answer in method["responses"].items():
                if status.startswith("4"):
                    assert answer["content"]["application/json"]["schema"] == {
                        "$ref": "#/components/schemas/Problem"
                    }, (path, status)
