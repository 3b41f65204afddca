"""The command as a person calls it: a process of its own, its streams and its exit status."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.frame_result import ROW_KEYS
from mien.core.labels import NOTICE
from mien.inference.config import PipelineConfig
from tests.commands import run_mien

pytestmark = pytest.mark.integration

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mien(tmp_path: Path) -> Run:
    def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        done = run_mien(*arguments, stdin=stdin, cwd=tmp_path, env={"COLUMNS": "120"})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(portrait).save(path)
    return path


def test_a_table_for_people(mien: Run, photo: Path) -> None:
    done = mien("analyze", photo)
    assert done.returncode == 0
    assert "photo.png" in done.stdout
    assert NOTICE in done.stdout
    assert "second guess" in done.stdout


def test_rows_go_to_standard_output_and_nothing_else_does(mien: Run, photo: Path) -> None:
    [row] = json.loads(mien("analyze", photo, "--format", "json").stdout)
    assert tuple(row) == ROW_KEYS
    [line] = mien("analyze", photo, "--format", "jsonl").stdout.splitlines()
    assert json.loads(line) == row
    [flat] = csv.DictReader(mien("analyze", photo, "--format", "csv").stdout.splitlines())
    assert json.loads(flat["box"]) == row["box"]


def test_standard_input(mien: Run, photo: Path) -> None:
    [row] = json.loads(mien("analyze", "-", "--format", "json", stdin=photo.read_bytes()).stdout)
    assert (row["source"], row["status"]) == ("-", "face")
    done = mien("analyze", "-")
    assert done.returncode == 1
    assert "empty" in done.stderr


def test_a_video_and_its_annotated_copy(mien: Run, movie: Callable[..., Path], tmp_path: Path) -> None:
    done = mien("analyze", movie(), "-o", "rows.csv", "--annotate", "seen.mp4")
    assert done.returncode == 0, done.stderr
    assert "wrote rows.csv" in done.stderr
    assert (tmp_path / "seen.mp4").stat().st_size > 1000
    with open(tmp_path / "rows.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["face"] * 4 + ["no_face"] * 3 + ["face"] * 5
    assert [float(row["time"]) for row in rows] == pytest.approx([index / 10 for index in range(12)])
    assert "12 in 1." in mien("analyze", tmp_path / "clip.mp4").stdout


def test_a_folder_with_bad_files_is_read_all_the_same(mien: Run, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    photo.rename(folder / "good.png")
    (folder / "inner" / "empty.jpg").touch()
    (folder / "text.jpg").write_text("hello", encoding="utf-8")
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:3000])
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    done = mien("analyze", folder, "nowhere.mp4", "-o", "rows.jsonl", "--annotate", "copies")
    assert done.returncode == 3
    assert done.stderr.count("not read:") == 4
    assert "1 file passed over" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(Path(row["source"]).name, row["status"]) for row in rows} == {
        ("good.png", "face"),
        ("empty.jpg", "error"),
        ("text.jpg", "error"),
        ("cut.png", "error"),
        ("nowhere.mp4", "error"),
    }
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["good.png"]


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["analyze", "nowhere.jpg"], 1, "expected a file"),
        (["analyze"], 2, "Missing argument"),
        (["analyze", "PHOTO", "--interval", "0"], 2, "expected a positive number"),
        (["analyze", "PHOTO", "--interval", "1", "--fps", "2"], 2, "choose one"),
        (["analyze", "PHOTO", "--detector", "yolo"], 2, "mtcnn, blaze, auto, haar, whole"),
        (["analyze", "PHOTO", "--model", "huge"], 4, "comes with mien"),
        (["analyze", "PHOTO", "--head", "fer"], 2, "expected a head out of"),
        (["analyze", "PHOTO", "-o", "rows.docx"], 2, "files ending in .csv, .json"),
        (["analyze", "PHOTO", "-o", "PHOTO/where.csv"], 2, "folder that you may write to"),
        (["analyze", "PHOTO", "-o", "rows.csv", "-o", "./rows.csv"], 2, "asked for twice"),
        (["analyze", "PHOTO", "--blur", "all"], 2, "add --annotate"),
        (["analyze", "PHOTO", "--annotate", "seen.png", "--blur", "him"], 2, "all but 1"),
        (["analyze", "PHOTO", "PHOTO", "-o", "report.html"], 2, "{name}"),
        (
            ["analyze", "PHOTO", "--baseline", "sometimes"],
            2,
            "expected --baseline as seconds above 0, or median; got 'sometimes'",
        ),
        (["analyze", "PHOTO", "--tau", "0"], 2, "expected tau above 0"),
        (["analyze", "PHOTO", "--annotate", "PHOTO"], 2, "one of the sources"),
        (["analyze", "PHOTO", "--annotate", "copy.avi"], 2, "ending in .png"),
        (["analyze", "EMPTY"], 2, "none lie in"),
        (["analyze", "-", "-"], 2, "only once"),
        (["analyze", "PHOTO", "--format", "xml"], 2, "'--format': 'xml' is not one of 'table', "),
        (["analyze", "PHOTO", "-o", "new/deep/rows.csv", "-o", "PHOTO/rows.jsonl"], 2, "must be a folder"),
        (["models", "list", "huge"], 4, "comes with mien"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    mien: Run, photo: Path, tmp_path: Path, arguments: list[str], status: int, word: str
) -> None:
    (tmp_path / "nothing").mkdir()
    done = mien(
        *[
            argument.replace("PHOTO", str(photo)).replace("EMPTY", str(tmp_path / "nothing"))
            for argument in arguments
        ]
    )
    assert done.returncode == status, done.stderr
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "nothing"}, "nothing is left behind"


def test_a_badly_damaged_video_is_told_shortly_and_in_full_in_its_rows(
    mien: Run, movie: Callable[..., Path], tmp_path: Path
) -> None:
    path = movie(120, nobody=range(0))
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : 2 * middle] = bytes(middle)
    path.write_bytes(data)
    done = mien("analyze", path, "-o", "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    failures = sum(row["status"] == "error" for row in rows)
    assert done.returncode == 3
    assert failures > 4
    assert done.stderr.count("not read:") == 4
    assert f"{failures - 3} frames more" in done.stderr


def stopped(clip: Path, stop: signal.Signals, heed: str) -> tuple[int, str]:
    """How a command ends that gets a signal when it has begun two files, and what it says.

    Args:
        clip: What it reads.
        stop: The signal.
        heed: ``default``, or ``ignore`` as under nohup, under which these tests may run.
    """
    words = ["analyze", clip.name, "-o", "rows.jsonl", "--annotate", "seen.mp4", "--min-face", "20"]
    process = subprocess.Popen(
        ["env", f"--{heed}-signal={stop.value}", sys.executable, "-m", "mien", *words],
        cwd=clip.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while (
        len(list(clip.parent.iterdir())) < 3 and time.monotonic() < deadline
    ):  # The clip, a checkpoint and rows.
        time.sleep(0.02)
    process.send_signal(stop)
    _, err = process.communicate(timeout=60)
    return process.returncode, err.strip()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_half_written(
    movie: Callable[..., Path], tmp_path: Path, stop: signal.Signals
) -> None:
    clip = movie(400)
    said = "mien: interrupted: nothing half-written was left behind"
    assert stopped(clip, stop, "default") == (130, said)
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]


def test_stops_in_the_last_milliseconds_change_nothing_of_how_a_command_ended() -> None:
    late = (
        "import atexit, signal, sys\n"
        "from mien.cli.app import main\n"
        "def stop():\n"
        "    for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):\n"
        "        signal.raise_signal(getattr(signal, name))\n"
        "    print('all came')\n"
        "atexit.register(stop)\n"  # What is registered first is called last.
        "sys.argv[1:] = ['--version']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", late], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("all came\n")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="Windows has no terminals of this kind")
def test_a_stop_by_the_end_of_the_terminal_ends_like_others() -> None:
    gone = (
        "import os\n"
        "from mien.cli.app import _end_stopped\n"
        "from mien.cli.exits import Interrupted\n"
        "ours, theirs = os.openpty()\n"
        "os.dup2(theirs, 2)\n"
        "os.close(ours)\n"
        "_end_stopped(Interrupted())\n"
    )
    assert subprocess.run([sys.executable, "-c", gone], timeout=120, check=False).returncode == 130


def test_under_nohup_the_end_of_the_terminal_stops_nothing(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    status, said = stopped(movie(20), signal.SIGHUP, "ignore")
    assert (status, [line.partition(":")[0] for line in said.splitlines()]) == (
        0,
        ["wrote rows.jsonl", "wrote seen.mp4"],
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_error(photo: Path, tmp_path: Path, closed: str) -> None:
    command = f"exec '{sys.executable}' -m mien analyze '{photo}' --format csv -o rows.csv {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    table = (tmp_path / "rows.csv").read_text()
    assert table.count("\n") == 2
    assert done.stdout == ("" if ">&- " in f"{closed} ".replace("2>", "") else table)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["-o", "a.srt"], ["a.srt"]),
        (["-o", "a.html", "-o", "rows.csv", "-o", "{name}.vtt"], ["a.html"]),
        (["--plots", "charts"], ["charts"]),
        (["-o", "{name}.vtt"], []),
    ],
)
def test_what_is_about_a_video_is_missed_aloud(
    mien: Run, photo: Path, words: list[str], missing: list[str]
) -> None:
    done = mien("analyze", photo, "-q", *words)
    assert done.stderr.splitlines() == [
        f"not written: {name} is about a video, and there is none: name one, or leave it out"
        for name in missing
    ]
    assert done.returncode == (3 if missing else 0)


@pytest.mark.parametrize("option", [["--tau", "1"], ["--baseline", "2"]])
def test_what_is_not_done_without_following_people_is_refused(
    mien: Run, photo: Path, option: list[str]
) -> None:
    done = mien("analyze", photo, "--no-track", *option)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"mien: {option[0]}: expected people who are followed; got --no-track: leave one of both out\n"
    )


def test_a_valence_that_is_given_twice_is_refused(mien: Run, photo: Path) -> None:
    done = mien("analyze", photo, "--valence", "happy=1, happy=0")
    assert (done.returncode, done.stderr) == (
        2,
        "mien: --valence: expected each name once; got happy=1, happy=0\n",
    )


def test_a_reader_that_leaves_is_no_error(photo: Path) -> None:
    command = f"{sys.executable} -m mien analyze {' '.join([str(photo)] * 40)} --format csv | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("source,frame")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_models_shows_the_card(mien: Run) -> None:
    cards = json.loads(mien("models", "list", "--format", "json").stdout)
    assert PipelineConfig.model in [card["name"] for card in cards]
    shown = mien("models", "list").stdout
    for card in cards:
        assert list(card["heads"]) == ["expression", "fer2013", "ferplus"]
        assert len(card["sha256"]) == 64
        assert {score["data"] for score in card["scores"]} == {
            "PrivateTest, official",
            "PrivateTest, leak-free",
        }
        assert all(score["low"] < score["accuracy"] < score["high"] for score in card["scores"])
        for word in ("licence", "rights", "not for", "95 % interval", card["sha256"]):
            assert word in shown


def test_doctor_finds_this_installation_well(mien: Run) -> None:
    done = mien("doctor", "--format", "json")
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["self-test"]["ok"]
    assert findings["detector mtcnn"]["ok"]
    assert "sha256" in findings["model small"]["detail"]
    assert "self-test" in mien("doctor").stdout


def test_help_and_version(mien: Run) -> None:
    assert mien("--version").stdout.startswith("mien ")
    for command in ("analyze", "models", "doctor"):
        assert mien(command, "--help").returncode == 0
    assert "analyze" in mien().stdout
