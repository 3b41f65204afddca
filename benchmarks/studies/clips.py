"""Clips with reference labels, analysed and scored: ``python -m benchmarks.studies.clips choose|table [--work FOLDER]``.

Each clip shows, for 2 s, faces of FER-2013's PublicTest, enlarged and bordered: most of them of one
expression, by the majority of FER+'s annotators, which is its reference label; the others of other expressions, or
nobody. No face that also stands in the training images is shown. ``choose`` compares ways to come to a
label, and thresholds, on the faces in even rows, without rendering. ``table`` renders clips of the faces in
odd rows, reads them with MTCNN and Haar at two sampling rates, kills both stages on the way, and scores what
`mien` made of them. Everything is kept in the folder: the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.fixtures import DATA
from benchmarks.lib.machine import ONE_THREAD, describe
from mien.clips.aggregate import LEAST, ClipRule, Method, read_clip
from mien.clips.facts import facts
from mien.clips.predictions import ScoreOptions, read_predictions
from mien.clips.reference import read_reference
from mien.clips.scoring import score_clips
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, Labels
from mien.data import FaceDataset, leak_free, open_dataset
from mien.evaluation import open_subject
from mien.media import VideoWriter
from mien.metrics import wilson
from mien.metrics.sentiment import PRESETS, SENTIMENTS, SentimentMapping
from mien.video.results import VideoResult

CLIPS, RATE, SEGMENTS, LENGTH = 210, 10.0, 5, 4
"""How many clips, frames a second, stretches of a clip, frames of a stretch."""
SIDE, FACE = 160, 104
RUNS = {f"{detector}-{rate}": (detector, rate) for detector in ("mtcnn", "haar") for rate in (10, 2)}
NOBODY = -1
METHODS: tuple[Method, ...] = ("count", "evidence")


@dataclass(frozen=True)
class Script:
    """One clip: a face for each stretch.

    Args:
        reference: What most of it shows.
        faces: Position of the face in the data, `NOBODY` for an empty stretch.
    """

    reference: str
    faces: tuple[int, ...]


def scripts(data: FaceDataset, parity: int, count: int = CLIPS) -> list[Script]:
    """Clips of the faces in even or odd rows; each expression as often as the others."""
    seen = data.seven_class_majority()
    pools = [
        np.flatnonzero((seen == column) & (data.rows % 2 == parity)) for column in range(len(EXPRESSIONS))
    ]
    chance = np.random.default_rng(parity)
    return [_script(number % len(EXPRESSIONS), pools, chance) for number in range(count)]


def _script(reference: int, pools: list[NDArray[np.int64]], chance: np.random.Generator) -> Script:
    others = [int(column) for column in chance.permutation(len(pools)) if column != reference][:2]
    faces = [int(chance.choice(pools[column])) for column in (reference, reference, reference, *others)]
    if chance.random() < 0.3:
        faces[-1] = NOBODY
    return Script(EXPRESSIONS[reference], tuple(int(face) for face in chance.permutation(faces)))


# --- choosing, without rendering


def choose(data: FaceDataset) -> None:
    """Print how often each way is right, and what each confidence is worth."""
    subject = open_subject("small", threads=1)
    cast = scripts(data, 0, 700)
    used = sorted({face for script in cast for face in script.faces if face != NOBODY})
    probs = dict(zip(used, subject.probabilities(data.images[used]), strict=True))
    clips = [
        np.stack([probs[face] for face in script.faces if face != NOBODY]).astype(np.float64)
        for script in cast
    ]
    print(f"{len(cast)} clips of {len(used)} faces in even rows; right answers when every clip gets one")
    for mapping in (None, *PRESETS.values()):
        reference = [
            script.reference if mapping is None else mapping.sentiment(script.reference) for script in cast
        ]
        for way in ("count", "mean probability", "mean log-probability"):
            answers = [_answer(rows, subject.labels, way, mapping) for rows in clips]
            right = np.array([label == wanted for (label, _), wanted in zip(answers, reference, strict=True)])
            low, high = wilson(int(right.sum()), len(right))
            print(
                f"{'expressions' if mapping is None else mapping.name}, {way}: {right.mean():.1%} [{low:.1%}, {high:.1%}]"
            )
            if way == "mean probability":
                _bands(right, np.array([confidence for _, confidence in answers]))


def _answer(
    rows: NDArray[np.float64], labels: Labels, way: str, mapping: SentimentMapping | None
) -> tuple[str | None, float]:
    if way == "mean log-probability":
        classes = labels if mapping is None else SENTIMENTS
        shares = np.exp(
            np.log(np.maximum(rows if mapping is None else mapping(rows, labels), 1e-6)).mean(axis=0)
        )
        return classes[int(shares.argmax())], float(shares.max() / shares.sum())
    result = read_clip(
        _video(rows, labels),
        ClipRule("count" if way == "count" else "evidence", min_confidence=0),
        mapping or PRESETS["valence"],
    )
    verdict = result.expression if mapping is None else result.sentiment
    return verdict.label, verdict.confidence or 0.0


def _video(rows: NDArray[np.float64], labels: Labels) -> VideoResult:
    frames = np.arange(len(rows))
    faces = Faces(
        np.tile(np.array([0, 0, 9, 9], np.float32), (len(rows), 1)),
        np.ones(len(rows), np.float32),
        frames,
        frames / 10,
        probs=rows.astype(np.float32),
        labels=labels,
    )
    return VideoResult("clip", faces, frames, frames / 10)


def _bands(right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> None:
    """What answers are worth within a stretch of confidence, and what is left from its lower end on."""
    for least in LEAST.values():
        print(f"    below {least}: {right[confidence < least].sum()} of {(confidence < least).sum()} right")
    for low in np.arange(0.2, 0.75, 0.05):
        inside, above = (confidence >= low) & (confidence < low + 0.05), confidence >= low
        if inside.any():
            told = f"{inside.sum():3} clips, {right[inside].mean():.0%} right"
            print(
                f"    {low:.2f} to {low + 0.05:.2f}: {told}; from {low:.2f} on {above.mean():.0%} answered, {right[above].mean():.1%} of them right"
            )


# --- rendered clips


def render(data: FaceDataset, folder: Path) -> Path:
    """Clips that are not there yet, and their reference labels."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    cast = scripts(data, 1)
    for number, script in enumerate(cast):
        path = folder / "clips" / f"{number:03}.mp4"
        if path.is_file():
            continue
        with VideoWriter(path, SIDE, SIDE, rate=RATE) as movie:
            for frame, image in enumerate(_frames(script, data, np.random.default_rng(number))):
                movie.write(image, frame / RATE)
    reference = folder / "reference.csv"
    with open(reference, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label"])
        table.writerows([f"{number:03}", script.reference] for number, script in enumerate(cast))
    return reference


def _frames(script: Script, data: FaceDataset, chance: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    for face in script.faces:
        for _ in range(LENGTH):
            canvas = np.full((SIDE, SIDE), 128, np.float64)
            if face != NOBODY:
                x, y = (int(value) for value in (SIDE - FACE) // 2 + chance.integers(-3, 4, 2))
                image = Image.fromarray(data.images[face]).resize((FACE, FACE), Image.Resampling.BICUBIC)
                canvas = np.pad(
                    np.asarray(image, np.float64), ((y, SIDE - FACE - y), (x, SIDE - FACE - x)), mode="edge"
                )
            noisy = canvas * chance.uniform(0.95, 1.05) + chance.normal(0, 2, canvas.shape)
            yield np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


# --- the two stages


def analyse(folder: Path, name: str, rows: Path, *, kill: bool = False) -> str:
    """Read all clips; killed on the way, and given again, where that is wanted."""
    if rows.is_file():
        return "was there"
    detector, rate = RUNS[name]
    command = [
        "analyze",
        "clips",
        "--detector",
        detector,
        "--fps",
        rate,
        "--threads",
        1,
        "--quiet",
        "-o",
        rows.relative_to(folder),
    ]
    killed = "not killed"
    if kill:
        running = subprocess.Popen(
            [sys.executable, "-m", "mien", *map(str, command)], cwd=folder, env=_alone()
        )
        checkpoints = Path(f"{rows}.checkpoint")
        while running.poll() is None and sum(1 for _ in checkpoints.rglob("*")) < 150:
            time.sleep(0.02)
        running.kill()
        running.wait()
        pieces = sum(1 for _ in checkpoints.rglob("*"))
        assert not rows.exists()
        assert pieces, "the run was over before it could be killed"
        killed = f"killed with {pieces} files in its checkpoint, and resumed"
    done = _mien(folder, *command)
    assert done.returncode == 0, done.stderr
    return killed


def score(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return _mien(folder, "score", *(f"rows/{name}.csv" for name in RUNS), "reference.csv", *words)


def scored_and_killed(folder: Path) -> str:
    """`mien score`, killed at five moments; what is left each time, and whether the next run gives the same
    as an undisturbed one.
    """
    place = folder / "scored.csv"
    assert score(folder, "-q", "-o", place.name).returncode == 0
    whole = place.read_bytes()
    began = time.monotonic()
    assert score(folder, "-q", "-o", place.name).returncode == 0
    lasted = time.monotonic() - began
    stopped = 0
    for moment in range(5):
        place.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "mien",
            "score",
            *(f"rows/{name}.csv" for name in RUNS),
            "reference.csv",
            "-q",
            "-o",
            place.name,
        ]
        running = subprocess.Popen(command, cwd=folder, env=_alone(), stdout=subprocess.DEVNULL)
        time.sleep(lasted * (moment + 0.5) / 5)
        running.kill()
        stopped += running.wait() != 0
        assert not place.exists() or place.read_bytes() == whole
    assert score(folder, "-q", "-o", place.name).returncode == 0
    assert place.read_bytes() == whole
    return f"killed {stopped} times, never left half a table, and gave the same in the end"


def _mien(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mien", *map(str, words)],
        cwd=folder,
        env=_alone(),
        capture_output=True,
        text=True,
        check=False,
    )


def _alone() -> dict[str, str]:
    return {**os.environ, **ONE_THREAD}


def table(data: FaceDataset, folder: Path) -> dict[str, Any]:
    """Both stages, and what came out."""
    reference = render(data, folder)
    (folder / "rows").mkdir(exist_ok=True)
    for name in RUNS:
        print(f"{name}: {analyse(folder, name, folder / 'rows' / f'{name}.csv', kill=True)}", flush=True)
    again = folder / "undisturbed.csv"
    analyse(folder, "mtcnn-2", again)
    assert again.read_bytes() == (folder / "rows/mtcnn-2.csv").read_bytes(), "a resumed run gave other rows"
    print("mtcnn-2: the same rows, byte for byte, as a run that was not killed")
    print(f"mien score: {scored_and_killed(folder)}")
    print(f"reference labels: {reference}\n")
    found = {}
    print(f"| answers | classes | clips | {' | '.join(RUNS)} |\n|---|---|---|---|---|---|---|")
    ways = [ScoreOptions(ClipRule("count")), ScoreOptions(ClipRule(min_confidence=0)), ScoreOptions()]
    ways += [
        ScoreOptions(ClipRule(method, min_confidence=0), mapping, "sentiment")
        for mapping in PRESETS.values()
        for method in METHODS
    ]
    labels = read_reference(reference)
    for options in ways:
        scores = [
            score_clips(read_predictions(folder / "rows" / f"{name}.csv", options), labels, options)
            for name in RUNS
        ]
        one = facts(scores, labels, options)
        found[f"{options.rule}, {options.mapping.name}, {options.classes}"] = one
        print(_line(one), flush=True)
    return found


def _line(found: dict[str, Any]) -> str:
    scores = found["scores"]
    classes = found["mapping"]["name"] if len(scores[0]["classes"]) == 3 else "7 expressions"
    least = f", at least {found['least']:g}" if found["min_confidence"] else ""
    return f"| {found['method']}{least} | {classes} | {scores[0]['n']} | {' | '.join(_cell(one) for one in scores)} |"


def _cell(one: dict[str, Any]) -> str:
    whole, part = one["accuracy"], one["accuracy_of_answers"]
    answers = "" if part["n"] == whole["n"] else f"; {part['share']:.1%} of {part['n']} answers"
    return f"{whole['share']:.1%} ({whole['low']:.0%} to {whole['high']:.0%}){answers}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.clips", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("what", choices=("choose", "table"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, default=Path("out/clips"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    data = leak_free(open_dataset(asked.data), "PublicTest")
    if asked.what == "choose":
        choose(data)
        return
    found = table(data, asked.work.resolve())
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        f"processor time of this run: {sum(one.ru_utime + one.ru_stime for one in used):.0f} s; load {describe()['load']}"
    )
    if asked.json:
        asked.json.write_text(
            json.dumps({"machine": describe(), "scores": found}, indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
