"""The sound of copies: kept as it is stored, in step with the picture, and told of."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien import Faces, FrameResult, InputError
from mien.cli.app import app
from mien.core.frame import Frame
from mien.media import Sampling, open_media
from mien.media.byte_source import ByteSource
from mien.outputs.annotate import annotate_video
from mien.outputs.spec import OutputSpec

EVENLY = [number / 10 for number in range(30)]
UNEVENLY = [*np.arange(0, 0.9, 0.04), 1.0, 1.5, *np.arange(2, 3, 0.02)]
AT = 1.0
"""Seconds at which the picture turns white and a tone begins."""


def clip(
    path: Path, times: Sequence[float] = EVENLY, *, video: str = "libx264", audio: str | None = "aac"
) -> Path:
    """Three seconds that are dark and silent, and from `AT` on white and loud."""
    with av.open(path, "w") as out:
        stream: Any = out.add_stream(video, rate=25)
        stream.width, stream.height, stream.pix_fmt = 240, 240, "yuv420p"
        if video != "mpeg4":  # AVI counts frames.
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        heard: Any = None if audio is None else out.add_stream(audio, rate=48000)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(
                np.full((240, 240, 3), 230 if time >= AT - 1e-6 else 20, np.uint8)
            )
            frame.pts = number if video == "mpeg4" else round(time * 1000)
            frame.time_base = Fraction(1, 25) if video == "mpeg4" else Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard is not None:
            seconds = np.arange(3 * 48000) / 48000
            wave = np.where(seconds >= AT, 0.5 * np.sin(2 * np.pi * 500 * seconds), 0)
            tone = av.AudioFrame.from_ndarray(
                (wave * 32000).astype(np.int16)[None], format="s16", layout="mono"
            )
            tone.sample_rate, tone.pts, tone.time_base = 48000, 0, Fraction(1, 48000)
            out.mux(heard.encode(tone))
            out.mux(heard.encode(None))
    return path


def copied(
    source: Path | bytes | io.BytesIO, place: Path, sampling: Sampling | None = None, *, sound: bool = True
) -> str:
    with open_media(source, sampling or Sampling()) as media:
        results = [
            FrameResult("clip", frame.index, frame.time, Faces.empty())
            for frame in media
            if isinstance(frame, Frame)
        ]
        return annotate_video(place, media, results, sound=sound)


def beginnings(path: Path) -> tuple[float, float]:
    """Seconds at which the picture turns white, and at which the tone begins."""
    with av.open(path) as container:
        white = next(
            frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 120
        )
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().astype(np.float64)).max(axis=0)
            loud = loud / (1 if frame.format.name.startswith("flt") else 32768)
            if (loud > 0.1).any():
                return white, frame.time + int(np.argmax(loud > 0.1)) / frame.sample_rate
    raise AssertionError("no tone")


@pytest.mark.parametrize("sampling", [None, Sampling(fps=5), Sampling(interval=0.5)])
@pytest.mark.parametrize("times", [EVENLY, UNEVENLY])
@pytest.mark.parametrize(
    ("name", "audio", "codec"),
    [("clip.mp4", "aac", "AAC"), ("clip.mkv", "libopus", "Opus"), ("clip.ts", "aac", "AAC")],
)
def test_sound_stays_in_step_at_any_rate(
    name: str, audio: str, codec: str, times: Sequence[float], sampling: Sampling | None, tmp_path: Path
) -> None:
    told = copied(clip(tmp_path / name, times, audio=audio), tmp_path / "out.mp4", sampling)
    white, loud = beginnings(tmp_path / "out.mp4")
    assert white == pytest.approx(AT, abs=0.045)
    assert loud == pytest.approx(white, abs=0.03)
    assert f"sound in {codec} as it was" in told
    with av.open(tmp_path / "out.mp4") as container:
        assert container.duration / av.time_base == pytest.approx(3, abs=0.1), "up to the end of the source"


def test_the_frames_of_an_avi_have_their_sound(tmp_path: Path) -> None:
    told = copied(
        clip(tmp_path / "clip.avi", [number / 25 for number in range(75)], video="mpeg4", audio="libmp3lame"),
        tmp_path / "out.mp4",
    )
    white, loud = beginnings(tmp_path / "out.mp4")
    assert (white, loud) == pytest.approx((AT, AT), abs=0.06)
    assert "sound in MP3" in told


@pytest.mark.parametrize(("name", "audio"), [("clip.mov", "pcm_s16le"), ("clip.mkv", "pcm_f32le")])
def test_sound_that_players_take_in_no_mp4_is_told(name: str, audio: str, tmp_path: Path) -> None:
    told = copied(clip(tmp_path / name, audio=audio), tmp_path / "out.mp4")
    assert f"no {audio} in an MP4" in told
    with av.open(tmp_path / "out.mp4") as container:
        assert not container.streams.audio
        assert len(list(container.decode(video=0))) == 30


def test_a_video_without_sound_and_one_whose_sound_is_not_wanted(tmp_path: Path) -> None:
    for number, (audio, sound) in enumerate([(None, True), ("aac", False)]):
        told = copied(
            clip(tmp_path / f"{number}.mp4", audio=audio), tmp_path / f"out{number}.mp4", sound=sound
        )
        assert told.endswith("without sound")
        with av.open(tmp_path / f"out{number}.mp4") as container:
            assert not container.streams.audio


def test_damaged_sound_takes_nothing_of_the_picture(tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mp4")
    data = bytearray(source.read_bytes())
    with av.open(source) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    for place, size in packets[20:60]:
        data[place : place + size] = bytes(size)
    copied(bytes(data), tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as container:
        assert len(list(container.decode(video=0))) == 30


def test_a_stream_that_was_handed_in_is_read_by_two_at_once(tmp_path: Path) -> None:
    data = clip(tmp_path / "clip.mp4").read_bytes()
    told = copied(io.BytesIO(data), tmp_path / "out.mp4")
    assert "sound in AAC" in told
    content = ByteSource(io.BytesIO(bytes(range(256))))
    with content.open() as one, content.open() as other:
        assert (one.read(3), other.read(2), one.read(1), other.seek(0, io.SEEK_END)) == (
            b"\0\1\2",
            b"\0\1",
            b"\3",
            256,
        )


def test_joined_videos_keep_their_sound(tmp_path: Path) -> None:
    """The clock of the second one begins again."""
    one = clip(tmp_path / "one.ts").read_bytes()
    copied(one + one, tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as container:
        last = list(container.decode(audio=0))[-1].time
    assert last == pytest.approx(6, abs=0.2)


@pytest.fixture
def run(pipeline: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setattr("mien.cli.options.NetworkOptions.pipeline", lambda _: pipeline)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app(["analyze", *map(str, arguments)], standalone_mode=False)


@pytest.mark.parametrize(
    ("options", "streams", "word"),
    [([], 2, "sound in AAC"), (["--no-audio"], 1, "without sound"), (["--blur", "all"], 1, "without sound")],
)
def test_sound_is_left_out_on_request_and_where_faces_are_covered(
    options: list[str],
    streams: int,
    word: str,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(clip(tmp_path / "clip.mp4"), "--annotate", "seen.mp4", *options) == 0
    with av.open(tmp_path / "seen.mp4") as container:
        assert len(container.streams) == streams
    err = capsys.readouterr().err
    assert "wrote seen.mp4: H.264, 240x240, " in err
    assert word in err


def test_no_audio_is_about_a_copy() -> None:
    with pytest.raises(InputError, match="add --annotate"):
        OutputSpec((Path("a.csv"),), sound=False)
