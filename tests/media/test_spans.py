"""A span of a recording: the same frames as of the whole, of any kind of file, without decoding what comes before."""

from __future__ import annotations

import io
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mien import InputError
from mien.core.frame import BadFrame, Frame
from mien.media import Sampling, open_media
from tests.media.making_media import clip, noisy, overwritten

COUNT, RATE = 200, 25
IMAGES = [noisy(index) for index in range(COUNT)]
H264 = {"preset": "ultrafast", "g": "20"}
KINDS = {
    "mp4": ("libx264", "mp4", {**H264, "bf": "0"}),
    "open groups": ("libx264", "mp4", {"preset": "fast", "g": "20", "bf": "3", "x264-params": "open-gop=1"}),
    "mkv": ("libx264", "matroska", {**H264, "bf": "2"}),
    "ts": ("libx264", "mpegts", {**H264, "bf": "2"}),
    "flv": ("libx264", "flv", H264),
    "hidden packets": (
        "libvpx",
        "webm",
        {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good"},
    ),
    "avi": ("mpeg4", "avi", {"g": "20"}),
    "avi in another order": ("mpeg4", "avi", {"g": "20", "bf": "2"}),
    "mpg": ("mpeg2video", "mpeg", {"g": "15", "bf": "2"}),
    "bare": ("libx264", "h264", H264),
    "one key frame": ("libx264", "mp4", {"preset": "ultrafast", "g": "1000"}),
}
SPANS = [(3.01, 4.5), (4.0, 4.4), (0.0, 0.5), (7.9, None), (None, 0.21), (1.5, 1.54)]


def seen(content: bytes | Path, sampling: Sampling | None = None) -> list[tuple[int, float, int]]:
    with open_media(content, sampling or Sampling()) as media:
        return [
            (frame.index, frame.time, zlib.crc32(frame.image.tobytes()))
            for frame in media
            if isinstance(frame, Frame)
        ]


@cache
def content_of(kind: str) -> bytes:
    codec, form, options = KINDS[kind]
    return clip(IMAGES, codec=codec, form=form, options=options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_span_has_the_frames_of_the_whole(kind: str) -> None:
    content = content_of(kind)
    whole = seen(content)
    assert len(whole) == COUNT
    for start, end in SPANS:
        expected = [
            frame for frame in whole if (start or 0.0) <= frame[1] and (end is None or frame[1] < end)
        ]
        assert seen(content, Sampling(start=start, end=end)) == expected, (start, end)
        assert expected or (start, end) == SPANS[-1]


def test_the_first_frame_is_taken_and_the_end_is_not() -> None:
    content = clip(IMAGES[:100], options=H264)
    frames = seen(content, Sampling(start=1.0, end=2.0))
    assert (frames[0][:2], frames[-1][:2]) == ((25, 1.0), (49, 1.96))
    assert [time for _, time, _ in seen(content, Sampling(interval=0.5, start=1.1, end=3))] == [
        1.12,
        1.6,
        2.12,
        2.6,
    ]


def decoded(monkeypatch: pytest.MonkeyPatch, content: bytes, sampling: Sampling) -> int:
    """How many packets go to the decoder."""
    from mien.media.decoding import Decoding

    sent: list[Any] = []
    real = Decoding._decoded

    def counted(self: Any, packet: Any) -> Any:
        sent.append(packet)
        return real(self, packet)

    with monkeypatch.context() as patch:
        patch.setattr(Decoding, "_decoded", counted)
        seen(content, sampling)
    return len(sent)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("bare", "avi in another order", "one key frame")]
)
def test_what_comes_before_and_after_is_not_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = content_of(kind)
    assert decoded(monkeypatch, content, Sampling(start=4.9, end=5.1)) < 80
    assert decoded(monkeypatch, content, Sampling(end=0.4)) < 50


def test_times_go_on_where_videos_were_joined() -> None:
    part = clip(IMAGES[:75], form="mpegts", options=H264)
    joined = part + clip(IMAGES[75:150], form="mpegts", options=H264)
    whole = seen(joined)
    for start, end in ((1.2, 1.6), (3.4, 4.4), (5.0, None)):
        expected = [frame for frame in whole if start <= frame[1] and (end is None or frame[1] < end)]
        assert expected
        assert seen(joined, Sampling(start=start, end=end)) == expected


def test_frames_that_are_far_apart_keep_their_times() -> None:
    times = [number**1.5 / 20 for number in range(100)]
    content = clip(IMAGES[:100], times, form="matroska", options=H264)
    expected = [frame for frame in seen(content) if 12.0 <= frame[1] < 30.0]
    assert len(expected) > 20
    assert seen(content, Sampling(start=12, end=30)) == expected


@pytest.mark.parametrize(("start", "end"), [(60.0, 70.0), (8.0, None), (1.505, 1.515)])
def test_a_span_without_frames_says_so(start: float, end: float | None) -> None:
    content = content_of("mp4")
    with open_media(content, Sampling(start=start, end=end), name="a.mp4") as media:
        [lost] = media
    assert isinstance(lost, BadFrame)
    assert lost.error.kind == "empty_span"
    assert "a.mp4: expected frames from" in str(lost.error)
    assert "choose a span of the recording" in str(lost.error)


