"""Where surprise goes, and how well each mapping agrees with what people saw: ``python -m
benchmarks.studies.sentiment [DATA]``.

The weights of surprise come from the votes of FER-2013's training images; everything else is of PublicTest,
which is for choosing. PrivateTest is not opened.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.fixtures import DATA
from mien.core.labels import FERPLUS
from mien.data import FaceDataset, leak_free, open_dataset
from mien.evaluation import open_subject
from mien.metrics import wilson
from mien.metrics.sentiment import PRESETS, SENTIMENTS, SentimentMapping

HEADS = ("expression", "ferplus", "fer2013")


def alternatives() -> list[SentimentMapping]:
    """The presets, and ``valence`` with surprise put wholly into one sentiment."""
    rest = {name: weights for name, weights in PRESETS["valence"].weights.items() if name != "surprise"}
    return [
        *PRESETS.values(),
        *(SentimentMapping(f"surprise {where}", {**rest, "surprise": where}) for where in SENTIMENTS),
    ]


def others_say(data: FaceDataset, name: str = "surprise") -> dict[str, Any]:
    """Of two people who looked at the same face, one of whom said ``name`` and the other something else: what
    the other one said.
    """
    assert data.votes is not None
    votes = data.votes[:, : len(FERPLUS)].astype(np.int64)
    column = FERPLUS.index(name)
    pairs = (votes[:, [column]] * np.delete(votes, column, axis=1)).sum(axis=0)
    said = dict(
        zip(
            np.delete(np.array(FERPLUS.names), column).tolist(),
            (pairs / pairs.sum()).round(4).tolist(),
            strict=True,
        )
    )
    sums = {
        sentiment: round(sum(share for word, share in said.items() if _side(word) == sentiment), 4)
        for sentiment in SENTIMENTS
    }
    return {"images": int((votes[:, column] > 0).sum()), "pairs": int(pairs.sum()), "said": said, **sums}


def _side(word: str) -> str:
    return {"happy": "positive", "neutral": "neutral"}.get(word, "negative")


def surprised(data: FaceDataset) -> tuple[NDArray[np.float64], int]:
    """``(3,)`` what those said who did not say surprise, of the faces that most called surprised: positive,
    neutral, negative.
    """
    assert data.votes is not None
    votes = data.votes[data.ferplus_majority() == FERPLUS.index("surprise"), : len(FERPLUS)]
    sums = [
        sum(
            int(votes[:, column].sum())
            for column, word in enumerate(FERPLUS)
            if word != "surprise" and _side(word) == side
        )
        for side in SENTIMENTS
    ]
    return np.array(sums) / sum(sums), sum(sums)


def agreement(
    data: FaceDataset, probs: NDArray[np.float32], labels: Any, mapping: SentimentMapping
) -> dict[str, Any]:
    """The mapped output head of the network against the mapped votes of the same faces."""
    assert data.votes is not None
    shares = mapping(data.vote_shares(), FERPLUS)
    whole = shares.max(axis=1)
    one = (np.isclose(shares, whole[:, None])).sum(
        axis=1
    ) == 1  # Faces on which people are divided equally do not count.
    use = one & ~data.not_a_face & (data.votes[:, : len(FERPLUS)].sum(axis=1) > 0)
    read = mapping(probs, labels)
    right = int((read[use].argmax(axis=1) == shares[use].argmax(axis=1)).sum())
    low, high = wilson(right, int(use.sum()))
    distance = float(np.abs(read[use] - shares[use]).sum(axis=1).mean() / 2)
    totals = np.abs(read[use].mean(axis=0) - shares[use].mean(axis=0)).max()
    return {
        "n": int(use.sum()),
        "agree": right / int(use.sum()),
        "low": low,
        "high": high,
        "distance": distance,
        "totals": float(totals),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.sentiment", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    data = open_dataset(asked.data)
    found: dict[str, Any] = {
        "surprise": {split: others_say(data.split(split)) for split in ("Training", "PublicTest")}
    }
    for split, said in found["surprise"].items():
        print(
            f"{split}: of {said['pairs']:,} pairs of people, one of whom said surprise and the other not, the other said {said['said']}"
        )
        print(
            f"  positive {said['positive']:.3f}, neutral {said['neutral']:.3f}, negative {said['negative']:.3f}"
        )
        clear, votes = surprised(data.split(split))
        print(f"  on faces with a majority for surprise: {clear.round(3).tolist()} of {votes:,} votes")
    test = leak_free(data, "PublicTest")
    found["agreement"] = _table(test)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _table(test: FaceDataset) -> list[dict[str, Any]]:
    rows = []
    print(f"PublicTest without copies of training images, {len(test):,} faces")
    print(
        "| mapping | head | n | agree | 95 % interval | mean distance | worst total |\n|---|---|---|---|---|---|---|"
    )
    for head in HEADS:
        subject = open_subject("small", head=head, threads=1)
        probs = subject.probabilities(test.images)
        for mapping in alternatives():
            one = {"mapping": mapping.name, "head": head, **agreement(test, probs, subject.labels, mapping)}
            rows.append(one)
            interval = f"{one['low']:.1%} to {one['high']:.1%}"
            print(
                f"| {mapping.name} | `{head}` | {one['n']:,} | {one['agree']:.1%} | {interval} | {one['distance']:.3f} | {one['totals']:.3f} |"
            )
    return rows


if __name__ == "__main__":
    main()
