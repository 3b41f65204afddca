"""Networks of mien and of its peers on the same faces: how often they are right, how long a face takes, how
large they are.

    python -m benchmarks.suite.leaderboard DATA [--everyday FILE] [--json FILE] [--markdown FILE] [--chart FILE]

DATA is FER-2013 with the FER+ votes, FILE everyday photographs, of which the persons are asked about that no network of
mien has learned from. All get the same crops, 48x48 as the data has them, and the same
images: such crops, enlarged four times on a canvas of twice their side with edges repeated, where each
finds the face with its own detector. These are no photographs: a detector that finds nothing in them may do
well there. Every subject is a process of its own on one thread of one core; for the times they take turns.
A peer is measured where its weights come with its own package, from PyPI or from npm; of the others the
reason is told. PublicTest without its copies is for looking while networks are made; ``--private`` takes all
of PrivateTest, which is for the end, and writes a line to docs/private-test.log.

Every subject is also asked about images of Training: whoever is much better there than on the test has learned from the
one and not from the other; whoever is equally good on both has learned from neither, or from both.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.adapters.start import fer, mien, npm, pip_peer
from benchmarks.lib import machine
from benchmarks.lib.charts import shares
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import ROOT
from benchmarks.lib.subjects import Subject, SubjectError, take_turns
from mien.core.labels import canonical_label
from mien.data import FaceDataset, open_dataset
from mien.data.dataset import PRIVATE_TEST, PUBLIC_TEST, clean_training, leak_free
from mien.inference.weights import network_path, shipped
from mien.metrics import balanced_accuracy, balanced_interval, confusion_matrix, wilson

LOG = ROOT / "docs" / "private-test.log"
ROUNDS = 5
COUNT = 400
LEARNED = 1500
KNOWN_BY_HEART = 0.8
"""Share of right answers on FER-2013's labels that nobody has who learned from other images: people have
.65 (Goodfellow et al. 2013), the best published network .77."""
FURTHER = ("Training, FER-2013", "everyday")
"""Of what else than the test every row has a score, where it was asked about."""
_OTHERS = ("deepface", "py-feat", "emotiefflib", "hsemotion-onnx", "rmn")
_WEIGHTS = (
    ".caffemodel",
    ".h5",
    ".hdf5",
    ".keras",
    ".onnx",
    ".pb",
    ".pkl",
    ".pt",
    ".pth",
    ".safetensors",
    ".tflite",
)
_DRAWN = {
    "crops, FER-2013": "FER-2013's labels",
    "crops, FER+": "what people saw (FER+)",
    "everyday": "everyday photographs",
}
"""What the chart shows, side by side."""
_ABOUT = """\
# Leaderboard

Networks of mien and of its peers on the same faces, in one run of
`python -m benchmarks.suite.leaderboard DATA --everyday FILE --markdown docs/leaderboard.md --chart docs/images/leaderboard.svg`.

![Shares of right answers of each network and head, with intervals](images/leaderboard.svg)

