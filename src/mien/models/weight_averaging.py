"""The mean of networks that began with the same weights: often better than each of them, at the price of one.

After Wortsman et al. 2022, "Model soups" (https://arxiv.org/abs/2203.05482) and "Robust fine-tuning of
zero-shot models" (https://arxiv.org/abs/2109.01903): between trainings that began alike lie networks that are
better than their ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from mien.core.errors import InputError, NetworkError
from mien.core.formatting import counted
from mien.data.dataset import FaceDataset
from mien.inference.card import Card
from mien.training.calibrated_file import divided, facts_of_all, finished, heads, opened, take_off
from mien.training.splits import Mixture

_PREFIX = "network."


def average(
    files: Sequence[Path], data: FaceDataset | Mixture, target: Path, shares: Sequence[float] = ()
) -> Card:
    """Write a network whose weights are the mean of those of others, calibrated anew.

    Args:
        files: What ``mien train`` or ``mien models export`` wrote, in float: one network, trained further from the
            same weights in several ways, or before and after.
        data: What they learned from: the validation set without copies sets the temperatures.
        target: Where the new file goes.
        shares: Of each file in the mean, in their order; they need not add up to 1. Without any, all count
            alike.

    Returns:
        The card of the new file: that of the last one, without scores, with what every file says of its training and
        rights.

    Raises:
        NetworkError: The files are not of one network, or not in float.
        InputError: Fewer than two files, shares that do not fit, or data with other classes, images or
            splits.
    """
    if len(files) < 2:
        raise InputError(f"expected two network files or more; got {len(files)}")
    parts = np.array(shares or [1.0] * len(files), dtype=np.float64)
    if len(parts) != len(files) or (parts < 0).any() or not 0 < parts.sum() < np.inf:
        raise InputError(
            f"expected a share of 0 or more for each of {counted(len(files), 'file')}, and one above 0; got "
            f"{', '.join(f'{part:g}' for part in parts)}"
        )
    parts /= parts.sum()
    cards, models = zip(*(opened(path, data) for path in files), strict=True)
    card = cards[-1]
    divided(Mixture.of(data).first, *cards)
    for path, other in zip(files, cards, strict=True):
        if other.heads != card.heads:
            raise NetworkError(
                f"{path}: expected the results and classes of {files[-1]}; got others: give files of one network"
            )
    bare = take_off(models[-1], heads(card))
    weights = [
        {values.name: numpy_helper.to_array(values) for values in model.graph.initializer} for model in models
    ]
    for values in bare.graph.initializer:
        if values.name.startswith(_PREFIX):
            values.CopyFrom(numpy_helper.from_array(_mean(values.name, files, weights, parts), values.name))
    shares_text = ", ".join(
        f"{part:.0%} of sha256 {other.sha256[:16]}" for part, other in zip(parts, cards, strict=True)
    )
    named = " ".join(path.name for path in files) + "".join(f" --share {share:g}" for share in shares)
    told = facts_of_all(cards)
    made = card.model_copy(
        update={
            **told,
            "summary": f"{card.summary} Its weights are a mean: {shares_text}.",
            "made_with": f"{told['made_with']}; mien models average {named}",
        }
    )
    return finished(bare, made, data, target)


def _mean(
    name: str, files: Sequence[Path], weights: Sequence[dict[str, NDArray[Any]]], parts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The mean of a tensor, which every file must have alike."""
    last = weights[-1][name]
    total = np.zeros(last.shape)
    for path, known, part in zip(files, weights, parts, strict=True):
        values = known.get(name)
        if values is None or values.shape != last.shape or values.dtype != np.float32:
            got = "none" if values is None else f"{values.dtype} {values.shape}"
            raise NetworkError(
                f"{path}: expected weights {name} of float32 {last.shape}; got {got}: give files of one network, in floats"
            )
        total += part * values
    return total.astype(np.float32)
