"""What docs/networks.md and docs/accuracy.md say about the results of one network: the blend by its share, where the heads
differ, calibration, uncertain answers.

    python -m benchmarks.studies.heads DATA [--everyday FILE] [--model small] [--near]

DATA is FER-2013 with the FER+ votes; asked is about PublicTest without its copies and about the held-out part
of the everyday faces, on which temperatures and blend were fitted. Nothing here is a promise with a limit, so
it is no part of the suite; it prints the tables as the page has them. ``--near`` adds how often the network is
right about images with a near copy in Training (a minute more).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import EXPRESSIONS, FERPLUS
from mien.data import FaceDataset, leak_free, open_dataset
from mien.data.audit import audit
from mien.data.dataset import PUBLIC_TEST
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.metrics import expected_calibration_error, reliability
from mien.training.calibration import BLEND, Blend, blended_logs, fit, rarity_of
from mien.training.recipe import Recipe, known_entry
from mien.training.splits import SIDE, Mixture, Splits, columns_of, cut_others

ADJUSTMENTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SHARES = (0.0, 0.2, 0.4, 0.6)
CUTS = 10
_BATCH = 64
_LIMIT = 0.5

Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.heads", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="FER-2013 with the FER+ votes")
    parser.add_argument("--everyday", type=Path, help="everyday faces, whose held-out part is judged too")
    parser.add_argument("--model", default="small", help="network by name or file")
    parser.add_argument("--near", action="store_true", help="also near copies")
    options = parser.parse_args(arguments)
    whole = open_dataset(options.data)
    faces = leak_free(whole, PUBLIC_TEST)
    answers = asked(options.model, faces.images)
    sets = [(answers, faces.expressions), (answers, faces.seven_class_majority())]
    if options.everyday:
        outside = everyday_parts(whole, options.everyday).validation
        sets.append((asked(options.model, outside.images), columns_of(outside, faces.labels)))
    print(
        *blends(sets, faces),
        "",
        differences(answers),
        "",
        *calibration(answers, faces),
        "",
        *uncertain(answers, faces),
        sep="\n",
    )
    if options.near:
        print("", *near(answers, faces, whole), sep="\n")


def asked(model: str, images: NDArray[np.uint8]) -> dict[str, Floats]:
    """Per head ``(n, k)`` probabilities of ``(n, 48, 48)`` images."""
    network = open_network(network_path(model), threads=1)
    parts = [
        network.run({"faces": part[:, None].astype(np.float32)})
        for part in np.array_split(images, -(-len(images) // _BATCH))
    ]
    return {
        head: np.concatenate([part[head] for part in parts]).astype(np.float64) for head in network.card.heads
    }


def truths(faces: FaceDataset) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Per head and kind of label ``(n,)`` columns of the head, -1 where an image does not count."""
    seven = faces.seven_class_majority()
    return {
        ("fer2013", "FER-2013"): faces.expressions,
        ("ferplus", "FER+ majority"): faces.ferplus_majority(),
        (BLEND, "FER-2013"): faces.expressions,
        (BLEND, "FER+ majority"): seven,
    }


def everyday_parts(whole: FaceDataset, everyday: Path) -> Splits:
    """The everyday faces that networks learn from, and those that none does."""
    entry = known_entry("everyday")
    data = open_dataset(everyday, size=SIDE, center_crop=entry.center_crop)
    return cut_others(Mixture(whole, {"everyday": data}), Recipe(mixture={"everyday": entry}))["everyday"]


def blends(sets: Sequence[tuple[Mapping[str, Floats], NDArray[np.int64]]], faces: FaceDataset) -> list[str]:
    """Accuracy and balanced accuracy on each set of labels, by adjustment and share of the FER-2013 head."""
    shared = [FERPLUS.index(name) for name in EXPRESSIONS]
    rarity = rarity_of(faces, shared)
    logs = [
        {head: np.log(np.maximum(answers[head], 1e-12)) for head in ("fer2013", "ferplus")}
        for answers, _ in sets
    ]
    names = ("FER-2013", "FER+", "everyday")[: len(sets)]
    lines = [
        "| adjustment | share of `fer2013` | "
        + " | ".join(f"{name}: accuracy, balanced" for name in names)
        + " |",
        "|--:|--:|" + "--:|" * len(names),
    ]
    for adjustment in ADJUSTMENTS:
        for share in SHARES:
            blend, cells = Blend(share, adjustment), []
            for part, (_, truth) in zip(logs, sets, strict=True):
                columns = blended_logs(part, blend, shared, rarity).argmax(axis=1)
                recalls = [(columns == truth)[truth == one].mean() for one in np.unique(truth[truth >= 0])]
                cells.append(f"{100 * share_right(columns, truth):.1f}, {100 * np.mean(recalls):.1f}")
            lines.append(f"| {adjustment:g} | {share:g} | {' | '.join(cells)} |")
    return lines


