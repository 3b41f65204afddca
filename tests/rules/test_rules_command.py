"""``mien rules run`` and ``mien rules check`` as they are run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mien import Pipeline
from mien.inference.card import read_card, write_card
from mien.inference.weights import network_path
from mien.rules.rule_file import read_rules
from mien.rules.runner import replay
from mien.tracking.session import Session
from tests.commands import run_mien

pytestmark = pytest.mark.integration

RULES = """
[rules.somebody]
when = "faces >= 1"
for = 0.2
do = ["log"]

[rules.nobody]
when = "faces == 0"
for = 0.3

[rules.smile]
when = "everyone.happy > 0.4"
until = "any.happy < 0.2"

[actions.log]
type = "log"
file = "events.jsonl"
"""


@pytest.fixture
def clip(movie: Callable[..., Path], tmp_path: Path) -> Path:
    (tmp_path / "rules.toml").write_text(RULES)
    return movie(30, nobody=range(12, 24))


def test_a_rule_about_a_measure_finds_landmarks_by_itself(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[rules.ahead]\nwhen = "any.yaw > -45 and any.yaw < 45"\n')
    done = run_mien(
        "rules", "run", clip, "--rules", "rules.toml", "--dry-run", "--format", "jsonl", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "landmarks are found, for yaw" in done.stderr
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["rule"], first["kind"], first["time"]) == ("ahead", "start", 0.0)
    [yaw] = first["measures"]["yaw"]
    assert -45 < yaw < 45
    said = run_mien("rules", "check", "rules.toml", cwd=tmp_path).stdout
    assert "needs landmarks, which mien rules run finds by itself, for yaw" in said


def test_a_dry_run_over_a_video_says_what_would_have_fired(clip: Path, tmp_path: Path) -> None:
    done = run_mien(
        "rules", "run", clip, "--rules", "rules.toml", "--dry-run", "--format", "jsonl", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    found = [(event["rule"], event["kind"], event["time"]) for event in events if event["rule"] != "smile"]
    assert found[:2] == [("somebody", "start", 0.2), ("somebody", "end", 1.2)]
    assert ("nobody", "start", 1.5) in found
    assert not (tmp_path / "events.jsonl").exists(), "nothing is done"
    assert "never started" not in done.stderr
    with (tmp_path / "rules.toml").open("a") as rules:
        rules.write('[rules.crowd]\nwhen = "faces >= 9"\n')
    again = run_mien("rules", "run", clip, "--rules", "rules.toml", "--dry-run", cwd=tmp_path)
    assert "     0.20 s  start  somebody  faces >= 1 (1)" in again.stdout.splitlines()
    assert "never started: crowd" in again.stderr.splitlines()


def test_the_same_rules_fire_at_the_same_times_always(clip: Path, tmp_path: Path) -> None:
    rules = read_rules(tmp_path / "rules.toml")
    runs = [list(replay(clip, rules, Session(Pipeline(threads=threads)))) for threads in (1, 1, 2)]
    assert runs[0]
    assert runs[0] == runs[1] == runs[2]


def test_a_live_source_is_acted_on(clip: Path, tmp_path: Path) -> None:
    done = run_mien(
        "rules",
        "run",
        f"live:{clip}",
        "--rules",
        "rules.toml",
        "--log",
        "all.jsonl",
        "--format",
        "jsonl",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    written = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["rule"], one["kind"], one["time"]) for one in written] == [
        (one["rule"], one["kind"], one["time"]) for one in shown
    ]
    assert {one["source"] for one in written} == {f"live:{clip}"}
    own = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [one["id"] for one in own] == [one["id"] for one in written if one["rule"] == "somebody"]


def test_what_was_not_delivered_is_counted_and_decides_the_exit_status(clip: Path, tmp_path: Path) -> None:
    fails = '[actions.fails]\ntype = "command"\ncommand = ["false"]\nattempts = 1\n'
    rules = RULES.replace('do = ["log"]', 'do = ["log", "fails"]') + fails
    (tmp_path / "rules.toml").write_text(rules)
    done = run_mien("rules", "run", f"live:{clip}", "--rules", "rules.toml", "-q", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    lost = sum("  somebody" in line for line in done.stdout.splitlines() if "start" in line)
    assert lost
    assert done.stderr == f"{lost} event{' was' if lost == 1 else 's were'} not delivered\n"
    assert (tmp_path / "events.jsonl").read_text(), "the other action went well"


def test_mistakes_are_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[rules.a]\nwhen = "any.hapy > 0.5"\nfor = "x"\n')
    done = run_mien("rules", "run", "camera:77", "--rules", "rules.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().startswith(
        "mien: rules.toml:2:13: a: when: 'hapy' is no expression or measure: did you mean happy? (and 1 more: mien rules check rules.toml)"
    )
    checked = run_mien("rules", "check", "rules.toml", cwd=tmp_path)
    assert checked.returncode == 2
    assert [line.split(" ")[0] for line in checked.stdout.splitlines()] == [
        "rules.toml:2:13:",
        "rules.toml:3:7:",
    ]


def test_rules_that_are_well_are_shown_in_words(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    done = run_mien("rules", "check", "rules.toml", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "somebody",
        "  starts when at least 1 face is in view, for 0.2 s without a break",
        "  ends when that is over",
        "  does log: writes a line to events.jsonl, at the start and at the end",
        "nobody",
        "  starts when nobody is in view, for 0.3 s without a break",
        "  ends when that is over",
        "  does nothing",
        "smile",
        "  starts when everybody in view shows happy with more than 40 %",
        "  ends when somebody in view shows happy with less than 20 %",
        "  does nothing",
    ]


def test_a_file_for_another_computer_is_checked_all_the_same(clip: Path, tmp_path: Path) -> None:
    """What this one lacks is a remark; a dry run, which does nothing, needs none of it; a run that would act is refused."""
    text = RULES.replace('["log"]', '["log", "message"]')
    lacking = '[actions.message]\ntype = "command"\ncommand = ["notify-nobody"]\nenv = ["NO_SUCH_DESKTOP"]\n'
    (tmp_path / "rules.toml").write_text(f"{text}\n{lacking}")
    first = len(text.splitlines()) + 4
    done = run_mien("rules", "check", "rules.toml", cwd=tmp_path)
    assert done.returncode == 0
    assert "  does message: runs notify-nobody, at the start" in done.stdout.splitlines()
    assert [line.partition(" expected")[0] for line in done.stderr.splitlines()] == [
        "on this computer mien rules run would refuse:",
        f"rules.toml:{first}:11: message: command:",
        f"rules.toml:{first + 1}:7: message: env:",
    ]
    dry = run_mien("rules", "run", clip, "--rules", "rules.toml", "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    refused = run_mien("rules", "run", f"live:{clip}", "--rules", "rules.toml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "there is no program 'notify-nobody'" in refused.stderr
    assert not (tmp_path / "events.jsonl").exists()


def test_sums_need_to_know_how_pleasant_own_classes_are(tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(network_path("small-int8").read_bytes())
    card = read_card(own)
    heads = {
        head: tuple("bored" if name == "sad" else name for name in names)
        for head, names in card.heads.items()
    }
    write_card(own, card.model_copy(update={"heads": heads}))
    (tmp_path / "rules.toml").write_text('[rules.good]\nwhen = "group.positive > 0.5"\n')
    asked = "rules", "check", "rules.toml", "--model", "own.onnx"
    done = run_mien(*asked, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith(
        "rules.toml:2:8: good: when: mapping valence: expected a sentiment for bored too"
    )
    assert run_mien(*asked, "--valence", "bored=-0.4", cwd=tmp_path).returncode == 0


def test_a_file_of_rules_to_begin_with(clip: Path, tmp_path: Path) -> None:
    listed = run_mien("rules", "new", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in listed[:-1]] == [
        "doorbell",
        "light",
        "message",
        "open-eyes",
        "photo-booth",
    ]
    made = run_mien("rules", "new", "photo-booth", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[0] == "photo-booth.toml: A photo when everybody smiles."
    text = (tmp_path / "photo-booth.toml").read_text()
    assert "mien rules run camera:0 --rules photo-booth.toml" in text
    checked = run_mien("rules", "check", "photo-booth.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "  does photo: saves a photo in photos, at the start" in checked.stdout.splitlines()
    again = run_mien("rules", "new", "photo-booth", cwd=tmp_path)
    assert again.returncode == 2
    assert "it is there already: name another one with -o" in again.stderr
    assert (tmp_path / "photo-booth.toml").read_text() == text
    other = run_mien("rules", "new", "light", "-o", "lamp.toml", cwd=tmp_path)
    assert other.returncode == 0
    assert "--rules lamp.toml" in (tmp_path / "lamp.toml").read_text()
    wrong = run_mien("rules", "new", "photobooth", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean photo-booth?" in wrong.stderr


def test_a_video_is_not_acted_on_by_mistake(clip: Path, tmp_path: Path) -> None:
    done = run_mien("rules", "run", clip, "--rules", "rules.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "add --dry-run, or write live:" in done.stderr


def test_a_camera_that_is_not_there(clip: Path, tmp_path: Path) -> None:
    photos = '[actions.photo]\ntype = "photo"\nfolder = "photos"\n'
    rules = RULES.replace('do = ["log"]', 'do = ["log", "photo"]') + photos
    (tmp_path / "rules.toml").write_text(rules)
    before = sorted(tmp_path.iterdir())
    done = run_mien("rules", "run", "camera:77", "--rules", "rules.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "camera:77: expected a camera" in done.stderr
    assert sorted(tmp_path.iterdir()) == before, "nothing is left behind"
    assert "Traceback" not in done.stderr


def test_stopped_from_outside_it_ends_well(movie: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    long = movie(600, nobody=range(0))
    command = [
        sys.executable,
        "-m",
        "mien",
        "rules",
        "run",
        f"live:{long}",
        "--rules",
        "rules.toml",
        "--format",
        "jsonl",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["kind"] == "start"
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in told
    assert time.monotonic() - began < 20
