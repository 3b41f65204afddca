"""Finished network files: answers made of logits, calibration anew, convolutions of bytes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import run_mien

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

import torch  # noqa: E402

from mien import InputError, NetworkError, Pipeline  # noqa: E402
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels  # noqa: E402
from mien.data import FaceDataset, write_dataset  # noqa: E402
from mien.data.dataset import PUBLIC_TEST, leak_free  # noqa: E402
from mien.inference.card import Score, read_card, write_card  # noqa: E402
from mien.inference.onnx_session import open_network  # noqa: E402
from mien.inference.weights import network_path  # noqa: E402
from mien.metrics import expected_calibration_error, reliability  # noqa: E402
from mien.models.ensemble import join  # noqa: E402
from mien.models.quantization import compare, quantize  # noqa: E402
from mien.models.weight_averaging import average  # noqa: E402
from mien.training.calibrated_file import (  # noqa: E402
    calibrate,
    put_on,
    take_off,
)
from mien.training.calibration import BLEND, Blend, Calibration, fit  # noqa: E402
from mien.training.export import predict, write_onnx  # noqa: E402
from mien.training.finetune import PretrainedWeights  # noqa: E402
from mien.training.run import Hardware, load_run, train  # noqa: E402
from tests.training.stripes import RECIPE, stripes  # noqa: E402

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch, Lightning and ONNX Runtime's tool warn about their own parts
HEADS = {"fer2013": 7, "ferplus": 8}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mien.training.export import export

    folder = tmp_path_factory.mktemp("finished")
    recipe = replace(RECIPE, epochs=6, options={"widths": [4, 8], "blocks": 1})
    train(stripes(), recipe, folder, hardware=Hardware(accelerator="cpu", threads=1))
    export(folder, stripes(), folder / "tiny.onnx", "a test")
    return folder


@pytest.fixture
def tiny(run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes((run / "tiny.onnx").read_bytes())
    return path


def drawn(n: int, sharpness: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from what they say when multiplied by a number: the right temperature is its
    inverse.
    """
    chance = np.random.default_rng(seed)
    logits = chance.normal(0, 1.5, (n, 7))
    probs = np.exp(logits * sharpness)
    cumulated = (probs / probs.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return logits, (chance.random((n, 1)) > cumulated).sum(axis=1).clip(max=6)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_a_temperature_makes_probabilities_mean_what_they_say(sharpness: float) -> None:
    logits, labels = drawn(6000, sharpness)
    images = np.zeros((len(labels), 2, 2), np.uint8)
    faces = FaceDataset(images, labels, None, np.array([PUBLIC_TEST] * len(labels)), np.arange(len(labels)))
    calibration = fit({"fer2013": logits}, faces)
    assert calibration.temperatures["fer2013"] == pytest.approx(1 / sharpness, rel=0.1)
    fresh, truth = drawn(6000, sharpness, seed=1)
    assert (
        expected_calibration_error(reliability(calibration.answers({"fer2013": fresh})["fer2013"], truth))
        < 0.03
    )


def test_ferplus_is_calibrated_to_the_majority_and_the_blend_to_both() -> None:
    logits, labels = drawn(4000, 1.0)
    columns = np.array([FERPLUS.index(name) for name in EXPRESSIONS])
    votes = np.zeros((len(labels), 10), int)
    votes[np.arange(len(labels)), columns[labels]] = (
        6  # The majority is right, though it is not all of the votes.
    )
    votes[:, -2] = 4
    votes[::50] = 1  # Nobody agrees with anybody: such images do not count.
    faces = FaceDataset(
        np.zeros((len(labels), 2, 2), np.uint8),
        labels,
        votes,
        np.array([PUBLIC_TEST] * len(labels)),
        np.arange(len(labels)),
    )
    wide = np.full((len(labels), 8), -20.0)
    wide[:, columns] = logits
    found = fit({"fer2013": logits * 3, "ferplus": wide}, faces)
    assert found.temperatures["ferplus"] == pytest.approx(1.0, rel=0.1)
    assert found.temperatures["fer2013"] == pytest.approx(3.0, rel=0.1)
    assert found.temperatures[BLEND] == pytest.approx(1.0, rel=0.1)
    assert list(found.answers({"fer2013": logits, "ferplus": wide})) == [BLEND, "fer2013", "ferplus"]
    assert fit({"fer2013": logits, "ferplus": wide}, faces, blend=Blend(0.7)).blend == Blend(0.7)
    assert found.blend == Blend(0.0), "the heads are equally right: what people see counts"
    blind = {"fer2013": logits, "ferplus": np.random.default_rng(1).normal(0, 1.5, wide.shape)}
    assert fit(blind, faces).blend.share >= 0.7, "a head that knows nothing must not decide"
    half_blind = {"fer2013": logits, "ferplus": wide + blind["ferplus"]}
    accuracy = {
        step: (
            fit(half_blind, faces, blend=Blend(step / 10)).answers(half_blind)[BLEND].argmax(axis=1) == labels
        ).mean()
        for step in range(11)
    }
    taken = round(10 * fit(half_blind, faces).blend.share)
    assert 0 < taken <= max(accuracy, key=accuracy.get)
    assert max(accuracy.values()) - accuracy[taken] < 0.01 < max(accuracy.values()) - accuracy[0]


def test_a_file_does_not_tell_whose_computer_it_was_made_on(tiny: Path, tmp_path: Path) -> None:
    join([tiny, tiny], stripes(), tmp_path / "two.onnx")
    quantize(tiny, stripes(), tmp_path / "tiny-int8.onnx")
    for name in ("tiny.onnx", "two.onnx", "tiny-int8.onnx"):
        told = (tmp_path / name).read_bytes()
        assert b'.py", line ' not in told
        assert str(Path(torch.__file__).parents[1]).encode() not in told
        nodes = onnx.load(tmp_path / name).graph.node
        assert any("'network" in entry.value for node in nodes for entry in node.metadata_props), (
            "layers have their modules' names still"
        )


@pytest.mark.parametrize(("share", "bias"), [(0.0, 0.0), (0.3, 0.2), (1.0, 0.5)])
def test_a_tail_comes_off_and_goes_on_anew(run: Path, share: float, bias: float, tmp_path: Path) -> None:
    network = load_run(run).network
    first = Calibration(
        {"fer2013": 1.0, "ferplus": 1.0, BLEND: 1.0},
        Blend(share),
        tuple(FERPLUS.index(name) for name in EXPRESSIONS),
        tuple(bias * place for place in range(len(EXPRESSIONS))),
    )
    write_onnx(network, HEADS, first, tmp_path / "first.onnx")
    second = replace(first, temperatures={"fer2013": 0.5, "ferplus": 2.0, BLEND: 1.5})
    model = put_on(take_off(onnx.load(tmp_path / "first.onnx"), list(HEADS)), HEADS, second)
    onnx.save(model, tmp_path / "second.onnx")
    images = stripes().images[:4]
    logits = predict(network, images)
    for name, calibration in (("first", first), ("second", second)):
        write_card(tmp_path / f"{name}.onnx", read_card(run / "tiny.onnx"))
        got = open_network(tmp_path / f"{name}.onnx", threads=1).run(
            {"faces": images[:, None].astype(np.float32)}
        )
        for head, probs in calibration.answers(logits).items():
            assert np.allclose(got[head], probs, atol=1e-4), (name, head)


def test_a_file_of_something_else_has_no_tail(tmp_path: Path) -> None:
    value = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("faces", "fer2013")
    ]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", ["faces"], ["fer2013"])], "g", value[:1], value[1:]
    )
    with pytest.raises(NetworkError, match="the output fer2013 is not made from logits"):
        take_off(onnx.helper.make_model(graph), ["fer2013"])