def share_right(columns: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Share of right answers among the images that count."""
    return float((columns == truth)[truth >= 0].mean())


def differences(answers: Mapping[str, Floats]) -> str:
    """Where the heads differ, and how often it is neutral to the one and sad, angry or afraid to the
    other.
    """
    searched = np.array(EXPRESSIONS.names)[answers["fer2013"].argmax(axis=1)]
    seen = np.array(FERPLUS.names)[answers["ferplus"].argmax(axis=1)]
    apart = searched != seen
    calm = apart & (seen == "neutral") & np.isin(searched, ("sad", "angry", "fear"))
    others = f"of {apart.sum()} others {calm.sum()} are neutral to ferplus and sad, angry or fear to fer2013"
    return f"heads agree on {100 * (1 - apart.mean()):.0f} %; {others}"


def calibration(answers: Mapping[str, Floats], faces: FaceDataset) -> list[str]:
    """Expected calibration error, and that on halves which the temperature has not seen."""
    found = {
        f"{head}, {labels}": error(answers[head], truth) for (head, labels), truth in truths(faces).items()
    }
    lines = [f"calibration error of {name}: {value:.3f}" for name, value in found.items()]
    unseen: dict[str, list[float]] = {"fer2013": [], "ferplus": []}
    for seed in range(CUTS):
        order = np.random.default_rng(seed).permutation(len(faces))
        for fitted, tried in (np.array_split(order, 2), np.array_split(order, 2)[::-1]):
            logits = {head: np.log(np.maximum(answers[head], 1e-12)) for head in unseen}
            temperatures = fit(
                {head: values[fitted] for head, values in logits.items()}, faces.take(fitted)
            ).temperatures
            for head, values in logits.items():
                scaled = np.exp(values[tried] / temperatures[head])
                truth = faces.expressions if head == "fer2013" else faces.ferplus_majority()
                unseen[head].append(error(scaled / scaled.sum(axis=1, keepdims=True), truth[tried]))
    return lines + [
        f"the same on halves that the temperature had not seen, {head}: {np.mean(values):.3f}"
        for head, values in unseen.items()
    ]


def error(probabilities: Floats, truth: NDArray[np.int64]) -> float:
    """Expected calibration error of the images that count."""
    return expected_calibration_error(reliability(probabilities[truth >= 0], truth[truth >= 0]))


def uncertain(answers: Mapping[str, Floats], faces: FaceDataset) -> list[str]:
    """What a limit of one half on the probability sets apart."""
    lines = [
        "| head | held against | n | below one half | right there | right above |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for (head, labels), truth in truths(faces).items():
        counts = truth >= 0
        low = answers[head].max(axis=1)[counts] < _LIMIT
        right = (answers[head].argmax(axis=1) == truth)[counts]
        shares = (
            f"{100 * low.mean():.1f} % | {100 * right[low].mean():.0f} % | {100 * right[~low].mean():.0f} %"
        )
        lines.append(f"| `{head}` | {labels} | {counts.sum():,} | {shares} |")
    return lines


def near(answers: Mapping[str, Floats], faces: FaceDataset, whole: FaceDataset) -> list[str]:
    """Right answers of `fer2013` about images with a near copy in Training, and about the others."""
    copied = np.isin(faces.rows, whole.rows[audit(whole).near_leaks])
    right = answers["fer2013"].argmax(axis=1) == faces.expressions
    parts = {"all": np.ones(len(faces), bool), "with a near copy": copied, "without": ~copied}
    return [
        f"fer2013, {name}: {100 * right[part].mean():.1f} % of {part.sum():,}" for name, part in parts.items()
    ]


if __name__ == "__main__":
    main()