The heads of mien's models answer which word the image was found under (`fer2013`), what people see in it (`ferplus`),
or combine the two (`expression`; [networks](networks.md)). Each is compared with both kinds of label. All of them
classify a facial expression, not an emotion that a person feels.
"""
_WHO_LEARNED = """\
Training is %d images of FER-2013's Training by its own labels, and above the test is how many points more are right there than on the
crops: a network that learned from Training alone is better there. One that learned from the test as well is as good on both, and so
is one that learned from neither; the former has nearly all of both right. Everyday are press and film photographs of persons that no
network of mien learned from, five classes; balanced is the mean of their recalls.
"""
_NOTES = """\
FER+ is the majority among the seven classes here; with contempt as an eighth, the figures are in [accuracy](accuracy.md).
Crops are the faces of the data set, the same for all. Images are such crops, enlarged, in a frame of their own edges: each package
detects the face with its own detector, and a face that is not found counts as wrong. They are not photographs, and a detector that
fails here may do well there.
`face-api` and `human` are made for browsers and ran in Node as WebAssembly; their installed size is that of their own package. Peers may have
learned from any of these faces. The models of mien learned from none of them, nor from exact copies (what near copies are worth:
[accuracy](accuracy.md)); they were chosen, and calibrated, on PublicTest and on these everyday faces.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON and Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.leaderboard", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="FER-2013 with the FER+ votes")
    parser.add_argument(
        "--everyday", type=Path, help="everyday photographs, whose held-out part is asked about"
    )
    parser.add_argument(
        "--models",
        nargs="*",
        help="networks of mien by name or file, or none; all that come with it unless given",
    )
    parser.add_argument(
        "--private",
        action="store_true",
        help="PrivateTest, for the end; written down in docs/private-test.log",
    )
    parser.add_argument("--count", type=int, help="so many faces only, to try it out")
    parser.add_argument("--images", type=int, default=COUNT, help="whole images to make of them")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds that take the time; 0 on a busy machine: no times"
    )
    parser.add_argument("--no-peers", action="store_true", help="mien's networks alone")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    parser.add_argument("--chart", type=Path, help="draw the shares of right answers here, as SVG")
    options = parser.parse_args(arguments)
    whole = open_dataset(options.data)
    faces = chosen(whole, options.private, options.count)
    sets = asked_about(whole, faces, options.everyday)
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mien-leaderboard-") as name:
        folder = Path(name)
        shown = np.random.default_rng(0).permutation(len(faces))[: options.images]
        np.save(folder / "crops.npy", np.concatenate([part.images for part in sets]))
        np.save(folder / "images.npy", bordered(faces.images[shown]))
        subjects = _mien(folder, list(shipped()) if options.models is None else options.models) + (
            [] if options.no_peers else _peers(folder, skipped)
        )
        facts = machine.describe()
        rows = [
            row
            for subject in take_turns(subjects, options.rounds, folder, skipped)
            for row in _rows(subject, folder, sets, shown)
        ]
    results = {
        "split": PRIVATE_TEST if options.private else f"{PUBLIC_TEST}, leak-free",
        "faces": len(faces),
        "images": len(shown),
        "machine": {**facts, "load_after": machine.load()},
        "rows": rows,
        "skipped": skipped,
    }
    page = markdown(results)
    print(page)
    if options.private:
        _log(rows)
    write_results(results, figures(rows), options.json)
    if options.markdown:
        options.markdown.write_text(page + "\n", encoding="utf-8")
    if options.chart:
        shares(rows, {part: title for part, title in _DRAWN.items() if part in rows[0]}, options.chart)


def chosen(data: FaceDataset, private: bool, count: int | None = None) -> FaceDataset:
    """The faces that all are asked about."""
    part = data.split(PRIVATE_TEST) if private else leak_free(data, PUBLIC_TEST)
    return (
        part if count is None else part.take(np.sort(np.random.default_rng(1).permutation(len(part))[:count]))
    )


def asked_about(whole: FaceDataset, faces: FaceDataset, everyday: Path | None) -> list[FaceDataset]:
    """What all are asked about, crop by crop: the test, images of Training without copies of any test, and
    the everyday faces of FER-2013's classes that no network of mien has learned from.
    """
    training = clean_training(whole)
    few = np.random.default_rng(2).permutation(len(training))[:LEARNED]
    sets = [faces, training.take(np.sort(few))]
    if everyday is not None:
        from benchmarks.studies.heads import everyday_parts
        from mien.training.splits import columns_of

        outside = everyday_parts(whole, everyday).validation
        columns = columns_of(outside, faces.labels)
        sets.append(replace(outside, expressions=columns, labels=faces.labels))
    return sets