def test_calibration_anew_keeps_the_weights_and_the_scores_of_the_heads(tiny: Path) -> None:
    before = read_card(tiny)
    scores = tuple(
        Score(data="d", labels="l", n=1, accuracy=1, low=0, high=1, note=f"head {head}, one view")
        for head in ("fer2013", "ferplus", BLEND)
    )
    write_card(tiny, before.model_copy(update={"scores": scores}))
    after = calibrate(tiny, stripes())
    assert after.temperatures == pytest.approx(before.temperatures, rel=1e-3)
    assert after.blend == before.blend
    assert [score.note for score in after.scores] == [
        "head fer2013, one view",
        "head ferplus, one view",
    ]
    assert calibrate(tiny, stripes()).sha256 == after.sha256


def test_the_shipped_network_can_be_calibrated_anew(tmp_path: Path) -> None:
    """A file of an older export, on images that are none of its own."""
    path = tmp_path / "medium.onnx"
    path.write_bytes(network_path("medium").read_bytes())
    # On stripes alone: of the everyday faces that it has learned from as well, its card is silent here.
    write_card(path, read_card(path).model_copy(update={"mixture": {}}))
    faces = stripes().images[:8, None].astype(np.float32)
    before = open_network(path, threads=1).run({"faces": faces})["fer2013"]
    card = calibrate(path, stripes())
    after = open_network(path, threads=1).run({"faces": faces})["fer2013"]
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert list(card.heads) == ["expression", "fer2013", "ferplus"]


