"""What an evaluation says, on faces whose figures can be counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien import EXPRESSIONS, FERPLUS, InputError, Labels
from mien.data import FaceDataset, write_dataset
from mien.evaluation import EvaluateOptions, Predictor, evaluate, open_subject
from tests.evaluation.small_faces import half_right, marked_faces, told

FACES = marked_faces()


def test_figures_counted_by_hand() -> None:
    found = evaluate(half_right, FACES)
    counts = FACES.split("PublicTest").counts()
    odd = counts[1::2].sum() / counts.sum()
    assert found.whole.n == 70
    assert found.whole.accuracy == pytest.approx(1 - odd)
    assert found.whole.low < found.whole.accuracy < found.whole.high
    assert found.whole.top2 == 1
    assert found.second_guess.share == 1
    assert {(pair.predicted, pair.was): pair.n for pair in found.second_guess.pairs} == {
        (was + 1, was): counts[was] for was in (1, 3, 5)
    }
    assert found.confusion[1].tolist() == [0, 0, counts[1], 0, 0, 0, 0]
    assert found.whole.negative_log_likelihood == pytest.approx(
        -(1 - odd) * np.log(0.9) - odd * np.log(0.08), rel=1e-5
    )
    assert found.whole.expected_calibration_error == pytest.approx(abs(0.9 - (1 - odd)), rel=1e-5)
    assert found.whole.kl_to_votes == pytest.approx(
        -(1 - odd) * np.log(0.9) - odd * np.log(0.08), rel=1e-5
    ), "the only expression that anybody saw"


def test_json_reads_back() -> None:
    facts = evaluate(half_right, FACES, EvaluateOptions(with_training=True)).facts()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    wanted = "model head data split labels tta center_crop n accuracy accuracy_low accuracy_high"
    wanted += " balanced_accuracy balanced_accuracy_low balanced_accuracy_high groups macro_f1 top2 per_class confusion second_guess humans"
    wanted += " expected_calibration_error_low expected_calibration_error_high"
    wanted += " expected_calibration_error reliability negative_log_likelihood kl_to_votes leak_free train_ratio classes"
    assert set(wanted.split()) <= set(facts)
    assert facts["train_ratio"] == pytest.approx(facts["accuracy"] / facts["training"]["accuracy"], abs=1e-5)
    assert (facts["model"], facts["split"], facts["tta"], facts["labels"]) == (
        "half_right",
        "PublicTest",
        "one",
        "own",
    )


def test_copies_from_training_are_left_out_of_the_leak_free_part() -> None:
    data = marked_faces(copies=20)
    found = evaluate(half_right, data)
    assert found.leaked.sum() == 20
    assert found.leak_free is not None
    assert found.leak_free.n == 50
    kept = found.truth[~found.leaked]
    assert found.leak_free.accuracy == pytest.approx((kept % 2 == 0).mean())
    assert evaluate(half_right, data, EvaluateOptions(split="Training")).leak_free is None


def test_data_that_is_not_divided_is_measured_as_a_whole() -> None:
    undivided = replace(FACES, splits=np.full(len(FACES), "Training"))
    found = evaluate(half_right, undivided)
    assert (found.options.split, found.whole.n, found.leak_free) == ("Training", 280, None)
    assert any(
        remark.startswith("this is Training: the figures say nothing about other faces")
        for remark in found.remarks
    )
    assert evaluate(half_right, FACES).options.split == "PublicTest"
    without = FACES.take(FACES.splits != "PublicTest")
    with pytest.raises(InputError, match=r"expected a split out of PrivateTest, Training; got 'PublicTest'"):
        evaluate(half_right, without)


def test_every_face_once_with_what_was_learned_from_apart() -> None:
    data = marked_faces(copies=20)
    found = evaluate(half_right, data, EvaluateOptions(split="all"))
    assert (found.options.split, found.whole.n, int(found.leaked.sum())) == ("all", 280, 160)
    assert found.whole.accuracy == pytest.approx((data.expressions % 2 == 0).mean())
    assert found.leak_free is not None
    assert found.leak_free.n == 120
    assert any(
        remark.startswith("160 of these faces are in Training or copies of such") for remark in found.remarks
    )
    undivided = replace(data, splits=np.full(len(data), "Training"))
    alone = evaluate(half_right, undivided, EvaluateOptions(split="all"))
    assert (alone.whole.n, alone.leak_free) == (280, None)
    assert any(remark.startswith("this is Training: the figures say nothing") for remark in alone.remarks)
    assert evaluate(half_right, data.split("PublicTest"), EvaluateOptions(split="all")).whole.n == 70


def test_views_are_averaged_and_named() -> None:
    seen: list[np.ndarray] = []

    def look(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return told(images)

    look.labels = EXPRESSIONS.names  # type: ignore[attr-defined]
    data = FACES.take(np.flatnonzero(FACES.splits == "PublicTest")[:5])
    found = evaluate(look, data, EvaluateOptions(tta="ten-crop"))
    assert found.facts()["tta"] == "ten-crop"
    assert len(seen) == 10
    image, centre = data.images[0], slice(2, 46)
    assert np.array_equal(seen[0][0], image)
    assert np.array_equal(seen[1][0], image[:, ::-1])
    corners = [image[:44, :44], image[:44, 4:], image[4:, :44], image[4:, 4:]]
    for corner in corners:
        assert any(np.array_equal(view[0][centre, centre], corner) for view in seen[2::2]), (
            "its centre of 44 px is the corner"
        )
    expected = np.mean([told(view) for view in seen], axis=0)
    assert np.allclose(found.probs, expected, atol=1e-6)
    seen.clear()
    assert evaluate(look, data, EvaluateOptions(tta="flip")).options.tta == "flip"
    assert len(seen) == 2
    with pytest.raises(InputError, match="expected tta out of one, flip, ten-crop; got 'twenty'"):
        evaluate(look, data, EvaluateOptions(tta="twenty"))


def test_eight_classes_go_by_the_votes() -> None:
    def eight(images: np.ndarray) -> np.ndarray:
        return told(images, 8)[
            :, [4, 3, 6, 5, 0, 1, 2, 7]
        ]  # The pixels speak of EXPRESSIONS, the columns are those of FER+.

    eight.labels = "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"  # type: ignore[attr-defined]
    found = evaluate(eight, FACES)
    assert (found.options.labels, found.classes) == ("ferplus", FERPLUS)
    assert found.whole.accuracy == 1
    seven = evaluate(eight, FACES, EvaluateOptions(labels="votes-7"))
    assert seven.classes.names == (*EXPRESSIONS, "contempt")
    assert seven.whole.accuracy == 1
    assert "have no contempt" in seven.remarks[0]
    assert evaluate(half_right, FACES, EvaluateOptions(labels="votes-7")).whole.n == 70


def test_rows_without_a_majority_do_not_count() -> None:
    votes = FACES.votes.copy()
    unclear = np.flatnonzero(FACES.splits == "PublicTest")[:7]
    votes[unclear] = [2, 2, 2, 2, 2, 0, 0, 0, 0, 0]
    data = replace(FACES, votes=votes)
    found = evaluate(half_right, data, EvaluateOptions(labels="votes-7"))
    assert (found.whole.n, len(found.faces), len(found.probs)) == (63, 63, 63)
    assert evaluate(half_right, data).whole.n == 70
    assert {score.n for score in found.humans} == {63}
    lost = replace(FACES, votes=np.tile([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], (len(FACES), 1)))
    with pytest.raises(
        InputError,
        match="expected images in PublicTest that count under the labels \\(FER\\+ within the data's classes\\); there is none",
    ):
        evaluate(half_right, lost, EvaluateOptions(labels="votes-7"))


def test_classes_in_another_order_and_other_words() -> None:
    names = ("surprised", "Sadness", "neutral", "HAPPINESS", "scared", "disgusted", "anger")

    def backwards(images: np.ndarray) -> np.ndarray:
        return half_right(images)[:, ::-1]

    backwards.labels = names  # type: ignore[attr-defined]
    assert np.array_equal(evaluate(backwards, FACES).confusion, evaluate(half_right, FACES).confusion)


@pytest.mark.parametrize(
    "names",
    [("angry", "happy", "sad", "bored"), ("cat", "dog"), (*EXPRESSIONS, "bored"), EXPRESSIONS.names[:6]],
)
def test_classes_that_do_not_fit_are_refused_and_named(names: tuple[str, ...]) -> None:
    def other(images: np.ndarray) -> np.ndarray:
        return np.full((len(images), len(names)), 1 / len(names))

    other.labels = names  # type: ignore[attr-defined]
    with pytest.raises(InputError) as refused:
        evaluate(other, FACES)
    assert ", ".join(EXPRESSIONS) in str(refused.value)
    assert ", ".join(names) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_seven_classes_cannot_answer_eight() -> None:
    with pytest.raises(InputError, match=r"contempt; half_right answers angry.*take --ground-truth votes-7"):
        evaluate(half_right, FACES, EvaluateOptions(labels="ferplus"))


def test_data_with_fewer_classes_than_the_network() -> None:
    data = marked_faces(labels=Labels(EXPRESSIONS.names[:3]), voted=False)
    found = evaluate(half_right, data)
    assert found.classes == EXPRESSIONS
    assert found.whole.accuracy == pytest.approx((found.truth % 2 == 0).mean())
    assert found.humans == ()
    assert found.whole.kl_to_votes is None
    assert any("no image of happy, neutral, sad, surprise" in remark for remark in found.remarks)


def test_an_empty_class_is_told() -> None:
    data = FACES.take((FACES.splits != "PublicTest") | (FACES.expressions != 1))
    found = evaluate(half_right, data)
    assert any(remark.startswith("PublicTest has no image of disgust") for remark in found.remarks)
    assert found.per_class[1].recall is None
    assert found.facts()["per_class"][1]["f1"] is None
    assert found.whole.macro_f1 == pytest.approx(
        np.mean([score.f1 for score in found.per_class if score.f1 is not None])
    )


def test_a_split_that_is_not_there() -> None:
    with pytest.raises(
        InputError, match=r"expected a split out of PrivateTest, PublicTest, Training; got 'Summer'"
    ):
        evaluate(half_right, FACES, EvaluateOptions(split="Summer"))
    assert evaluate(half_right, FACES, EvaluateOptions(split="validation")).options.split == "PublicTest"


def test_votes_are_needed_where_asked_for() -> None:
    with pytest.raises(InputError, match=r"expected a data set with FER\+ votes; this one has none"):
        evaluate(half_right, marked_faces(voted=False), EvaluateOptions(labels="votes-7"))
    with pytest.raises(InputError, match="expected labels out of auto, own, ferplus, votes-7; got 'mine'"):
        evaluate(half_right, FACES, EvaluateOptions(labels="mine"))


def test_images_of_another_size() -> None:
    with pytest.raises(
        InputError, match="expected images of 48x48 px; got 32x32: open the data with size=48"
    ):
        evaluate(half_right, marked_faces(side=32))


def test_data_by_its_path(tmp_path: Path) -> None:
    write_dataset(FACES, tmp_path / "faces.csv")
    found = evaluate(half_right, tmp_path / "faces.csv")
    assert found.options.data == "faces.csv"
    assert found.whole == evaluate(half_right, FACES).whole


def test_only_a_test_split() -> None:
    found = evaluate(half_right, FACES.split("PublicTest"))
    assert found.leak_free is None
    assert any("no training split" in remark for remark in found.remarks)


def test_a_shipped_network_answers_as_in_a_pipeline() -> None:
    from mien import Pipeline

    images = FACES.split("PublicTest").images[:9]
    data = FaceDataset(images, np.zeros(9, int), None, np.array(["PublicTest"] * 9), np.arange(9))
    found = evaluate(open_subject("small", threads=1), data)
    answers = Pipeline("whole", "small", threads=1)(
        [np.repeat(image[..., None], 3, axis=2) for image in images]
    )
    assert np.allclose(found.probs, [faces.probs[0] for faces in answers], atol=1e-4)


def test_a_subject_made_by_hand() -> None:
    subject = Predictor("mine", "", EXPRESSIONS, told)
    assert evaluate(subject, FACES).whole.accuracy == 1
