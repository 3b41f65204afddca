"""``/docs``, and the document that it is made of."""

from __future__ import annotations

import json
import re

import pytest

from tests.server.service import Service

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
