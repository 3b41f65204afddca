"""Networks in whole numbers: static quantisation to 8 bits.

Convolutions take and give bytes (one scale per output channel of the weights), which is a quarter of the size
and about twice as fast on a CPU. What is cheap and delicate stays in float: bringing the image to mean 0
and deviation 1, the first convolution, the pooled features, the heads, and all that follows them. After Jacob
et al. 2018 (https://arxiv.org/abs/1712.05877) and ONNX Runtime's own tools.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from mien.core.errors import NetworkError
from mien.core.formatting import counted
from mien.core.scratch import scratch_folder
from mien.data.dataset import FaceDataset
from mien.evaluation import EvaluateOptions, evaluate, open_subject
from mien.inference.card import Card, InputSpec, read_card
from mien.inference.crop import planes
from mien.inference.onnx_session import onnx_runtime
from mien.training.calibrated_file import divided, finished, heads, opened, take_off
from mien.training.calibration import BLEND, Blend
from mien.training.splits import SIDE, Mixture

FACES = 512
"""Training images that show the range of every value between the layers."""
KEPT = 99.999
"""Per cent of those values that the range holds; what lies beyond is cut off (chosen on PublicTest, see
docs/research/eight-bit.md)."""
_BATCH = 32


@dataclass(frozen=True)
class Compared:
    """A quantised head beside the one that it was made from, on images that neither has learned from.

    Args:
        head: The head.
        labels: What counts as right.
        n: Images.
        before: Share of right answers in float, 0 to 1.
        after: Share of right answers in whole numbers.
        same: Share of the images with the same answer.
    """

    head: str
    labels: str
    n: int
    before: float
    after: float
    same: float


def quantize(source: Path, data: FaceDataset | Mixture, target: Path, seed: int = 1) -> Card:
    """Write a network with 8-bit convolutions, calibrated anew.

    Args:
        source: File that ``mien train`` or ``mien models export`` wrote, in float.
        data: What it learned from: its training images show the ranges, the others set the temperatures
            (`mien.training.calibrated_file.divided`).
        target: Where the new file goes.
        seed: Of the choice of training images.

    Returns:
        The card of the new file: that of the source, without scores, with its digest as ``parent``. The blend
        keeps its share.

    Raises:
        NetworkError: The source is not such a file, or quantised already.
        InputError: The data has other classes, images or splits.
    """
    card, model = opened(source, data)
    if card.precision != "float32":
        raise NetworkError(
            f"{source}: expected a network in float32; this one is {card.precision}: take {card.name.removesuffix('-int8')}"
        )
    training = divided(Mixture.of(data).first, card).training
    # The tool keeps every value between the layers of all of them: of larger images there are fewer.
    shown = min(max(FACES * SIDE**2 // (card.input.height or SIDE) ** 2, 1), FACES, len(training))
    chosen = np.random.default_rng(seed).permutation(len(training))[: shown - shown % _BATCH or shown]
    bare = _in_bytes(take_off(model, heads(card)), card.input, training.images[np.sort(chosen)])
    told_of = (
        f"{counted(len(chosen), 'image')} of the training set, seed {seed}, {KEPT} % of their values kept"
    )
    made = card.model_copy(
        update={
            "name": f"{card.name}-int8",
            "precision": "int8",
            "parent": card.sha256,
            "scores": (),
            "summary": f"{card.summary} In whole numbers of 8 bits (ranges: {told_of}).",
            "made_with": f"{card.made_with}; mien models quantize {source.name}",
        }
    )
    blend = None if card.blend is None else Blend(card.blend, card.adjustment)
    return finished(bare, made, data, target, blend)


def compare(source: Path, target: Path, data: FaceDataset | Mixture) -> list[Compared]:
    """Every head of two files on images that they have not learned from."""
    apart = divided(Mixture.of(data).first, read_card(source)).calibration
    found = []
    for head in read_card(target).heads:
        for labels in {"ferplus": ("ferplus",), BLEND: ("own", "votes-7")}.get(head, ("own",)):
            before, after = (
                evaluate(open_subject(path, head=head, threads=1), apart, EvaluateOptions(labels=labels))
                for path in (source, target)
            )
            same = float((before.answers == after.answers).mean())
            found.append(
                Compared(head, labels, after.whole.n, before.whole.accuracy, after.whole.accuracy, same)
            )
    return found


def _in_bytes(bare: Any, spec: InputSpec, images: NDArray[np.uint8]) -> Any:
    """The same network with convolutions and sums of bytes, all up to the first convolutions left in
    float."""
    tool = onnx_runtime("quantization")
    if all(node.op_type != "Conv" for node in bare.graph.node):
        raise NetworkError("expected a network with convolutions to quantise; it has none")
    with scratch_folder() as folder, _quiet():
        before, after = folder / "float.onnx", folder / "int8.onnx"
        onnx.save(bare, before)
        tool.quantize_static(
            before,
            after,
            _Images(spec, images),
            quant_format=tool.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add", "Relu"],
            nodes_to_exclude=_front(bare),
            per_channel=True,
            # Processors without instructions for such sums add two products in 16 bits, which 7-bit weights
            # cannot overflow.
            reduce_range=True,
            activation_type=tool.QuantType.QUInt8,
            weight_type=tool.QuantType.QInt8,
            calibrate_method=tool.CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": KEPT},
        )
        return onnx.load(after)


def _front(bare: Any) -> list[str]:
    """Names of all that no convolution comes before, and thus of the first one of each network in the file
    too.

    The sums among them bring the image to deviation 1: in steps of a 255th of the largest variance, an
    image in poor light would lose it.
    """
    after: set[str] = set()
    front = []
    for node in bare.graph.node:  # In an order in which every value is made before it is used.
        behind = not after.isdisjoint(node.input)
        if not behind:
            front.append(node.name)
        if node.op_type == "Conv" or behind:
            after.update(node.output)
    return front


class _Images:
    """Feeds images to ONNX Runtime's tool, some at a time: as many each time, as it can put nothing else
    together."""

    def __init__(self, spec: InputSpec, images: NDArray[np.uint8]) -> None:
        size = min(_BATCH, len(images))
        starts = range(0, len(images) - size + 1, size)
        self._feeds: Iterator[dict[str, Any]] = iter(
            [{spec.name: spec.fed(planes(images[start : start + size]))} for start in starts]
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """The tool prints and warns about its own steps."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
