"""What a recipe becomes for a data set: heads that its labels can teach, and a split that fits the number of
its images."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mien.core.errors import InputError
from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset
from mien.training.recipe import Recipe, Split

_SHARES = ((50_000, 0.05), (5_000, 0.1), (0, 0.2))
"""Share that is held out, by the number of images: of many, a small part tells as much."""

_SPLIT_COLUMN = "person"


def default_preset(data: FaceDataset) -> str:
    """The preset for a data set where none is named: ``small`` for FER-2013, from random weights, and
    ``finetune`` for faces of one's own."""
    return "small" if data.is_fer2013 else "finetune"


def suited(recipe: Recipe, data: FaceDataset, named: Collection[str] = ()) -> Recipe:
    """The recipe with heads and a split that a data set allows.

    Args:
        recipe: What would be trained.
        data: The first data set.
        named: Parts of the recipe that somebody asked for, such as ``heads``; they stay.

    Raises:
        InputError: A class has a single image, so that none can be held out.

    >>> import numpy as np
    >>> images = np.arange(40, dtype=np.uint8)[:, None, None].repeat(4, axis=1)
    >>> own = FaceDataset(images, np.arange(40) % 7, None, np.full(40, "Training"), np.arange(40))
    >>> found = suited(Recipe(), own)
    >>> found.heads, found.split.policy, found.split.share
    (('labels',), 'held-out', 0.2)
    """
    if "heads" not in named and data.votes is None:
        recipe = replace(recipe, heads=("fer2013",) if data.is_fer2013 else ("labels",))
    undivided = PUBLIC_TEST not in data.splits and recipe.split.policy in ("clean", "official")
    if "split.policy" in named or not undivided:
        return recipe
    group = _SPLIT_COLUMN if _SPLIT_COLUMN in data.columns else ""
    share = recipe.split.share if "split.share" in named else _held_out(data)
    return replace(recipe, split=Split("held-out", share=share, seed=recipe.split.seed, group=group))


def _held_out(data: FaceDataset) -> float:
    """A share of which every class has at least one image on both sides."""
    counts = data.split(TRAINING).counts()
    few = [name for name, count in zip(data.labels, counts.tolist(), strict=True) if count < 2]
    if few:
        raise InputError(
            f"expected at least 2 images of every class, to learn from one and to check by another; got fewer of {', '.join(few)}: "
            "add some, or move the folder away"
        )
    wanted = next(share for least, share in _SHARES if len(data) >= least)
    return max(wanted, 0.51 / int(counts.min()))
