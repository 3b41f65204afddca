"""Recipes with names: one per published network, as its source states it, and ours."""

from __future__ import annotations

from dataclasses import dataclass

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.training.recipe import NO_AUGMENTATION, Augmentation, Optimizer, Recipe, Schedule, Split


@dataclass(frozen=True)
class Preset:
    """A recipe, and where its numbers come from.

    Args:
        recipe: What to train and how.
        stated: What the source says.
        chosen: What was decided here where the source is silent.
        initial: The model that comes with mien whose weights it starts with, unless others are given; empty:
            random ones.
    """

    recipe: Recipe
    stated: str
    chosen: str
    initial: str = ""


_OURS = Optimizer("sgd", rate=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
_BASE = Recipe(
    name="small",
    options={"widths": [16, 32, 64, 128], "blocks": 2, "view": 44, "dropout": 0.2},
    optimizer=_OURS,
    schedule=Schedule("one-cycle", warmup=0.1),
)
_LONG = _BASE.changed({"epochs": 100, "mixup": 0.2, "ema": 0.998})
"""From labels alone, as well as we can."""
_FILTERED = {"options.separable": 1, "options.stride": 2, "options.blur": True}
_SMALL = {
    "name": "small",
    "options.widths": [32, 96, 256],
    "options.blocks": [2, 2, 3],
    "options.kernel": 5,
    **_FILTERED,
}
_PART = _LONG.changed({**_SMALL, "epochs": 75})
_NANO = {
    "name": "nano",
    "options.widths": [16, 32, 96],
    "options.blocks": [1, 1, 2],
    "options.dropout": 0.0,
    **_FILTERED,
}
_MILD = {
    "augmentation.scale": 0.15,
    "augmentation.rotation": 8.0,
    "augmentation.coarse": 0.1,
    "augmentation.erase": 0.1,
}
_POOR = ("augmentation.noise", "augmentation.motion", "augmentation.compress")
_STUDENT = _BASE.changed(
    {
        "distillation.share": 0.9,
        "distillation.steadiness": 0.5,
        "augmentation.scale": 0.0,
        "augmentation.shift": 0.0,
        "augmentation.rotation": 0.0,
        "augmentation.gamma": 0.0,
        "augmentation.coarse": 0.0,
        "augmentation.erase": 0.0,
        "augmentation.cover": 0.03,
        **dict.fromkeys(_POOR, 0.05),
        "ema": 0.998,
    }
)
"""The views have changed faces already; on top comes what should not change the answer: noise, blur, a
mask."""
_POOR_PART = _PART.changed(
    {"name": "part", "augmentation.cover": 0.05, **dict.fromkeys(_POOR, 0.06), "seed": 62}
)
_FURTHER = {"mixture.everyday.weight": 0.2, "optimizer.rate": 0.01}
"""Everyday faces too, from weights that are good already."""

PRESETS: dict[str, Preset] = {
    "small": Preset(_LONG.changed(_SMALL), "ours: at most a million weights", "-"),
    "finetune": Preset(
        _BASE.changed(
            {
                **_SMALL,
                "name": "finetune",
                "epochs": 10,
                "batch": 32,
                "optimizer.rate": 0.003,
                "ema": 0.99,
            }
        ),
        "ours: goes on from the weights of small with faces of one's own; the default for data other than FER-2013",
        "-",
        initial="small",
    ),
    "nano": Preset(_LONG.changed(_NANO), "ours: at most 60,000 weights", "-"),
    "part-clear": Preset(
        _PART.changed({"name": "part-clear", "seed": 61}), "ours: clear images alone; a part of medium", "-"
    ),
    "part": Preset(
        _POOR_PART,
        "ours: part-clear with poor images too; three of them and part-clear are medium (mien models ensemble)",
        "-",
    ),
    "teacher-0": Preset(
        _LONG.changed({"name": "teacher-0", "seed": 24}), "ours: a teacher of another shape", "-"
    ),
    "teacher-1": Preset(
        _LONG.changed(
            {
                "name": "teacher-1",
                "options.widths": [40, 80, 160, 208],
                "options.stride": 2,
                "options.view": 46,
                "epochs": 62,
                "seed": 21,
                **_MILD,
            }
        ),
        "ours: a teacher of another shape",
        "-",
    ),
    "teacher-2": Preset(
        _LONG.changed(
            {
                "name": "teacher-2",
                "options.widths": [48, 96, 192, 256],
                "options.stride": 2,
                "options.view": 46,
                "epochs": 48,
                "seed": 23,
                **_MILD,
            }
        ),
        "ours: a teacher of another shape",
        "-",
    ),
    "teacher-3": Preset(
        _LONG.changed(
            {"name": "teacher-3", "options.widths": [32, 64, 128, 256], "options.stride": 2, "seed": 22}
        ),
        "ours: a teacher of another shape",
        "-",
    ),
    **{
        f"fold-{fold}": Preset(
            _LONG.changed(
                {
                    "name": f"fold-{fold}",
                    "epochs": 48,
                    "split.folds": 4,
                    "split.fold": fold,
                    "seed": 31 + fold,
                }
            ),
            f"ours: teacher-0 without fold {fold} of the images, a teacher for that fold (mien models teacher-cache --out-of-fold)",
            "-",
        )
        for fold in range(4)
    },
    "student-small": Preset(
        _STUDENT.changed({**_SMALL, "epochs": 300, "optimizer.weight_decay": 3e-4}),
        "ours: learns from views of medium (mien models teacher-cache, --teacher-cache), from random weights",
        "the file that ships took 160 epochs, and 140 more with --initial (docs/networks.md)",
    ),
    "student-nano": Preset(
        _STUDENT.changed({**_NANO, "epochs": 300, "optimizer.weight_decay": 1e-4}),
        "ours: learns from views of medium, from random weights",
        "-",
    ),
    **{
        f"{name}-everyday": Preset(
            _STUDENT.changed({**shape, "epochs": epochs, "optimizer.weight_decay": decay, **_FURTHER}),
            f"ours: {name} goes on with everyday faces too (--initial {name} --mix everyday=everyday.parquet)",
            "-",
        )
        for name, shape, epochs, decay in (("small", _SMALL, 8, 3e-4), ("nano", _NANO, 20, 1e-4))
    },
    "part-everyday": Preset(
        _POOR_PART.changed(
            {"name": "part-everyday", "epochs": 4, **_FURTHER, "mixture.everyday.weight": 0.3, "seed": 71}
        ),
        "ours: a part of medium goes on with everyday faces too (--initial medium/part-1 --mix everyday=everyday.parquet)",
        "-",
    ),
    "speed": Preset(
        _BASE.changed({"name": "speed", "split.policy": "official", "epochs": 46, **_MILD}),
        "ours: from Parquet to ONNX in under 30 minutes on two cores, to compare with the literature",
        "as teacher-0, but 46 epochs, milder augmentation and all of Training: copies of test images are learned from, so it is not for shipping",
    ),
}


def _paper(name: str, epochs: int, batch: int, optimizer: Optimizer, **others: object) -> Recipe:
    """What the published networks have in common: hard labels, a constant rate, nothing against overfitting.

    Their authors computed in float32; products in bfloat16 take half the time on a CPU that has them
    (docs/reproduction.md has the difference that it makes).
    """
    plain: dict[str, object] = {"augmentation": NO_AUGMENTATION, "split": Split("official"), "arch": name}
    values = {
        **plain,
        "name": name,
        "heads": ("fer2013",),
        "epochs": epochs,
        "batch": batch,
        "optimizer": optimizer,
        **others,
    }
    return Recipe(**values)  # type: ignore[arg-type]


PRESETS |= {
    "monyok": Preset(
        _paper("monyok", 50, 32, Optimizer("adam", rate=1e-3), split=Split("stratified", share=0.2)),
        "50 epochs; four fifths of Training are learned from, one is watched",
        "Adam at 0.001 and batches of 32, as Keras takes them; which fifth of Training is watched: a seeded one",
    ),
    "holman": Preset(
        _paper("holman", 8, 128, Optimizer("sgd", rate=0.01, momentum=0.9), arch="gudi"),
        "Gudi's network under several optimizers: mien models compare --preset holman --optimizers sgd,rmsprop,adam",
        "8 epochs, batches of 128, the rate of SGD (0.01, momentum 0.9); the optimizers in mien models compare get 0.001 unless they are SGD",
    ),
    "spittlemeister": Preset(
        _paper(
            "spittlemeister",
            50,
            200,
            Optimizer("adam", rate=1e-3),
            split=Split("first", share=0.3),
            patience=5,
            monitor="validation_loss",
        ),
        "the first 70 % of Training; Adam, batches of 200, at most 50 epochs, stopped after 5 without a lower validation loss",
        "Adam's rate of 0.001 is Keras' default; the last weights are taken, as Keras does",
    ),
    "kalu": Preset(
        _paper(
            "kalu",
            10,
            64,
            Optimizer("adam", rate=5e-4),
            schedule=Schedule("plateau", factor=0.1, patience=2, floor=1e-5, monitor="validation_loss"),
            augmentation=Augmentation(flip=0.5, scale=0, shift=0, rotation=0, gamma=0, coarse=0, erase=0),
            keep="best",
            monitor="validation_accuracy",
        ),
        "10 epochs; Adam at 0.0005, batches of 64, plateau factor 0.1 after 2 epochs down to 0.00001, checkpoint of the best validation "
        "accuracy",
        "mirrored faces, from the code that many projects share; PublicTest alone is watched, not both tests",
    ),
    "mini_xception": Preset(
        _paper(
            "mini_xception",
            100,
            32,
            Optimizer("adam", rate=1e-3),
            split=Split("stratified", share=0.2),
            schedule=Schedule("plateau", factor=0.1, patience=12),
            augmentation=Augmentation(
                flip=0.5, scale=0.1, shift=0.1, rotation=10, gamma=0, coarse=0, erase=0
            ),
            patience=50,
            keep="best",
        ),
        "Adam; in the authors' code batches of 32, plateau factor 0.1 after 12 epochs, early stop after 50, a fifth is watched, "
        "turns of 10 degrees, shifts and zoom of 0.1, mirroring",
        "at most 100 epochs where the code allows 10,000; only Training is dealt out, not the test rows too; the weight penalty of 0.01 is left out",
    ),
}


def preset(name: str) -> Recipe:
    """The recipe of a preset.

    Raises:
        InputError: No such preset.

    >>> preset("monyok").epochs
    50
    """
    if name not in PRESETS:
        raise InputError(f"expected a preset out of {', '.join(PRESETS)}; got {quoted(name)}")
    return PRESETS[name].recipe


def initial_of(name: str, recipe: Recipe) -> str | None:
    """The model whose weights a preset starts with, as long as a recipe has its architecture.

    >>> initial_of("finetune", preset("finetune")), initial_of("small", preset("small"))
    ('small', None)
    """
    entry = PRESETS[name]
    same = (recipe.arch, recipe.options) == (entry.recipe.arch, entry.recipe.options)
    return (entry.initial or None) if same else None


def table() -> str:
    """The presets as a table for the pages."""
    lines = [
        "| preset | architecture | epochs | batch | optimizer | schedule | split | stated | chosen here |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in PRESETS.items():
        recipe = entry.recipe
        cells = (
            f"`{name}`",
            recipe.arch,
            recipe.epochs,
            recipe.batch,
            f"{recipe.optimizer.name} {recipe.optimizer.rate:g}",
            recipe.schedule.name,
            recipe.split.policy,
            entry.stated,
            entry.chosen,
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)
