"""Outputs of a run: no two sources share one, whatever they are called, and nothing of a person's own is
replaced.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import InputError
from mien.core.output_names import output_paths, shortened
from mien.media import VideoWriter
from mien.media.folders import may_move
from mien.outputs.spec import OutputSpec


def _named(pattern: str, *sources: str, **options: object) -> list[str]:
    return [path.as_posix() for path in output_paths(Path(pattern), sources, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "sources", "wanted"),
    [
        ("{name}.html", ["a.mp4", "b.mp4"], ["a.html", "b.html"]),
        ("o/{name}.html", ["mon/t.mp4", "tue/t.mp4"], ["o/mon/t.html", "o/tue/t.html"]),
        (
            "o/{name}.html",
            ["x/mon/t.mp4", "y/mon/t.mp4", "y/tue/t.mp4"],
            ["o/x/mon/t.html", "o/y/mon/t.html", "o/y/tue/t.html"],
        ),
        ("o/{name}.html", ["d/t.mp4", "d/t.mov"], ["o/t.mp4.html", "o/t.mov.html"]),
        (
            "o/{name}.html",
            ["d/t.mp4", "d/t.mov", "e/t.mp4"],
            ["o/d/t.mp4.html", "o/d/t.mov.html", "o/e/t.mp4.html"],
        ),
        ("o/{parent}/{name}.html", ["mon/t.mp4", "tue/t.mp4"], ["o/mon/t.html", "o/tue/t.html"]),
        ("o/{parent}-{name}.html", ["mon/t.mp4", "tue/t.mp4"], ["o/mon-t.html", "o/tue-t.html"]),
        ("o/r-{name}.html", ["mon/t.mp4", "tue/t.mp4"], ["o/r-mon-t.html", "o/r-tue-t.html"]),
        ("{name}.vtt", ["d/T.mp4", "d/t.mov"], ["T.mp4.vtt", "t.mov.vtt"]),
        ("{name}.vtt", ["d/T.mp4", "d/t.mp4"], ["T.vtt", "t-2.vtt"]),
        ("{name}.vtt", ["d/caf\u00e9.mp4", "d/cafe\u0301.mp4"], ["caf\u00e9.vtt", "cafe\u0301-2.vtt"]),
        ("{name}.vtt", ["t.mp4", "t.mp4", "t.mp4"], ["t.vtt", "t-2.vtt", "t-3.vtt"]),
        ("{name}.vtt", ["t.mp4", "t.mp4", "t-2.mp4"], ["t.vtt", "t-3.vtt", "t-2.vtt"]),
        ("{name}.vtt", ["mon/t.mp4", "mon/../tue/t.mp4"], ["mon/t.vtt", "tue/t.vtt"]),
        ("{parent}_{name}.vtt", ["{name}/{parent}.mp4"], ["{name}_{parent}.vtt"]),
        ("{name}.vtt", ["/t.mp4", "/d/t.mp4"], ["t.vtt", "t-2.vtt"]),
        ("{name}.vtt", ["t.mp4.mov", "d/t.mp4", "d/t.mov"], ["t.mp4.vtt", "t.mp4-2.vtt", "t.mov.vtt"]),
        ("o:/{name}.vtt", ["12:30.mp4", "12?30.mp4"], ["o:/12_30.vtt", "o:/12_30-2.vtt"]),
        ("{name}.vtt", ["d/aux.mp4", "NUL", "con.fig.mp4"], ["aux_.vtt", "NUL_.vtt", "con_.fig.vtt"]),
        ("o/{parent}/{name}", ["d /so....mp4", "e./b.mp4"], ["o/d _/so..._", "o/e._/b"]),
        ("con/x-{name}.vtt", ["aux.mp4"], ["con/x-aux.vtt"]),
    ],
)
def test_names_are_told_apart(pattern: str, sources: list[str], wanted: list[str]) -> None:
    assert _named(pattern, *sources) == wanted


def test_any_sources_have_places_of_their_own() -> None:
    chance = np.random.default_rng(3)
    parts = ["a", "A", "b", "e\u0301", "\u00e9", "c d"]
    for _ in range(300):
        sources = [
            "/".join(chance.choice(parts, chance.integers(0, 3)))
            + f"/{chance.choice(parts)}.{chance.choice(['mp4', 'mov', 'gif'])}"
            for _ in range(8)
        ]
        for pattern in ("o/{name}.html", "o/{parent}.{name}.html", "x{name}"):
            paths = _named(pattern, *sources)
            assert len({normalize("NFC", path).casefold() for path in paths}) == len(paths), (
                pattern,
                sources,
            )


def test_sources_that_get_no_such_file_take_no_name() -> None:
    asked: list[int] = []

    def counts(at: int) -> bool:
        asked.append(at)
        return at != 0

    assert _named("{name}.html", "i.jpg", "i.mov", "j.mov", counts=counts)[1:] == ["i.html", "j.html"]
    assert 2 not in asked, "nothing is looked into that shares no name"


def test_names_are_not_too_long_for_a_disk(tmp_path: Path) -> None:
    long = "日" * 84 + ".mp4"  # 256 bytes with .html
    paths = output_paths(
        tmp_path / "{name}.html", [f"d/{long}", f"d/{long[1:]}", "d/" + "日" * 83 + "月.mp4"]
    )
    for path in paths:
        path.touch()
    assert len({path.name for path in paths}) == 3
    assert shortened("x" * 300) != shortened("x" * 301)
    assert shortened("x" * 300 + ".csv").endswith(".csv")


def _movie(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path.with_suffix(".mp4"), 64, 48, rate=5) as movie:
        for number in range(3):
            movie.write(np.full((48, 64, 3), 60 * number, np.uint8), number / 5)
    return path.with_suffix(".mp4").rename(path)


def _image(path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48)).save(path, **options)
    return path


def test_what_may_move(tmp_path: Path) -> None:
    moving = {"save_all": True, "append_images": [Image.new("RGB", (64, 48), "red")], "duration": 100}
    stills = [
        _image(tmp_path / f"a.{form}") for form in ("jpg", "png", "webp", "bmp", "tiff", "ico", "ppm", "avif")
    ]
    assert [may_move(path) for path in stills] == [False] * len(stills)
    others = [_image(tmp_path / f"b.{form}", **moving) for form in ("gif", "png", "webp", "avif")] + [
        _movie(tmp_path / "b.jpg")
    ]
    assert [may_move(path) for path in others] == [True] * len(others)
    (tmp_path / "empty.mp4").touch()
    assert not may_move(tmp_path / "empty.mp4")
    assert not may_move(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    from mien.cli.app import app

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app(
        ["analyze", "-q", "--detector", "whole", *map(str, arguments)], standalone_mode=False
    )


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_one_rule_for_every_output(run: Callable[..., int], tmp_path: Path) -> None:
    for day in ("mon", "tue"):
        _movie(tmp_path / day / "talk.mp4")
        _image(tmp_path / day / "face.jpg")
    assert (
        run(
            "mon",
            "tue",
            "-o",
            "new/o/{name}.vtt",
            "-o",
            "new/rows.csv",
            "--plots",
            "new/charts",
            "--annotate",
            "new/seen",
        )
        == 0
    )
    files = {f"o/{day}/talk.vtt" for day in ("mon", "tue")} | {
        f"seen/{day}/{name}" for day in ("mon", "tue") for name in ("talk.mp4", "face.jpg")
    }
    assert {name for name in _tree(tmp_path / "new") if not name.startswith("charts")} == {*files, "rows.csv"}
    assert {name for name in _tree(tmp_path / "new" / "charts") if "timeline" in name} == {
        "mon/talk/timeline.png",
        "tue/talk/timeline.png",
    }
    before = _tree(tmp_path)
    assert (
        run(
            "mon",
            "tue",
            "-o",
            "new/o/{name}.vtt",
            "-o",
            "new/rows.csv",
            "--plots",
            "new/charts",
            "--annotate",
            "new/seen",
        )
        == 0
    )
    assert _tree(tmp_path) == before, "the same command writes the same files"


def test_a_live_photo_gets_the_report_of_its_video(run: Callable[..., int], tmp_path: Path) -> None:
    _image(tmp_path / "in" / "IMG_1.JPG"), _movie(tmp_path / "in" / "IMG_1.MOV")
    assert (
        run("in", "-o", "out/{parent}/{name}.vtt", "-o", "one.srt", "--plots", "charts", "--annotate", "seen")
        == 0
    )
    assert _tree(tmp_path / "out") == {"in/IMG_1.vtt"}
    assert (tmp_path / "one.srt").exists()
    assert "IMG_1/timeline.png" in _tree(tmp_path / "charts")
    assert _tree(tmp_path / "seen") == {"IMG_1.JPG", "IMG_1.MOV.mp4"}


def test_two_outputs_are_never_one(tmp_path: Path) -> None:
    sources = [_movie(tmp_path / "a" / "a.mp4"), _movie(tmp_path / "a" / "b.mp4")]
    with pytest.raises(InputError, match="asked for twice"):
        OutputSpec((tmp_path / "{parent}{name}.vtt", tmp_path / "a{name}.vtt")).check(sources)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_source_is_known_under_any_name(tmp_path: Path) -> None:
    source = _movie(tmp_path / "a.html")
    os.symlink("a.html", tmp_path / "b.html")
    os.link(source, tmp_path / "c.html")
    for name in ("b", "c"):
        with pytest.raises(InputError, match="is one of the sources"):
            OutputSpec((tmp_path / f"{name}.html",)).check([source])
        with pytest.raises(InputError, match="is one of the sources"):
            OutputSpec((source,)).check([tmp_path / f"{name}.html"])


def test_a_file_that_cannot_be_made_is_told_and_the_others_are_written(
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import mien.outputs.subtitles

    _movie(tmp_path / "in" / "a.mp4"), _movie(tmp_path / "in" / "b.mp4")
    real = mien.outputs.subtitles.write_subtitles

    def breaking(path: Path, shown: object) -> None:
        if path.name == "a.vtt":
            raise KeyError("what")
        real(path, shown)  # type: ignore[arg-type]

    monkeypatch.setattr(mien.outputs.subtitles, "write_subtitles", breaking)
    assert run("in", "-o", "{name}.vtt", "-o", "rows.csv") == 3
    assert {"b.vtt", "rows.csv"} <= _tree(tmp_path)
    assert "a.vtt" not in _tree(tmp_path)
    assert "not written: in/a.mp4: a fault in mien" in capsys.readouterr().err
    assert (tmp_path / "rows.csv").read_text().count("in/a.mp4") == 3
