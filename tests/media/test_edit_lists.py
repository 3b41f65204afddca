"""Edit lists of MP4 and MOV: what a player shows is read, at the times of a player. The expected values
are Chromium's playback of these files.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import mien
from mien.cli.app import app
from mien.media import BadFrame, Sampling, open_media
from tests.media.making_media import clip, noisy, overwritten

RATE = 10
Edit = tuple[
    float, float
]  # Seconds shown; the second of the media at which they begin, -1: nothing is shown.


def gray(index: int) -> NDArray[np.uint8]:
    return np.full((96, 160, 3), 16 + 5 * index, np.uint8)


def film(codec: str = "libx264", form: str = "mp4", **options: str) -> bytes:
    """Forty frames, a key frame every .8 s; the n-th is gray of level 16 + 5 n."""
    given = {
        "libx264": {"g": "8", "bf": "2", "keyint_min": "8", "sc_threshold": "0"},
        "mpeg4": {"g": "8", "bf": "2"},
    }
    given |= {
        "libvpx-vp9": {"g": "8", "deadline": "realtime", "cpu-used": "8"},
        "libx265": {"x265-params": "log-level=none:keyint=8"},
    }
    given |= {"libsvtav1": {"g": "8", "preset": "12", "svtav1-params": "lookahead=0"}}
    times = [index / RATE for index in range(40)]
    return clip(
        [gray(index) for index in range(40)],
        times,
        codec=codec,
        form=form,
        options={**given.get(codec, {}), **options},
    )


def boxes(data: bytes | bytearray, start: int, stop: int, path: Sequence[bytes]) -> list[tuple[int, int]]:
    """Place and size of each box along a path (ISO/IEC 14496-12)."""
    while start + 8 <= stop:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        if kind == path[0]:
            return [(start, size), *(boxes(data, start + 8, start + size, path[1:]) if len(path) > 1 else [])]
        start += size
    raise KeyError(path[0])


def edited(mp4: bytes, edits: Sequence[Edit]) -> bytes:
    """The same MP4 with another edit list."""
    data = bytearray(mp4)

    def number(at: int) -> int:
        return int(struct.unpack(">I", data[at : at + 4])[0])

    movie = number(boxes(data, 0, len(data), [b"moov", b"mvhd"])[-1][0] + 20)
    media = number(boxes(data, 0, len(data), [b"moov", b"trak", b"mdia", b"mdhd"])[-1][0] + 20)
    chain = boxes(data, 0, len(data), [b"moov", b"trak", b"edts", b"elst"])
    place, size = chain[-1]
    first = number(place + 20)
    entries = [
        (round(shown * movie), -1 if start < 0 else first + round(start * media)) for shown, start in edits
    ]
    body = struct.pack(">II", 0, len(edits)) + b"".join(
        struct.pack(">Iihh", *entry, 1, 0) for entry in entries
    )
    data[place : place + size] = struct.pack(">I4s", 8 + len(body), b"elst") + body
    for at, _ in chain[:-1]:
        data[at : at + 4] = struct.pack(">I", number(at) + len(body) + 8 - size)
    return bytes(data)


def seen(data: bytes, sampling: Sampling | None = None) -> list[tuple[float, int]]:
    """Time of each frame, and which of the forty it is."""
    with open_media(data, sampling or Sampling()) as media:
        frames = list(media)
        assert media.expected_frames is not None
        assert sampling is not None or media.expected_frames == len(frames)
    assert not [frame.error for frame in frames if isinstance(frame, BadFrame)]
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    return [
        (round(frame.time, 3), round((float(frame.image.mean()) - 16) / 5))
        for frame in frames
        if not isinstance(frame, BadFrame)
    ]


def run(start: float, frames: range) -> list[tuple[float, int]]:
    return [(round(start + place / RATE, 3), index) for place, index in enumerate(frames)]


EDITS: dict[str, tuple[list[Edit], list[tuple[float, int]]]] = {
    "all": ([(4, 0)], run(0, range(40))),
    "end cut off": ([(2.5, 0)], run(0, range(25))),
    "start cut off": ([(2.5, 1.5)], run(0, range(15, 40))),
    "both": ([(1.3, 1.1)], run(0, range(11, 24))),
    "begins at a key frame": ([(1, 1.6)], run(0, range(16, 26))),
    "two pieces": ([(0.7, 0.3), (0.9, 2.2)], run(0, range(3, 10)) + run(0.7, range(22, 31))),
    "pieces turned round": ([(0.8, 2.4), (0.8, 0.4)], run(0, range(24, 32)) + run(0.8, range(4, 12))),
    "a piece twice": ([(1, 0.5), (1, 0.5)], run(0, range(5, 15)) + run(1, range(5, 15))),
    "a late start": ([(1.5, -1), (2, 1)], run(1.5, range(10, 30))),
    "longer than the media": ([(9, 0)], run(0, range(40))),
}


@pytest.fixture(scope="module")
def whole() -> bytes:
    return film()


@pytest.mark.parametrize("what", EDITS)
def test_what_players_show(whole: bytes, what: str) -> None:
    edits, expected = EDITS[what]
    assert seen(edited(whole, edits)) == expected


@pytest.mark.parametrize("codec", ["libx265", "libvpx-vp9", "libsvtav1"])
@pytest.mark.parametrize("what", ["start cut off", "both", "two pieces"])
def test_other_codecs(codec: str, what: str) -> None:
    edits, expected = EDITS[what]
    found = seen(edited(film(codec), edits))
    assert [time for time, _ in found] == [time for time, _ in expected]
    assert np.abs(np.array([index for _, index in found]) - [index for _, index in expected]).max() <= 1


def test_a_mov_and_several_threads(whole: bytes) -> None:
    edits, expected = EDITS["two pieces"]
    assert seen(edited(film(form="mov"), edits)) == expected
    with open_media(edited(whole, edits), threads=3) as media:
        assert [round(frame.time or 0, 3) for frame in media] == [time for time, _ in expected]


def test_what_is_hidden_can_be_asked_for(whole: bytes) -> None:
    everything = Sampling(hidden_frames=True)
    assert seen(edited(whole, [(1.3, 1.1)]), everything) == run(-1.1, range(40))
    assert seen(edited(whole, [(1.3, 0)]), everything) == run(0, range(40))


def test_sampling_goes_by_the_time_of_players(whole: bytes) -> None:
    assert seen(edited(whole, [(2, 1.1)]), Sampling(interval=0.5)) == [(0, 11), (0.5, 16), (1, 21), (1.5, 26)]


def test_damage_in_what_is_shown_is_told() -> None:
    data = clip(
        [noisy(index) for index in range(40)], [index / RATE for index in range(40)], options={"g": "8"}
    )
    with open_media(overwritten(edited(data, [(2.5, 1.5)]), 0.55, 0.65)) as media:
        frames = list(media)
    assert any(isinstance(frame, BadFrame) for frame in frames)
    assert sum(frame.count if isinstance(frame, BadFrame) else 1 for frame in frames) == 25


def test_a_trimmed_portrait(
    astronaut: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, people and the copy are about what is shown, and what is hidden is told."""
    face = np.ascontiguousarray(astronaut[:280, 60:380])
    path, copy = tmp_path / "trimmed.mp4", tmp_path / "copy.mp4"
    path.write_bytes(edited(clip([face] * 40, [index / RATE for index in range(40)]), [(0.5, -1), (1.5, 1)]))
    (video,) = mien.analyze(path)
    assert video.times == pytest.approx([0.5 + index / RATE for index in range(15)])
    (person,) = video.people()
    assert person.seconds == pytest.approx(1.5, abs=0.15)
    (whole,) = mien.analyze(path, hidden_frames=True)
    assert len(whole.times) == 40
    assert app(["analyze", str(path), "--annotate", str(copy)], standalone_mode=False) == 0
    assert "its edit list hides 25 of its frames" in capsys.readouterr().err
    with av.open(str(copy)) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(video.times, abs=1e-3)
