"""Adopted models where those that mien ships are used: in colour, in their own size, with classes of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.cli.train import open_private
from mien.core.errors import InputError, RuleError
from mien.core.labels import Labels
from mien.data import open_dataset
from mien.evaluation import evaluate, open_subject
from mien.explain import crops_of, occlusion, open_explained
from mien.inference.card import read_card
from mien.inference.config import PipelineConfig
from mien.inference.pipeline import Pipeline
from mien.outputs.face_crops import crop_faces
from mien.rules import Rule, RuleEngine
from mien.server.web_page import page_settings
from mien.tracking.baseline import NeutralBaseline
from tests.adoption.making_models import COLOURS, noisy, write_faces

CHANCE = np.random.default_rng(1)


def plain(colour: str, side: int = 160) -> np.ndarray:
    return noisy(COLOURS[colour], CHANCE, side)


@pytest.fixture(scope="module")
def pipeline(adopted: Path) -> Pipeline:
    return Pipeline("whole", adopted)


@pytest.mark.parametrize("name", COLOURS)
def test_faces_are_seen_in_colour(name: str, pipeline: Pipeline) -> None:
    [face] = pipeline(plain(name))
    assert (face.label, face.confidence) == (name, pytest.approx(1, abs=0.2))
    assert (face.valence, face.expressiveness) == (None, None)


def test_crops_have_the_size_and_the_channels_of_the_model(pipeline: Pipeline) -> None:
    image = plain("sad")
    faces = pipeline(image)
    crops = pipeline.classifier.crop_faces(image, faces)
    assert crops.shape == (1, 3, 112, 112)
    assert crops[0].mean(axis=(1, 2)) == pytest.approx(COLOURS["sad"], abs=3)
    assert pipeline.classifier.crop_faces(image, faces[:0]).shape == (0, 3, 112, 112)


def test_many_faces_get_the_answers_that_each_gets_alone(pipeline: Pipeline) -> None:
    images = [plain(name, side) for side in (40, 90) for name in COLOURS] * 30
    together = pipeline(images)
    for image, [face] in zip(images[:12], together, strict=False):
        assert pipeline(image)[0].probs == face.probs


@pytest.mark.parametrize("tta", ["flip", "ten-crop"])
def test_views_keep_the_channels(tta: str, adopted: Path) -> None:
    [face] = Pipeline("whole", adopted, tta=tta)(plain("bored"))  # type: ignore[arg-type]
    assert face.label == "bored"


def test_labelled_faces_are_judged_in_colour(adopted: Path, labelled: Path) -> None:
    found = evaluate(str(adopted), labelled)
    assert found.whole.accuracy == 1
    assert found.classes.names == tuple(COLOURS)
    assert found.faces.images.shape == (120, 112, 112, 3)


def test_the_test_set_of_somebodys_own_classes_is_scored_in_colour(adopted: Path, tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "faces", each=5, splits=("train", "test"))
    (tmp_path / "mine.onnx").write_bytes(adopted.read_bytes())
    open_private(str(tmp_path / "mine.onnx"), faces, tmp_path / "opened.log")
    [score] = read_card(tmp_path / "mine.onnx").scores[:1]
    assert (score.labels, score.n, score.accuracy) == ("the data's own", 15, 1)
    told = (tmp_path / "opened.log").read_text(encoding="utf-8")
    assert "head labels, one view: 100.00% of 15" in told
    assert "calibration error: labels 0." in told


def test_gray_faces_have_three_equal_channels(adopted: Path, tmp_path: Path) -> None:
    for place, name in enumerate(COLOURS):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((20, 20), 60 * place, np.uint8)).save(tmp_path / name / "1.png")
    faces = open_dataset(tmp_path, labels=Labels(tuple(COLOURS)))
    grown = faces.images.repeat(6, axis=1).repeat(6, axis=2)[:, :112, :112]
    found = evaluate(open_subject(str(adopted)), replace(faces, images=grown))
    assert found.probs == pytest.approx(1 / 3, abs=1e-3)


def test_worse_images_stay_in_colour(adopted: Path, labelled: Path) -> None:
    from mien.data.corruptions import CORRUPTIONS, corrupted, reframed

    faces = open_dataset(labelled, labels=Labels(tuple(COLOURS)), size=48, colour=True).images[:2]
    for name in CORRUPTIONS:
        worse = corrupted(faces, name, 2)
        assert (worse.shape, worse.dtype) == (faces.shape, np.uint8)
    assert reframed(faces[0], angle=90).shape == faces[0].shape


def test_a_class_that_the_model_lacks_is_named(adopted: Path, labelled: Path, tmp_path: Path) -> None:
    for name in ("happy", "fear"):
        (tmp_path / name).mkdir()
        Image.fromarray(plain("happy", 20)).save(tmp_path / name / "1.png")
    with pytest.raises(InputError, match="expected data with the classes happy, sad, bored; got fear too"):
        evaluate(str(adopted), tmp_path)


def test_places_are_covered_in_colour(adopted: Path) -> None:
    subject = open_explained(str(adopted))
    image = plain("sad", 60)
    image[:30] = COLOURS["happy"]
    [face] = crops_of(image, subject.classifier, "whole")
    falls = occlusion(subject.classifier, face.pixels, 1)
    assert falls.shape == (112, 112)
    assert falls[80:].mean() > 0 > falls[:30].mean()
    assert subject.kernels().weights.shape == (6, 3, 3, 3)
    assert [name for name in subject.features(face.pixels) if not name.startswith("input.")]


def test_faces_are_cut_out_in_colour(adopted: Path, tmp_path: Path) -> None:
    (tmp_path / "photographs" / "sad").mkdir(parents=True)
    Image.fromarray(plain("sad")).save(tmp_path / "photographs" / "sad" / "1.png")
    crop_faces(tmp_path / "photographs", tmp_path / "faces", Pipeline("whole", adopted))
    with Image.open(tmp_path / "faces" / "sad" / "1.png") as face:
        assert (face.size, face.mode) == ((112, 112), "RGB")


def test_the_page_is_told_colours_and_signs_and_of_no_sentiment(pipeline: Pipeline) -> None:
    told = json.loads(json.dumps(page_settings(pipeline)))
    assert told["labels"] == list(COLOURS)
    assert told["colours"]["bored"] == "#0072b2"
    assert told["icons"] == {"bored": "😴"}
    assert (told["valences"], told["sentiment"], told["device"]) == (None, None, False)
    assert told["model"]["input"]["channels"] == 3


@pytest.mark.integration
def test_a_folder_goes_through_a_batch(adopted: Path, labelled: Path, tmp_path: Path) -> None:
    from tests.commands import run_mien

    output = tmp_path / "out"
    words = ("--model", adopted, "--detector", "whole", "--format", "jsonl")
    run = run_mien("batch", labelled / "validation", "-o", output, *words)
    assert run.returncode == 0, run.stderr
    rows = [
        json.loads(line) for file in output.glob("shard-*.jsonl") for line in file.read_text().splitlines()
    ]
    assert len(rows) == 120
    assert all(Path(row["source"]).parent.name == row["label"] for row in rows)
    assert "accuracy 100.00 %" in run.stdout
    assert "bored" in (output / "confusion.csv").read_text()


@pytest.mark.integration
def test_the_weights_are_quantised_and_calibrated(adopted: Path, labelled: Path, tmp_path: Path) -> None:
    from mien.cli.training_options import open_as_trained
    from mien.models.quantization import compare, quantize

    data = open_as_trained([adopted], labelled, None, None)
    assert data.first.images.shape == (240, 112, 112, 3)
    card = quantize(adopted, data, tmp_path / "small.onnx")
    assert (card.precision, card.fitted_to, card.uncalibrated) == ("int8", {"labels": 120}, "")
    [head] = compare(adopted, tmp_path / "small.onnx", data)
    assert (head.before, head.after, head.n) == (1, 1, 120)
    assert read_card(tmp_path / "small.onnx").entries == read_card(adopted).entries


@pytest.mark.integration
def test_a_service_reads_with_it(adopted: Path, tmp_path: Path) -> None:
    from tests.server.service import encoded, serving

    networks = PipelineConfig(model=str(adopted), detector="whole", threads=1)
    with serving(tmp_path / "service", networks=networks) as service:
        page = service.client.get("/v1/page").json()
        assert page["icons"] == {"bored": "😴"}
        answer = service.client.post("/v1/images", files={"file": ("face.png", encoded(plain("bored")))})
    assert answer.status_code == 200, answer.text
    [image] = answer.json()["images"]
    [face] = image["faces"]
    assert face["label"] == "bored"
    assert face["valence"] is None


def test_rules_know_the_classes_and_say_what_they_lack(pipeline: Pipeline) -> None:
    labels = pipeline.labels
    rule = Rule("tired", "any.bored > 0.5", labels=labels)
    engine = RuleEngine([rule], labels)
    [event] = engine.update(pipeline(plain("bored")), 0.0)
    assert (event.rule, event.kind) == ("tired", "start")
    with pytest.raises(
        RuleError,
        match=r"'valence' is no .* here: nobody has said how pleasant bored is: say it with --valence",
    ):
        Rule("sour", "any.valence < 0", labels=labels)
    with pytest.raises(RuleError, match="it needs a class neutral; there are happy, sad, bored"):
        Rule("still", "any.expressiveness < 0.1", labels=labels)
    with pytest.raises(InputError, match="expected a sentiment for bored too"):
        RuleEngine([Rule("glad", "any.positive > 0.5", labels=labels)], labels)


def test_a_baseline_needs_a_neutral_class(pipeline: Pipeline) -> None:
    with pytest.raises(
        InputError, match="expected labels with neutral, to calibrate by; got happy, sad, bored"
    ):
        NeutralBaseline(pipeline.labels, 1.0)


def test_valence_is_told_where_it_is_said(adopted: Path) -> None:
    [face] = Pipeline("whole", adopted, valence={"happy": 1, "sad": -1, "bored": -0.4})(plain("bored"))
    assert face.valence == pytest.approx(-0.4, abs=0.05)
