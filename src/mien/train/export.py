"""From a finished run to an ONNX file with a card: calibrated, checked against PyTorch, ready to ship."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mien.card import FER_CROP, Card, InputSpec, write_card
from mien.data.dataset import FaceDataset
from mien.errors import InputError, NetworkError
from mien.files import told, written_aside
from mien.labels import FERPLUS
from mien.runtime import open_network
from mien.train.cuts import SIDE, Cuts, cut, head_labels, head_targets
from mien.train.recipe import Recipe
from mien.train.run import Trained, load_run

_PARITY = 1e-4
_RIGHTS = (
    "The training pictures (FER-2013) were collected by image search for a contest in 2013, whose page offers the set under the Open Database and "
    "Database Contents licences; whether the photographers agreed is unresolved. The FER+ votes are MIT (Microsoft)."
)
_CALIBRATED = "Pictures that were not learned from set the temperatures and the blend: PublicTest without its copies, or else the watched part."
_CUTS = {
    "clean": "Training without copies of test pictures, blanks and pictures that are not a face",
    "official": "all of Training, copies of test pictures too: only to compare with the literature",
    "stratified": "a seeded share of every class",
    "first": "the first part of Training",
}
_LIMITS = (
    "It reads the expression that a face shows, not what a person feels. Not for decisions about people, not for emotion inference at work or in "
    "education (forbidden in the EU since February 2025), not for telling who somebody is."
)


_BLEND = "expression"
"""Name of the output that blends two heads; it comes first, so it is what users get unless they ask for another."""


@dataclass(frozen=True)
class Calibration:
    """What is fitted after training, on pictures that were not learned from.

    Args:
        temperatures: Per output, the number that its logits are divided by (Guo et al. 2017).
        blend: Share of the FER-2013 head in the logarithm of the blended output, 0 to 1; None where nothing is blended.
        shared: Columns of the FER+ head for each class of the blended output.
    """

    temperatures: dict[str, float]
    blend: float | None = None
    shared: tuple[int, ...] = ()


class _Exported(nn.Module):
    """A network whose outputs are calibrated probabilities: the blend where there is one, then each head."""

    def __init__(self, network: nn.Module, heads: tuple[str, ...], calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.heads = heads
        self.calibration = calibration

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        temperatures = self.calibration.temperatures
        logits = self.network(faces)
        logs = {head: functional.log_softmax(logits[head] / temperatures[head], dim=1) for head in self.heads}
        heads = tuple(logs[head].exp() for head in self.heads)
        if self.calibration.blend is None:
            return heads
        blended = _blended(logs, self.calibration.blend, self.calibration.shared) / temperatures[_BLEND]
        return (functional.softmax(blended, dim=1), *heads)


def _blended(logs: Mapping[str, Tensor], share: float, shared: Sequence[int]) -> Tensor:
    """``(n, k)`` weighted mean of the heads' log-probabilities; *contempt*, which FER-2013 does not know, is left out."""
    return share * logs["fer2013"] + (1 - share) * logs["ferplus"][:, list(shared)]


@torch.no_grad()
def predict(network: nn.Module, data: FaceDataset, batch: int = 256) -> dict[str, Tensor]:
    """Logits of every head for every picture, in float32, one view."""
    network.eval()
    faces = torch.from_numpy(data.images)[:, None].float()
    parts = [network(chunk) for chunk in faces.split(batch)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def calibrate(run: Trained, checked: FaceDataset) -> Calibration:
    """Fit temperatures and the blend.

    Each head's temperature gives the smallest cross-entropy: to the label for FER-2013, to the shares of the votes for
    FER+. The blend, out of tenths, has the best mean of the accuracies on the two label sets: FER-2013 says what a
    picture was searched for, FER+ what people see, and a user wants an answer that neither would call wrong.
    """
    logits = predict(run.network, checked)
    targets = head_targets(checked, run.recipe)
    temperatures = {head: _temperature(logits[head], targets[head]) for head in run.recipe.heads}
    names = run.classes.get("fer2013", ())
    if len(run.recipe.heads) < 2 or not set(names) <= set(FERPLUS):
        return Calibration(temperatures)
    shared = tuple(FERPLUS.index(name) for name in names)
    logs = {name: functional.log_softmax(values / temperatures[name], dim=1) for name, values in logits.items()}
    share = max((step / 10 for step in range(11)), key=lambda share: _mean_accuracy(_blended(logs, share, shared), checked))
    both = targets["fer2013"] / 2 + targets["ferplus"][:, list(shared)] / 2
    return Calibration({**temperatures, _BLEND: _temperature(_blended(logs, share, shared), both)}, share, shared)


def _mean_accuracy(blended: Tensor, data: FaceDataset) -> float:
    answers = blended.argmax(dim=1).numpy()
    majority = data.seven_class_majority()
    return float((answers == data.expressions).mean() + (answers == majority)[majority >= 0].mean()) / 2


def _temperature(logits: Tensor, targets: Tensor) -> float:
    log_temperature = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=50)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -(targets * functional.log_softmax(logits / log_temperature.exp(), dim=1)).sum() / len(targets)
        value.backward()
        return value

    optimizer.step(loss)
    return round(float(log_temperature.detach().exp()), 4)


