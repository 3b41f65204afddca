"""What a graph cannot say is asked for on a terminal: a real one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from mien.cli.exits import INTERRUPTED, USAGE
from mien.inference.card import read_card
from tests.adoption.making_models import Made

pytestmark = pytest.mark.integration

LABELS, COLOUR, SIZE = "What are its classes", "Is it rgb, bgr", "How many px a side"
STD, PIXELS = "What were images brought to, --mean and --std", "What is a white pixel, 1 or 255"


@contextmanager
def terminal(folder: Path, *words: object) -> Iterator[pexpect.spawn[str]]:
    """``mien models adopt`` on a terminal of its own."""
    command = ["-m", "mien", "models", "adopt", str(folder / "other.onnx"), "-o", str(folder / "new.onnx")]
    program = pexpect.spawn(
        sys.executable,
        [*command, *map(str, words)],
        env={**os.environ, "TERM": "dumb"},
        dimensions=(50, 250),
        encoding="utf-8",
        timeout=120,
    )
    try:
        yield program
    finally:
        program.close(force=True)


def answer(program: pexpect.spawn[str], answers: Sequence[tuple[str, str]]) -> None:
    """Type a line at each question."""
    for question, line in answers:
        program.expect_exact(question)
        program.expect_exact(": ")
        program.sendline(line)


def ended(program: pexpect.spawn[str]) -> int | None:
    program.expect(pexpect.EOF)
    program.close()
    return program.exitstatus


def test_all_that_a_graph_cannot_say_is_asked_for(tmp_path: Path) -> None:
    Made(side="side").write(tmp_path / "other.onnx")
    with terminal(tmp_path) as program:
        answer(
            program,
            [
                (LABELS, "happy, sad, bored"),
                (SIZE, "24"),
                (COLOUR, "BGR"),
                (STD, "0"),
                (STD, "1"),
                (PIXELS, "255"),
            ],
        )
        program.expect_exact("wrote ")
        assert ended(program) == 0
    card = read_card(tmp_path / "new.onnx")
    assert card.heads == {"labels": ("happy", "sad", "bored")}
    assert (card.input.height, card.input.channels) == (24, 3)
    assert "bgr, 0 to 255" in card.summary


def test_what_was_said_is_not_asked_for(tmp_path: Path) -> None:
    Made().write(tmp_path / "other.onnx")
    with terminal(tmp_path, "--labels", "a,b,c", "--mean", "0.5", "--std", "0.5") as program:
        answer(program, [(COLOUR, "rgb")])
        assert ended(program) == 0
        assert LABELS not in program.before
        assert STD not in program.before


def test_an_answer_that_cannot_be_is_told_and_asked_for_again(tmp_path: Path) -> None:
    Made(side="side").write(tmp_path / "other.onnx")
    with terminal(tmp_path, "--mean", "0", "--std", "1") as program:
        answer(program, [(LABELS, "happy")])
        program.expect_exact("expected at least two distinct class names; got ['happy']")
        answer(program, [(LABELS, "happy,sad,bored"), (SIZE, "large")])
        program.expect_exact("expected a whole number for --size; got 'large'")
        answer(program, [(SIZE, "24"), (COLOUR, "red")])
        program.expect_exact("expected --colour rgb, bgr, gray; got 'red'")
        answer(program, [(COLOUR, "rgb"), (PIXELS, "256")])
        program.expect_exact("expected --pixels 1, 255; got '256'")
        answer(program, [(PIXELS, "1")])
        assert ended(program) == 0
    assert "rgb, 0 to 1" in read_card(tmp_path / "new.onnx").summary


@pytest.mark.parametrize(("key", "status"), [("c", INTERRUPTED), ("d", USAGE)])
def test_who_gives_no_answer_leaves_nothing_behind(key: str, status: int, tmp_path: Path) -> None:
    Made().write(tmp_path / "other.onnx")
    with terminal(tmp_path) as program:
        program.expect_exact(LABELS)
        program.expect_exact(": ")
        program.sendcontrol(key)
        assert ended(program) == status
        assert "Traceback" not in program.before
    assert [path.name for path in tmp_path.iterdir()] == ["other.onnx"]
