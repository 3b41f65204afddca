"""What Spittlemeister's four shares of right second guesses may count: every reading of them, of networks trained as his was.

    python -m benchmarks.studies.second_guesses DATA RUN [RUN ...]

DATA is FER-2013, a RUN a folder of `mien reproduce spittlemeister`. The paper says that the second guess is right for 76.7 % "where
sad was said and angry is right", and so on for three more pairs, but not of which images that is a share. A line is a reading,
counted over all the runs together. Reading all faces with one takes a core about five minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.data import open_dataset
from mien.data.dataset import SPLITS, FaceDataset
from mien.evaluation import open_subject

PUBLISHED = {
    ("sad", "angry"): 0.767,
    ("angry", "sad"): 0.777,
    ("fear", "surprise"): 0.683,
    ("surprise", "fear"): 0.944,
}
"""By what was said and what was right."""
READINGS = {
    "said one, the other right: second guess right": lambda first, second, truth, said, right: (
        (first == said) & (truth == right),
        second == truth,
    ),
    "the same, either said": lambda first, second, truth, said, right: (
        ((first == said) & (truth == right)) | ((first == right) & (truth == said)),
        second == truth,
    ),
    "said one, wrongly: the other is the second guess": lambda first, second, truth, said, right: (
        (first == said) & (truth != said),
        second == right,
    ),
    "said one, wrongly, the other second: the other right": lambda first, second, truth, said, right: (
        (first == said) & (truth != said) & (second == right),
        truth == right,
    ),
    "said one, the other second: either right": lambda first, second, truth, said, right: (
        (first == said) & (second == right),
        (truth == said) | (truth == right),
    ),
    "both the first two guesses, in any order: either right": lambda first, second, truth, said, right: (
        ((first == said) & (second == right)) | ((first == right) & (second == said)),
        (truth == said) | (truth == right),
    ),
    "said one, the other right or second: second guess right": lambda first, second, truth, said, right: (
        (first == said) & (truth != said) & ((truth == right) | (second == right)),
        (truth == right) & (second == right),
    ),
}
"""Of which images it is a share, and which of these count, by the first and second guesses and the right classes."""


def counted(
    probs: NDArray[np.floating], truth: NDArray[np.integer], said: int, right: int
) -> dict[str, tuple[int, int]]:
    """Of how many images each reading is a share, and how many of these count.

    Args:
        probs: ``(n, k)`` answers.
        truth: ``(n,)`` right classes.
        said: The class that was said.
        right: The other class of the pair.

    >>> probs = np.array([[0.6, 0.3, 0.1], [0.6, 0.1, 0.3], [0.3, 0.6, 0.1]])
    >>> list(counted(probs, np.array([1, 1, 0]), 0, 1).values())
    [(2, 1), (3, 2), (2, 1), (1, 1), (1, 1), (2, 2), (2, 1)]
    """
    guesses = np.argsort(-probs, axis=1, kind="stable")
    found = {}
    for name, reading in READINGS.items():
        of, counts = reading(guesses[:, 0], guesses[:, 1], truth, said, right)
        found[name] = int(of.sum()), int((of & counts).sum())
    return found


def table(data: FaceDataset, answers: Sequence[NDArray[np.floating]]) -> str:
    """The shares as Markdown: a line for each part of the data and reading, a column for each pair."""
    names = list(data.labels.names)
    lines = [
        f"| share of the images of | reading | {' | '.join(f'{said}, {right}' for said, right in PUBLISHED)} |",
        f"|---|---|{'--:|' * len(PUBLISHED)}",
        f"| the paper | | {' | '.join(f'{share:.1%}' for share in PUBLISHED.values())} |",
    ]
    for split in reversed(SPLITS):
        part = data.splits == split
        totals: dict[str, list[tuple[int, int]]] = {name: [] for name in READINGS}
        for said, right in PUBLISHED:
            each = [
                counted(probs[part], data.expressions[part], names.index(said), names.index(right))
                for probs in answers
            ]
            for name, sums in totals.items():
                sums.append((sum(one[name][0] for one in each), sum(one[name][1] for one in each)))
        lines += [
            f"| {split} | {name} | {' | '.join(f'{good / of:.1%}' if of else '' for of, good in sums)} |"
            for name, sums in totals.items()
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read all faces with each run, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.second_guesses", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    given = parser.parse_args(arguments)
    data = open_dataset(given.data)
    print(table(data, [open_subject(run, head="fer2013").probabilities(data.images) for run in given.runs]))


if __name__ == "__main__":
    main()