def test_bytes_are_close_to_floats_and_a_batch_to_its_images(tiny: Path, tmp_path: Path) -> None:
    whole = tmp_path / "tiny-int8.onnx"
    card = quantize(tiny, stripes(), whole)
    before = read_card(tiny)
    assert (card.name, card.precision, card.parent, card.blend) == (
        "tiny-int8",
        "int8",
        before.sha256,
        before.blend,
    )
    assert not card.scores
    assert card == read_card(whole)
    operators = [node.op_type for node in onnx.load(whole).graph.node]
    assert operators.count("QuantizeLinear") > 4
    in_front = [
        operator for operator in operators[: operators.index("Conv")] if operator != "DequantizeLinear"
    ]
    assert {"ReduceMean", "Add", "Sqrt", "Div"} <= set(in_front), "the image is brought to deviation 1"
    assert "QuantizeLinear" not in in_front, "in floats"
    faces = leak_free(stripes(), PUBLIC_TEST).images[:, None].astype(np.float32)
    one, other = (open_network(path, threads=1).run({"faces": faces}) for path in (tiny, whole))
    assert np.abs(one["fer2013"] - other["fer2013"]).max() < 0.2
    network = open_network(whole, threads=1)
    for place in range(0, len(faces), 7):
        assert np.array_equal(
            network.run({"faces": faces[place : place + 1]})["expression"][0], other["expression"][place]
        )
    assert len(Pipeline("whole", whole, threads=1)([np.zeros((60, 60, 3), np.uint8)])[0]) == 1
    rows = compare(tiny, whole, stripes())
    assert [(row.head, row.labels) for row in rows] == [
        (BLEND, "own"),
        (BLEND, "votes-7"),
        ("fer2013", "own"),
        ("ferplus", "ferplus"),
    ]
    assert all(row.same >= 0.9 and row.n == 40 for row in rows)
    assert quantize(tiny, stripes(), whole).sha256 == card.sha256, "seeded"


@pytest.mark.parametrize(("training", "shown"), [(20, 20), (75, 64)])
def test_any_number_of_training_images_will_do(tiny: Path, tmp_path: Path, training: int, shown: int) -> None:
    data = stripes()
    card = quantize(
        tiny,
        data.take((data.splits != "Training") | (np.cumsum(data.splits == "Training") <= training)),
        tmp_path / "tiny-int8.onnx",
    )
    assert f"ranges: {shown} images of the training set" in card.summary
    faces = leak_free(stripes(), PUBLIC_TEST).images[:, None].astype(np.float32)
    one, other = (
        open_network(path, threads=1).run({"faces": faces}) for path in (tiny, tmp_path / "tiny-int8.onnx")
    )
    assert np.abs(one["fer2013"] - other["fer2013"]).max() < 0.3


def test_what_does_not_fit_is_told(tiny: Path, tmp_path: Path) -> None:
    quantize(tiny, stripes(), tmp_path / "tiny-int8.onnx")
    with pytest.raises(NetworkError, match="expected a network in float32; this one is int8: take tiny"):
        quantize(tmp_path / "tiny-int8.onnx", stripes(), tmp_path / "again.onnx")
    with pytest.raises(InputError, match=r"expected FER\+ votes"):
        calibrate(tiny, stripes(voted=False))
    others = replace(stripes(), labels=Labels(tuple("abcdefg")))
    with pytest.raises(InputError, match="expected data with the classes angry"):
        quantize(tiny, others, tmp_path / "other.onnx")
    assert not (tmp_path / "other.onnx").exists()


