"""Finished model files, taken up again: opened for work, the last nodes that make calibrated answers of
logits taken off and put on anew, written with their cards.

A file keeps its weights when its calibration changes, and a quantised one keeps this part in float.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, NetworkError
from mien.core.labels import FERPLUS
from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset
from mien.inference.card import Card, read_card, read_network, write_card
from mien.inference.crop import planes
from mien.inference.onnx_graph import keep_only, rename
from mien.inference.onnx_session import SCOPES, open_graph
from mien.training.calibration import BLEND, Blend, Calibration, Judged, fit
from mien.training.recipe import Recipe, Split, known_entry, mixture_from
from mien.training.splits import Mixture, Splits, cut_others, divide

_MAKING_ANSWERS = {"Div", "Exp", "LogSoftmax", "Softmax"}
"""Operators between the logits of a head and its answers."""
_PREFIX = "tail"


def take_off(model: Any, heads: list[str]) -> Any:
    """A copy of a network whose outputs are the logits of its heads, under the heads' names.

    Args:
        model: ``onnx.ModelProto``, as `put_on` or an earlier export left it.
        heads: Outputs that are heads; the blend of them is left out.

    Raises:
        NetworkError: A head has no logits to be found.
    """
    logits = {head: _logits_name(model, head) for head in heads}
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for field in ("output", "value_info"):
        bare.graph.ClearField(field)
    bare.ClearField("metadata_props")
    keep_only(bare, set(logits.values()))
    rename(bare, {name: head for head, name in logits.items()})
    bare.graph.output.extend(
        helper.make_tensor_value_info(head, onnx.TensorProto.FLOAT, ["n", None]) for head in logits
    )
    return bare


def put_on(model: Any, heads: dict[str, int], calibration: Calibration) -> Any:
    """A copy of a network of logits (`take_off`) whose outputs are calibrated probabilities.

    Args:
        model: ``onnx.ModelProto`` with an output of logits for each head.
        heads: Number of classes of each head.
        calibration: How answers are made.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.ClearField("output")
    names = {head: f"{_PREFIX}.{head}" for head in heads}
    rename(
        whole, {head: f"{name}.logits" for head, name in names.items()}
    )  # The heads' names belong to the answers now.
    outputs = dict(heads)
    for head, name in names.items():
        _append(
            whole,
            "Div",
            [f"{name}.logits", _number(whole, f"{name}.temperature", calibration.temperatures[head])],
            f"{name}.scaled",
        )
        _append(whole, "Softmax", [f"{name}.scaled"], head, axis=1)
    if calibration.blend is not None:
        _put_on_blend(whole, calibration, calibration.blend.share)
        outputs = {BLEND: len(calibration.shared), **outputs}
    _drop_remarks(whole)
    for name, classes in outputs.items():
        whole.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", classes]))
    onnx.checker.check_model(whole)
    return whole


def _drop_remarks(model: Any) -> None:
    """Take out what nobody reads.

    The exporter remarks at each node which lines of which folder it came from: nobody else's business, and a
    third of a small file.
    """
    for field in ("value_info", "metadata_props"):
        model.graph.ClearField(field)
    for value in (*model.graph.input, *model.graph.initializer):
        value.ClearField("metadata_props")
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key == SCOPES]
        node.ClearField("metadata_props")
        node.metadata_props.extend(kept)


def _put_on_blend(model: Any, calibration: Calibration, share: float) -> None:
    """Blend the heads' scaled logits: they differ from the logarithms of their answers by a number per face,
    which softmax takes away again."""
    name, temperature = f"{_PREFIX}.{BLEND}", calibration.temperatures[BLEND]
    chosen = np.zeros((len(FERPLUS), len(calibration.shared)), np.float32)
    chosen[calibration.shared, np.arange(len(calibration.shared))] = (1 - share) / temperature
    model.graph.initializer.append(numpy_helper.from_array(chosen, f"{name}.columns"))
    parts = [f"{_PREFIX}.ferplus.scaled", f"{name}.columns", f"{_PREFIX}.fer2013.scaled"]
    _append(model, "Gemm", parts, f"{name}.mixed", beta=share / temperature)
    bias = np.array(calibration.bias or [0.0] * len(calibration.shared), np.float32) / np.float32(temperature)
    model.graph.initializer.append(numpy_helper.from_array(bias, f"{name}.bias"))
    _append(model, "Add", [f"{name}.mixed", f"{name}.bias"], f"{name}.scaled")
    _append(model, "Softmax", [f"{name}.scaled"], BLEND, axis=1)


