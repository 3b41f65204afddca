"""Everything that decides how a network comes out, in one frozen object that is saved beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError
from mien.core.names import quoted, unreadable
from mien.training.architectures import ARCHITECTURES

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "arch": tuple(ARCHITECTURES),
    "split.policy": ("clean", "official", "held-out", "stratified", "first"),
    "optimizer.name": ("sgd", "rmsprop", "adam", "adamw"),
    "schedule.name": ("constant", "linear", "plateau", "cosine", "one-cycle"),
    "schedule.monitor": ("validation_loss", "validation_accuracy"),
    "balance": ("none", "weights", "sampling"),
    "precision": ("auto", "32", "bf16-mixed"),
    "keep": ("last", "best"),
    "monitor": ("validation_loss", "validation_accuracy"),
}
_HEADS = ("fer2013", "ferplus", "labels")


@dataclass(frozen=True)
class Augmentation:
    """How much of each change a training face gets, see `mien.training.augment`; all zero leaves faces as
    they are."""

    flip: float = 0.5
    """Share of faces that are mirrored."""
    scale: float = 0.2
    """Largest change of the size of a face, as a share: the crop that users bring is never cut quite
    alike."""
    shift: float = 0.08
    """Largest shift, as a share of the side."""
    rotation: float = 10.0
    """Largest turn, in degrees."""
    gamma: float = 0.3
    coarse: float = 0.15
    """Share of training faces shown at a lower resolution, as small faces in large images are."""
    erase: float = 0.25
    """Share of faces with a covered rectangle."""
    noise: float = 0.0
    """Share of faces with noise as of a sensor in poor light."""
    motion: float = 0.0
    """Share of faces blurred along a line, as when a camera or a head moves."""
    compress: float = 0.0
    """Share of faces with the blocks that JPEG and video coders leave."""
    cover: float = 0.0
    """Share of faces behind a mask or a bar, of one tone from side to side."""


NO_AUGMENTATION = Augmentation(flip=0, scale=0, shift=0, rotation=0, gamma=0, coarse=0, erase=0)
VIEWED = Augmentation(flip=0.5, scale=0.2, shift=0.08, rotation=12, gamma=0.3, coarse=0.2, erase=0.2)
"""How the images of a view are changed that teachers are asked about (`mien.training.distillation`): as widely
as students should survive."""


@dataclass(frozen=True)
class Optimizer:
    """One of PyTorch's optimizers."""

    name: str = "sgd"
    rate: float = 0.05
    """Learning rate; with one-cycle its peak."""
    weight_decay: float = 0.0
    """As PyTorch means it: L2 in the gradient, but with adamw apart from it."""
    momentum: float = 0.0
    """Of sgd and rmsprop."""
    nesterov: bool = False


@dataclass(frozen=True)
class Schedule:
    """One of PyTorch's learning-rate schedules, stepped after every batch; plateau after every epoch."""

    name: str = "constant"
    warmup: float = 0.0
    """Share of all steps in which the rate rises; then the schedule begins."""
    factor: float = 0.1
    """What plateau multiplies the rate with."""
    patience: int = 10
    """Epochs without progress that plateau waits."""
    floor: float = 0.0
    """Lowest rate of plateau; what linear and cosine end at."""
    monitor: str = "validation_loss"
    """What plateau watches."""


@dataclass(frozen=True)
class Split:
    """Which images are learned from, and which are watched.

    The policies: ``clean``, Training without copies of test images, blanks and what is not a face, and
    PublicTest without its copies; ``official``, the contest's Training and PublicTest as they are, to compare
    with the literature; ``held-out``, a seeded part of every class of Training is watched, copies of an image
    and all of a ``group`` on one side; ``stratified``, a seeded part of every class of Training is watched; ``first``, the
    first part of Training is learned from.
    """

    policy: str = "clean"
    share: float = 0.2
    """Part that is watched, with held-out, stratified and first."""
    seed: int = 0
    """Of held-out and stratified."""
    group: str = ""
    """Column whose values, such as persons, stay on one side, with held-out."""
    everything: bool = False
    """Stratified over all images, as some papers did: such a network has seen PrivateTest."""
    folds: int = 0
    """Into how many folds the images to learn from are dealt (`mien.data.splitting.folds`); 0 deals
    none."""
    fold: int = 0
    """The fold that is not learned from, counted from 0: such a teacher can be asked about it
    (`mien.training.distillation`)."""


