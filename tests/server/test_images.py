from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest

from mien import Pipeline
from mien.core.face import Face
from mien.core.labels import NOTICE
from mien.server.inference import Batcher
from mien.server.settings import Limits
from tests.server.service import Service, encoded, serving

pytestmark = pytest.mark.integration


def test_a_face_has_exactly_the_fields_of_the_record(
    service: Service, astronaut: np.ndarray, pipeline: Pipeline
) -> None:
    answer = service.client.post("/v1/images", files={"file": ("astronaut.png", encoded(astronaut))})
    assert answer.status_code == 200
    told = answer.json()
    assert told["notice"] == NOTICE
    [image] = told["images"]
    assert (image["source"], image["status"], image["width"], image["height"]) == (
        "astronaut.png",
        "face",
        512,
        512,
    )
    assert list(image["faces"][0]) == [field.name for field in fields(Face)]
    [faces] = pipeline([astronaut])
    for face, right in zip(image["faces"], map(asdict, faces), strict=True):
        assert face["box"] == list(right["box"])
        assert face["probs"] == pytest.approx(right["probs"], abs=2e-6)


def test_several_images_keep_their_order_and_a_bad_one_is_told_in_its_place(
    service: Service, astronaut: np.ndarray, portrait: np.ndarray
) -> None:
    whole = encoded(astronaut, "JPEG")
    images = {
        "a.png": encoded(np.zeros((90, 90, 3), np.uint8)),
        "b.jpg": whole[:9000],
        "c.txt": b"hello",
        "d.jpg": whole,
        "e.webp": encoded(portrait, "WEBP"),
    }
    answer = service.client.post("/v1/images", files=[("file", item) for item in images.items()])
    assert answer.status_code == 200
    told = answer.json()["images"]
    assert [(one["source"], one["status"]) for one in told[:4]] == [
        ("a.png", "no_face"),
        ("b.jpg", "error"),
        ("c.txt", "error"),
        ("d.jpg", "face"),
    ]
    assert [one["error"] and one["error"]["status"] for one in told[:4]] == [None, 422, 415, None]


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b"", 422, "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100) + b"IEND", 422, "unreadable"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1:9/'/></svg>",
            415,
            "unsupported",
        ),
        (b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n", 415, "unsupported"),
        (b'{"file": "a.jpg"}', 415, "unsupported"),
        (encoded(np.zeros((64, 64, 3), np.uint8), "JPEG")[:300], 422, "truncated"),
    ],
    ids=["empty", "header", "svg", "playlist", "json", "half"],
)
def test_what_is_no_image_is_refused(service: Service, content: bytes, status: int, kind: str) -> None:
    answer = service.client.post("/v1/images", files={"file": ("a.jpg", content)})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.json()["error"]["status"] == status


def test_a_form_without_files_or_no_form_at_all(service: Service) -> None:
    client = service.client
    assert client.post("/v1/images", json={"file": "a.jpg"}).status_code == 422
    assert client.post("/v1/images").status_code == 415
    assert client.post("/v1/images", files={"image": ("a.jpg", b"x")}).status_code == 422
    half = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nabc'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    for content in (half, b"--y\r\n\r\n", b"hello", half + b"\r\n--x"):
        answer = client.post("/v1/images", content=content, headers=kind)
        assert answer.status_code in (400, 422), content
        assert set(answer.json()) == {"error"}
    assert (
        client.post("/v1/images", content=half, headers={"content-type": "multipart/form-data"}).status_code
        == 415
    )
    assert client.get("/v1/images").status_code == 405
    assert client.get("/v1/nothing").json()["error"]["kind"] == "not_found"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\a.png",
        "/etc/passwd",
        "a\0b.png",
        "~root/x",
        "..",
        "%2e%2e%2f",
        "x" * 4000,
    ],
)
def test_names_of_files_are_names_only(service: Service, name: str) -> None:
    answer = service.client.post(
        "/v1/images", files={"file": (name, encoded(np.zeros((60, 60, 3), np.uint8)))}
    )
    if answer.status_code == 200:
        source = answer.json()["images"][0]["source"]
        assert len(source) <= 120
        assert not set(source) & set("/\\\0")
        assert source.strip(".")
    else:
        assert answer.status_code == 400, "a header that is too long"


def test_images_that_are_too_large_or_too_many(tmp_path: Path, portrait: np.ndarray) -> None:
    limits = replace(Limits(), pixels=10_000, image_bytes=20_000, images=2, request_bytes=60_000)
    small = encoded(portrait[::4, ::4].copy())
    with serving(tmp_path, limits=limits) as service:

        def status(*files: bytes) -> tuple[int, str]:
            answer = service.client.post("/v1/images", files=[("file", ("a.png", file)) for file in files])
            return answer.status_code, answer.json().get("error", {}).get("message", "")

        assert status(small)[0] == 200
        assert "pixels" in status(encoded(np.zeros((101, 100, 3), np.uint8)))[1]
        assert status(encoded(np.zeros((101, 100, 3), np.uint8)))[0] == 413
        assert status(b"x" * 20_001)[0] == 413
        assert status(small, small, small)[0] == 413
        assert status(b"x" * 15_000, b"x" * 15_000, b"x" * 35_000)[0] == 413
        # An image that would unpack to far more than it takes: 8 kB for 64 megapixels.
        bomb = encoded(np.zeros((8000, 8000), np.uint8))
        assert len(bomb) > 20_000 or status(bomb)[0] == 413
        assert status(small)[0] == 200, "what was refused is given back"


def test_at_once_the_answers_are_the_same_as_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, grace_hopper: np.ndarray
) -> None:
    # As it comes, a batch waits 2 ms for others: whether any two meet is chance. Here it waits until they do.
    monkeypatch.setitem(Batcher.__init__.__kwdefaults__, "linger", 10.0)
    images = [
        astronaut,
        grace_hopper,
        np.ascontiguousarray(astronaut[:, ::-1]),
        np.ascontiguousarray(grace_hopper[:500, 20:]),
    ]
    files = [encoded(image) for image in images]

    with serving(tmp_path) as service:

        def faces(file: bytes) -> list[dict[str, object]]:
            found: list[dict[str, object]] = service.client.post(
                "/v1/images", files={"file": ("a.png", file)}
            ).json()["images"][0]["faces"]
            return found

        alone = [faces(file) for file in files]
        batches, read = service.metric("mien_batch_faces_count"), service.metric("mien_batch_faces_sum")
        assert batches == len(files), "each image for itself"
        with ThreadPoolExecutor(12) as pool:
            together = list(pool.map(faces, files * 6))
        batches, read = (
            service.metric("mien_batch_faces_count") - batches,
            service.metric("mien_batch_faces_sum") - read,
        )
        assert batches < len(together), "some images went through the network together"
        assert read == sum(map(len, together))
    for index, found in enumerate(together):
        for face, right in zip(found, alone[index % 4], strict=True):
            assert face["box"] == right["box"]
            assert face["probs"] == pytest.approx(right["probs"], abs=2e-6)
