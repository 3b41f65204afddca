"""A run: a folder in which a recipe becomes a network. One that was stopped, however rudely, goes on."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor, nn

from mien.core.arguments import check_threads
from mien.core.errors import InputError, MissingExtraError
from mien.core.formatting import counted
from mien.data.dataset import FaceDataset
from mien.plotting.curves import draw_curves
from mien.training.architectures import create_model
from mien.training.batches import Batches
from mien.training.callbacks import (
    BEST,
    CURVES,
    LAST,
    RECIPE,
    CheckpointCallback,
    KillWorkersOnSignal,
    Row,
    Silence,
    TrainingProgress,
    sweep,
    write_history,
)
from mien.training.module import ExpressionModule
from mien.training.recipe import Recipe
from mien.training.splits import Mixture, cut, digest_of, head_labels

if TYPE_CHECKING:
    from mien.training.distillation import TeacherCache
    from mien.training.finetune import PretrainedWeights


@dataclass(frozen=True)
class Hardware:
    """What a run computes on; handed to Lightning's trainer as it is.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` ...
        devices: How many of them, or a list such as ``0,2``.
        strategy: ``auto``, ``ddp``, ``fsdp`` ...
        nodes: How many machines.
        threads: CPU threads of each process; None is PyTorch's choice.

    Raises:
        InputError: There cannot be so many threads.
    """

    accelerator: str = "auto"
    devices: str = "auto"
    strategy: str = "auto"
    nodes: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        check_threads(self.threads)


def has_bfloat16(device: str) -> bool:
    """Whether a device, ``cpu`` or ``cuda``, computes in bfloat16; PyTorch emulates it on others, which takes
    about eight times as long as float32.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities() if device == "cpu" and torch.backends.mkldnn.is_available() else {}
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # bf16: on ARM


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run.

    Args:
        network: With the weights that the recipe keeps, ready to be asked.
        recipe: How it was trained.
        classes: Names of the classes of each head.
        history: One row per epoch.
        kept: The row of the epoch whose weights these are.
    """

    network: nn.Module
    recipe: Recipe
    classes: dict[str, tuple[str, ...]]
    history: list[Row]
    kept: Row


def train(
    data: FaceDataset | Mixture,
    recipe: Recipe,
    folder: Path,
    watch: TrainingProgress | None = None,
    hardware: Hardware | None = None,
    *,
    views: TeacherCache | None = None,
    initial: PretrainedWeights | None = None,
    tensorboard: bool = False,
) -> None:
    """Train a network, or go on with a run that was stopped.

    Args:
        data: Labelled faces, or all those of a recipe with a mixture.
        recipe: What to train and how.
        folder: Where the run lives: recipe, history, curves, the last and the best checkpoint, renewed after
            every epoch.
        watch: Is told how far it is.
        hardware: What to compute on.
        views: What teachers said (`mien.training.distillation`), for a recipe with distillation.
        initial: Weights to start with instead of random ones.
        tensorboard: Also write what TensorBoard shows, to ``folder/tensorboard``.

    Raises:
        InputError: The data cannot be learned from, the folder holds another run, or the loss became
            infinite.
    """
    hardware = hardware or Hardware()
    watch = watch or Silence()
    if hardware.threads is not None:
        torch.set_num_threads(hardware.threads)
    cuts = cut(data, recipe)
    recipe = _with_digests(recipe, Mixture.of(data))
    recipe = _with_precision(recipe, folder, hardware)
    recipe = replace(_taught(recipe, views), initial="" if initial is None else initial.digest)
    _prepare(folder, recipe)
    torch.manual_seed(recipe.seed)
    classes = {head: labels.names for head, labels in head_labels(data, recipe).items()}
    network = new_network(recipe, classes)
    saved = _resumed(folder, network, recipe)
    if saved is not None and _finished(saved, recipe):
        return _finish(folder, _history(saved))
    if initial is not None and saved is None:
        initial.put_into(network, cuts.training.images, classes)
    lesson = ExpressionModule(
        network, recipe, classes, _class_weights(cuts.training) if recipe.balance == "weights" else None
    )
    keeper = CheckpointCallback(folder, recipe, watch)
    trainer = _trainer(folder, recipe, hardware, keeper, tensorboard)
    place = lambda: (trainer.global_rank, trainer.world_size)  # noqa: E731
    training = Batches(cuts.learned(), recipe, lambda: trainer.current_epoch, place, views)
    validation = Batches(cuts.watched(), recipe, place=place)
    try:
        trainer.fit(
            lesson,
            training,
            validation,
            ckpt_path=None if saved is None else str(folder / LAST),
            weights_only=True,
        )
    except BaseException as error:
        done = f"{len(keeper.history)} of {counted(recipe.epochs, 'epoch')}"
        error.add_note(f"{folder} keeps {done}: the same command goes on from there")
        raise
    if trainer.is_global_zero:
        _finish(folder, keeper.history)


def load_run(folder: Path) -> Trained:
    """The network of a finished run.

    Raises:
        InputError: There is no run, it is not finished, or its weights are those of another network.
    """
    if not (folder / LAST).is_file():
        raise InputError(f"expected the folder of a training run; {folder} holds no {LAST}: train first")
    recipe = Recipe.load(folder / RECIPE)
    saved = _read(folder / LAST)
    if not _finished(saved, recipe):
        done = f"{len(_history(saved))} of {recipe.epochs} epochs are done"
        raise InputError(f"{folder}: expected a finished run; {done}: start the training again, it goes on")
    kept = load_checkpoint(folder / (BEST if recipe.keep == "best" else LAST))
    return replace(kept, history=_history(saved))


def load_checkpoint(path: Path) -> Trained:
    """The network of one checkpoint in the folder of a run, whether the run is finished or not.

    Raises:
        InputError: It is not a checkpoint, no recipe lies beside it, or its weights are those of another
            network.
    """
    recipe = Recipe.load(path.parent / RECIPE)
    saved = _read(path)
    classes = {head: tuple(names) for head, names in saved["mien"]["classes"].items()}
    network = new_network(recipe, classes)
    _fit(network, _weights(saved, recipe), path, recipe)
    history = _history(saved)
    return Trained(network.eval(), recipe, classes, history, history[-1])


def new_network(recipe: Recipe, classes: dict[str, tuple[str, ...]]) -> nn.Module:
    """The untrained network of a recipe."""
    network = create_model(
        recipe.arch, heads={head: len(names) for head, names in classes.items()}, **recipe.options
    )
    grouped = any(isinstance(part, nn.Conv2d) and part.groups > 1 for part in network.modules())
    if grouped and recipe.precision != "bf16-mixed":
        # torch 2.13 dies on CPUs in the gradient of a grouped convolution that is float32 and channels-last.
        return network
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _with_precision(recipe: Recipe, folder: Path, hardware: Hardware) -> Recipe:
    """The recipe with the precision that its run began with, or that suits the device."""
    if recipe.precision != "auto":
        return recipe
    if (folder / RECIPE).is_file():
        return replace(recipe, precision=Recipe.load(folder / RECIPE).precision)
    gpu = hardware.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    device = "cuda" if gpu else "cpu" if hardware.accelerator in ("auto", "cpu") else hardware.accelerator
    return replace(recipe, precision="bf16-mixed" if has_bfloat16(device) else "32")


def _with_digests(recipe: Recipe, data: Mixture) -> Recipe:
    """The recipe with the digests of the data sets of its mixture."""
    entries = {
        name: replace(entry, digest=digest_of(data.others[name])) for name, entry in recipe.mixture.items()
    }
    return replace(recipe, mixture=entries)


def _taught(recipe: Recipe, views: TeacherCache | None) -> Recipe:
    """The recipe with the digest of its views."""
    if bool(recipe.distillation.share) != (views is not None):
        raise InputError(
            "expected views (--teacher-cache) and a recipe with distillation.share above 0 together; got one without the other"
        )
    if views is None:
        return recipe
    if missing := set(recipe.heads) - set(views.heads):
        raise InputError(
            f"expected views with what teachers said for {', '.join(sorted(missing))}; they have {', '.join(views.heads)}"
        )
    return replace(recipe, distillation=replace(recipe.distillation, views=views.digest))


def _prepare(folder: Path, recipe: Recipe) -> None:
    sweep(folder)
    path = folder / RECIPE
    if path.is_file() and Recipe.load(path) != recipe:
        raise InputError(
            f"{folder} holds a run of another recipe (see its {RECIPE}): give another folder with --run"
        )
    if not path.is_file():
        recipe.save(path)


def _trainer(
    folder: Path, recipe: Recipe, hardware: Hardware, keeper: CheckpointCallback, tensorboard: bool
) -> Trainer:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)  # mien says what matters itself.
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    callbacks: list[Callback] = [keeper, KillWorkersOnSignal()]
    if recipe.patience:
        mode = "min" if recipe.monitor == "validation_loss" else "max"
        callbacks.append(
            EarlyStopping(
                recipe.monitor,
                patience=recipe.patience,
                mode=mode,
                check_on_train_epoch_end=False,
                check_finite=False,
            )
        )
    return Trainer(
        accelerator=hardware.accelerator,
        devices=int(hardware.devices) if hardware.devices.isdecimal() else hardware.devices,
        strategy=hardware.strategy,
        num_nodes=hardware.nodes,
        precision="bf16-mixed" if recipe.precision == "bf16-mixed" else "32-true",
        max_epochs=recipe.epochs,
        callbacks=callbacks,
        logger=_tensorboard(folder) if tensorboard else False,
        default_root_dir=folder,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _tensorboard(folder: Path) -> Any:
    from lightning.pytorch.loggers import TensorBoardLogger

    try:
        return TensorBoardLogger(folder, name=None, version="tensorboard")
    except ModuleNotFoundError:
        raise MissingExtraError("Pages of TensorBoard", "tensorboard", "tensorboard") from None


def _class_weights(data: FaceDataset) -> Tensor:
    """Inverse to the number of images, 1 on average over the images."""
    counts = torch.from_numpy(data.counts()).float()
    return counts.sum() / (counts * len(counts))


def _read(path: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        _ = saved["state_dict"], saved["mien"]["classes"], saved["callbacks"]
    except FileNotFoundError:
        raise InputError(f"expected a checkpoint; {path} is not there: train again") from None
    except Exception as error:  # torch.load raises whatever its unpickler comes across.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: expected a checkpoint of mien train; got {first[:120]}: give another run, or train again"
        ) from None
    return saved


def _resumed(folder: Path, network: nn.Module, recipe: Recipe) -> dict[str, Any] | None:
    """The checkpoint to go on with, held against the network that it should belong to."""
    if not (folder / LAST).is_file():
        return None
    saved = _read(folder / LAST)
    _fit(new_like(network, recipe, saved), _weights(saved, recipe), folder / LAST, recipe)
    return saved


def new_like(network: nn.Module, recipe: Recipe, saved: dict[str, Any]) -> nn.Module:
    """A second network of the recipe, built without touching the chance that the first one drew from."""
    with torch.random.fork_rng(devices=[]):
        return new_network(recipe, {head: tuple(names) for head, names in saved["mien"]["classes"].items()})


def _weights(saved: dict[str, Any], recipe: Recipe) -> dict[str, Tensor]:
    prefix = "average.module." if recipe.ema else "network."
    return {
        name.removeprefix(prefix): values
        for name, values in saved["state_dict"].items()
        if name.startswith(prefix)
    }


def _fit(network: nn.Module, weights: dict[str, Tensor], path: Path, recipe: Recipe) -> None:
    expected = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    got = {name: tuple(values.shape) for name, values in weights.items()}
    wrong = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
    if wrong:
        what = f"{wrong[0]} {expected.get(wrong[0], 'absent')}; got {got.get(wrong[0], 'none')}"
        raise InputError(
            f"{path}: expected weights of {recipe.arch}, with {what}: a checkpoint of another network: give its own run folder"
        )
    network.load_state_dict(weights)


def _kept(saved: dict[str, Any]) -> dict[str, Any]:
    return next(state for name, state in saved["callbacks"].items() if name.startswith("CheckpointCallback"))


def _history(saved: dict[str, Any]) -> list[Row]:
    return list(_kept(saved)["history"])


def _finished(saved: dict[str, Any], recipe: Recipe) -> bool:
    return bool(_kept(saved)["stopped"]) or len(_history(saved)) >= recipe.epochs


def _finish(folder: Path, history: list[Row]) -> None:
    write_history(folder, history)
    draw_curves(history, folder / CURVES)


def is_first() -> bool:
    """Whether this process is the one that writes, of the several that a strategy may have started."""
    return getattr(rank_zero_only, "rank", None) in (None, 0)
