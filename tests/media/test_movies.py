"""Writing movies and images: what comes back, and that nothing half is left."""

from __future__ import annotations

import itertools
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from mien.core.errors import InputError
from mien.media import Frame, VideoWriter, open_media, save_image
from tests.media.making_media import corner


def frames_of(path: Path) -> list[Frame]:
    with open_media(path) as media:
        return [frame for frame in media if isinstance(frame, Frame)]


def test_is_an_mp4_that_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 64, 48, rate=30) as movie:
        for index in range(20):
            movie.write(corner(level=10 * index), index / 30)
        assert not path.exists()
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # The table first, so that it plays while it loads.
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt, stream.frames) == (
            "h264",
            "yuv420p",
            20,
        )
        assert stream.profile in ("High", "Main", "Constrained Baseline")
        assert float(stream.average_rate) == pytest.approx(30)
        assert float(stream.duration * stream.time_base) == pytest.approx(20 / 30, abs=1e-4)
    frames = frames_of(path)
    assert [frame.time for frame in frames] == [index / 30 for index in range(20)]
    for index, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - corner(level=10 * index)).mean() < 4
    assert list(tmp_path.iterdir()) == [path]


def test_times_are_kept_and_equal_ones_are_nudged(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.5, 0.3, 2.0, 2.001]
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=None) as movie:
        for time in times:
            movie.write(corner(), time)
    got = [frame.time for frame in frames_of(tmp_path / "a.mp4")]
    assert got == pytest.approx([*times[:4], 0.5, 2.0, 2.001], abs=3 / 90_000)
    assert all(first < second for first, second in itertools.pairwise(got))


def test_colours_come_back(tmp_path: Path) -> None:
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 90)):
        with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
            movie.write(np.full((48, 64, 3), colour, np.uint8), 0)
        assert np.abs(frames_of(tmp_path / "a.mp4")[0].image.astype(int) - colour).max() <= 4, colour


@pytest.mark.parametrize(
    ("size", "written"),
    [((1, 1), (16, 16)), ((33, 21), (34, 22)), ((64, 47), (64, 48)), ((641, 359), (642, 360))],
)
def test_odd_and_small_sizes_are_filled_up(
    tmp_path: Path, size: tuple[int, int], written: tuple[int, int]
) -> None:
    with VideoWriter(tmp_path / "a.mp4", *size, rate=25) as movie:
        for index in range(3):
            movie.write(np.full((size[1], size[0], 3), 150, np.uint8), index / 25)
    frame = frames_of(tmp_path / "a.mp4")[0]
    assert (frame.width, frame.height) == written
    assert np.abs(frame.image.astype(int) - 150).max() < 5


def test_other_sizes_are_fitted_with_bars(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
        movie.write(np.full((48, 64, 3), 200, np.uint8), 0)
        movie.write(np.full((480, 160, 3), 200, np.uint8), 0.04)
    _, tall = frames_of(tmp_path / "a.mp4")
    assert tall.image[24, 32].min() > 180
    assert tall.image[24, 4].max() < 30


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_exception(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
            movie.write(corner(), 0)
            raise error

    (tmp_path / "a.mp4").write_text("the old one")
    with pytest.raises(error):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "the old one"


def test_a_movie_without_frames_is_refused(tmp_path: Path) -> None:
    movie = VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25)
    with pytest.raises(InputError, match="at least one frame"):
        movie.close()
    movie.close()
    assert list(tmp_path.iterdir()) == []


def test_odd_names(tmp_path: Path) -> None:
    for name in (
        "a:b.mp4",
        "%03d.mp4",
        "ein Gesicht ☺.mp4",
        "no suffix",
        os.fsdecode(b"\xff.mp4"),
        "x" * 200 + ".mp4",
    ):
        with VideoWriter(tmp_path / name, 64, 48, rate=25) as movie:
            movie.write(corner(), 0)
        assert len(frames_of(tmp_path / name)) == 1


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.mp4", tmp_path, "/dev/null/a.mp4"):
        with pytest.raises(InputError, match=r"expected a place to write|is a folder"):
            VideoWriter(path, 64, 48, rate=25)
        if path != tmp_path:
            with pytest.raises(InputError, match="expected a place"):
                save_image(f"{path}.png", corner())
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_folders_are_made(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "new" / "one" / "a.mp4", 64, 48, rate=25) as movie:
        movie.write(corner(), 0)
    assert len(frames_of(tmp_path / "new" / "one" / "a.mp4")) == 1


def test_arguments(tmp_path: Path) -> None:
    for width, height, rate in ((0, 5, 25), (5, -1, 25), (5, 5, 0), (5, 5, float("nan"))):
        with pytest.raises(InputError):
            VideoWriter(tmp_path / "a.mp4", width, height, rate=rate)
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
        movie.write(corner(), 0)
        with pytest.raises(InputError, match="RGB"):
            movie.write(corner()[:, :, 0], 1)
        with pytest.raises(InputError, match="time"):
            movie.write(corner(), float("nan"))
    with pytest.raises(InputError, match="already closed"):
        movie.write(corner(), 1)


def test_file_rights_follow_the_users_mask(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
        movie.write(corner(), 0)
    save_image(tmp_path / "a.png", corner())
    (tmp_path / "plain").touch()
    rights = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(rights) == 1


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff"])
def test_images_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"face{suffix}"
    save_image(path, corner())
    (frame,) = frames_of(path)
    assert np.abs(frame.image.astype(int) - corner()).mean() < 4
    assert list(tmp_path.iterdir()) == [path]


def test_image_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_image(tmp_path / "a.png", corner())
    before = (tmp_path / "a.png").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        save_image(tmp_path / "a.png", corner(level=9))
    assert (tmp_path / "a.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputError, match=r"expected a suffix of an image \(\.png"):
        save_image(tmp_path / "a.doc", corner())


def test_table_starts_at_zero_without_an_edit_that_hides_frames(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as movie:
        for index in range(5):
            movie.write(corner(), index / 25)
    data = (tmp_path / "a.mp4").read_bytes()
    at = data.find(b"elst")
    if at >= 0:
        version, entries = data[at + 4], struct.unpack(">I", data[at + 8 : at + 12])[0]
        assert (version, entries) == (0, 1)
        assert struct.unpack(">i", data[at + 16 : at + 20])[0] == 0
