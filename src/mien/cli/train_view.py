"""What ``mien train`` tells of somebody's own faces: what is learned from, and how good it became."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.console import Console
from mien.core.formatting import counted, percent

if TYPE_CHECKING:
    from mien.data import FaceDataset
    from mien.training.finetune import PretrainedWeights
    from mien.training.recipe import Recipe
    from mien.training.splits import Mixture

_FEW = 100
"""Images to check with below which a figure is rough."""


def tell_data(
    name: str, faces: Mixture, recipe: Recipe, first: PretrainedWeights | None, console: Console
) -> None:
    """Print what of a data set is learned from.

    Raises:
        InputError: The recipe cannot learn from it.
    """
    from mien.training.splits import cut

    cuts = cut(faces, recipe)
    counts = zip(faces.first.labels, faces.first.counts().tolist(), strict=True)
    classes = ", ".join(f"{label} {count:,}" for label, count in counts)
    parts = f"{len(cuts.training):,} to learn from, {len(cuts.validation):,} to check with"
    start = "from random weights" if first is None else f"from the weights of {first.name}"
    console.print(f"{name}: {counted(len(faces.first), 'image')} ({classes}); {parts}; starting {start}")


def tell_outcome(run: Path, faces: Mixture, first: PretrainedWeights | None, console: Console) -> None:
    """Print how often the model is right about the images that it did not learn from, and how often the one
    was that it began with."""
    from mien.metrics import wilson
    from mien.training.run import load_run
    from mien.training.splits import cut, head_truth

    done = load_run(run)
    checked = cut(faces, done.recipe).validation
    head = done.recipe.heads[0]
    n = int((head_truth(checked, done.recipe)[head] >= 0).sum())
    right = round(done.kept[f"validation_{head}"] * n)
    low, high = wilson(right, n)
    rough = ": so few make it a rough figure" if n < _FEW else ""
    console.print(
        f"right for {right:,} of {counted(n, 'image')} that it did not learn from: {percent(right / n)} "
        f"(95 % interval {percent(low)} to {percent(high)}){rough}"
    )
    if first is not None and (before := _right_before(first.path, checked)) is not None:
        console.print(f"{first.name} as it was: right for {before:,} of them, {percent(before / n)}")


def _right_before(initial: Path, checked: FaceDataset) -> int | None:
    """About how many images the first model is right; None where it does not know their classes."""
    from mien.evaluation import open_subject

    subject = open_subject(initial)
    if not set(checked.labels) <= set(subject.labels):
        return None
    columns = [subject.labels.index(name) for name in checked.labels]
    answers = subject.probabilities(checked.images)[:, columns].argmax(axis=1)
    return int((answers == checked.expressions).sum())
