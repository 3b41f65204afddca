"""Several networks as one file that answers with their geometric mean: better than each of them, at the price
of all.

Networks that learned apart err apart, and their mean errs less (Lakshminarayanan, Pritzel, Blundell 2017,
"Simple and scalable predictive uncertainty estimation using deep ensembles",
https://arxiv.org/abs/1612.01474). Many small ones also train side by side, a core each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import compose, helper, numpy_helper

from mien.core.errors import InputError, NetworkError
from mien.core.formatting import counted
from mien.data.dataset import FaceDataset
from mien.inference.card import Card
from mien.training.calibrated_file import divided, facts_of_all, finished, heads, opened, take_off
from mien.training.splits import Mixture

_RESULTS = re.compile(r"Its heads: (?:[^.]|\.\d)*\.")
_BLEND = re.compile(r"a blend of both \([^)]*\)")


def join(files: Sequence[Path], data: FaceDataset | Mixture, target: Path) -> Card:
    """Write a network that asks others and takes the mean of their logits, calibrated anew.

    Args:
        files: What ``mien train`` or ``mien models export`` wrote, in float: networks of any shape with the same
            results.
        data: What they learned from: the validation set without copies sets the temperatures.
        target: Where the new file goes; its name becomes the network's.

    Returns:
        The card of the new file, without scores: weights and multiplications added up, and what every part
        says of its training and rights.

    Raises:
        NetworkError: The files have other results, another input, or are not in float.
        InputError: Fewer than two files, or data with other classes, images or splits.
    """
    if len(files) < 2:
        raise InputError(f"expected two network files or more; got {len(files)}")
    cards, models = zip(*(opened(path, data) for path in files), strict=True)
    first = cards[0]
    divided(Mixture.of(data).first, *cards)
    for path, card in zip(files, cards, strict=True):
        if (card.heads, card.input, card.crop) != (first.heads, first.input, first.crop):
            raise NetworkError(
                f"{path}: expected the results, the input and the crop of {files[0]}; got others: give networks of one kind"
            )
        if card.precision != "float32":
            raise NetworkError(
                f"{path}: expected a network in float32; this one is {card.precision}: join first, then mien models quantize"
            )
    told = facts_of_all(cards)
    made = first.model_copy(
        update={
            **told,
            "name": target.stem,
            "summary": _summary(cards),
            "parameters": sum(card.parameters for card in cards),
            "macs": sum(card.macs for card in cards),
            "made_with": f"{told['made_with']}; mien models ensemble {' '.join(path.name for path in files)}",
        }
    )
    return finished(
        _joined([take_off(model, heads(first)) for model in models], heads(first)), made, data, target
    )


def _summary(cards: Sequence[Card]) -> str:
    """What the networks say of themselves: of their results, which they share, once; of the rest, whose it is."""
    results: dict[str, None] = {}
    rest: dict[str, list[str]] = {}
    for card in cards:
        summary = _BLEND.sub(
            "a blend of both ()", card.summary
        )  # The whole has one of its own, filled in last.
        results |= dict.fromkeys(_RESULTS.findall(summary))
        apart = " ".join(_RESULTS.sub("", summary).split())
        rest.setdefault(apart, []).append(f"sha256 {card.sha256[:16]}")
    of_each = (f"{', '.join(digests)}: {apart}" for apart, digests in rest.items())
    whole = f"{counted(len(cards), 'network')} whose answer is the geometric mean of theirs."
    return " ".join([whole, *results, *of_each])


def _joined(parts: Sequence[Any], outputs: Sequence[str]) -> Any:
    """One graph whose outputs are the means of the parts' outputs."""
    whole = onnx.ModelProto()
    whole.CopyFrom(parts[0])
    for field in ("node", "initializer", "output"):
        whole.graph.ClearField(field)
    names = [f"part-{number}." for number in range(1, len(parts) + 1)]
    for name, part in zip(names, parts, strict=True):
        graph = compose.add_prefix(part, name, rename_inputs=False).graph
        for entry in (entry for node in graph.node for entry in node.metadata_props):
            entry.value = entry.value.replace(
                "'network.", f"'network.{name}"
            )  # Which module a node came from: layers are called so.
        whole.graph.node.extend(graph.node)
        whole.graph.initializer.extend(graph.initializer)
    share = "part.share"
    whole.graph.initializer.append(numpy_helper.from_array(np.array(1 / len(parts), np.float32), share))
    for output, known in zip(outputs, parts[0].graph.output, strict=True):
        total = names[0] + output
        for name in names[1:]:
            whole.graph.node.append(
                helper.make_node(
                    "Add", [total, name + output], [f"{name}sum.{output}"], name=f"node.{name}sum.{output}"
                )
            )
            total = f"{name}sum.{output}"
        whole.graph.node.append(helper.make_node("Mul", [total, share], [output], name=f"node.{output}.mean"))
        whole.graph.output.append(known)
    onnx.checker.check_model(whole)
    return whole