def test_a_span_beyond_the_end_is_remarked_on() -> None:
    content = content_of("mp4")
    with open_media(content, Sampling(start=7, end=60), name="a.mp4") as media:
        assert media.remarks == ("a.mp4: the span ends at 1:00, the recording at 0:08: read up to its end",)
        assert media.expected_frames == len(list(media)) == 25


def test_damage_outside_of_a_span_is_not_told_and_within_it_is() -> None:
    content = overwritten(clip(IMAGES, form="mpegts", options={**H264, "bf": "0"}), 0.5, 0.53)
    whole = list(open_media(content))
    [at, *_] = [frame.time for frame in whole if isinstance(frame, BadFrame)]
    assert 2 < at < 6

    def lost(sampling: Sampling) -> int:
        return sum(frame.count for frame in open_media(content, sampling) if isinstance(frame, BadFrame))

    assert lost(Sampling(start=at - 0.5, end=at + 0.8)) > 0
    assert lost(Sampling(end=at - 1.5)) == lost(Sampling(start=at + 1.7, end=at + 2.5)) == 0


def test_a_truncated_file_tells_what_is_missing_of_the_span() -> None:
    content = clip(IMAGES, options={**H264, "bf": "0"}, container_options={"movflags": "faststart"})
    cut = content[: len(content) * 6 // 10]
    last = seen(cut)[-1][1]
    frames = list(open_media(cut, Sampling(start=last + 1, end=last + 2)))
    [lost] = frames
    assert isinstance(lost, BadFrame)
    assert (lost.error.kind, lost.count) == ("truncated", 25)
    assert lost.time == pytest.approx(last + 1, abs=0.041)
    whole = list(open_media(cut, Sampling(start=0, end=1)))
    assert [isinstance(frame, Frame) for frame in whole] == [True] * 25


def test_an_animation_has_spans_too() -> None:
    file = io.BytesIO()
    images = [Image.fromarray(image) for image in IMAGES[:20]]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=100)
    assert [index for index, _, _ in seen(file.getvalue(), Sampling(start=0.45, end=0.85))] == [5, 6, 7, 8]
    [lost] = open_media(file.getvalue(), Sampling(start=5))
    assert isinstance(lost, BadFrame)
    assert lost.error.kind == "empty_span"


@pytest.mark.parametrize(
    ("start", "end"), [(-1, None), (float("nan"), None), (None, 0), (2, 2), (3, 1), ("1", None), (True, None)]
)
def test_refuses_what_is_no_span(start: Any, end: Any) -> None:
    with pytest.raises(InputError, match=r"start|end"):
        Sampling(start=start, end=end)


def test_hidden_frames_before_the_start_belong_to_no_span_that_begins() -> None:
    assert [time for time in (-0.2, 0.0, 0.2) if Sampling(start=0.0).chooser().takes(time)] == [0.0, 0.2]
    assert [time for time in (-0.2, 0.0, 0.2) if Sampling(end=0.1).chooser().takes(time)] == [-0.2, 0.0]


def with_sound(path: Path) -> Path:
    """Six seconds; from 3.0 s on white and loud, from 5.0 s on dark and silent again."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={"g": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        heard: Any = out.add_stream("aac", rate=48000)
        for number in range(6 * RATE):
            on = 3 * RATE <= number < 5 * RATE
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 230 if on else 20, np.uint8))
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        seconds = np.arange(6 * 48000) / 48000
        wave = np.where((seconds >= 3) & (seconds < 5), 0.5 * np.sin(3000 * seconds), 0)
        tone = av.AudioFrame.from_ndarray((wave * 32000).astype(np.int16)[None], format="s16", layout="mono")
        tone.sample_rate, tone.pts = 48000, 0
        out.mux(heard.encode(tone))
        out.mux(heard.encode(None))
    return path


def test_a_copy_holds_the_span_alone_with_its_sound(tmp_path: Path) -> None:
    from mien import Faces, FrameResult
    from mien.outputs.annotate import annotate_video

    source, place = with_sound(tmp_path / "a.mp4"), tmp_path / "copy.mp4"
    with open_media(source, Sampling(start=2.0, end=5.5)) as media:
        results = [FrameResult("a", frame.index, frame.time, Faces.empty()) for frame in media]
        told = annotate_video(place, media, results, sound=True)
    assert "sound in AAC as it was" in told
    with av.open(str(place)) as container:
        frames = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    assert len(frames) == 88
    assert frames[0][0] == 0
    assert next(time for time, light in frames if light > 120) == pytest.approx(1.0, abs=0.01)
    with av.open(str(place)) as container:
        loud = [frame.time for frame in container.decode(audio=0) if np.abs(frame.to_ndarray()).max() > 0.1]
        assert (loud[0], loud[-1]) == pytest.approx((1.0, 3.0), abs=0.05)
    with av.open(str(place)) as container:
        assert container.duration / av.time_base == pytest.approx(3.5, abs=0.06)