def test_the_commands_of_finished_files(tiny: Path, tmp_path: Path) -> None:
    data = tmp_path / "faces.parquet"
    write_dataset(stripes(), data)
    done = run_mien("models", "quantize", tiny, data, "-o", tmp_path / "tiny-int8.onnx")
    assert (done.returncode, done.stderr) == (0, "")
    assert "same answer" in done.stdout
    done = run_mien("models", "calibrate", tiny, data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "'ferplus'" in done.stdout
    done = run_mien("models", "ensemble", tiny, tiny, data, "-o", tmp_path / "twice.onnx")
    assert (done.returncode, done.stderr) == (0, "")
    assert read_card(tmp_path / "twice.onnx").sha256[:16] in done.stdout
    done = run_mien("models", "quantize", data, data, "-o", tmp_path / "no.onnx")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)


def weights(path: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(path).graph
    return {
        values.name: onnx.numpy_helper.to_array(values)
        for values in graph.initializer
        if values.name.startswith("network.")
    }


def test_the_mean_of_networks_lies_between_them(run: Path, tiny: Path, tmp_path: Path) -> None:
    from mien.training.export import export

    files = [tiny]
    for seed in (1, 2):
        further = replace(load_run(run).recipe, epochs=1, seed=seed)
        train(
            stripes(),
            further,
            tmp_path / f"further-{seed}",
            hardware=Hardware(accelerator="cpu", threads=1),
            initial=PretrainedWeights(tiny),
        )
        files.append(tmp_path / f"after-{seed}.onnx")
        export(tmp_path / f"further-{seed}", stripes(), files[-1], "a test")
    each = [weights(path) for path in files]
    assert all(
        any(not np.array_equal(one[name], other[name]) for name in one)
        for one, other in itertools.combinations(each, 2)
    )
    for shares, parts in (((), (1 / 3, 1 / 3, 1 / 3)), ((1, 0, 3), (0.25, 0, 0.75)), ((0, 0, 2), (0, 0, 1))):
        card = average(files, stripes(), tmp_path / "mean.onnx", shares)
        assert card.scores == ()
        assert card.sha256 == read_card(tmp_path / "mean.onnx").sha256
        for name, values in weights(tmp_path / "mean.onnx").items():
            np.testing.assert_allclose(
                values, sum(part * one[name] for part, one in zip(parts, each, strict=True)), atol=1e-6
            )
    faces = {"faces": stripes().images[:50, None].astype(np.float32)}
    np.testing.assert_allclose(
        open_network(tmp_path / "mean.onnx").run(faces)["fer2013"],
        open_network(files[-1]).run(faces)["fer2013"],
        atol=1e-5,
    )


def test_only_files_of_one_network_have_a_mean(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "mean.onnx"
    quantize(tiny, stripes(), tmp_path / "tiny-int8.onnx")
    for other, message in (
        (network_path("small"), "give files of one network"),
        (tmp_path / "tiny-int8.onnx", "in floats"),
    ):
        with pytest.raises(NetworkError, match=message):
            average([other, tiny], stripes(), target)
    for files, shares, message in (
        ([tiny], (), "two network files or more; got 1"),
        ([tiny, tiny], (0.5,), "for each of 2 files"),
        ([tiny, tiny], (1.5, -0.5), r"got 1\.5, -0\.5"),
        ([tiny, tiny], (0, 0), "one above 0"),
    ):
        with pytest.raises(InputError, match=message):
            average(files, stripes(), target, shares)
    assert not target.exists()


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of another shape with the same results."""
    from mien.training.export import export

    folder = tmp_path_factory.mktemp("another")
    recipe = replace(
        RECIPE,
        epochs=4,
        precision="32",
        seed=5,
        options={"widths": [6, 8], "blocks": 1, "view": 46, "stride": 2},
    )
    train(stripes(), recipe, folder, hardware=Hardware(accelerator="cpu", threads=1))
    export(folder, stripes(), folder / "another.onnx", "another test")
    return folder / "another.onnx"


def test_networks_in_one_file_answer_with_the_geometric_mean(
    tiny: Path, another: Path, tmp_path: Path
) -> None:
    target = tmp_path / "both.onnx"
    write_card(
        tiny,
        read_card(tiny).model_copy(
            update={"licence": "not stated", "rights": "Ask its maker.", "split": "It has seen PrivateTest."}
        ),
    )
    card = join([tiny, another], stripes(), target)
    parts = [read_card(path) for path in (tiny, another)]
    assert (card.name, card.scores, card.heads) == ("both", (), parts[0].heads)
    assert card.licence == ", ".join(dict.fromkeys(part.licence for part in parts))
    assert all(
        part.rights in card.rights and part.split in card.split and part.training in card.training
        for part in parts
    )
    assert card.parameters == sum(part.parameters for part in parts)
    assert card.macs == sum(part.macs for part in parts)
    assert all(part.sha256[:16] in card.summary for part in parts)
    assert card.summary.count("Its heads: ") == 1
    assert card.summary.count("a blend of both (") == 1
    assert f"a blend of both ({Blend(card.blend or 0, card.adjustment)})" in card.summary
    faces = {"faces": stripes().images[:50, None].astype(np.float32)}
    mine = open_network(target).run(faces)
    each = [open_network(path).run(faces) for path in (tiny, another)]
    assert np.abs(each[0]["fer2013"] - each[1]["fer2013"]).max() > 0.05
    for head in HEADS:
        # Taken to the power of its temperature, an answer is what the logits said.
        logits = [
            part.temperatures[head] * np.log(answers[head]) for part, answers in zip(parts, each, strict=True)
        ]
        scaled = np.exp(np.mean(logits, axis=0) / card.temperatures[head])
        np.testing.assert_allclose(mine[head], scaled / scaled.sum(axis=1, keepdims=True), atol=1e-5)
    small = quantize(target, stripes(), tmp_path / "both-int8.onnx")
    graph = onnx.load(tmp_path / "both-int8.onnx").graph
    kept = {values.name for values in graph.initializer}
    assert sum(node.op_type == "Conv" and node.input[1] in kept for node in graph.node) == 2, (
        "the first convolution of each stays in float"
    )
    assert small.precision == "int8"
    np.testing.assert_allclose(
        open_network(tmp_path / "both-int8.onnx").run(faces)["fer2013"], mine["fer2013"], atol=0.1
    )
    again = calibrate(target, stripes())
    assert again.temperatures == card.temperatures


def test_only_networks_of_one_kind_are_joined(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "both.onnx"
    quantize(tiny, stripes(), tmp_path / "tiny-int8.onnx")
    with pytest.raises(
        NetworkError,
        match=r"tiny-int8.onnx: expected a network in float32; this one is int8: join first, then mien models quantize",
    ):
        join([tiny, tmp_path / "tiny-int8.onnx"], stripes(), target)
    with pytest.raises(InputError, match=r"two network files or more; got 1"):
        join([tiny], stripes(), target)
    alone = read_card(tiny)
    write_card(tiny, alone.model_copy(update={"crop": None}))
    with pytest.raises(
        NetworkError,
        match=r"expected the results, the input and the crop of .*small.onnx; got others: give networks of one kind",
    ):
        join([network_path("small"), tiny], stripes(), target)
    assert not target.exists()


def test_joined_networks_look_at_what_their_parts_look_at(tmp_path: Path) -> None:
    pytest.importorskip("captum", reason="captum is not installed: pip install 'mien[explain]'")
    from mien.explain import open_explained
    from mien.explain.attribution import gradcam

    # On stripes alone: of the everyday faces that both have learned from, their cards are silent here.
    parts = [tmp_path / f"{name}.onnx" for name in ("nano", "small")]
    for path in parts:
        path.write_bytes(network_path(path.stem).read_bytes())
        write_card(path, read_card(path).model_copy(update={"mixture": {}}))
    card = join(parts, stripes(), tmp_path / "both.onnx")
    both = open_explained(tmp_path / "both.onnx", "fer2013")
    face = stripes().images[3:4].astype(np.float32)
    expected: Any = 0.0
    for path in parts:
        alone = open_explained(path, "fer2013")
        expected = expected + gradcam(alone, face, 3) * alone.classifier.network.card.temperatures["fer2013"]
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(
        gradcam(both, face, 3), expected / (2 * card.temperatures["fer2013"]), rtol=1e-3, atol=1e-6
    )
    layers = both.features(face)
    assert {"part-1.stages.2", "part-2.stages.7"} <= set(layers)
    np.testing.assert_allclose(
        layers["part-2.stages.7"], open_explained(parts[1]).features(face)["stages.7"], atol=1e-4
    )
