"""The mean of two networks: one that was trained further keeps what it learned, and gets back some of what it forgot.

After Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (https://arxiv.org/abs/2109.01903): the way from the weights before to the
weights after leads through networks that are better than both ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import numpy_helper

from mien.card import Card
from mien.data.dataset import FaceDataset
from mien.errors import InputError, NetworkError
from mien.train.finished import finished, heads, opened
from mien.train.tail import take_off

_PREFIX = "network."


def average(before: Path, after: Path, data: FaceDataset, target: Path, share: float = 0.5) -> Card:
    """Write a network whose weights lie between those of two others, calibrated anew.

    Args:
        before: File that ``mien train`` or ``mien export`` wrote, in float.
        after: The same network, trained further from those weights (``mien train --initial``).
        data: What they learned from: PublicTest without copies sets the temperatures.
        target: Where the new file goes.
        share: Of the weights after, 0 to 1.

    Returns:
        The card of the new file: that of ``after``, without scores.

    Raises:
        NetworkError: The files are not two of one network, in float.
        InputError: The share is out of range, or the data has other classes, pictures or splits.
    """
    if not 0 <= share <= 1:
        raise InputError(f"expected a share of the second network from 0 to 1; got {share}")
    (earlier, old), (card, model) = opened(before, data), opened(after, data)
    if earlier.heads != card.heads:
        raise NetworkError(f"{before}: expected the readings and classes of {after}; got others: give two files of one network")
    known = {values.name: numpy_helper.to_array(values) for values in old.graph.initializer}
    bare = take_off(model, heads(card))
    for values in bare.graph.initializer:
        if values.name.startswith(_PREFIX):
            _mix(values, known.get(values.name), share, before)
    told = f"{1 - share:.0%} of sha256 {earlier.sha256[:16]}, {share:.0%} of {card.sha256[:16]}"
    made = card.model_copy(
        update={
            "scores": (),
            "summary": f"{card.summary} Its weights are a mean: {told}.",
            "made_with": f"{card.made_with}; mien average {before.name} {after.name} --share {share:g}",
        }
    )
    return finished(bare, made, data, target)


def _mix(values: Any, old: np.ndarray[Any, Any] | None, share: float, before: Path) -> None:
    """Put the mean in the place of a tensor of the later file."""
    new = numpy_helper.to_array(values)
    if old is None or old.shape != new.shape or old.dtype != np.float32 or new.dtype != np.float32:
        got = "none" if old is None else f"{old.dtype} {old.shape}"
        raise NetworkError(
            f"{before}: expected weights {values.name} of {new.dtype} {new.shape}; got {got}: give two files of one network, in floats"
        )
    values.CopyFrom(numpy_helper.from_array(((1 - share) * old + share * new).astype(np.float32), values.name))
