"""A video has one label, whoever is asked: `mien batch`, `mien score` or Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien as package
from mien.clips.aggregate import ClipRule, read_clip
from mien.inference.config import TtaName
from tests.batch.batch_runs import csv_rows, mien, rows_of

DURATIONS = (100, 900, 100, 400)


def animation(path: Path, seed: int) -> Path:
    """Frames that differ much and last differently, so that the plain mean is another one."""
    chance = np.random.default_rng(seed)
    frames = [
        Image.fromarray(np.clip(chance.normal(mean, 70, (48, 48)), 0, 255).astype(np.uint8))
        for mean in (40, 90, 150, 220)
    ]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(DURATIONS))
    return path


@pytest.mark.integration
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_video_has_the_same_label_and_shares_in_batch_score_and_python(tmp_path: Path, form: str) -> None:
    for number, label in enumerate(("happy", "sad")):
        (tmp_path / "in" / label).mkdir(parents=True)
        animation(tmp_path / "in" / label / f"{number}.gif", number)
    options = ("--detector", "whole")
    batch = mien("batch", tmp_path / "in", "-o", tmp_path / "out", "--format", form, *options)
    assert batch.returncode == 0, batch.stderr
    rows = tmp_path / f"rows.{form}"
    analyzed = mien("analyze", tmp_path / "in", "-o", rows, *options)
    assert analyzed.returncode == 0, analyzed.stderr
    reference = tmp_path / "reference.csv"
    reference.write_text("file,label\n0.gif,happy\n1.gif,sad\n")
    scored = mien(
        *("score", rows, reference, "--min-confidence", 0, "--classes", "expression"),
        *("-o", tmp_path / "clips.csv"),
    )
    assert scored.returncode == 0, scored.stderr
    # What each one counts, and so why its figures are not those of the others, stands beside them.
    assert "share of the time in view by smoothed emotion" in analyzed.stdout
    assert "mien analyze counts the time of all people by smoothed emotion" in " ".join(scored.stdout.split())
    assert "greatest mean probability over time of the largest face, as of mien score" in batch.stdout
    batched, clips = csv_rows(tmp_path / "out" / "predictions.csv"), csv_rows(tmp_path / "clips.csv")
    for video, line, clip in zip(
        package.analyze(tmp_path / "in", detector="whole"), batched, clips, strict=True
    ):
        answer = read_clip(video, ClipRule(min_confidence=0)).expression
        assert answer.label == line["predicted"] == clip["predicted"]
        for row in (line, clip):
            assert float(row["confidence"]) == pytest.approx(answer.confidence, abs=2e-5)
        assert video.faces.probs is not None
        weighed = np.average(video.faces.probs, axis=0, weights=[*DURATIONS[:3], 100])
        assert abs(float(answer.confidence or 0) - video.faces.probs.mean(axis=0).max()) > 0.01
        assert answer.shares.tolist() == pytest.approx(weighed.tolist(), abs=0.02)


@pytest.mark.integration
def test_text_that_looks_like_a_formula_is_none_in_predictions(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    animation(tmp_path / "=1+1.gif", 1)
    animation(tmp_path / "b.gif", 2)
    listed.write_text("path,label\n=1+1.gif,sad\nb.gif,happy\n")
    done = mien("batch", listed, "-o", tmp_path / "out", "--detector", "whole")
    assert done.returncode == 0, done.stderr
    assert [row["source"] for row in csv_rows(tmp_path / "out" / "predictions.csv")] == [
        "./=1+1.gif",
        "b.gif",
    ]


@pytest.mark.integration
def test_faces_that_are_looked_at_twice_get_the_same_answer_in_batch_analyze_and_python(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    chance = np.random.default_rng(1)
    for number in range(7):
        shade = np.linspace(60, 200, 48)[None].repeat(48, axis=0) + chance.normal(0, 40, (48, 48))
        Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8)).save(tmp_path / "in" / f"{number}.png")
    options = ("--detector", "whole", "--tta", "flip")
    done = mien("batch", tmp_path / "in", "-o", tmp_path / "out", "--workers", 2, "--shard-size", 3, *options)
    assert done.returncode == 0, done.stderr
    assert mien("analyze", tmp_path / "in", "-o", tmp_path / "rows.csv", "-q", *options).returncode == 0
    happy = [row["happy"] for row in rows_of(tmp_path / "out")]
    analyzed = [json.loads(row["probs"])["happy"] for row in csv_rows(tmp_path / "rows.csv")]
    assert analyzed == pytest.approx(happy, abs=1e-6)
    images = [np.array(Image.open(path).convert("RGB")) for path in sorted((tmp_path / "in").iterdir())]
    twice, once = ([_happy(image, tta) for image in images] for tta in ("flip", "one"))
    assert happy == pytest.approx(twice, abs=1e-6)
    assert np.abs(np.subtract(once, twice)).max() > 1e-3


def _happy(image: NDArray[np.uint8], tta: TtaName) -> float:
    pipeline = package.Pipeline("whole", tta=tta, threads=1)
    probs = pipeline(image).probs
    assert probs is not None
    return float(probs[0, pipeline.labels.index("happy")])
