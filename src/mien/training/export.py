"""From a finished run to an ONNX file with a card: calibrated, checked against PyTorch, ready to ship."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, NetworkError
from mien.core.formatting import counted
from mien.core.labels import NOTICE
from mien.data.dataset import FaceDataset
from mien.inference.card import FER_CROP, Card, InputSpec, write_card
from mien.inference.onnx_session import open_network
from mien.training.architectures import ARCHITECTURES
from mien.training.calibrated_file import calibration_facts, put_on
from mien.training.calibration import BLEND, Calibration, Judged, fit
from mien.training.recipe import Recipe
from mien.training.run import Trained, load_run
from mien.training.splits import SIDE, Mixture, Splits, cut, head_labels

_PARITY = 1e-4
_RIGHTS = (
    "The training images (FER-2013) were collected by image search for a contest in 2013, whose page offers the set under the Open Database and "
    "Database Contents licences; whether the photographers agreed is unresolved. The FER+ votes are MIT (Microsoft)."
)
_OTHER_RIGHTS = (
    "Whoever made this file knows what may be done with the images that it learned from: ask them."
)
_MIXED_RIGHTS = {
    "everyday": " The everyday photographs (press and films, github.com/muxspace/facial_expressions) were labelled by "
    "students, one each, and published under Apache-2.0; whether the photographers and the people agreed is unresolved."
}
_OTHER_MIXED_RIGHTS = " It also learned from {}: whoever chose those images knows what may be done with them."
_INHERITED = " It started with the weights of another file, whose rights and licence hold as well."
_CALIBRATED = "Images that were not learned from set the temperatures and the blend: PublicTest without its copies, or else the watched part{}."
_MEANINGS = {
    "fer2013": "fer2013, what an image would have been searched for",
    "ferplus": "ferplus, what ten people would say",
    "labels": "labels, what the labels of its training images say",
}
_CUTS = {
    "clean": "the training set without copies of test images, blanks and images that are not a face",
    "official": "all of the training set, copies of test images too: only to compare with the literature",
    "held-out": "all but a seeded share of every class",
    "stratified": "a seeded share of every class",
    "first": "the first part of the training set",
}
_LIMITS = (
    f"{NOTICE} Not for decisions about people, not for emotion inference at work or in "
    "education (forbidden in the EU since February 2025), not for telling who somebody is."
)


class _Heads(nn.Module):
    """A network whose outputs are a tuple: the logits of each head."""

    def __init__(self, network: nn.Module, heads: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.heads = heads

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        logits = self.network(faces)
        return tuple(logits[head] for head in self.heads)


@torch.no_grad()
def predict(
    network: nn.Module, images: NDArray[np.uint8], batch: int = 256
) -> dict[str, NDArray[np.float32]]:
    """``(n, k)`` logits of every head for images ``(n, h, w)``, in float32, one view."""
    network.eval()
    faces = torch.from_numpy(images)[:, None].float()
    parts = [network(chunk) for chunk in faces.split(batch)]
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def export(folder: Path, data: FaceDataset | Mixture, target: Path, command: str) -> Card:
    """Write the network of a finished run as ONNX with a card.

    Args:
        folder: The run.
        data: The data set that it learned from, for the temperatures and for the check against PyTorch.
        target: Where the file goes.
        command: What the card says about how it was made.

    Returns:
        The card, without scores: `mien models test` measures them.

    Raises:
        InputError: The run is not finished, or the data has other classes.
        NetworkError: The file does not give PyTorch's answers.
    """
    run = load_run(folder)
    cuts = cut(data, run.recipe)
    for head, labels in head_labels(data, run.recipe).items():
        if labels.names != run.classes[head]:
            raise InputError(
                f"expected data with the classes {', '.join(run.classes[head])}, as {folder} has; got {', '.join(labels)}"
            )
    others = [
        Judged(predict(run.network, part.calibration.images), part.calibration, run.recipe.head_of(name))
        for name, part in cuts.others.items()
    ]
    calibration = fit(predict(run.network, cuts.calibration.images), cuts.calibration, others)
    results = (
        dict(run.classes) if calibration.blend is None else {BLEND: run.classes["fer2013"], **run.classes}
    )
    with atomic_write(target) as aside:
        write_onnx(run.network, {head: len(names) for head, names in run.classes.items()}, calibration, aside)
        card = _card(run, cuts, results, calibration, command)
        card = card.model_copy(update={"entries": dict(Mixture.of(data).first.labels.entries)})
        card = write_card(
            aside, card if Mixture.of(data).first.is_fer2013 else _of_other_data(card, run.recipe)
        )
        _check_parity(run.network, calibration, cuts.calibration.images[:256], aside)
    return card


def write_onnx(network: nn.Module, heads: dict[str, int], calibration: Calibration, path: Path) -> None:
    """Write a network as an ONNX file without a card.

    Args:
        network: Takes ``(n, 1, 48, 48)`` and gives the logits of each head by name.
        heads: Number of classes of each head.
        calibration: How answers are made of logits.
        path: Where it goes.
    """
    import onnx

    logging.getLogger("torch.onnx").setLevel(
        logging.ERROR
    )  # It tells of torchvision, which nothing here needs.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The exporter warns about its own internals.
        program = torch.onnx.export(
            _Heads(network, tuple(heads)).eval(),
            (torch.zeros(2, 1, SIDE, SIDE),),
            input_names=["faces"],
            output_names=list(heads),
            dynamic_shapes={"faces": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    with translate_os_errors(path):
        onnx.save(put_on(program.model_proto, heads, calibration), path)


def _check_parity(
    network: nn.Module, calibration: Calibration, images: NDArray[np.uint8], path: Path
) -> None:
    expected = calibration.answers(predict(network, images))
    got = open_network(path).run({"faces": images[:, None].astype(np.float32)})
    for name, values in expected.items():
        difference = float(np.abs(values - got[name]).max())
        if not difference <= _PARITY:
            raise NetworkError(
                f"{path}: expected PyTorch's answers to {_PARITY}; {name} differs by {difference:.1e}: do not ship this file"
            )


def _card(
    run: Trained,
    cuts: Splits,
    results: Mapping[str, tuple[str, ...]],
    calibration: Calibration,
    command: str,
) -> Card:
    recipe = run.recipe
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        run.network(torch.zeros(1, 1, SIDE, SIDE))
    return Card(
        name=recipe.name,
        version="1",
        kind="expression",
        summary=_summary(recipe, calibration),
        heads=dict(results),
        input=InputSpec(
            name="faces",
            height=SIDE,
            width=SIDE,
            channels=1,
            low=0,
            high=255,
            note="Pixels as they are; the network scales them itself.",
        ),
        crop=FER_CROP,
        training=_training(run, cuts),
        split=_split(recipe),
        **calibration_facts(calibration),
        division={} if recipe.split.policy in ("clean", "official") else asdict(recipe.split),
        mixture={
            name: {**asdict(entry), "classes": list(entry.classes)} for name, entry in recipe.mixture.items()
        },
        parameters=sum(values.numel() for values in run.network.parameters()),
        macs=counter.get_total_flops() // 2,
        licence="MIT",
        rights=_RIGHTS
        + "".join(_MIXED_RIGHTS.get(name, _OTHER_MIXED_RIGHTS.format(name)) for name in recipe.mixture),
        limits=_LIMITS,
        made_with=command,
    )


def _training(run: Trained, cuts: Splits) -> str:
    """From what it learned, in words."""
    recipe = run.recipe
    told = (
        f"{counted(len(cuts.training), 'image')} ({_CUTS[recipe.split.policy]}); heads {' and '.join(recipe.heads)}; "
        f"{counted(len(run.history), 'epoch')}, seed {recipe.seed}."
    )
    told += "".join(_mixed_in(name, cuts.others[name], recipe) for name in recipe.mixture)
    if recipe.initial:
        told += f" It started with the weights of the file {recipe.initial[:16]} (SHA-256)."
    if recipe.distillation.views:
        told += f" It learned from what teachers said (views {recipe.distillation.views[:16]})."
    return told


def _split(recipe: Recipe) -> str:
    """What was held out, and what was chosen on what, in words."""
    weights = "of the last epoch" if recipe.keep == "last" else f"with the best {recipe.monitor}"
    calibrated = _CALIBRATED.format(_held_out(recipe))
    told = f"Taken: the weights {weights}. {calibrated} PrivateTest is opened by a command that logs it."
    if recipe.split.everything:
        told += " Trained on a deal of all splits: it has seen images of the test set."
    return told


def _held_out(recipe: Recipe) -> str:
    return "".join(
        f", and {entry.held_out:.0%} of {name}" + (f" by {entry.group}" if entry.group else "")
        for name, entry in recipe.mixture.items()
    )


def _mixed_in(name: str, part: Splits, recipe: Recipe) -> str:
    entry = recipe.mixture[name]
    return (
        f" Mixed in: {counted(len(part.training), 'image')} of {name} ({', '.join(part.training.labels)}), {entry.weight:.0%} of "
        f"an epoch, for the head {recipe.head_of(name)}."
    )


def _of_other_data(card: Card, recipe: Recipe) -> Card:
    """What is known of FER-2013 taken out."""
    summary = card.summary.replace(
        _MEANINGS["fer2013"], "fer2013, what the labels of its training images say"
    )
    held_out = (
        "the validation set" if recipe.split.policy in ("clean", "official") else "the part that was held out"
    )
    split = card.split.replace(
        _CALIBRATED.format(_held_out(recipe)),
        f"Images that were not learned from set the temperatures: {held_out}{_held_out(recipe)}.",
    ).replace(" PrivateTest is opened by a command that logs it.", "")
    return card.model_copy(
        update={
            "summary": summary,
            "split": split,
            "licence": "not stated",
            "rights": _OTHER_RIGHTS + (_INHERITED if recipe.initial else ""),
        }
    )


def _summary(recipe: Recipe, calibration: Calibration) -> str:
    told = "; ".join(_MEANINGS[head] for head in recipe.heads)
    told += "".join(f"; {head}, what its data set's labels say" for head in recipe.own_heads())
    if calibration.blend is not None:
        told += f"; expression, a blend of both ({calibration.blend}) over the classes they share"
    return f"{ARCHITECTURES[recipe.arch].title} over one gray face. Its heads: {told}."
