"""What a run is asked to write, checked before any work; and that all of it agrees."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import InputError, MissingExtraError, Pipeline
from mien.cli.app import app
from mien.core.atomic import atomic_write
from mien.media.blur import Blur
from mien.outputs.spec import OutputSpec


@pytest.fixture
def run(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setattr("mien.cli.options.NetworkOptions.pipeline", lambda _: pipeline)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app(["analyze", *map(str, arguments)], standalone_mode=False)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"files": (Path("a.doc"),)}, r"ending in \.csv"),
        ({"files": (Path("a.csv"), Path("b/../a.csv"))}, None),
        ({"files": (Path("a.csv"), Path("a.csv"))}, "asked for twice"),
        ({"files": (Path("a.csv"),), "persons": Path("a.csv")}, "asked for twice"),
        ({"persons": Path("a.html")}, "a table of people ending in"),
        ({"covering": Blur()}, "add --annotate"),
        ({"files": (Path("a.csv"),), "thumbnails": True}, "add -o FILE.html"),
    ],
)
def test_impossible_wishes_are_refused_at_once(asked: dict[str, Any], word: str | None) -> None:
    if word is None:
        assert OutputSpec(**asked).first == Path("a.csv")
        return
    with pytest.raises(InputError, match=word):
        OutputSpec(**asked)


def test_places_are_tried_before_the_work(tmp_path: Path) -> None:
    source = tmp_path / "talk.json"
    source.touch()
    with pytest.raises(InputError, match="is one of the sources"):
        OutputSpec((source,)).check([source])
    with pytest.raises(InputError, match="must be a folder that you may write to"):
        OutputSpec((source / "a.csv",)).check([source])
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        OutputSpec((tmp_path / "rows.csv",)).check([source])
    (tmp_path / "rows.csv").rmdir()
    with pytest.raises(InputError, match=r"put \{name\} into its name, such as .*\{name\}\.vtt"):
        OutputSpec((tmp_path / "a.vtt",)).check([Path("a.mp4"), Path("b.mp4")])
    asked = OutputSpec((tmp_path / "{name}.vtt", tmp_path / "rows.csv"))
    asked.check([Path("a.mp4"), Path("b.mp4")])
    assert asked.placed([Path("a.mp4"), Path("b.mp4")]).about == [[tmp_path / "a.vtt"], [tmp_path / "b.vtt"]]
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


@pytest.mark.parametrize(
    ("asked", "package", "extra"),
    [
        ({"files": (Path("a.parquet"),)}, "polars", "data"),
        ({"files": (Path("a.eaf"),)}, "pympi", "elan"),
        ({"files": (Path("a.html"),)}, "jinja2", "report"),
        ({"plots": Path("charts")}, "matplotlib", "report"),
    ],
)
def test_missing_packages_are_told_before_the_work(
    asked: dict[str, Any], package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr("mien.outputs.base.find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(MissingExtraError, match=rf"pip install '.*\[{extra}\]'"):
        OutputSpec(**asked).check([Path("a.mp4")])


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    asked = OutputSpec(
        (tmp_path / "{name}.html", tmp_path / "rows.csv"), annotate=tmp_path / "seen.mp4", plots=tmp_path
    )
    for name in ("rows.csv", "a.html", "seen.mp4", "timeline.png", "other.csv"):
        block = atomic_write(tmp_path / name)
        block.__enter__().write_text("half", encoding="utf-8")
        block.gen = None  # As if killed: nothing cleans up.
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) in (0, 5)
    asked.remove_partials([Path("a.mp4")])
    assert all(path.name.startswith(".other") for path in tmp_path.iterdir())


def test_several_sources_of_all_kinds(
    run: Callable[..., int], movie: Callable[..., Path], portrait: np.ndarray, tmp_path: Path
) -> None:
    movie(20, name="a.mp4"), movie(12, name="b.mp4")
    Image.fromarray(portrait).save(tmp_path / "photo.png")
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    (tmp_path / "out").mkdir()
    files = [
        "-o",
        "out/rows.csv",
        "-o",
        "out/rows.jsonl",
        "-o",
        "out/{name}.vtt",
        "-o",
        "out/{name}.html",
        "--persons",
        "out/persons.json",
    ]
    status = run(
        "a.mp4",
        "photo.png",
        "broken.mp4",
        "b.mp4",
        *files,
        "--plots",
        "out/charts",
        "--annotate",
        "out/seen",
    )
    assert status == 3
    rows = list(csv.DictReader((tmp_path / "out" / "rows.csv").read_text(encoding="utf-8").splitlines()))
    same = [
        json.loads(line)
        for line in (tmp_path / "out" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [row["source"] for row in rows] == ["a.mp4"] * 20 + ["photo.png", "broken.mp4"] + ["b.mp4"] * 12
    assert [row["time"] or None for row in rows] == [
        None if row["time"] is None else str(row["time"]) for row in same
    ]
    people = json.loads((tmp_path / "out" / "persons.json").read_text(encoding="utf-8"))
    assert {person["source"] for person in people} == {"a.mp4", "b.mp4"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("rows.csv", "rows.jsonl", "persons.json", "a.vtt", "a.html", "b.vtt", "b.html", "charts", "seen")
    }
    assert {path.name for path in (tmp_path / "out" / "charts").iterdir()} == {"a", "b"}
    assert {path.name for path in (tmp_path / "out" / "seen").iterdir()} == {"a.mp4", "photo.png", "b.mp4"}
    seen = [person["frames"] for person in people if person["source"] == "b.mp4"]
    assert sum(seen) == sum(row["status"] == "face" for row in rows if row["source"] == "b.mp4")


def test_rows_go_to_standard_output_beside_files(
    run: Callable[..., int], movie: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    clip = movie(12)
    assert run(clip.name, "--format", "jsonl", "-o", "rows.jsonl", "-q") == 0
    assert capsys.readouterr().out == Path("rows.jsonl").read_text(encoding="utf-8")
    assert run(clip.name, "--format", "jsonl", "-q") == 0
    assert capsys.readouterr().out == Path("rows.jsonl").read_text(encoding="utf-8"), (
        "the same without a checkpoint"
    )


def test_a_video_from_standard_input_is_read_twice(
    run: Callable[..., int], movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clip = movie(12)
    with open(clip, "rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file})())
        assert run("-", "-o", "out.html", "--annotate", "seen.mp4", "--thumbnails") == 0
    assert "data:image/jpeg" in Path("out.html").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "out.html", "seen.mp4"}


def test_covered_faces_are_in_no_file(
    run: Callable[..., int], movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    from mien import analyze

    clip = movie(12, nobody=range(0))
    assert run(clip.name, "--annotate", "seen.mp4", "--blur", "all", "-o", "report.html", "--thumbnails") == 0
    assert len(analyze("seen.mp4", pipeline=pipeline, tracking=False).faces) == 0
    assert "data:image/jpeg" not in Path("report.html").read_text(encoding="utf-8")


def test_a_number_that_nobody_has_is_told(
    run: Callable[..., int], movie: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(movie(12).name, "--annotate", "seen.mp4", "--blur", "1,7") == 0
    assert "nobody has the number 7" in capsys.readouterr().err


def test_untracked_frames_stand_alone(run: Callable[..., int], movie: Callable[..., Path]) -> None:
    clip = movie(12)
    assert (
        run(
            clip.name,
            "--no-track",
            "-o",
            "rows.jsonl",
            "-o",
            "report.html",
            "-o",
            "a.vtt",
            "--plots",
            "charts",
        )
        == 0
    )
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["track"] for row in rows} == {None}
    assert {row["smoothed_emotion"] for row in rows} == {None}
    assert "most probable expression" in Path("report.html").read_text(encoding="utf-8")
    assert [path.name for path in Path("charts").iterdir()] == ["timeline.png"]


def test_folders_that_are_missing_are_made(run: Callable[..., int], movie: Callable[..., Path]) -> None:
    files = ["reports/a/r.html", "reports/b/r.csv", "reports/c/r.vtt"]
    words = ["--persons", "reports/d/p.csv", "--annotate", "reports/e/seen.mp4", "--plots", "reports/f/g"]
    assert run(movie(6).name, *(word for file in files for word in ("-o", file)), *words) == 0
    for file in (*files, "reports/d/p.csv", "reports/e/seen.mp4", "reports/f/g/timeline.png"):
        assert Path(file).is_file(), file
