"""Landmarks over the service: for whoever asks, where the service finds them, and for nobody else."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect

from mien import Pipeline
from mien.core.errors import NetworkError
from mien.core.face import LANDMARK_KEYS
from mien.core.frame import Frame
from mien.core.measures import MEASURES
from mien.inference.config import PipelineConfig
from mien.inference.weights import part_path
from mien.media.blur import Blur
from mien.server.broadcast import unpacked
from mien.server.inference import _reading_bytes
from mien.server.schemas import _FACE
from mien.server.settings import OwnSource
from mien.tracking.session import Session
from tests.commands import run_mien
from tests.server.service import Service, encoded, serving, talk, timed
from tests.server.test_source import address
from tests.server.test_video_jobs import finished, get, send

pytestmark = pytest.mark.integration

NETWORKS = PipelineConfig(threads=1, landmarks=True)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        part_path("facemesh")
    except NetworkError:
        pytest.skip("mien was built without npm, which brings the network of the landmarks")


@pytest.fixture(scope="module")
def offering(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that finds landmarks, ``mien serve --landmarks``."""
    with serving(tmp_path_factory.mktemp("offering"), networks=NETWORKS) as running:
        yield running


@pytest.fixture(scope="module")
def measuring(built: None) -> Pipeline:
    return Pipeline.open(NETWORKS)


def faces_of(service: Service, image: np.ndarray, options: str) -> list[dict[str, Any]]:
    answer = service.client.post(f"/v1/images{options}", files={"file": ("a.png", encoded(image))})
    assert answer.status_code == 200, answer.text
    faces: list[dict[str, Any]] = answer.json()["images"][0]["faces"]
    return faces


def measured_alike(told: dict[str, Any], right: dict[str, float | None] | None) -> None:
    assert right is not None
    assert list(told) == list(MEASURES)
    for name, value in right.items():
        assert told[name] == (None if value is None else pytest.approx(value, abs=2e-3)), name


def test_images_are_measured_for_who_asks(
    offering: Service, measuring: Pipeline, astronaut: np.ndarray
) -> None:
    [right] = measuring(astronaut)
    assert right.mesh is not None
    for options, measured, points in (
        ("", False, False),
        ("?landmarks=false", False, False),
        ("?landmarks=true", True, False),
        ("?landmarks=true&points=true", True, True),
    ):
        [face] = faces_of(offering, astronaut, options)
        assert face["emotion"] == right.emotion
        assert (face["measures"] is not None, face["mesh"] is not None) == (measured, points), options
        if measured:
            measured_alike(face["measures"], right.measures)
            assert face["measures_missing"] is None
        if points:
            assert np.abs(np.array(face["mesh"]) - np.array(right.mesh)).max() < 0.1


