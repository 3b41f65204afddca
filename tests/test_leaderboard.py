"""The leaderboard: who is asked about what, and what counts."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lib import machine
from benchmarks.suite import leaderboard
from mien.data import FaceDataset, write_dataset


def faces() -> FaceDataset:
    """Seven classes, 14 images in each split; the first of PublicTest is one of Training."""
    images = np.random.default_rng(0).integers(0, 256, (42, 48, 48), dtype=np.uint8)
    images[14] = images[0]
    votes = np.zeros((42, 10), int)
    votes[:, 1] = 10
    return FaceDataset(
        images,
        np.arange(42) % 7,
        votes,
        np.repeat(["Training", "PublicTest", "PrivateTest"], 14),
        np.arange(42),
    )


def test_copies_are_left_out_and_the_test_set_is_whole() -> None:
    data = faces()
    assert leaderboard.chosen(data, private=False).rows.tolist() == list(range(15, 28))
    assert leaderboard.chosen(data, private=True).rows.tolist() == list(range(28, 42))
    few = leaderboard.chosen(data, private=False, count=5)
    assert len(few) == 5
    assert np.array_equal(few.rows, leaderboard.chosen(data, private=False, count=5).rows)


def test_images_have_the_crop_in_their_middle() -> None:
    crops = faces().images[:2]
    images = leaderboard.bordered(crops)
    assert images.shape == (2, 384, 384)
    middle = images[0, 96:288, 96:288].reshape(48, 4, 48, 4).mean(axis=(1, 3))
    assert np.corrcoef(middle.ravel(), crops[0].ravel())[0, 1] > 0.95
    assert (images[0, :96, 200] == images[0, 96, 200]).all()


def test_a_face_that_is_not_found_is_a_wrong_answer_and_an_image_without_majority_none() -> None:
    truth = np.array([3, 3, -1, 0])
    score = leaderboard._score(["happy", "", "happy", "sad"], truth, faces())
    assert (score["n"], score["right"]) == (3, 1)
    assert score["balanced_accuracy"] == (1 / 2 + 0) / 2
    assert score["balanced_accuracy_low"] < 0.25 < score["balanced_accuracy_high"]
    assert score["low"] < 1 / 3 < score["high"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("model.h5", "holds model.h5: nobody has taught"), ("code.py", "holds no weights: it fetches them")],
)
def test_a_peer_is_judged_by_its_own_package(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "peer-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(name, bytes(20_000))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: type("Done", (), {"returncode": 0, "stderr": ""}))
    assert told in leaderboard._reason("peer", tmp_path)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: type("Done", (), {"returncode": 1, "stderr": "ERROR: none"}),
    )
    assert leaderboard._reason("peer", tmp_path) == "no wheel: none"


@pytest.mark.parametrize(
    ("training", "test", "said"),
    [
        (
            0.76,
            0.64,
            "+12.0 points above the test (chance gives up to 4.1): it has learned from Training, and not",
        ),
        (0.61, 0.57, "no sign that it has learned from either"),
        (0.98, 0.97, "as good on both as only a network is that has learned from both"),
        (0.97, 0.98, "as good on both"),
    ],
)
def test_who_has_learned_from_what(training: float, test: float, said: str) -> None:
    row = {
        "name": "peer",
        "head": "",
        "crops, FER-2013": {"accuracy": test, "n": 3309},
        leaderboard.FURTHER[0]: {"accuracy": training, "n": 1500},
    }
    (line,) = leaderboard._learned([row, {**row, "head": "fer2013"}])
    assert line.startswith("- peer: ")
    assert said in line


@pytest.mark.integration
def test_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("polars", reason="polars is not installed: pip install 'mien[data]'")
    monkeypatch.setattr(machine, "pin", lambda core: None)  # Other tests run in this process.
    monkeypatch.setattr(leaderboard, "LOG", tmp_path / "private.log")
    write_dataset(faces(), tmp_path / "faces.parquet")
    options = [
        "--no-peers",
        "--rounds",
        "1",
        "--images",
        "3",
        "--json",
        str(tmp_path / "a.json"),
        "--markdown",
        str(tmp_path / "a.md"),
    ]
    leaderboard.main([str(tmp_path / "faces.parquet"), "--models", "small", *options])
    results = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert [row["head"] for row in results["rows"]] == ["expression", "fer2013", "ferplus"]
    for row in results["rows"]:
        assert row["crops, FER-2013"]["n"] == 13
        assert row["images, FER+"]["n"] == 3
        assert row["ms"] > 0
        assert row["weights_bytes"] < row["install_bytes"]
    assert (tmp_path / "a.md").read_text(encoding="utf-8") in capsys.readouterr().out
    assert not (tmp_path / "private.log").exists()
    leaderboard.main([str(tmp_path / "faces.parquet"), "--models", "small", "--private", *options])
    assert "PrivateTest, FER-2013 and FER+ (seven classes): mien small expression" in (
        tmp_path / "private.log"
    ).read_text(encoding="utf-8")
