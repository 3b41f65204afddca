"""From a finished run to an ONNX file with a card: calibrated, checked against PyTorch, ready to ship."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mien.card import FER_CROP, Card, InputSpec, write_card
from mien.data.dataset import PUBLIC_TEST, FaceDataset, clean_training, leak_free
from mien.errors import InputError, NetworkError
from mien.files import written_aside
from mien.labels import EXPRESSIONS, FERPLUS
from mien.models.residual import ResidualNet
from mien.runtime import open_network
from mien.train.loop import HEADS, create_network, predict
from mien.train.recipe import Recipe

_PARITY = 1e-4
_RIGHTS = (
    "The training pictures (FER-2013) were collected by image search for a contest in 2013, whose page offers the set under the Open Database and "
    "Database Contents licences; whether the photographers agreed is unresolved. The FER+ votes are MIT (Microsoft)."
)
_SPLIT = (
    "Training was learned from; PublicTest without its copies set the temperatures and the blend; the last epoch was taken, none was chosen; "
    "PrivateTest is opened by a command that logs it."
)
_LIMITS = (
    "It reads the expression that a face shows, not what a person feels. Not for decisions about people, not for emotion inference at work or in "
    "education (forbidden in the EU since February 2025), not for telling who somebody is."
)


READINGS = {"expression": EXPRESSIONS, **HEADS}
"""Outputs of a network file; the first one, a blend of the two heads, is what users get unless they ask for another."""

_SHARED = [FERPLUS.index(name) for name in EXPRESSIONS]


@dataclass(frozen=True)
class Calibration:
    """What is fitted on the leak-free part of PublicTest after training.

    Args:
        temperatures: Per output, the number that its logits are divided by (Guo et al. 2017).
        blend: Share of the FER-2013 head in the logarithm of the blended output, 0 to 1.
    """

    temperatures: dict[str, float]
    blend: float


class _Exported(nn.Module):
    """A network whose outputs are calibrated probabilities: the blend, then each head."""

    def __init__(self, network: ResidualNet, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.calibration = calibration

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        temperatures = self.calibration.temperatures
        logs = {name: functional.log_softmax(logits / temperatures[name], dim=1) for name, logits in self.network(faces).items()}
        blended = functional.softmax(_blended(logs, self.calibration.blend) / temperatures["expression"], dim=1)
        return (blended, *(logs[name].exp() for name in HEADS))


def _blended(logs: Mapping[str, Tensor], share: float) -> Tensor:
    """``(n, 7)`` weighted mean of the heads' log-probabilities; *contempt*, which FER-2013 does not know, is left out."""
    return share * logs["fer2013"] + (1 - share) * logs["ferplus"][:, _SHARED]


def load_run(folder: Path) -> tuple[ResidualNet, Recipe]:
    """The network of a finished run, and its recipe.

    Raises:
        InputError: There is no run, or it is not finished.
    """
    if not (folder / "last.pt").is_file():
        raise InputError(f"expected the folder of a training run; {folder} holds no last.pt: train first")
    recipe = Recipe.load(folder / "recipe.json")
    saved = torch.load(folder / "last.pt", weights_only=True)
    if len(saved["history"]) < recipe.epochs:
        done = f"{len(saved['history'])} of {recipe.epochs} epochs are done"
        raise InputError(f"{folder}: expected a finished run; {done}: start the training again, it goes on")
    network = create_network(recipe)
    network.load_state_dict(saved["network"])
    return network.eval(), recipe


def calibrate(network: ResidualNet, data: FaceDataset) -> Calibration:
    """Fit temperatures and the blend on the leak-free part of PublicTest.

    Each head's temperature gives the smallest cross-entropy: to the label for FER-2013, to the shares of the votes for
    FER+. The blend, out of tenths, has the best mean of the accuracies on the two label sets: FER-2013 says what a
    picture was searched for, FER+ what people see, and a user wants an answer that neither would call wrong.
    """
    checked = leak_free(data, PUBLIC_TEST)
    logits = predict(network, checked)
    searched = functional.one_hot(torch.from_numpy(checked.expressions), len(EXPRESSIONS)).float()
    seen = torch.from_numpy(checked.vote_shares())
    temperatures = {"fer2013": _temperature(logits["fer2013"], searched), "ferplus": _temperature(logits["ferplus"], seen)}
    logs = {name: functional.log_softmax(values / temperatures[name], dim=1) for name, values in logits.items()}
    share = max((step / 10 for step in range(11)), key=lambda share: _mean_accuracy(_blended(logs, share), checked))
    temperatures["expression"] = _temperature(_blended(logs, share), searched / 2 + seen[:, _SHARED] / 2)
    return Calibration(temperatures, share)


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
        data: FER-2013, for the temperatures and for the check against PyTorch.
        target: Where the file goes.
        command: What the card says about how it was made.

    Returns:
        The card, without scores: `mien.train open-private` measures them.

    Raises:
        NetworkError: The file does not give PyTorch's answers.
    """
    network, recipe = load_run(folder)
    calibration = calibrate(network, data)
    exported = _Exported(network, calibration).eval()
    with written_aside(target) as aside:
        _write_onnx(exported, aside)
        card = write_card(aside, _card(network, recipe, data, calibration, command))
        _check_parity(exported, data, aside)
    return card


def _write_onnx(exported: _Exported, path: Path) -> None:
    example = torch.zeros(2, 1, 48, 48)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The exporter warns about its own internals.
        program = torch.onnx.export(
            exported,
            (example,),
            input_names=["faces"],
            output_names=list(READINGS),
            dynamic_shapes={"faces": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


def _check_parity(exported: _Exported, data: FaceDataset, path: Path) -> None:
    faces = data.split(PUBLIC_TEST).images[:256, None].astype(np.float32)
    with torch.no_grad():
        expected = dict(zip(READINGS, exported(torch.from_numpy(faces)), strict=True))
    got = open_network(path).run({"faces": faces})
    for name, values in expected.items():
        difference = float(np.abs(values.numpy() - got[name]).max())
        if difference > _PARITY:
            raise NetworkError(f"{path}: expected PyTorch's answers to {_PARITY}; {name} differs by {difference:.1e}: do not ship this file")


def _card(network: ResidualNet, recipe: Recipe, data: FaceDataset, calibration: Calibration, command: str) -> Card:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(1, 1, 48, 48))
    clean = recipe.track == "clean"
    seen = len(clean_training(data)) if clean else len(data.split("Training"))
    cut = "without copies of test pictures, blanks and pictures that are not a face" if clean else "all of it: only to compare with the literature"
    return Card(
        name=recipe.name,
        version="1",
        kind="expression",
        summary=(
            "Residual network over one gray face. Its readings: fer2013, what a picture would have been searched for; ferplus, what ten people would "
            f"say; expression, a blend of both ({calibration.blend:.0%} fer2013 in the logarithm) over the seven classes they share."
        ),
        heads={name: labels.names for name, labels in READINGS.items()},
        input=InputSpec(name="faces", height=48, width=48, channels=1, low=0, high=255, note="Brought to mean 0 and deviation 1 inside the network."),
        crop=FER_CROP,
        training=f"{seen:,} pictures of FER-2013 Training ({cut}), FER-2013 labels and FER+ votes; {recipe.epochs} epochs, seed {recipe.seed}.",
        split=_SPLIT,
        temperatures=calibration.temperatures,
        parameters=sum(weights.numel() for weights in network.parameters()),
        macs=counter.get_total_flops() // 2,
        licence="MIT",
        rights=_RIGHTS,
        limits=_LIMITS,
        made_with=command,
    )