def bordered(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(m, 384, 384)`` images of ``(m, 48, 48)`` crops: four times as large, half their side around them,
    edges repeated.
    """
    large = [np.asarray(Image.fromarray(crop).resize((192, 192), Image.Resampling.BICUBIC)) for crop in crops]
    return np.stack([np.pad(face, 96, mode="edge") for face in large])


def _mien(folder: Path, names: list[str]) -> list[Subject]:
    paths = {f"mien {path.stem}": path for path in map(network_path, names)}
    return [mien(name, "leaderboard", folder, _answers(folder, name), path) for name, path in paths.items()]


def _peers(folder: Path, skipped: dict[str, str]) -> list[Subject]:
    subjects = []
    for form, name in (("tflite", "fer, as it comes"), ("hdf5", "fer, use_tflite=False")):
        try:
            subjects.append(fer(name, "leaderboard", folder, _answers(folder, name), form))
        except SubjectError as error:
            skipped[name] = str(error)
    for package in ("facex", "facial-emotion-recognition"):
        try:
            subjects.append(pip_peer(package, package, folder, _answers(folder, package)))
        except SubjectError as error:
            skipped[package] = str(error)
    for package in ("face-api", "human"):
        name = f"{package} (WebAssembly)"
        try:
            subjects.append(npm(name, package, folder, _answers(folder, name)))
        except SubjectError as error:
            skipped[package] = str(error)
    for package in _OTHERS:
        skipped[package] = _reason(package, folder / package)
    return subjects


def _reason(package: str, folder: Path) -> str:
    """Why a peer cannot be measured: what its own package holds."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        package,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return f"no wheel: {errors[-1].removeprefix('ERROR: ') if errors else 'pip gave none'}"
    with zipfile.ZipFile(wheels[0]) as wheel:
        weights = [
            entry.filename
            for entry in wheel.infolist()
            if entry.filename.lower().endswith(_WEIGHTS) and entry.file_size > 10_000
        ]
    if weights:
        return f"{wheels[0].name} holds {weights[0]}: nobody has taught this benchmark to read it"
    return f"{wheels[0].name} ({wheels[0].stat().st_size / 1e6:.1f} MB) holds no weights: it fetches them when it is used"


def _answers(folder: Path, name: str) -> Path:
    return folder / f"{''.join(letter if letter.isalnum() else '_' for letter in name)}.json"


def _rows(
    subject: Subject, folder: Path, sets: Sequence[FaceDataset], shown: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """One row for each head."""
    stored = json.loads(_answers(folder, subject.name).read_text(encoding="utf-8"))
    answers = {name: [canonical_label(word) for word in words] for name, words in stored.items()}
    taken = [value for one in subject.rounds for value in one["wall_ms"]]
    ms = round(float(np.median(taken)), 3) if taken else None
    faces = sets[0]
    starts = np.cumsum([0, *map(len, sets)])
    rows = []
    for head in dict.fromkeys(name.split(".", 1)[1] for name in answers):
        crops = [answers[f"crops.{head}"][start:end] for start, end in pairwise(starts.tolist())]
        images = answers[f"images.{head}"]
        found = sum(word != "" for word in images)
        row: dict[str, Any] = {
            "name": subject.name,
            "head": head,
            "ms": ms,
            "found": found,
            **subject.hello["versions"],
        }
        for labels, truth in (("FER-2013", faces.expressions), ("FER+", faces.seven_class_majority())):
            row[f"crops, {labels}"] = _score(crops[0], truth, faces)
            row[f"images, {labels}"] = _score(images, truth[shown], faces)
        for name, part, words in zip(FURTHER, sets[1:], crops[1:], strict=False):
            row[name] = _score(words, part.expressions, faces)
        rows.append(row)
    return rows


def _score(answers: list[str], truth: NDArray[np.int64], faces: FaceDataset) -> dict[str, Any]:
    """Right answers among those that count; a face that was not found is a wrong one."""
    counts = truth >= 0
    columns = {name: column for column, name in enumerate(faces.labels)}
    other = len(columns)  # A face that was not found, or a word for something else.
    called = np.array([columns.get(word, other) for word in answers], np.int64)
    confusion = confusion_matrix(truth[counts], called[counts], other + 1)
    n, right = int(confusion.sum()), int(np.trace(confusion))
    low, high = wilson(right, n)
    balanced_low, balanced_high = balanced_interval(confusion)
    return {
        "n": n,
        "right": right,
        "accuracy": right / n,
        "low": low,
        "high": high,
        "balanced_accuracy": balanced_accuracy(confusion),
        "balanced_accuracy_low": balanced_low,
        "balanced_accuracy_high": balanced_high,
    }


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    parts = ("crops, FER-2013", "crops, FER+", "images, FER-2013", "images, FER+")
    lines = [
        _ABOUT,
        f"{results['split']}: {results['faces']:,} crops; {results['images']:,} images. Share of right answers with 95 % interval (Wilson); then "
        "balanced accuracy, the mean recall of the seven classes.",
        "",
        f"| network | head | {' | '.join(parts)} | faces found | ms a face | weights MB | installed MB |",
        f"|---|---|{'--:|' * 8}",
    ]
    for row in results["rows"]:
        scores = " | ".join(
            f"{_with_interval(row[part])}; {row[part]['balanced_accuracy']:.1%}" for part in parts
        )
        sizes = f"{row['weights_bytes'] / 1e6:.2f} | {row['install_bytes'] / 1e6:,.0f}"
        ms = "" if row["ms"] is None else f"{row['ms']:.3f}"
        lines.append(f"| {row['name']} | {row['head']} | {scores} | {row['found']} | {ms} | {sizes} |")
    lines += ["", *_further(results["rows"])]
    where = results["machine"]
    lines += [
        "",
        f"{where['cpu']}, one thread of one core; load {where['load']} before, {where['load_after']} after.",
    ]
    lines += ["", _WHO_LEARNED % LEARNED, *_learned(results["rows"]), "", _NOTES]
    lines += [f"- Not measured: {name}: {reason}." for name, reason in results["skipped"].items()]
    return "\n".join(lines)


def _further(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The table of what is asked about beside the test."""
    lines = [
        "| network | head | Training, FER-2013 | above the test | everyday | balanced |",
        f"|---|---|{'--:|' * 4}",
    ]
    for row in rows:
        learned, outside = (row.get(name) for name in FURTHER)
        cells = ["", "", "", ""]
        if learned is not None:
            above = learned["accuracy"] - row["crops, FER-2013"]["accuracy"]
            cells[:2] = [_with_interval(learned), f"{100 * above:+.1f}"]
        if outside is not None:
            cells[2:] = [_with_interval(outside), f"{outside['balanced_accuracy']:.1%}"]
        lines.append(f"| {row['name']} | {row['head']} | {' | '.join(cells)} |")
    return lines


def _learned(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the difference between Training and the test says of each peer, a line each."""
    lines = []
    for row in rows:
        test, learned = row["crops, FER-2013"], row.get(FURTHER[0])
        if row["head"] or learned is None:  # Those of mien have heads, and what they learned from is known.
            continue
        above = 100 * (learned["accuracy"] - test["accuracy"])
        chance = 300 * math.sqrt(
            sum(score["accuracy"] * (1 - score["accuracy"]) / score["n"] for score in (test, learned))
        )
        if above > chance:
            said = "it has learned from Training, and not from the test"
        elif test["accuracy"] > KNOWN_BY_HEART:
            said = "as good on both as only a network is that has learned from both"
        else:
            said = "no sign that it has learned from either"
        lines.append(
            f"- {row['name']}: {above:+.1f} points above the test (chance gives up to {chance:.1f}): {said}."
        )
    return lines


def _with_interval(score: dict[str, Any]) -> str:
    return f"{score['accuracy']:.1%} ({score['low']:.1%} to {score['high']:.1%})"


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Right answers on identical crops, once for each head."""
    found = []
    for row in rows:
        for labels in ("FER-2013", "FER+"):
            score, name = row[f"crops, {labels}"], f"{row['name']} {row['head']}".strip()
            told = (
                f"{name}: right on {labels}, {score['n']:,} crops ({score['low']:.1%} to {score['high']:.1%})"
            )
            found.append(Figure(told, 100 * score["accuracy"], "%"))
            found.append(Figure(f"{name}: mean recall on {labels}", 100 * score["balanced_accuracy"], "%"))
    return found


def _log(rows: list[dict[str, Any]]) -> None:
    scores = "; ".join(
        f"{row['name']} {row['head']}".strip()
        + f" {row['crops, FER-2013']['accuracy']:.2%}, {row['crops, FER+']['accuracy']:.2%}"
        for row in rows
    )
    with LOG.open("a", encoding="utf-8") as file:
        file.write(
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} benchmarks.suite.leaderboard: {PRIVATE_TEST}, FER-2013 and FER+ (seven classes): {scores}\n"
        )


if __name__ == "__main__":
    main()