@dataclass(frozen=True)
class Distillation:
    """Learning from what teachers said (Hinton, Vinyals, Dean 2015, https://arxiv.org/abs/1503.02531).

    The faces are then those that the teachers were shown (`mien.training.distillation`). What the
    augmentation adds to them, teachers did not see: students learn that it changes nothing, be it a moved
    box, noise, or a mask.
    """

    share: float = 0.0
    """Of the loss, the part that goes by the teachers; the rest goes by the labels. 0 has no teachers."""
    temperature: float = 2.0
    """What the logits of both are divided by before they are compared."""
    steadiness: float = 0.0
    """Of what is said about a view, the part that is the geometric mean over all views of its image: 1
    wants the same answer for all of them."""
    views: str = ""
    """Digest of the views, filled in when training starts: a run goes on with the same ones only."""


@dataclass(frozen=True)
class MixtureEntry:
    """A further data set that is learned from beside the first one.

    One head may learn from several data sets, and a data set may have a head of its own: heads share all
    layers but the last.
    """

    head: str = ""
    """What its labels teach: ``fer2013`` or ``ferplus``, which must know its classes, or a head of its own,
    named as the data set, where this is empty."""
    weight: float = 0.2
    """Share of the images of an epoch; the first data set has what is left to 1 and is seen once in an
    epoch."""
    alpha: float = 0.5
    """Its classes are drawn in proportion to (images of the class) ** alpha: 1 as they come, 0 all alike."""
    classes: tuple[str, ...] = ()
    """Classes that are learned; images of others are left out. Empty: all of them."""
    held_out: float = 0.25
    """Share of its images that is watched, and chosen by, instead of learned from, where it has no split
    PublicTest."""
    seed: int = 0
    """Which images are held out."""
    group: str = ""
    """Column whose values, such as persons, stay on one side when a share is held out."""
    center_crop: float = 1.0
    """Share of each image's sides, at its centre, that is the face: the rest is room around it."""
    digest: str = ""
    """Of its images and labels, filled in when training starts: a run goes on with the same ones only."""

    def __post_init__(self) -> None:
        for what, share in (("weight", self.weight), ("held_out", self.held_out)):
            if not 0 < share < 1:
                raise InputError(
                    f"expected {what} of a data set in a mixture above 0 and below 1; got {share}"
                )
        if not 0 <= self.alpha <= 1:
            raise InputError(f"expected alpha of a data set in a mixture from 0 to 1; got {self.alpha}")
        if not 0 < self.center_crop <= 1:
            raise InputError(f"expected center_crop of a data set above 0, at most 1; got {self.center_crop}")


KNOWN_DATA_SETS: Mapping[str, MixtureEntry] = {
    "everyday": MixtureEntry(
        head="ferplus",
        classes=("neutral", "happy", "surprise", "angry", "sad"),
        group="person",
        center_crop=0.75,
    )
}
"""How data sets are mixed in that mien knows by name. ``everyday``: photographs from the press and from films,
whose faces are mostly calm, as those of users are, and as few of FER-2013 are, which was found by searching for
emotion words. Its disgust and fear are too few to learn from or to judge by."""


def known_entry(name: str) -> MixtureEntry:
    """How a data set of that name is mixed in unless something else is said."""
    return KNOWN_DATA_SETS.get(name, MixtureEntry())


