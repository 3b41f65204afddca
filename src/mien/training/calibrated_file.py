"""Finished network files, taken up again: opened for work, calibrated anew, written with their cards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from mien.core.atomic import atomic_write, told
from mien.core.errors import InputError
from mien.data.dataset import PUBLIC_TEST, FaceDataset, leak_free
from mien.inference.card import Card, read_card, read_network, write_card
from mien.inference.onnx_session import open_graph
from mien.training.calibration import BLEND, Calibration, fit
from mien.training.calibration_head import put_on, take_off

_BATCH = 64


def calibrate(path: Path, data: FaceDataset) -> Card:
    """Fit temperatures and blend of a finished file anew, on PublicTest without its copies; its weights stay.

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


def opened(path: Path, data: FaceDataset) -> tuple[Card, Any]:
    """The card and the ``onnx.ModelProto`` of a file, whose classes must be those of the data.

    Raises:
        NetworkError: The file is missing or damaged, or has no card.
        InputError: The data has other classes, or no votes where the file reads them.
    """
    content = read_network(path)
    card = read_card(content, name=str(path))
    for head, names in card.heads.items():
        if head != "ferplus" and names != data.labels.names:
            raise InputError(
                f"expected data with the classes {', '.join(names)}, as {path} has; got {', '.join(data.labels)}"
            )
    if "ferplus" in card.heads and data.votes is None:
        raise InputError(
            f"expected FER+ votes, as {path} reads them too; the data set has none: join fer2013new.csv with --votes"
        )
    return card, onnx.load_model_from_string(content)


def heads(card: Card) -> list[str]:
    """Outputs that are heads of their own; the blend of two is none."""
    return [head for head in card.heads if head != BLEND or len(card.heads) == 1]


def finished(bare: Any, card: Card, data: FaceDataset, target: Path, share: float | None = None) -> Card:
    """Write a network of logits (`mien.training.calibration_head.take_off`) with answers calibrated on
    PublicTest without its copies, and its card.

    Args:
        bare: ``onnx.ModelProto``.
        card: What the card shall say; temperatures and blend are filled in.
        data: The data set.
        target: Where the file goes.
        share: Of the FER-2013 head in the blend, 0 to 1; fitted where it is None.
    """
    apart = leak_free(data, PUBLIC_TEST)
    calibration = fit(_logits(bare, card, apart.images), apart, share)
    classes = {head: len(card.heads[head]) for head in heads(card)}
    fitted = {
        "temperatures": dict(calibration.temperatures),
        "fitted_to": dict(calibration.fitted_to),
        "blend": calibration.blend,
    }
    with atomic_write(target) as aside:
        with told(target):
            onnx.save(put_on(bare, classes, calibration), aside)
        return write_card(
            aside, card.model_copy(update={**fitted, "summary": _with_blend(card.summary, calibration)})
        )


def _with_blend(summary: str, calibration: Calibration) -> str:
    """The summary with the share that the blend has now."""
    return (
        summary
        if calibration.blend is None
        else re.sub(r"\d+% fer2013", f"{calibration.blend:.0%} fer2013", summary)
    )


def _logits(bare: Any, card: Card, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    network = open_graph(bare.SerializeToString(), card, Path(card.name))
    parts = [
        network.run({card.input.name: card.input.fed(images[start : start + _BATCH, None])})
        for start in range(0, len(images), _BATCH)
    ]
    return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}
