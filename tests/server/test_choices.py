"""What a client may choose: models, heads and detectors that the service offers, in every way of asking."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import Pipeline
from mien.core.errors import InputError, NetworkError
from mien.core.labels import Labels
from mien.inference.config import PipelineConfig
from mien.inference.weights import network_path
from mien.server.offer import MOST, Offer
from tests.server.service import Service, encoded, serving, talk

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def offering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("offering"), offered=("nano", "whole", "nano", "mtcnn")) as running:
        yield running


@pytest.fixture(scope="module")
def file(astronaut: np.ndarray) -> bytes:
    return encoded(astronaut)


def ways(service: Service, file: bytes, **choices: Any) -> list[Any]:
    """The same asked in the address, in a form and in JSON."""
    post = service.client.post
    return [
        post("/v1/images", params=choices, files={"file": file}),
        post("/v1/images", data=choices, files={"file": file}),
        post("/v1/images", params=choices, content=file, headers={"content-type": "image/png"}),
        post("/v1/images", json={"image": base64.b64encode(file).decode(), **choices}),
    ]


def test_each_way_of_choosing_reads_as_the_pipeline_does(
    offering: Service, file: bytes, astronaut: np.ndarray
) -> None:
    chosen = Pipeline("whole", "nano", head="ferplus", threads=1)
    [right] = chosen([astronaut])
    for answer in ways(offering, file, model="nano", head="ferplus", detector="whole"):
        told = answer.json()
        assert (told["model"], told["head"], told["detector"]) == ("nano", "ferplus", "whole")
        assert told["digest"] == chosen.classifier.network.card.sha256
        [face] = told["images"][0]["faces"]
        assert face["box"] == list(right[0].box)
        assert face["probs"] == pytest.approx(right[0].probs, abs=2e-6)
        assert "contempt" in face["probs"]


def test_what_is_left_out_is_as_the_service_was_started(
    offering: Service, file: bytes, astronaut: np.ndarray
) -> None:
    [right] = Pipeline(threads=1)([astronaut])
    for answer in ways(offering, file):
        told = answer.json()
        assert (told["model"], told["head"], told["detector"]) == ("small-int8", "expression", "mtcnn")
        assert told["images"][0]["faces"][0]["probs"] == pytest.approx(right[0].probs, abs=2e-6)
    [told] = {answer.json()["head"] for answer in ways(offering, file, model="nano")}
    assert told == "expression", "the first one of another model"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"model": "medium"}, "small-int8, nano"),
        ({"model": "/etc/passwd"}, "small-int8, nano"),
        ({"model": "nano", "head": "mood"}, "expression, fer2013, ferplus"),
        ({"detector": "blaze"}, "mtcnn, whole"),
        ({"detector": "haar"}, "mtcnn, whole"),
    ],
)
def test_what_is_not_offered_is_refused_by_a_word_on_what_is(
    offering: Service, file: bytes, choice: dict[str, str], names: str, movie: Callable[..., Path]
) -> None:
    video = offering.client.post("/v1/videos", files={"file": movie(3).read_bytes()}, data=choice)
    for answer in (*ways(offering, file, **choice), video):
        error = answer.json()["error"]
        assert (answer.status_code, error["kind"]) == (422, "not_offered")
        assert names in error["message"]
    [told] = talk(offering, {"type": "start", **choice})
    assert (told["type"], told["error"]["kind"]) == ("error", "not_offered")
    assert not list((offering.settings.folder / "videos").iterdir())


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"modell": "nano"}, "did you mean model?"),
        ({"min_face": "small"}, "min_face: expected a whole number; got 'small'"),
        ({"min_face": 1}, "min_face: expected 16 or more; got "),
        ({"largest": "maybe"}, "largest: expected true or false; got 'maybe'"),
        ({"points": "true"}, "expected landmarks with points"),
        ({"landmarks": "true"}, "mien serve --landmarks"),
    ],
)
def test_choices_that_are_impossible(
    offering: Service, file: bytes, choice: dict[str, Any], word: str
) -> None:
    for answer in ways(offering, file, **choice):
        assert answer.status_code == 422
        assert word in answer.json()["error"]["message"]


def test_a_choice_in_the_address_and_in_the_body(offering: Service, file: bytes) -> None:
    post = offering.client.post
    answer = post(
        "/v1/images", params={"model": "nano"}, data={"largest": "true", "head": ""}, files={"file": file}
    )
    assert (answer.status_code, answer.json()["model"]) == (200, "nano")
    answer = post("/v1/images", params={"model": "nano"}, data={"model": "nano"}, files={"file": file})
    assert "got it in the address and in the body" in answer.json()["error"]["message"]


def test_streams_and_videos_choose_as_well(
    offering: Service, file: bytes, movie: Callable[..., Path]
) -> None:
    start = {"type": "start", "model": "nano", "head": "ferplus", "detector": "whole"}
    ready, frame = talk(offering, start, [file])
    assert (ready["model"], ready["head"], ready["detector"]) == ("nano", "ferplus", "whole")
    assert len(ready["digest"]) == 64
    assert ready["labels"] == list(frame["faces"][0]["probs"])
    choice = {"model": "nano", "head": "ferplus", "detector": "whole", "results": "result.jsonl"}
    job = offering.client.post("/v1/videos", files={"file": movie(3).read_bytes()}, data=choice).json()
    assert (job["model"], job["head"], job["detector"], job["digest"]) == (
        "nano",
        "ferplus",
        "whole",
        ready["digest"],
    )
    assert not set(job["options"]) & {"model", "head", "detector", "digest"}
    assert "event: done" in offering.client.get(f"/v1/videos/{job['id']}/events").text
    assert "contempt" in offering.client.get(f"/v1/videos/{job['id']}/result.jsonl").text


def test_models_are_told_with_their_heads_and_colours(offering: Service) -> None:
    told = offering.client.get("/v1/models").json()
    assert (told["model"], told["head"], told["detector"]) == ("small-int8", "expression", "mtcnn")
    assert told["detectors"] == ["mtcnn", "whole"]
    models = {model["name"]: model for model in told["models"]}
    assert list(models)[:2] == ["small-int8", "nano"]
    assert [name for name, model in models.items() if model["offered"]] == ["small-int8", "nano"]
    for model in models.values():
        assert model["digest"] == model["card"]["sha256"]
        for head, labels in model["heads"].items():
            right = Labels(tuple(model["card"]["heads"][head]))
            assert [label["name"] for label in labels] == list(right)
            assert [label["colour"] for label in labels] == [right.colour(name) for name in right]


def test_metrics_tell_models_apart(offering: Service, file: bytes) -> None:
    name = 'mien_images_total{head="fer2013",model="nano",outcome="face"}'
    before = offering.metric(name)
    offering.client.post("/v1/images?model=nano&head=fer2013", files={"file": file})
    assert offering.metric(name) == before + 1


def test_an_offer_is_checked_when_the_service_starts(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"got 'smal'"):
        Offer(PipelineConfig(), ["smal"])
    with pytest.raises(NetworkError, match="expected a network that reads expressions"):
        Offer(PipelineConfig(), [str(network_path("nano").with_name("mtcnn-pnet.onnx"))])
    same = tmp_path / "mine.onnx"
    shutil.copy(network_path("nano"), same)
    with pytest.raises(InputError, match="expected models of different names to offer; got nano in"):
        Offer(PipelineConfig(), ["nano", str(same)])
    assert list(Offer(PipelineConfig(), [str(same)]).models) == ["small-int8", "nano"]
    with pytest.raises(InputError, match=f"expected at most {MOST} models and detectors"):
        Offer(PipelineConfig(), ["nano"] * (MOST + 1))


def test_a_head_and_a_valence_that_were_given_at_the_start() -> None:
    config = PipelineConfig(head="ferplus", valence={"contempt": -0.5, "happy": 0.5})
    offer = Offer(config, ["nano"])
    assert offer.classifier(None, None).head == offer.classifier("small-int8", None).head == "ferplus"
    assert offer.classifier("nano", None).head == "expression"
    valences = offer.classifier("nano", "fer2013").labels.valences
    assert valences is not None
    assert valences[3] == 0.5
