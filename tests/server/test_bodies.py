"""One image as it is, JSON with base64, several images in order; and what is refused, in its place or as a whole."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.server.settings import Limits
from tests.server.service import Service, encoded, serving

pytestmark = pytest.mark.integration

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def file(portrait: np.ndarray) -> bytes:
    return encoded(portrait, "JPEG")


@pytest.fixture(scope="module")
def text(file: bytes) -> str:
    return base64.b64encode(file).decode()


@pytest.fixture(scope="module")
def faces(service: Service, file: bytes) -> Any:
    """Of a form, with which the other shapes are compared."""
    return images(service.client.post("/v1/images", files={"file": file}))[0]["faces"]


def images(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["images"]
    return found


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "application/octet-stream", "IMAGE/JPEG; q=1"])
def test_a_body_may_be_the_image_itself(service: Service, file: bytes, faces: Any, kind: str) -> None:
    [image] = images(service.client.post("/v1/images", content=file, headers={"content-type": kind}))
    assert (image["source"], image["faces"]) == ("file-1", faces)


def test_a_body_of_another_kind_is_refused(service: Service, file: bytes) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "video/mp4", ""):
        answer = service.client.post("/v1/images", content=file, headers={"content-type": kind})
        assert answer.status_code == 415
        assert "Content-Type: image/jpeg" in answer.json()["error"]["message"]


def test_base64_and_data_urls(service: Service, text: str, faces: Any) -> None:
    kinds = [text, f"data:image/jpeg;base64,{text}", text.rstrip("="), f"{text[:76]}\n{text[76:]}"]
    for one in kinds:
        [image] = images(service.client.post("/v1/images", json={"image": one}))
        assert image["faces"] == faces
    told = images(service.client.post("/v1/images", json={"images": kinds}))
    assert [image["faces"] for image in told] == [faces] * 4


@pytest.mark.parametrize("escapes", [{"/": r"\/"}, {"+": r"\u002B", "=": r"\u003d"}, {"A": r"\u0041"}])
def test_letters_may_be_escaped(
    service: Service, text: str, faces: Any, escapes: dict[str, str | int]
) -> None:
    """As encoders of PHP, .NET and Java write them, however the body is cut into pieces."""
    url = f"data:image/jpeg;base64,{text}{'=' * (-len(text) % 4)}".translate(str.maketrans(escapes))
    escaped = f'{{"image": "{url}"}}'.encode()
    assert escaped.count(b"\\") > 3

    for size in (1, 7, 4096):

        def pieces(size: int = size) -> Iterator[bytes]:
            for at in range(0, len(escaped), size):
                yield escaped[at : at + size]

        [image] = images(service.client.post("/v1/images", content=pieces(), headers=JSON))
        assert image["faces"] == faces


@pytest.mark.parametrize("wrong", [r"\u00", r"\u00zz", r"\x41", r"\u2028"])
def test_escapes_that_stand_for_nothing(service: Service, text: str, wrong: str) -> None:
    body = f'{{"image": "{text[:400]}{wrong}{text[400:]}"}}'
    answer = service.client.post("/v1/images", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "not_base64")


def test_what_is_no_base64_is_an_error_in_its_place(service: Service, text: str, faces: Any) -> None:
    spoilt = [
        f"{text[:400]}!{text[400:]}",
        f"{text[:400]}=={text[400:]}",
        f"data:image/jpeg,{text}",
        "",
        "short",
        f"http://127.0.0.1:9/{'a' * 300}",
        text[:2000],
    ]
    told = images(service.client.post("/v1/images", json={"images": [*spoilt, text]}))
    assert [image["source"] for image in told] == [f"file-{number}" for number in range(1, 9)]
    kinds = [image["error"]["kind"] for image in told[:-1]]
    assert kinds == ["not_base64"] * 3 + ["empty"] + ["not_base64"] * 2 + ["truncated"]
    assert told[0]["error"]["message"].startswith("file-1: expected base64")
    assert told[-1]["faces"] == faces
    alone = service.client.post("/v1/images", json={"image": "!"})
    assert (alone.status_code, alone.json()["error"]["kind"]) == (422, "not_base64")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"image": 3}',
        '{"images": []}',
        '{"images": [3]}',
        '{"images": {"a": "b"}}',
        '{"image": "abcd", "images": ["abcd"]}',
        '{"image": "abcd", "image": "abcd"}',
        '{"image": "abcd"',
        '{"image": "abcd',
        '{"image": "abcd\\',
        "[" * 10_000,
        "\ufeff{}",
    ],
)
def test_json_that_is_something_else(service: Service, body: str) -> None:
    answer = service.client.post("/v1/images", content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert 'expected JSON with one image, {"image": "..."}' in answer.json()["error"]["message"]


def test_json_that_would_take_more_than_its_images(service: Service, text: str) -> None:
    for body in ("[" * 100_000, '{"image": "abcd", ' + '"a":1,' * 10_000, "0" * 100_000):
        assert service.client.post("/v1/images", content=body, headers=JSON).status_code == 413
    for more in ({"notes": text}, {text: "a"}):
        answer = service.client.post("/v1/images", json={"image": "abcd", **more})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "invalid")


def test_bounds_hold_for_every_shape(tmp_path: Path, portrait: np.ndarray) -> None:
    small = encoded(portrait[::4, ::4].copy(), "JPEG")
    code = base64.b64encode
    limits = replace(Limits(), image_bytes=20_000, images=2, request_bytes=60_000, pixels=30_000)
    with serving(tmp_path, limits=limits) as service:

        def status(content: bytes | dict[str, Any], kind: str = "image/jpeg") -> int:
            if isinstance(content, dict):
                return service.client.post("/v1/images", json=content).status_code
            return service.client.post(
                "/v1/images", content=content, headers={"content-type": kind}
            ).status_code

        def coded(*files: bytes) -> dict[str, Any]:
            return {"images": [code(file).decode() for file in files]}

        for _ in range(3):
            assert status(small) == status(coded(small, small)) == 200, "what was refused is given back"
            assert status(bytes(20_001)) == status(coded(bytes(20_001))) == 413, "bytes of an image"
            assert status(coded(bytes(20_000))) == 415, "counted as it is decoded"
            assert status(bytes(60_001)) == status({"image": "A" * 60_001}) == 413, "bytes of a request"
            assert status(coded(small, small, small)) == 413, "images"
            large = encoded(np.zeros((200, 200, 3), np.uint8), "PNG")
            assert status(large) == status(coded(large)) == 413, "pixels"
    with serving(tmp_path / "held", limits=replace(Limits(), held_bytes=50_000)) as service:
        assert status(bytes(60_000)) == status(coded(bytes(60_000))) == 429
        assert status(bytes(40_000)) == status(coded(bytes(40_000))) == 415
