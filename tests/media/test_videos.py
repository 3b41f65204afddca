"""Videos: times, turns, sampling, and what comes of damaged ones."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.core.errors import InputError, MediaError
from mien.media import BadFrame, Frame, Media, Prefetcher, Sampling, open_media
from tests.media.making_media import clip, corner, noisy, overwritten, sound, with_matrix

REAL = Path(__file__).parents[3] / "shared" / "media"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"real media are not at {REAL}")

FAST = {"movflags": "faststart"}


def read(
    data: bytes, sampling: Sampling | None = None, **options: Any
) -> tuple[Media, list[Frame], list[BadFrame]]:
    with open_media(data, sampling or Sampling(), **options) as media:
        out = list(media)
    assert all(
        first.time < second.time
        for first, second in itertools.pairwise(out)
        if first.time is not None and second.time is not None
    )
    assert all(first.index < second.index for first, second in itertools.pairwise(out))
    return (
        media,
        [frame for frame in out if isinstance(frame, Frame)],
        [frame for frame in out if isinstance(frame, BadFrame)],
    )


def level(index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((48, 64, 3), 20 + 5 * index, np.uint8)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return clip([level(index) for index in range(40)])


@pytest.mark.parametrize("source", ["path", "bytes", "file"])
def test_frames_times_and_what_is_known_before(plain: bytes, source: str, tmp_path: Path) -> None:
    (tmp_path / "clip.jpg").write_bytes(plain)
    sources: dict[str, Any] = {"path": tmp_path / "clip.jpg", "bytes": plain, "file": io.BytesIO(plain)}
    with open_media(sources[source]) as media:
        assert (media.kind, media.width, media.height, media.expected_frames, media.frame_rate) == (
            "video",
            64,
            48,
            40,
            25.0,
        )
        assert media.duration == pytest.approx(1.6)
        for _ in range(2):
            for index, frame in enumerate(media):
                assert isinstance(frame, Frame)
                assert frame.index == index
                assert frame.time == index / 25
                assert abs(int(frame.image[20, 20, 0]) - (20 + 5 * index)) < 4


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("matroska", "libx264"),
        ("webm", "libvpx-vp9"),
        ("avi", "mpeg4"),
        ("mpegts", "libx264"),
    ],
)
def test_every_container_gives_the_same_times(form: str, codec: str) -> None:
    options = {"deadline": "good", "cpu-used": "5"} if codec == "libvpx-vp9" else {}
    _, frames, bad = read(
        clip([level(index) for index in range(30)], form=form, codec=codec, options=options)
    )
    assert not bad
    assert [frame.time for frame in frames] == pytest.approx([index / 25 for index in range(30)], abs=1e-4)
    assert all(abs(int(frame.image[20, 20, 1]) - (20 + 5 * index)) < 5 for index, frame in enumerate(frames))


@pytest.mark.parametrize("form", ["h264", "avi"])
def test_frames_without_timestamps_follow_at_the_average_rate(form: str) -> None:
    # H.264 with images stored out of order: as a bare stream it has no timestamps, in an AVI wrong ones.
    _, frames, bad = read(clip([noisy(index) for index in range(30)], form=form))
    assert not bad
    assert [frame.time for frame in frames] == pytest.approx([index / 25 for index in range(30)])


def test_variable_frame_rate_and_a_late_start() -> None:
    times = [0, 0.02, 0.5, 0.51, 2.0, 2.04, 5.0]
    _, frames, _ = read(clip([level(index) for index in range(7)], times))
    assert [frame.time for frame in frames] == times
    _, late, _ = read(
        clip([level(index) for index in range(7)], [time + 10 for time in times], form="mpegts")
    )
    assert [frame.time for frame in late] == pytest.approx(times, abs=1e-4)
    _, sampled, _ = read(clip([level(index) for index in range(7)], times), Sampling(interval=1))
    assert [frame.time for frame in sampled] == [0, 2.0, 5.0]


def test_sampling_converts_only_what_is_taken(plain: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    import mien.media.rotation as upright

    converted = []
    real = upright._to_rgb
    monkeypatch.setattr(
        upright, "_to_rgb", lambda frame, *rest: converted.append(frame.pts) or real(frame, *rest)
    )
    media, frames, _ = read(plain, Sampling(fps=5))
    assert [frame.index for frame in frames] == list(range(0, 40, 5))
    assert len(converted) == media.expected_frames == 8


# How the image's red upper left quarter is seen: its place, as row and column of quarters, and whether
# sides change.
@pytest.mark.parametrize(
    ("matrix", "place", "turned"),
    [
        ((1, 0, 0, 1), (0, 0), False),
        (
            (0, 1, -1, 0),
            (0, 1),
            True,
        ),  # A phone held upright: x goes down, y goes left, so a quarter turn clockwise.
        ((-1, 0, 0, -1), (1, 1), False),
        ((0, -1, 1, 0), (1, 0), True),
        ((-1, 0, 0, 1), (0, 1), False),
        ((1, 0, 0, -1), (1, 0), False),
        ((0, 1, 1, 0), (0, 0), True),
        ((0, -1, -1, 0), (1, 1), True),
    ],
)
def test_display_matrix_is_applied(
    matrix: tuple[int, int, int, int], place: tuple[int, int], turned: bool
) -> None:
    media, frames, _ = read(with_matrix(clip([corner()] * 3), *matrix))
    assert (media.width, media.height) == ((48, 64) if turned else (64, 48))
    for frame in frames:
        assert (frame.width, frame.height) == (media.width, media.height)
        quarters = [
            [frame.image[frame.height * y // 4, frame.width * x // 4, 0] > 150 for x in (1, 3)]
            for y in (1, 3)
        ]
        assert [(y, x) for y in (0, 1) for x in (0, 1) if quarters[y][x]] == [place]


def test_pixels_become_square() -> None:
    media, frames, _ = read(clip([corner()] * 3, pixel_shape=Fraction(16, 11)))
    assert (media.width, media.height) == (frames[0].width, frames[0].height) == (93, 48)


def test_size_that_changes_in_the_middle_does_not_matter() -> None:
    parts = clip([corner(64, 48)] * 5, form="h264") + clip([corner(96, 80)] * 5, form="h264")
    _, frames, bad = read(parts)
    assert not bad
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 5 + [(96, 80)] * 5
    _, frames, bad = read(parts, max_pixels=4000)
    assert (len(frames), {frame.error.kind for frame in bad}) == (5, {"too_large"})


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("container", ["plain", "faststart"])
def test_damaged_mp4_accounts_for_every_frame(container: str, seed: int, threads: int) -> None:
    data = clip(
        [noisy(index) for index in range(60)], container_options=FAST if container == "faststart" else {}
    )
    media, frames, bad = read(overwritten(data, 0.45, 0.5 + 0.05 * seed, seed), threads=threads)
    assert media.expected_frames == 60
    assert bad
    assert len(frames) + sum(frame.count for frame in bad) == 60
    assert all("missing" in str(frame.error) and str(frame.error).startswith("<bytes>: ") for frame in bad)
    _, whole, _ = read(data)
    for frame in frames:
        # x264 shows up to three frames after one that they are built on: those before a lost one may be
        # smeared too.
        if frame.index < bad[0].index - 3:
            assert np.array_equal(frame.image, whole[frame.index].image)


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
@pytest.mark.parametrize("stop", [0.45, 0.6])
def test_damaged_webm_accounts_for_every_frame(codec: str, stop: float) -> None:
    data = clip(
        [noisy(index) for index in range(60)],
        codec=codec,
        form="webm",
        options={"g": "10", "deadline": "good", "cpu-used": "5"},
    )
    _, frames, bad = read(overwritten(data, 0.4, stop))
    assert bad
    assert len(frames) + sum(frame.count for frame in bad) == 60
    assert "about" in str(bad[0].error)


def test_sampled_damage_accounts_for_every_sample() -> None:
    data = clip([noisy(index) for index in range(60)])
    _, frames, bad = read(overwritten(data, 0.4, 0.6, 1), Sampling(fps=5))
    assert len(frames) + sum(frame.count for frame in bad) == 12


def test_cut_videos() -> None:
    images = [noisy(index) for index in range(60)]
    at_end, at_start = clip(images), clip(images, container_options=FAST)
    with pytest.raises(MediaError, match=r"table of frames, which comes at the end.*truncated") as caught:
        open_media(at_end[: len(at_end) * 6 // 10])
    assert caught.value.kind == "truncated"
    for data in (at_start, clip(images, form="matroska")):
        media, frames, bad = read(data[: len(data) * 6 // 10])
        assert media.expected_frames == 60
        assert len(frames) > 15
        assert len(frames) + sum(frame.count for frame in bad) == 60
        assert bad[-1].error.kind == "truncated"
        assert f"{bad[-1].count} of 60 frame(s)" in str(bad[-1].error)


def test_whole_file_with_longer_sound_has_nothing_missing() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for index in range(10):
            container.mux(video.encode(av.VideoFrame.from_ndarray(level(index), format="rgb24")))
        container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    _, frames, bad = read(file.getvalue())
    assert (len(frames), bad) == (10, [])


def test_a_title_that_is_no_utf8_is_no_reason_to_refuse() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        container.metadata["title"] = "title-in-latin-1"
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for index in range(3):
            container.mux(video.encode(av.VideoFrame.from_ndarray(level(index), format="rgb24")))
        container.mux(video.encode(None))
    data = file.getvalue()
    assert b"title-in-latin-1" in data
    _, frames, bad = read(data.replace(b"title-in-latin-1", b"\xe9\xff-in-latin-1.."))
    assert (len(frames), bad) == (3, [])


def with_cover(form: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        audio: Any = container.add_stream(codec, rate=44100, layout="mono")
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(
            cover.encode(av.VideoFrame.from_ndarray(corner(), format="rgb24").reformat(format="yuvj420p"))
        )
        container.mux(cover.encode(None))
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), format="s16p", layout="mono")
            frame.sample_rate, frame.pts = 44100, number * 1152
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return file.getvalue()


def test_sound_is_not_a_video() -> None:
    for data in (sound(), sound("matroska"), with_cover("mp3", "mp3")):
        with pytest.raises(MediaError, match="got only sound") as caught:
            open_media(data)
        assert caught.value.kind == "no_video"


def test_files_that_point_to_others_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.mp4").write_bytes(clip([level(1)] * 3))
    (tmp_path / "real.ts").write_bytes(clip([level(1)] * 3, form="mpegts"))
    for name, text in {
        "list.mp4": f"ffconcat version 1.0\nfile {tmp_path}/real.mp4\n",
        "list.ts": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/real.ts\n#EXT-X-ENDLIST\n",
        "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "a.srt": "1\n00:00:00,000 --> 00:00:01,000\nwords\n",
        "a.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(MediaError, match="got a text file"):
            open_media(tmp_path / name)
    for name in (f"concat:{tmp_path}/real.ts", "http://127.0.0.1:9/x.mp4", f"file:{tmp_path}/real.mp4"):
        with pytest.raises(MediaError) as caught:
            open_media(name)
        assert caught.value.kind == "missing"


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    for name in ("a%03d.mp4", "http:x.mp4", "-.mp4", "ein Gesicht ☺.mp4", os.fsdecode(b"\xff.mp4")):
        (tmp_path / name).write_bytes(clip([level(1)] * 3))
        with open_media(tmp_path / name) as media:
            assert len(list(media)) == 3


def test_heif_photo_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.media.heif._factory", lambda: None)
    with pytest.raises(MediaError, match="HEIC photo, for which pi-heif is not installed") as caught:
        open_media(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(100))
    assert caught.value.kind == "unsupported"


def test_arguments(plain: bytes) -> None:
    with pytest.raises(InputError, match="threads"):
        open_media(plain, threads=0)
    with pytest.raises(MediaError, match="expected at most 100 pixels") as caught:
        open_media(plain, max_pixels=100)
    assert caught.value.kind == "too_large"


@pytest.mark.integration
def test_ffmpeg_writes_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(overwritten(clip([noisy(index) for index in range(30)]), 0.3, 0.6))
    code = "import sys; from mien.media import open_media; print(len(list(open_media(sys.argv[1]))))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bad.mp4")],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("30\n", "")


def test_read_ahead_over_a_video(plain: bytes) -> None:
    with open_media(plain) as media, Prefetcher(media, depth=4) as ahead:
        assert [frame.index for frame in ahead] == list(range(40))
    with open_media(plain) as media, Prefetcher(media, depth=2) as ahead:
        assert next(ahead).index == 0


def test_no_file_stays_open(plain: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(plain)
    before = len(os.listdir("/proc/self/fd"))
    media = open_media(tmp_path / "a.mp4")
    assert len(os.listdir("/proc/self/fd")) == before
    next(iter(media))
    media.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("seekable", [True, False])
def test_a_file_object_gives_the_frames_of_its_bytes(plain: bytes, seekable: bool) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return seekable

    with open_media(Pipe(plain)) as media, open_media(plain) as expected:
        frames, whole = list(media), list(expected)
    assert [type(frame) for frame in frames] == [Frame] * 40
    assert all(np.array_equal(one.image, other.image) for one, other in zip(frames, whole, strict=True))


@needs_real
def test_real_clips() -> None:
    with open_media(REAL / "one_face.mp4") as media:
        frames = list(media)
        assert (media.expected_frames, len(frames), media.width, media.height) == (72, 72, 640, 360)
    assert [frame.time for frame in frames] == pytest.approx([index / 30 for index in range(72)])
    with open_media(REAL / "no_face.mp4") as media:
        # Its edit list starts the show after the third of 98 frames.
        frames = list(media)
        assert (media.expected_frames, len(frames)) == (95, 95)
    assert [frame.time for frame in frames] == pytest.approx([index / 24 for index in range(95)])
    with open_media(REAL / "no_face.mp4", Sampling(hidden_frames=True)) as media:
        frames = list(media)
        assert (media.expected_frames, len(frames)) == (98, 98)
    assert [frame.time < 0 for frame in frames] == [True] * 3 + [False] * 95
    assert np.diff([frame.time for frame in frames]) == pytest.approx(1 / 24)
    with open_media(REAL / "many_faces.jpg") as media:
        assert (media.kind, media.width, media.height) == ("image", 1000, 667)