def _append(model: Any, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
    model.graph.node.append(helper.make_node(operator, inputs, [output], name=f"node.{output}", **attributes))


def _number(model: Any, name: str, value: float) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return name


def _logits_name(model: Any, head: str) -> str:
    """Walk back from the answers of a head."""
    makers = {output: node for node in model.graph.node for output in node.output}
    name, steps = head, 0
    while name in makers and makers[name].op_type in _MAKING_ANSWERS:
        name, steps = makers[name].input[0], steps + 1
    if not steps or name not in makers:
        raise NetworkError(
            f"expected a network file that mien train or mien models export wrote; the output {head} is not made from logits as there"
        )
    return name


_BATCH = 64


def calibrate(path: Path, data: FaceDataset | Mixture) -> Card:
    """Fit temperatures and blend of a finished file anew, on images that it has not learned from (`divided`); its
    weights stay.

    Returns:
        The card as written, without the scores of the blend, whose answers have changed; a temperature does
        not change those of a head.

    Raises:
        NetworkError: It is not a file that ``mien train`` or ``mien models export`` wrote.
        InputError: The data has other classes, images or splits.
    """
    card, model = opened(path, data)
    scores = tuple(score for score in card.scores if BLEND not in score.note)
    return finished(take_off(model, heads(card)), card.model_copy(update={"scores": scores}), data, path)


def opened(path: Path, data: FaceDataset | Mixture) -> tuple[Card, Any]:
    """The card and the ``onnx.ModelProto`` of a file, whose classes must be those of the data.

    Raises:
        NetworkError: The file is missing or damaged, or has no card.
        InputError: The data has other classes, or no votes where the file reads them.
    """
    content, first = read_network(path), Mixture.of(data).first
    card = read_card(content, name=str(path))
    own = {entry["head"] or name for name, entry in card.mixture.items()}
    for head, names in card.heads.items():
        if head not in {"ferplus"} | own and names != first.labels.names:
            raise InputError(
                f"expected data with the classes {', '.join(names)}, as {path} has; got {', '.join(first.labels)}"
            )
    if "ferplus" in card.heads and first.votes is None:
        raise InputError(
            f"expected FER+ votes, as {path} reads them too; the data set has none: join fer2013new.csv with --votes"
        )
    return card, onnx.load_model_from_string(content)


def heads(card: Card) -> list[str]:
    """Outputs that are heads of their own; the blend of two is none."""
    return [head for head in card.heads if head != BLEND or len(card.heads) == 1]


def divided(data: FaceDataset, *cards: Card) -> Splits:
    """What files have learned from, and what sets their temperatures: the training set, and the validation set without its copies; where
    the data set has no such split, the parts that their trainings made of it.

    Raises:
        InputError: The cards do not tell of such parts, or of different ones, or the validation set has nothing but copies.
    """
    if PUBLIC_TEST in data.splits:
        parts = divide(data, Split())
        if not len(parts.calibration):
            raise InputError(
                f"expected images in {data.split_name(PUBLIC_TEST)} that {data.split_name(TRAINING)} does not have, to calibrate by; all of them "
                "are copies: add others"
            )
        return parts
    first, *others = (card.division for card in cards)
    if not first or any(other != first for other in others):
        told = "expected data with a validation set, to calibrate by images that were not learned from"
        why = "the models held out different images" if any([first, *others]) else "the card names no others"
        raise InputError(f"{told}; it has none, and {why}: make one with mien data split")
    return divide(data, Split(**first))  # type: ignore[arg-type]


def finished(
    bare: Any, card: Card, data: FaceDataset | Mixture, target: Path, blend: Blend | None = None
) -> Card:
    """Write a network of logits (`mien.training.calibrated_file.take_off`) with answers calibrated on images that
    were not learned from (`divided`) and on what is held out of further data sets, and its card.

    Args:
        bare: ``onnx.ModelProto``.
        card: What the card shall say; temperatures and blend are filled in.
        data: All data sets that it learned from; it may be judged by others too.
        target: Where the file goes.
        blend: Of the two heads; fitted where it is None.

    Raises:
        InputError: A data set that the card tells of is missing, or another one.
    """
    data = Mixture.of(data)
    apart = divided(data.first, card).calibration
    judged = {name: known_entry(name) for name in data.others}
    recipe = Recipe(mixture={**judged, **mixture_from(card.mixture)})
    others = [
        Judged(_logits(bare, card, part.calibration.images), part.calibration, recipe.head_of(name))
        for name, part in cut_others(data, recipe).items()
    ]
    calibration = fit(_logits(bare, card, apart.images), apart, others, blend)
    classes = {head: len(card.heads[head]) for head in heads(card)}
    with atomic_write(target) as aside:
        with translate_os_errors(target):
            onnx.save(put_on(bare, classes, calibration), aside)
        made = {**calibration_facts(calibration), "summary": _with_blend(card.summary, calibration)}
        return write_card(aside, card.model_copy(update=made))


def calibration_facts(calibration: Calibration) -> dict[str, Any]:
    """What a card says about how answers are made."""
    blend = calibration.blend
    return {
        "temperatures": dict(calibration.temperatures),
        "fitted_to": dict(calibration.fitted_to),
        "blend": None if blend is None else blend.share,
        "adjustment": 0.0 if blend is None else blend.adjustment,
    }


def facts_of_all(cards: Sequence[Card]) -> dict[str, Any]:
    """What a card of a network made of others has of all their cards; what several say alike is told once."""
    said = {
        field: " ".join(dict.fromkeys(getattr(card, field) for card in cards if getattr(card, field)))
        for field in ("training", "split", "rights", "limits")
    }
    return {
        **said,
        "licence": ", ".join(dict.fromkeys(card.licence for card in cards)),
        "made_with": "; ".join(dict.fromkeys(card.made_with for card in cards)),
        "entries": {name: entry for card in reversed(cards) for name, entry in card.entries.items()},
        "mixture": {name: entry for card in cards for name, entry in card.mixture.items()},
        "scores": (),
    }


def _with_blend(summary: str, calibration: Calibration) -> str:
    """The summary with the blend as it is now."""
    return re.sub(r"a blend of both \([^)]*\)", f"a blend of both ({calibration.blend})", summary)


def _logits(bare: Any, card: Card, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    network = open_graph(bare.SerializeToString(), card, Path(card.name))
    parts = [
        network.run({card.input.name: card.input.fed(planes(images[start : start + _BATCH]))})
        for start in range(0, len(images), _BATCH)
    ]
    return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}
