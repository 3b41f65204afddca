"""Classifiers of others as model files: the same answers as where they were made, for plain pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from mien.core.errors import InputError, MienError, NetworkError, UntoldError
from mien.core.labels import Labels
from mien.inference.card import FER_CROP, read_card
from mien.inference.onnx_session import onnx_runtime, open_network
from mien.models.adoption import HEAD, Told, look_at
from tests.adoption.making_models import COLOURS, Made

NAMES = tuple(COLOURS)
SHIFTED = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.25)}


def told(**changes: object) -> Told:
    given = {"labels": Labels(NAMES), "colour": "rgb", **SHIFTED, **changes}
    return Told(**given)  # type: ignore[arg-type]


def softmax(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def as_elsewhere(path: Path, made: Made, pixels: NDArray[np.uint8], colour: str) -> NDArray[np.floating]:
    """What the program gives that the model was made for, image by image."""
    images = pixels.astype(np.float32)
    if colour == "bgr":
        images = images[..., ::-1]
    if made.dtype != TensorProto.UINT8:
        images = ((images / 255 - np.array(SHIFTED["mean"])) / np.array(SHIFTED["std"])).astype(np.float32)
    images = images.astype(np.uint8) if made.dtype == TensorProto.UINT8 else images
    images = images if made.layout == "NHWC" else np.moveaxis(images, -1, 1)
    session = onnx_runtime().InferenceSession(path)
    rows = [session.run(None, {"images": np.ascontiguousarray(image[None])})[0] for image in images]
    answers = np.concatenate(rows).reshape(len(images), -1)
    return answers if made.softmax else softmax(answers)


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize(
    "made",
    [
        Made(),
        Made(softmax=True),
        Made(layout="NHWC", softmax=True),
        Made(layout="NHWC", dtype=TensorProto.UINT8),
        Made(batch=1),
        Made(deep=True),
        Made(second=True),
        Made(side="side", classes=5),
    ],
    ids=["scores", "softmax", "NHWC", "bytes", "one at a time", "four axes", "two outputs", "any size"],
)
def test_answers_are_those_of_where_it_was_made(made: Made, colour: str, tmp_path: Path) -> None:
    source = made.write(tmp_path / "other.onnx")
    said = told(
        colour=colour,
        labels=Labels(tuple("abcde"[: made.classes])),
        output="scores" if made.second else None,
        size=24 if made.side == "side" else None,
        **({"mean": None, "std": None} if made.dtype == TensorProto.UINT8 else {}),
    )
    look_at(source, said).write(tmp_path / "adopted.onnx")
    network = open_network(tmp_path / "adopted.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    fed = network.card.input.fed(np.moveaxis(pixels, -1, 1))
    got = network.run({"faces": fed})[HEAD]
    assert np.abs(got - as_elsewhere(source, made, pixels, colour)).max() < 1e-5
    assert network.card.heads == {HEAD: tuple("abcde"[: made.classes])}


def test_three_equal_channels_are_made_of_gray_crops(tmp_path: Path) -> None:
    source = Made().write(tmp_path / "other.onnx")
    look_at(source, told(colour="gray", mean=(0.5,), std=(0.25,))).write(tmp_path / "adopted.onnx")
    network = open_network(tmp_path / "adopted.onnx")
    assert network.card.input.channels == 1
    gray = np.full((1, 1, 24, 24), 200, np.float32)
    session = onnx_runtime().InferenceSession(source)
    raw = ((gray / 255 - 0.5) / 0.25).repeat(3, axis=1)
    assert np.allclose(network.run({"faces": gray})[HEAD], softmax(session.run(None, {"images": raw})[0]))


def test_the_card_says_where_it_comes_from(tmp_path: Path) -> None:
    source = Made().write(tmp_path / "other.onnx")
    candidate = look_at(source, told(crop=FER_CROP.model_copy(update={"side": 1.4}), licence="Apache-2.0"))
    candidate.write(tmp_path / "adopted.onnx")
    card = read_card(tmp_path / "adopted.onnx")
    assert card.crop is not None
    assert (card.name, card.licence, card.crop.side, card.kind) == ("other", "Apache-2.0", 1.4, "expression")
    assert card.parameters == 6 * 3 * 9 + 6 * 3 + 2
    assert card.macs == 12 * 12 * 6 * 27 + 18
    assert "not calibrated" in card.uncalibrated
    assert "other.onnx" in card.summary
    assert "rgb, 0 to 1, mean 0.4,0.5,0.6" in card.summary


@pytest.mark.parametrize(
    ("missing", "option"),
    [
        ({"colour": None}, "colour"),
        ({"mean": None}, "mean"),
        ({"std": None}, "std"),
        ({"mean": (0.0,), "std": (1.0,)}, "pixels"),
    ],
)
def test_what_nobody_says_is_asked_for_by_its_option(
    missing: dict[str, object], option: str, tmp_path: Path
) -> None:
    source = Made().write(tmp_path / "other.onnx")
    with pytest.raises(UntoldError, match=f"^expected --{option}: ") as caught:
        look_at(source, told(**missing))
    assert caught.value.option == option


def test_the_size_is_asked_for_where_the_graph_leaves_it_open(tmp_path: Path) -> None:
    source = Made(side="side").write(tmp_path / "other.onnx")
    with pytest.raises(UntoldError, match="expected --size"):
        look_at(source, told())


def test_the_range_of_pixels_is_told_from_mean_and_deviation(tmp_path: Path) -> None:
    source = Made().write(tmp_path / "other.onnx")
    assert look_at(source, told()).preparation.pixels == 1
    assert look_at(source, told(mean=(127.5,), std=(128.0,))).preparation.pixels == 255
    assert look_at(source, told(mean=(0.0,), std=(1.0,), pixels=255)).preparation.pixels == 255


NOT_FITTING: dict[str, tuple[Made, dict[str, object], type[MienError], str]] = {
    "two outputs": (
        Made(second=True),
        {},
        InputError,
        r"one output; it has 2, scores .*, features .*--output-name",
    ),
    "no such output": (
        Made(second=True),
        {"output": "x"},
        InputError,
        "--output-name out of scores .*; got 'x'",
    ),
    "labels": (Made(classes=5), {}, InputError, r"expected 5 labels, .* got 3 \(happy, sad, bored\)"),
    "four channels": (Made(channels=4), {}, NetworkError, "one channel .* or three .*; it takes .*4, 24, 24"),
    "a regression": (Made(classes=1), {}, NetworkError, "two classes or more; scores gives one number"),
    "another size": (Made(), {"size": 32}, InputError, "takes images of 24x24; got --size 32"),
    "a sigmoid": (
        Made(last="Sigmoid"),
        {},
        NetworkError,
        "chooses one class out of several; .* a yes or no for each",
    ),
    "own operators": (
        Made(operator="own::Magic"),
        {},
        NetworkError,
        "operators that ONNX Runtime has; got own::Magic",
    ),
    "one channel": (Made(channels=1), {}, InputError, "expected --colour gray"),
    "five means": (Made(), {"mean": (0.1,) * 5}, InputError, "one number for --mean, or 3, .* got 5"),
    "no deviation": (Made(), {"std": (0.0,)}, InputError, "numbers above 0, .* for --std; got .* and 0"),
    "a mean beyond numbers": (Made(), {"mean": (1e308,)}, InputError, "numbers up to 1,000,000 for --mean"),
    "next to no deviation": (
        Made(),
        {"std": (1e-320,)},
        InputError,
        "numbers above 0, 0.000001 to .* for --std",
    ),
    "large images": (Made(side=100_000), {}, NetworkError, "1x1 to 2048x2048, .*100,000x100,000"),
    "large images where any do": (Made(side="s"), {"size": 9000}, NetworkError, "it takes 9,000x9,000"),
    "many images at a time": (Made(batch=10**9), {}, NetworkError, "it takes 24x24, 1,000,000,000 at a time"),
    "a name of a column": (
        Made(),
        {"labels": Labels(("happy", "error", "sad"))},
        InputError,
        "tables have no other column for; got error",
    ),
    "bytes": (Made(dtype=TensorProto.UINT8), {}, InputError, "expected no --mean, --std"),
    "a colour": (Made(), {"colour": "hsv"}, InputError, "--colour rgb, bgr, gray; got 'hsv'"),
}


@pytest.mark.parametrize("name", NOT_FITTING)
def test_what_does_not_fit_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    made, said, kind, message = NOT_FITTING[name]
    source = made.write(tmp_path / "other.onnx")
    with pytest.raises(kind, match=message) as caught:
        look_at(source, told(**said))
    assert "\n" not in str(caught.value)


def test_maps_and_boxes_are_no_classes(tmp_path: Path) -> None:
    made = Made()
    model = made.model()
    model.graph.output[0].name = "maps"
    model.graph.output[0].type.tensor_type.ClearField("shape")
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(
        NetworkError, match=r"a row of numbers for each image; maps gives the shape \[3, 6, 12, 12\]"
    ):
        look_at(tmp_path / "other.onnx", told())


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"no model at all")
    with pytest.raises(NetworkError, match="expected an ONNX file"):
        look_at(tmp_path / "other.onnx", told())
    with pytest.raises(NetworkError, match="there is none"):
        look_at(tmp_path / "absent.onnx", told())


def test_a_model_of_miens_is_not_adopted_again(tmp_path: Path) -> None:
    source = Made().write(tmp_path / "other.onnx")
    look_at(source, told()).write(tmp_path / "adopted.onnx")
    with pytest.raises(InputError, match="a model of mien's already"):
        look_at(tmp_path / "adopted.onnx", told())
