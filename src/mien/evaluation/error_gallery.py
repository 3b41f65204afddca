"""The images worth looking at: those that were got wrong with the most confidence, and those that were
the least clear."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.labels import canonical_label
from mien.core.names import spelled
from mien.data.dataset import VOTES
from mien.evaluation.evaluation import Evaluation
from mien.reports.page import data_address

_MOST = 24


@dataclass(frozen=True)
class Tile:
    """One image with what was said about it.

    Args:
        image: The image as a ``data:`` address.
        row: Its row in the original file.
        file: Its file within the folder; empty where images are not files.
        was: Its right class.
        guesses: The most probable classes with their probabilities.
        people: What the annotators of FER+ said, with counts; empty where nobody voted.
        leaked: It also stands in the training set.
    """

    image: str
    row: int
    file: str
    was: str
    guesses: tuple[tuple[str, float], ...]
    people: tuple[tuple[str, int], ...]
    leaked: bool

    @property
    def right(self) -> bool:
        """Whether the first guess is right."""
        return self.guesses[0][0] == self.was


def confidently_wrong(found: Evaluation, most: int = _MOST) -> tuple[Tile, ...]:
    """The wrong answers with the highest probability, the surest first."""
    wrong = np.flatnonzero(found.answers != found.truth)
    return _tiles(found, wrong[np.argsort(-found.probs[wrong].max(axis=1), kind="stable")][:most])


def most_uncertain(found: Evaluation, most: int = _MOST) -> tuple[Tile, ...]:
    """The images with the highest entropy of the answer, the least clear first."""
    probs = np.maximum(found.probs, np.finfo(np.float32).tiny)
    entropy = -(probs * np.log(probs)).sum(axis=1)
    return _tiles(found, np.argsort(-entropy, kind="stable")[:most])


def _tiles(found: Evaluation, positions: NDArray[np.int64]) -> tuple[Tile, ...]:
    return tuple(_tile(found, int(position)) for position in positions)


def _tile(found: Evaluation, at: int) -> Tile:
    probs = found.probs[at]
    best = np.argsort(-probs, kind="stable")[:3]
    return Tile(
        image=data_address(_png(found.faces.images[at])),
        row=int(found.faces.rows[at]),
        file="" if found.faces.paths is None else spelled(str(found.faces.paths[at])),
        was=found.classes[int(found.truth[at])],
        guesses=tuple((found.classes[int(column)], float(probs[column])) for column in best),
        people=() if found.faces.votes is None else _said(found.faces.votes[at]),
        leaked=bool(found.leaked[at]),
    )


def _said(votes: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
    names = ["not a face" if name == "nf" else canonical_label(name) for name in VOTES]
    return tuple(
        (names[column], int(votes[column])) for column in np.argsort(-votes, kind="stable") if votes[column]
    )


def _png(image: NDArray[np.uint8]) -> bytes:
    into = io.BytesIO()
    Image.fromarray(image).save(into, format="PNG", optimize=True)
    return into.getvalue()