def export(folder: Path, data: FaceDataset, target: Path, command: str) -> Card:
    """Write the network of a finished run as ONNX with a card.

    Args:
        folder: The run.
        data: The data set that it learned from, for the temperatures and for the check against PyTorch.
        target: Where the file goes.
        command: What the card says about how it was made.

    Returns:
        The card, without scores: `mien open-private` measures them.

    Raises:
        InputError: The run is not finished, or the data has other classes.
        NetworkError: The file does not give PyTorch's answers.
    """
    run = load_run(folder)
    cuts = cut(data, run.recipe)
    for head, labels in head_labels(data, run.recipe).items():
        if labels.names != run.classes[head]:
            raise InputError(f"expected data with the classes {', '.join(run.classes[head])}, as {folder} has; got {', '.join(labels)}")
    calibration = calibrate(run, cuts.calibration)
    exported = _Exported(run.network, run.recipe.heads, calibration).eval()
    readings = dict(run.classes) if calibration.blend is None else {_BLEND: run.classes["fer2013"], **run.classes}
    with written_aside(target) as aside:
        _write_onnx(exported, list(readings), aside)
        card = write_card(aside, _card(run, cuts, readings, calibration, command))
        _check_parity(exported, list(readings), cuts.calibration, aside)
    return card


def _write_onnx(exported: _Exported, readings: list[str], path: Path) -> None:
    example = torch.zeros(2, 1, SIDE, SIDE)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # It tells of torchvision, which nothing here needs.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The exporter warns about its own internals.
        program = torch.onnx.export(
            exported,
            (example,),
            input_names=["faces"],
            output_names=readings,
            dynamic_shapes={"faces": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    with told(path):
        program.save(path, external_data=False)


def _check_parity(exported: _Exported, readings: list[str], data: FaceDataset, path: Path) -> None:
    faces = data.images[:256, None].astype(np.float32)
    with torch.no_grad():
        expected = dict(zip(readings, exported(torch.from_numpy(faces)), strict=True))
    got = open_network(path).run({"faces": faces})
    for name, values in expected.items():
        difference = float(np.abs(values.numpy() - got[name]).max())
        if not difference <= _PARITY:
            raise NetworkError(f"{path}: expected PyTorch's answers to {_PARITY}; {name} differs by {difference:.1e}: do not ship this file")


def _card(run: Trained, cuts: Cuts, readings: Mapping[str, tuple[str, ...]], calibration: Calibration, command: str) -> Card:
    recipe = run.recipe
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        run.network(torch.zeros(1, 1, SIDE, SIDE))
    weights = "the weights of the last epoch" if recipe.keep == "last" else f"the weights with the best {recipe.monitor}"
    return Card(
        name=recipe.name,
        version="1",
        kind="expression",
        summary=_summary(recipe, calibration),
        heads=dict(readings),
        input=InputSpec(
            name="faces", height=SIDE, width=SIDE, channels=1, low=0, high=255, note="Pixels as they are; the network scales them itself."
        ),
        crop=FER_CROP,
        training=f"{len(cuts.training):,} pictures ({_CUTS[recipe.split.policy]}); heads {' and '.join(recipe.heads)}; {len(run.history)} epochs, "
        f"seed {recipe.seed}.",
        split=f"Taken: {weights}. {_CALIBRATED} PrivateTest is opened by a command that logs it."
        + (" Trained on a deal of all splits: it has seen pictures of PrivateTest." if recipe.split.everything else ""),
        temperatures=calibration.temperatures,
        parameters=sum(values.numel() for values in run.network.parameters()),
        macs=counter.get_total_flops() // 2,
        licence="MIT",
        rights=_RIGHTS,
        limits=_LIMITS,
        made_with=command,
    )


def _summary(recipe: Recipe, calibration: Calibration) -> str:
    meanings = {"fer2013": "fer2013, what a picture would have been searched for", "ferplus": "ferplus, what ten people would say"}
    told = "; ".join(meanings[head] for head in recipe.heads)
    if calibration.blend is not None:
        told += f"; expression, a blend of both ({calibration.blend:.0%} fer2013 in the logarithm) over the classes they share"
    return f"Network {recipe.network} over one gray face. Its readings: {told}."