@dataclass(frozen=True)
class Recipe:
    """What to train and how. The presets (`mien.training.presets`) are recipes with names."""

    name: str = "small"
    arch: str = "residual"
    """Architecture: one of `mien.training.architectures.ARCHITECTURES`."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the architecture, such as ``dropout``."""
    heads: tuple[str, ...] = ("fer2013", "ferplus")
    """What is learned: ``fer2013``, the hard label; ``ferplus``, the distribution of the FER+ votes; or both.
    ``labels`` is the hard label of other data than FER-2013."""
    mixture: dict[str, MixtureEntry] = field(default_factory=dict)
    """Further data sets by name, each with its head and its share of an epoch."""
    split: Split = Split()
    epochs: int = 64
    batch: int = 96
    """Images per step, over all devices together."""
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    augmentation: Augmentation = Augmentation()
    balance: str = "none"
    """Rare classes: ``weights`` in the loss, or ``sampling`` of every class alike."""
    label_smoothing: float = 0.0
    mixup: float = 0.0
    """Alpha of the Beta distribution that pairs of faces are mixed with; 0 mixes none."""
    distillation: Distillation = Distillation()
    initial: str = ""
    """Digest of the network file whose weights training starts with (`mien.training.finetune`), filled in
    when it starts; empty: random weights."""
    ema: float = 0.0
    """Decay per step of the moving average of the weights, which is then watched and exported; 0 is none."""
    patience: int = 0
    """Epochs without progress after which training stops; 0 never stops early."""
    monitor: str = "validation_loss"
    """What early stopping and the best checkpoint go by; an accuracy is that of the first head."""
    keep: str = "last"
    """Which checkpoint is exported; ``best`` is chosen by ``monitor``."""
    precision: str = "auto"
    """Of products: ``32`` bits, ``bf16-mixed``, or ``auto``, which becomes ``bf16-mixed`` where the device
    computes in bfloat16 and ``32`` elsewhere when a run begins; the run keeps it."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value: Any = self
            for part in name.split("."):
                value = getattr(value, part)
            if value not in choices:
                raise InputError(f"expected {name} out of {', '.join(choices)}; got {quoted(value)}")
        if self.epochs < 1 or self.batch < 2:
            raise InputError(
                f"expected at least 1 epoch and batches of 2; got {self.epochs} and {self.batch}"
            )
        folds, fold = self.split.folds, self.split.fold
        if not (folds == fold == 0 or (folds >= 2 and 0 <= fold < folds)):
            raise InputError(
                f"expected split.folds of 2 or more, or 0, and split.fold below it; got {folds} and {fold}"
            )
        if not self.heads or set(self.heads) - set(_HEADS) or len(set(self.heads)) < len(self.heads):
            raise InputError(
                f"expected heads out of {', '.join(_HEADS)}, each once; got {', '.join(self.heads) or 'none'}"
            )
        self._check_mixture()
        for what, share in (
            ("split.share", self.split.share),
            ("schedule.warmup", self.schedule.warmup),
            ("ema", self.ema),
        ):
            if not 0 <= share < 1:
                raise InputError(f"expected {what} from 0 to below 1; got {share}")
        if not 0 <= self.distillation.share <= 1 or not self.distillation.temperature > 0:
            raise InputError(
                f"expected distillation.share from 0 to 1 and a temperature above 0; got {self.distillation}"
            )
        if not 0 <= self.distillation.steadiness <= 1:
            raise InputError(
                f"expected distillation.steadiness from 0 to 1; got {self.distillation.steadiness}"
            )
        if self.distillation.share and self.mixup:
            raise InputError("expected mixup 0 with teachers: they were not shown mixed faces")
        if not self.optimizer.rate > 0:
            raise InputError(f"expected optimizer.rate above 0; got {self.optimizer.rate}")

    def _check_mixture(self) -> None:
        for name, entry in self.mixture.items():
            if name in _HEADS or not name.isidentifier():
                raise InputError(
                    f"expected another name than {', '.join(_HEADS)} for a data set in a mixture, of letters, digits "
                    f"and _; got {quoted(name)}"
                )
            if entry.head in _HEADS and entry.head not in self.heads:
                raise InputError(
                    f"expected the head {entry.head}, which the data set {name} teaches, among heads; got "
                    f"{', '.join(self.heads)}"
                )
        total = sum(entry.weight for entry in self.mixture.values())
        if not total < 1:
            raise InputError(
                f"expected weights of the data sets in a mixture that sum to less than 1, which leaves a share for the "
                f"first data set; got {total:g}"
            )

    def head_of(self, name: str) -> str:
        """The head that a data set of the mixture teaches."""
        return self.mixture[name].head or name

    def own_heads(self) -> tuple[str, ...]:
        """Heads of further data sets, in their order."""
        return tuple(
            head for head in dict.fromkeys(map(self.head_of, self.mixture)) if head not in self.heads
        )

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe with other values; parts have dots in their names. Text is read as JSON where that is
        possible.

        Raises:
            InputError: No such name, or a value that cannot be.

        >>> Recipe().changed({"epochs": "3", "optimizer.rate": 0.1, "options.dropout": "0"}).optimizer.rate
        0.1
        """
        values = asdict(self)
        for name, value in changes.items():
            *parents, last = name.split(".")
            if parents[:1] == ["mixture"] and len(parents) == 2:
                values["mixture"].setdefault(parents[1], asdict(known_entry(parents[1])))
            part: Any = values
            for parent in parents:
                part = part.get(parent) if isinstance(part, dict) else None
            if not isinstance(part, dict) or (last not in part and parents != ["options"]):
                raise InputError(
                    f"expected a part of a recipe, one of {', '.join(_names(self))}; got {quoted(name)}"
                )
            part[last] = _parsed(name, value, part.get(last))
        return _built(values)

    def save(self, path: Path) -> None:
        """Write the recipe as JSON."""
        with translate_os_errors(path), atomic_write(path) as aside:
            aside.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8", newline="\n")

    @staticmethod
    def load(path: Path) -> Recipe:
        """Read a recipe back.

        Raises:
            InputError: The file is not a recipe.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return _built(values)
        except FileNotFoundError:
            raise InputError(
                f"expected the recipe of a run; {path} is not there: give the folder of a run"
            ) from None
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(f"{path}: expected a recipe; got {unreadable(error)}") from None


def _names(recipe: Any) -> list[str]:
    names = []
    for part in fields(recipe):
        value = getattr(recipe, part.name)
        names += [f"{part.name}.{inner}" for inner in _names(value)] if is_dataclass(value) else [part.name]
    return names


def _parsed(name: str, value: Any, before: Any) -> Any:
    """A value as the type that the recipe has there; an option of a network may also be several of them, one
    for each stage."""
    several = isinstance(before, (list, tuple)) or name.startswith("options.")
    if isinstance(value, str) and not isinstance(before, str):
        if isinstance(before, (list, tuple)) or (several and "," in value):
            value = [_word(word.strip()) for word in value.strip("[]").split(",")]
        else:
            try:
                value = json.loads(value)
            except ValueError:
                raise InputError(f"expected {name} to be like {before!r}; got {quoted(value)}") from None
    if isinstance(before, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kind = type([*before, ""][0]) if isinstance(before, (list, tuple)) else type(before)
    fits = (
        all(isinstance(one, kind) for one in value)
        if several and isinstance(value, list)
        else isinstance(value, type(before))
    )
    if before is not None and not fits:
        raise InputError(f"expected {name} to be like {before!r}; got {quoted(value)}")
    return value


def _word(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _built(values: Mapping[str, Any]) -> Recipe:
    parts = {
        "split": Split,
        "optimizer": Optimizer,
        "schedule": Schedule,
        "augmentation": Augmentation,
        "distillation": Distillation,
    }
    built = {name: parts[name](**value) if name in parts else value for name, value in values.items()}
    mixture = mixture_from(values["mixture"])
    return replace(Recipe(), **{**built, "heads": tuple(built["heads"]), "mixture": mixture})


def mixture_from(values: Mapping[str, Mapping[str, Any]]) -> dict[str, MixtureEntry]:
    """A mixture out of JSON: of a recipe, or of the card of a network.

    Raises:
        InputError: A value cannot be.
    """
    return {
        name: MixtureEntry(**{**entry, "classes": tuple(entry.get("classes", ()))})
        for name, entry in values.items()
    }
