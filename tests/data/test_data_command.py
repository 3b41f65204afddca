"""``mien data`` as a person calls it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.data import open_dataset, write_dataset
from tests.commands import run_mien
from tests.data.making_data import same, seven_rows, small_dataset, write_csv, write_image

pytestmark = pytest.mark.integration

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mien(tmp_path: Path) -> Run:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = run_mien("data", *arguments, cwd=tmp_path, env={"COLUMNS": "120"})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    path = tmp_path / "faces.parquet"
    write_dataset(small_dataset(70, side=48), path)
    return path


def test_stats(mien: Run, faces: Path) -> None:
    done = mien("stats", faces)
    assert done.returncode == 0, done.stderr
    assert "70 images of 48x48 px, 7 classes" in done.stdout
    assert "imbalance" in done.stdout
    assert "majority" in done.stdout
    facts = json.loads(mien("stats", faces, "--format", "json").stdout)
    assert facts["all"]["classes"]["happy"] == 10


def test_preview(mien: Run, faces: Path, tmp_path: Path) -> None:
    assert mien("preview", faces, "-o", "sheet.png", "--label", "Happiness", "--seed", 3).returncode == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 9 * 48
    done = mien("preview", faces, "-o", "sheet.txt")
    assert done.returncode == 2
    assert "ending in .png" in done.stderr


def test_audit_goes_on_and_writes_the_clean_set(mien: Run, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("happy", "sad"):
            noise = np.random.default_rng(len(split + name)).integers(0, 256, (48, 48), dtype=np.uint8)
            write_image(tmp_path / "set" / split / name / "blank.png", side=48)
            Image.fromarray(noise).save(tmp_path / "set" / split / name / "noise.png")
    (tmp_path / "set" / "train" / "sad" / "bad.png").write_bytes(b"nothing")
    done = mien("audit", "set", "-o", "clean.csv", "--format", "json")
    assert done.returncode == 3, done.stderr
    facts = json.loads(done.stdout)
    assert "bad.png" in facts["unreadable"][0]
    assert facts["clean"]["dropped"] == ["train/happy/blank.png", "train/sad/blank.png"]
    assert "wrote clean.csv" in done.stderr
    assert len(open_dataset(tmp_path / "clean.csv").split("Training")) == 2
    done = mien("audit", "set", "--also", "repeats")
    assert "not read: " in done.stdout
    assert "without repeats" in done.stdout


def test_audit_against_another_data_set(mien: Run, faces: Path, tmp_path: Path) -> None:
    whole = open_dataset(faces)
    part = replace(whole.take(np.arange(9)), splits=np.full(9, "Training"))
    write_dataset(part, tmp_path / "part.parquet")
    done = mien("audit", "part.parquet", "--against", faces, "-o", "clean.csv", "--format", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["against"]["images"] == len(whole)
    assert len(facts["against"]["exact"]) == 9
    assert facts["clean"]["training"] == 0
    done = mien("audit", faces, "--against", "nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr


def test_convert_and_split(mien: Run, faces: Path, tmp_path: Path) -> None:
    for source, target in (
        ("faces.parquet", "folder"),
        ("folder", "faces.csv.gz"),
        ("faces.csv.gz", "again.parquet"),
    ):
        done = mien("convert", source, target)
        assert done.returncode == 0, done.stderr
    assert same(open_dataset(faces), open_dataset(tmp_path / "again.parquet"))
    assert mien("split", faces, "dealt.csv", "--share", 0.7, "--seed", 5).returncode == 0
    assert open_dataset(tmp_path / "dealt.csv").split("Training").counts().tolist() == [7] * 7
    assert mien("split", faces, "small.csv", "--size", 24).returncode == 0
    assert open_dataset(tmp_path / "small.csv").images.shape == (70, 24, 24)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["stats", "nowhere.csv"], "is not there"),
        (["stats", "bad.csv"], "row 6 (line 8): expected the pixels of a square image"),
        (["convert", "faces.parquet", "faces.xlsx"], "ending in .parquet"),
        (["convert", "faces.parquet", "bad.csv/where.csv"], "expected a place to write"),
        (["split", "faces.parquet", "a.csv", "--share", "2"], "expected a share above 0"),
        (["split", "faces.parquet", "a.csv", "--held-out", "train"], "got training"),
        (["audit", "faces.parquet", "-o", "clean.txt"], "ending in .parquet"),
        (["preview", "faces.parquet", "-o", "a.png", "--split", "happy"], "expected a split"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    mien: Run, faces: Path, tmp_path: Path, arguments: list[str], word: str
) -> None:
    write_csv(tmp_path / "bad.csv", [*seven_rows()[:6], [3, "1 2 3", "Training"]])
    done = mien(*arguments)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"faces.parquet", "bad.csv"}


@pytest.mark.parametrize("target", ["full.csv", "full.csv.gz", "full.parquet", "full"])
def test_a_full_disk_is_told_and_leaves_nothing(faces: Path, tmp_path: Path, target: str) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    command = [sys.executable, "-m", "mien", "data", "convert", faces.name, target]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=no_room, check=False
    )
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        == f"mien: {target}: cannot be written: File too large: make room or give another place"
    )
    assert os.listdir(tmp_path) == [faces.name]