def test_why_a_face_has_no_measures_is_told(offering: Service, portrait: np.ndarray) -> None:
    """A face of which only a half is in the image."""
    [whole] = faces_of(offering, portrait, "?landmarks=true")
    x1, _, x2, _ = map(int, whole["box"])
    half = np.ascontiguousarray(portrait[:, : (x1 + x2) // 2 + 4])
    for face in faces_of(offering, half, "?landmarks=true&points=true&min_face=20"):
        assert face["measures_missing"] in ("at the edge", "no face seen", "turned away")
        assert face["measures"]["smile"] is None


def test_the_example_of_the_document_is_what_comes(offering: Service, astronaut: np.ndarray) -> None:
    [face] = faces_of(offering, astronaut, "?landmarks=true")
    assert list(face) == list(_FACE)
    for name, value in _FACE.items():
        if name == "measures":
            measured_alike(face[name], value)
        elif name in ("box", "landmarks"):
            assert np.array(face[name]) == pytest.approx(np.array(value), abs=0.5), name
        elif name == "probs":
            assert face[name] == pytest.approx(value, abs=0.02)
        elif isinstance(value, float):
            assert face[name] == pytest.approx(value, abs=0.02), name
        else:
            assert face[name] == value, name


@pytest.mark.parametrize("options", ["?points=true", "?landmarks=false&points=true", "?landmarks=perhaps"])
def test_points_need_landmarks(offering: Service, astronaut: np.ndarray, options: str) -> None:
    answer = offering.client.post(f"/v1/images{options}", files={"file": ("a.png", encoded(astronaut))})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "invalid")


def test_a_service_without_landmarks_says_so_in_one_way(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        asked = service.client.post("/v1/images?landmarks=true", files={"file": b"none"})
        video = service.client.post("/v1/videos", files={"file": b"none"}, data={"landmarks": "true"})
        [stream] = talk(service, {"landmarks": True})
    errors = [asked.json()["error"], video.json()["error"], stream["error"]]
    assert {(error["status"], error["kind"]) for error in errors} == {(422, "no_landmarks")}
    assert {error["message"] for error in errors} == {
        "expected a service that finds landmarks; this one does not: start it with mien serve --landmarks"
    }


def test_a_stream_measures_as_a_session_does(
    offering: Service, measuring: Pipeline, portrait: np.ndarray
) -> None:
    """Movement too, of a face of which the mouth jumps."""
    squeezed = portrait.copy()
    squeezed[150:200] = portrait[155:205]
    images = [portrait if index < 5 else squeezed for index in range(8)]
    session = Session(measuring)
    right = [session.update([Frame(index, index / 10, image)])[0][0] for index, image in enumerate(images)]
    frames = [timed(index / 10, encoded(image)) for index, image in enumerate(images)]
    _, *plain = talk(offering, {"times": True}, frames[:1])
    _, *told = talk(offering, {"times": True, "landmarks": True}, frames)
    _, *pointed = talk(offering, {"times": True, "landmarks": True, "points": True}, frames[:2])
    assert not {*LANDMARK_KEYS, "mesh"} & set(plain[0]["faces"][0]), "who does not ask is told nothing of it"
    for one, face in zip(told, right, strict=True):
        measured_alike(one["faces"][0]["measures"], face.measures)
        assert "mesh" not in one["faces"][0]
        assert one["faces"][0]["talking"] is None, "of less than a second"
    assert told[0]["faces"][0]["measures"]["movement"] is None
    assert told[6]["faces"][0]["measures"]["movement"] is not None
    assert [len(one["faces"][0]["mesh"]) for one in pointed] == [468, 468]


def test_points_alone_begin_no_stream(offering: Service) -> None:
    [told] = talk(offering, {"points": True})
    assert told["error"]["status"] == 422
    assert "landmarks" in told["error"]["message"]


def test_a_video_has_the_columns_that_analyze_gives(
    offering: Service, movie: Callable[..., Path], tmp_path: Path
) -> None:
    path, out = movie(8), tmp_path / "out"
    out.mkdir()
    names = ["result.csv", "result.jsonl", "persons.csv"]
    told = finished(
        offering, send(offering, path, landmarks="true", results=",".join([*names, "landmarks.png"]))
    )
    assert told["options"]["landmarks"] is True
    assert get(offering, told, "landmarks.png")[1:4] == b"PNG"
    words = ["analyze", path, "--threads", 1, "-q", "--landmarks", "--persons", out / "persons.csv"]
    files = [word for name in names[:2] for word in ("-o", out / name)]
    assert run_mien(*words, *files, cwd=tmp_path).returncode == 0
    for name in names:
        given = get(offering, told, name).replace(b"clip.mp4", str(path).encode())
        assert given == (out / name).read_bytes(), name
    rows = list(csv.DictReader(io.StringIO(get(offering, told, "result.csv").decode())))
    assert all(0.2 < float(row["left_eye_opening"]) < 0.6 for row in rows if row["status"] == "face")
    [person] = csv.DictReader(io.StringIO(get(offering, told, "persons.csv").decode()))
    assert float(person["median_smile"]) == pytest.approx(
        json.loads(get(offering, told, "persons.json"))[0]["median_smile"]
    )


def test_a_video_without_the_option_has_none(offering: Service, movie: Callable[..., Path]) -> None:
    told = finished(offering, send(offering, movie(4), results="result.csv,persons.csv"))
    for name in ("result.csv", "persons.csv"):
        assert b"smile" not in get(offering, told, name)


async def first(service: Service, wish: dict[str, Any]) -> dict[str, Any]:
    """What comes after a viewer has asked: a frame with somebody in it, or an error."""
    async with asyncio.timeout(60), connect(address(service)) as socket:
        await socket.send(json.dumps({"type": "next", **wish}))
        while True:
            message = await socket.recv()
            told: dict[str, Any] = unpacked(message)[0] if isinstance(message, bytes) else json.loads(message)
            if told["type"] == "error" or told.get("faces"):
                return told
            if told["type"] == "frame":
                await socket.send(json.dumps({"type": "next", **wish}))


def test_the_own_source_is_measured_and_gives_points_on_request(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    own = OwnSource(f"live:{movie(40, rate=10)}")
    with serving(tmp_path / "service", networks=NETWORKS, source=own) as service:
        [plain] = asyncio.run(first(service, {}))["faces"]
        [pointed] = asyncio.run(first(service, {"points": True}))["faces"]
    assert plain["measures"]["smile"] is not None
    assert ("mesh" in plain, len(pointed["mesh"])) == (False, 468)


def test_points_of_covered_faces_are_told_to_nobody(movie: Callable[..., Path], tmp_path: Path) -> None:
    own = OwnSource(f"live:{movie(40, rate=10)}", blur=Blur())
    with serving(tmp_path / "service", networks=NETWORKS, source=own) as service:
        refused = asyncio.run(first(service, {"points": True}))
        [plain] = asyncio.run(first(service, {}))["faces"]
    assert refused["error"]["status"] == 422
    assert "covered" in refused["error"]["message"]
    assert plain["measures"]["smile"] is not None
    assert "mesh" not in plain


def test_a_source_without_landmarks_has_no_points(movie: Callable[..., Path], tmp_path: Path) -> None:
    own = OwnSource(f"live:{movie(40, rate=10)}")
    with serving(tmp_path / "service", source=own) as service:
        refused = asyncio.run(first(service, {"points": True}))
        [plain] = asyncio.run(first(service, {}))["faces"]
    assert refused["error"]["kind"] == "no_landmarks"
    assert not {*LANDMARK_KEYS, "mesh"} & set(plain)


def test_the_memory_of_an_image_counts_the_landmarks(measuring: Pipeline, pipeline: Pipeline) -> None:
    pixels = 1_000_000
    assert _reading_bytes(pixels, measuring) - 4 * pixels >= 80 * 2**20
    assert _reading_bytes(pixels, pipeline) < _reading_bytes(pixels, measuring)
