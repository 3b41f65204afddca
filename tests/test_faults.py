"""What goes wrong with one source is a row of that source, and of no other."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core.errors import InputError, MediaError, source_error
from mien.inference.pipeline import Pipeline
from mien.media import images, open_media
from mien.media.decoding import Decoding
from mien.media.folders import find_sources
from mien.tracking.session import Session


class ForeignError(Exception):
    """An error that nothing in mien knows of."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "m.png", "z.png"):
        Image.new("RGB", (96, 64 + 8 * (name == "m.png"))).save(tmp_path / name)
    return tmp_path


def _statuses(folder: Path) -> dict[str, str]:
    return {Path(row["source"]).name: row["status"] for row in mien.analyze(folder).rows()}


def test_an_unforeseen_error_in_opening_is_a_row_and_its_traceback_is_in_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = images.open_image

    def breaking(content: Any, *rest: Any) -> Any:
        if content.name.endswith("m.png"):
            raise ForeignError("no idea")
        return real(content, *rest)

    monkeypatch.setattr(images, "open_image", breaking)
    with caplog.at_level(logging.ERROR, "mien"):
        assert _statuses(folder) == {"a.png": "no_face", "m.png": "error", "z.png": "no_face"}
    [row] = [row for row in mien.analyze(folder).rows() if row["error"]]
    assert "m.png: a fault in mien" in row["error"]
    assert "ForeignError: no idea" in row["error"]
    assert "in breaking" in caplog.text
    with pytest.raises(MediaError, match="a fault in mien"):
        mien.analyze(folder / "m.png")


@pytest.mark.parametrize(
    "error",
    [ForeignError("x"), MemoryError(), RecursionError(), OSError(116, "Stale file handle"), AssertionError()],
)
def test_an_error_in_the_middle_of_a_video_keeps_what_came_before(
    clip: Path, tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Decoding.frames

    def breaking(self: Decoding) -> Iterator[object]:
        for frame in real(self):
            if frame.index == 3:
                raise error
            yield frame

    monkeypatch.setattr(Decoding, "frames", breaking)
    Image.new("RGB", (96, 64)).save(tmp_path / "z.png")
    rows = mien.analyze([clip, tmp_path / "z.png"]).rows()
    assert [
        (row["frame"], row["status"]) for row in rows if row["source"] == str(clip) and row["frame"] != 0
    ][-1] == (3, "error")
    assert {row["frame"] for row in rows if row["source"] == str(clip)} == {0, 1, 2, 3}
    assert rows[-1]["status"] == "no_face"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    from mien.media import VideoWriter

    place = tmp_path / "m.mp4"
    with VideoWriter(place, 64, 48, rate=10) as movie:
        for number in range(6):
            movie.write(np.full((48, 64, 3), 40 * number, np.uint8), number / 10)
    return place


def test_an_image_that_a_network_cannot_digest_takes_no_other_with_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Pipeline.__call__

    def breaking(self: Pipeline, frames: list[Any]) -> list[Any]:
        if any(frame.image.shape[0] == 72 for frame in frames):
            raise ForeignError("indigestible")
        return real(self, frames)

    monkeypatch.setattr(Pipeline, "__call__", breaking)
    assert _statuses(folder) == {"a.png": "no_face", "m.png": "error", "z.png": "no_face"}


@pytest.mark.parametrize("step", ["locate", "read"])
def test_a_frame_that_cannot_be_followed_or_read_is_a_row(
    clip: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(Session, step)

    def breaking(self: Session, given: list[Any], *rest: object) -> object:
        images = [getattr(frame, "image", frame) for frame in given]
        if any(abs(int(image[0, 0, 0]) - 80) < 5 for image in images):
            raise ForeignError("lost")
        return real(self, given, *rest)

    monkeypatch.setattr(Session, step, breaking)
    rows = mien.analyze([clip]).rows()
    assert [row["frame"] for row in rows] == list(range(6))
    assert [row["frame"] for row in rows if row["status"] == "error"] == [2]


@pytest.mark.parametrize("baseline", [None, "median"])
def test_a_fault_in_smoothing_is_a_row(
    clip: Path, baseline: float | Literal["median"] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.tracking.options import Smoothing
    from mien.video import sources as videos

    def breaking(*_: object) -> Iterator[object]:
        raise ForeignError("uneven")
        yield

    monkeypatch.setattr(videos, "smooth_offline", breaking)
    [row] = mien.analyze([clip], smoothing=Smoothing(baseline=baseline)).rows()
    assert "ForeignError: uneven" in row["error"]


def test_what_is_not_about_one_source_ends_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*_: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(Pipeline, "__call__", breaking)
    with pytest.raises(InputError, match="disk is full"):
        mien.analyze(folder)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "open_image", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mien.analyze(folder)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (FileNotFoundError(2, "No such file or directory"), "missing", "there is none"),
        (OSError(40, "Too many levels of symbolic links"), "unreadable", "Too many levels"),
        (OSError(5, "Input/output error"), "unreadable", "Input/output"),
        (MemoryError("x"), "too_large", "memory"),
        (ValueError("a\nb\x1b[1m"), "fault", "ValueError: a b"),
    ],
)
def test_errors_become_those_of_a_source(error: Exception, kind: str, words: str) -> None:
    told = source_error("a.jpg", error)
    assert told.kind == kind
    assert words in str(told)
    assert str(told).startswith("a.jpg: ")
    assert "\n" not in str(told)


@pytest.mark.integration
@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these")
def test_pipes_sockets_devices_and_links_in_a_circle_wait_for_nobody(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    os.symlink("pipe.png", folder / "to-pipe.png")
    os.symlink("c2.png", folder / "c1.png")
    os.symlink("c1.png", folder / "c2.png")
    os.symlink("nowhere", folder / "gone.png")
    os.symlink("/dev/zero", folder / "zero.png")
    os.symlink(".", folder / "again")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.png")) if len(str(folder)) < 90 else None
        program = "import sys, mien; print(*sorted({(r['source'].rsplit('/')[-1], r['status']) for r in mien.analyze(sys.argv[1]).rows()}))"
        told = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
    good = {(name, "no_face") for name in ("a.png", "m.png", "z.png")}
    bad = {(name, "error") for name in ("to-pipe.png", "c1.png", "c2.png", "gone.png", "zero.png")}
    assert told.split("\n")[0] == " ".join(map(str, sorted(good | bad)))
    with pytest.raises(MediaError, match="got a pipe, socket or device"):
        open_media(folder / "pipe.png")


def test_a_folder_of_any_depth_is_listed(tmp_path: Path) -> None:
    here, depth = os.getcwd(), 1200
    os.chdir(tmp_path)
    try:
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
        Path("a.png").touch()
        found = find_sources([tmp_path])
        os.unlink("a.png")
        for _ in range(depth):  # What clears up after tests goes down by recursion.
            os.chdir("..")
            os.rmdir("d")
    finally:
        os.chdir(here)
    assert [Path(source).name for source in found.sources] == ["a.png"]


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "a\0b.png", "x/" * 3000 + "a.png"])
def test_names_that_no_file_can_have_are_rows(folder: Path, name: str) -> None:
    rows = mien.analyze([str(folder / "a.png"), name]).rows()
    assert [row["status"] for row in rows] == ["no_face", "error"]


def test_a_file_that_vanishes_between_opening_and_reading_is_a_bad_frame(clip: Path) -> None:
    with open_media(clip) as media:
        clip.unlink()
        [bad] = list(media)
    assert bad.error.kind == "missing"
