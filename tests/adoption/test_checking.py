"""Labelled faces tell whether all was said right of a model that is adopted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.models.adoption import Told, look_at
from mien.models.adoption_check import Check, check
from tests.adoption.making_models import COLOURS, Made, write_faces

RIGHT = Told(Labels(tuple(COLOURS)), colour="bgr", mean=(0.5,), std=(0.5,))


def checked(other: Path, labelled: Path, **changes: object) -> Check:
    return check(look_at(other, replace(RIGHT, **changes)), labelled)  # type: ignore[arg-type]


def test_nothing_is_said_where_all_is_right(other: Path, labelled: Path) -> None:
    found = checked(other, labelled)
    assert (found.evaluation.whole.accuracy, found.warnings) == (1, ())
    score = found.score("faces")
    assert (score.n, score.accuracy, score.data) == (240, 1, "faces")


def test_swapped_labels_are_told_in_their_right_order(other: Path, labelled: Path) -> None:
    found = checked(other, labelled, labels=Labels(("bored", "happy", "sad")))
    assert "no better than always saying the most frequent class (33 %)" in found.warnings[0]
    assert "labels look swapped: with --labels happy,sad,bored it is right for 100 %" in found.warnings[1]


def test_another_order_of_channels_is_told(other: Path, labelled: Path) -> None:
    found = checked(other, labelled, colour="rgb")
    assert any(
        "with --colour bgr it is right for 100 % of them instead of 33 %" in each for each in found.warnings
    )


def test_another_range_of_pixels_is_told(tmp_path: Path, labelled: Path) -> None:
    source = Made(clipped=True).write(tmp_path / "other.onnx")
    said = replace(RIGHT, colour="rgb", mean=(0.0,), std=(1.0,))
    assert check(look_at(source, replace(said, pixels=1)), labelled).warnings == ()
    found = check(look_at(source, replace(said, pixels=255)), labelled)
    assert any("with --mean 0 --std 1 --pixels 1 it is right for 100 %" in each for each in found.warnings)


def test_faces_of_other_classes_are_refused(other: Path, tmp_path: Path) -> None:
    write_faces(tmp_path / "faces", ("happy", "sad", "fear"), each=3)
    with pytest.raises(InputError, match="got fear too"):
        checked(other, tmp_path / "faces")


@pytest.mark.integration
def test_the_command_checks_warns_and_writes(other: Path, labelled: Path, tmp_path: Path) -> None:
    from tests.commands import run_mien

    words = ["models", "adopt", other, "-o", tmp_path / "adopted.onnx", "--mean", "0.5", "--std", "0.5"]
    run = run_mien(*words, "--labels", "happy,sad,bored", "--colour", "rgb", "--check", labelled)
    assert run.returncode == 0, run.stderr
    assert "right for 33.3 % of 240 faces" in run.stdout
    assert "warning: with --colour bgr it is right for 100 %" in run.stderr.replace("\n", " ")
    assert (tmp_path / "adopted.onnx").is_file()
    told = run_mien("models", "list", tmp_path / "adopted.onnx").stdout
    assert "happy, sad, bored" in told
    assert "checked when it was" in told


@pytest.mark.integration
@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("--labels", "expected --labels: a graph does not name its classes"),
        ("--colour", "expected --colour: "),
        ("--mean", "expected --mean: "),
    ],
)
def test_the_option_that_is_missing_is_named(
    left_out: str, message: str, other: Path, tmp_path: Path
) -> None:
    from tests.commands import run_mien

    options = {"--labels": "happy,sad,bored", "--colour": "bgr", "--mean": "0.5", "--std": "0.5"}
    words = [word for option, value in options.items() if option != left_out for word in (option, value)]
    run = run_mien("models", "adopt", other, "-o", tmp_path / "adopted.onnx", *words)
    assert (run.returncode, list(tmp_path.iterdir())) == (2, [])
    assert run.stderr.startswith(f"mien: {message}")
    assert run.stderr.count("\n") == 1
