"""``mien score`` as a person calls it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.core.labels import NOTICE
from mien.media import VideoWriter
from tests.clips.making_rows import clip, write_reference, write_table
from tests.commands import run_mien


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rows of two detectors for three clips, and reference labels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    write_table(
        Path("mtcnn/rows.csv"),
        [clip("clips/1.mp4", ["happy"] * 3), clip("clips/2.mp4", ["sad", None]), clip("clips/3.mp4", [None])],
    )
    write_table(
        Path("haar.jsonl"),
        [clip("clips/1.mp4", ["sad"]), clip("clips/2.mp4", ["sad", None]), clip("clips/3.mp4", ["fear"])],
    )
    write_reference(Path("reference.csv"), {"1": "happy", "2": "sadness", "3": "fear"})
    return tmp_path


def mien(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    handlers = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(sys, "argv", ["mien", "score", *words])
    with pytest.raises(SystemExit) as left:
        main()
    for kind, handler in handlers.items():
        signal.signal(kind, handler)
    told = capsys.readouterr()
    return int(str(left.value.code or 0)), told.out, told.err


def test_tables_files_and_charts(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = mien(
        capsys,
        monkeypatch,
        "mtcnn",
        "reference.csv",
        "-o",
        "clips.csv",
        "-o",
        "all.json",
        "--plots",
        "charts",
    )
    assert status == 0, err
    for words in (
        "66.7 %",
        "95 % interval",
        "macro-F1",
        "mean coverage",
        "confusion matrix",
        "no answer",
        "clips/2.mp4",
        "by sentiment",
        NOTICE,
    ):
        assert words in out, words
    assert [line for line in err.splitlines() if line.startswith("wrote")] == [
        "wrote clips.csv",
        "wrote all.json",
        "wrote charts/matrix.png",
        "wrote charts/totals.png",
    ]
    with open("clips.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [
        (row["file"], row["predicted"], row["reference"], row["status"], row["positive"], row["seen"])
        for row in table
    ] == [
        ("clips/1.mp4", "happy", "happy", "right", "3", "3"),
        ("clips/2.mp4", "sad", "sad", "right", "0", "1"),
        ("clips/3.mp4", "", "fear", "no_face", "0", "0"),
    ]
    facts = json.loads(Path("all.json").read_text(encoding="utf-8"))
    (one,) = facts["scores"]
    assert (one["n"], one["accuracy"]["right"], one["accuracy_of_answers"]["share"]) == (3, 2, 1.0)
    assert facts["mapping"]["weights"]["surprise"] == {"positive": 0.2, "neutral": 0.3, "negative": 0.5}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in Path("charts").iterdir())


def test_two_detectors_side_by_side(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = mien(
        capsys,
        monkeypatch,
        "mtcnn",
        "haar.jsonl",
        "reference.csv",
        "--plots",
        "charts",
        "--group-by",
        "person",
        "--method",
        "count",
    )
    assert status == 0, err
    heading = out.splitlines()[0]
    assert "mtcnn" in heading
    assert "haar" in heading
    assert "right here, not there" in out
    assert "haar: frames with a face, by expression: each frame's most probable label" in out
    assert "clips/1.mp4, person 1" in out
    assert sorted(str(path) for path in Path("charts").rglob("*.png")) == [
        "charts/1-mtcnn/matrix.png",
        "charts/1-mtcnn/totals.png",
        "charts/2-haar/matrix.png",
        "charts/2-haar/totals.png",
        "charts/comparison.png",
    ]
    status, out, _ = mien(
        capsys, monkeypatch, "mtcnn", "haar.jsonl", "reference.csv", "--format", "json", "--mapping", "yin"
    )
    facts = json.loads(out)
    assert facts["beside_the_first"] == [{"name": "haar.jsonl", "n": 3, "both": 1, "first": 1, "second": 1}]
    assert facts["mapping"]["name"] == "yin"
    status, out, _ = mien(capsys, monkeypatch, "mtcnn", "haar.jsonl", "reference.csv", "--format", "csv")
    assert [row["predictions"] for row in csv.DictReader(out.splitlines())] == ["mtcnn"] * 3 + [
        "haar.jsonl"
    ] * 3


def test_what_is_missing_is_said_and_the_status_is_3(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reference(Path("reference.csv"), {"1": "happy", "9.mp4": "fear", "8.mp4": "sad"})
    (folder / "mtcnn" / "broken.csv").write_text("", encoding="utf-8")
    status, out, err = mien(capsys, monkeypatch, "mtcnn", "reference.csv", "--quiet", "--format", "csv")
    assert status == 3
    assert "mtcnn: 2 reference labels without a clip, not scored: 9.mp4, 8.mp4" in err
    assert "mtcnn: 2 clips without a reference label, not scored: clips/2.mp4, clips/3.mp4" in err
    assert "broken.csv: expected a table of rows" in err
    assert [row["status"] for row in csv.DictReader(out.splitlines())] == [
        "right",
        "no_reference",
        "no_reference",
        "missing",
        "missing",
    ]


def test_what_is_wrong_with_the_labels_is_told_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("reference.csv").write_text("file,label\n1,happy\n2,sad\n3,fear\n3,sad\n", encoding="utf-8")
    status, out, err = mien(
        capsys, monkeypatch, "mtcnn", "haar.jsonl", "reference.csv", "--format", "csv", "--person", "7"
    )
    assert status == 3
    assert err.splitlines() == ["reference.csv, line 5: 3 has two labels, fear and sad: left out"]
    assert [row["status"] for row in csv.DictReader(out.splitlines())] == [
        "no_face",
        "no_face",
        "ambiguous",
    ] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mtcnn", "none.csv"), "expected reference labels as CSV; none.csv: No such file"),
        (("none", "reference.csv"), "expected a table of rows or a folder of them; none is not there"),
        (
            ("mtcnn", "reference.csv", "-o", "a.xlsx"),
            "expected a file ending in .csv (the table of clips) or .json (everything); got a.xlsx",
        ),
        (
            ("mtcnn", "reference.csv", "-o", "reference.csv/where.csv"),
            "expected a place to write reference.csv/where.csv",
        ),
        (
            ("mtcnn", "reference.csv", "--plots", "reference.csv"),
            "expected a folder for charts; reference.csv is a file",
        ),
        (
            ("mtcnn", "reference.csv", "--mapping", "mood"),
            "expected a mapping out of valence, yin, or a file",
        ),
        (
            ("mtcnn", "reference.csv", "--person", "tallest"),
            "expected largest, all or the number of a person",
        ),
        (("mtcnn", "reference.csv", "--min-confidence", "7"), "expected min_confidence from 0 to 1; got 7"),
        (("mtcnn", "reference.csv", "--method", "vote"), "evidence"),
        (("reference.csv",), "Missing argument 'PREDICTIONS'"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...],
    told: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, out, err = mien(capsys, monkeypatch, *words)
    assert status == 2
    assert out == ""
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["haar.jsonl", "mtcnn", "reference.csv"]


@pytest.mark.integration
def test_from_videos_to_a_score_in_two_stages(tmp_path: Path, portrait: np.ndarray) -> None:
    """A fresh clone's own clips: drawn faces, and nobody."""
    (tmp_path / "clips").mkdir()
    for name, nobody in (("smile", False), ("wall", True)):
        with VideoWriter(tmp_path / "clips" / f"{name}.mp4", 240, 240, rate=5) as movie:
            for index in range(4):
                movie.write(np.full_like(portrait, 90) if nobody else portrait, index / 5)
    write_reference(tmp_path / "reference.csv", {"smile": "happy", "wall": "neutral"})

    analyzed = run_mien("analyze", "clips", "-o", "rows.parquet", "--threads", "1", "-q", cwd=tmp_path)
    assert analyzed.returncode == 0
    for path in (tmp_path / "clips").iterdir():
        path.unlink()
    done = run_mien("score", "rows.parquet", "reference.csv", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    smile, wall = json.loads(done.stdout)["scores"][0]["clips"]
    assert (smile["seen"], smile["coverage"], smile["seconds"]) == (4, 1.0, 0.8)
    assert (wall["status"], wall["neutral"], wall["coverage"]) == ("no_face", 0, 0.0)


@pytest.mark.integration
def test_a_killed_run_leaves_nothing_half_written(folder: Path) -> None:
    many = [clip(f"clips/{number}.mp4", ["happy", "sad", None] * 10) for number in range(60)]
    write_table(Path("rows.csv"), many)
    write_reference(Path("reference.csv"), {str(number): "happy" for number in range(60)})
    command = [sys.executable, "-m", "mien", "score", "rows.csv", "reference.csv", "-o", "table.csv", "-q"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    whole = Path("table.csv").read_bytes()
    Path("table.csv").write_text("old", encoding="utf-8")
    running = subprocess.Popen(command, cwd=folder, env=os.environ, stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    running.kill()
    running.wait()
    assert Path("table.csv").read_bytes() in (b"old", whole)
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    assert Path("table.csv").read_bytes() == whole
