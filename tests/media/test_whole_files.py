"""Whole files give every frame that players show, at its time, and no word of damage, whatever their
container puts around the frames.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mien.media import BadFrame, Frame, open_media
from mien.media.byte_source import ByteSource
from mien.media.container import ContainerLayout
from tests.media.making_media import clip, noisy, overwritten

FAST_VP9 = {"deadline": "realtime", "cpu-used": "8"}


def read(data: bytes) -> tuple[list[Frame], list[BadFrame]]:
    with open_media(data) as media:
        out = list(media)
    assert all(first.time < second.time for first, second in itertools.pairwise(out))
    return [item for item in out if isinstance(item, Frame)], [
        item for item in out if isinstance(item, BadFrame)
    ]


def around(
    form: str,
    codec: str,
    *,
    before: int = 1,
    after: int = 0,
    sound: str = "aac",
    subtitles: str = "",
    frames: int = 30,
) -> bytes:
    """A video of some frames, 25 a second, with streams of sound (and one of subtitles) before and after
    it.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        rate = 48000
        sounds: list[Any] = [container.add_stream(sound, rate=rate, layout="stereo") for _ in range(before)]
        if subtitles:
            container.add_stream(subtitles).codec_context.subtitle_header = b"[Script Info]\n"
        video: Any = container.add_stream(
            codec, rate=25, options=FAST_VP9 if codec == "libvpx-vp9" else {"x265-params": "log-level=none"}
        )
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sounds += [container.add_stream(sound, rate=rate, layout="stereo") for _ in range(after)]
        for stream in sounds:
            stream.codec_context.open(strict=False)
        packets = list(itertools.chain.from_iterable(video.encode(frame) for frame in images(frames)))
        for stream in sounds:
            packets += encoded(stream, rate * frames // 25)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return file.getvalue()


def images(count: int) -> list[av.VideoFrame | None]:
    frames: list[av.VideoFrame | None] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(noisy(number), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        frames.append(frame)
    return [*frames, None]


def encoded(stream: av.AudioStream, samples: int) -> list[Any]:
    size = stream.codec_context.frame_size or 1024
    layout, form = stream.layout.name, stream.format.name
    kind = np.float32 if form.startswith("flt") else np.int16
    shape = (2, size) if form.endswith("p") else (1, 2 * size)
    packets = []
    for start in range(0, samples, size):
        frame = av.AudioFrame.from_ndarray(np.zeros(shape, kind), format=form, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = stream.rate, start, Fraction(1, stream.rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


KINDS = [
    *(
        ("mp4", "libx264", "aac"),
        ("mp4", "libx265", "aac"),
        ("mov", "libx264", "pcm_s16le"),
        ("3gp", "libx264", "aac"),
    ),
    *(("matroska", "libx264", "aac"), ("matroska", "libx265", "flac"), ("webm", "libvpx-vp9", "libopus")),
    *(
        ("avi", "mpeg4", "mp2"),
        ("avi", "libx264", "ac3"),
        ("mpegts", "libx264", "aac"),
        ("mpegts", "mpeg2video", "mp2"),
    ),
    *(
        ("flv", "libx264", "aac"),
        ("mpeg", "mpeg2video", "mp2"),
        ("asf", "mpeg4", "mp2"),
        ("nut", "libx264", "mp2"),
    ),
]
# An FLV has one stream of sound.
LAYOUTS = [
    (*kind, sounds)
    for kind in KINDS
    for sounds in ((1, 0), (2, 1), (0, 1))
    if (kind[0], sounds) != ("flv", (2, 1))
]


@pytest.mark.parametrize(("form", "codec", "sound", "sounds"), LAYOUTS)
def test_the_last_frames_come_whichever_streams_stand_before(
    form: str, codec: str, sound: str, sounds: tuple[int, int]
) -> None:
    frames, bad = read(around(form, codec, before=sounds[0], after=sounds[1], sound=sound))
    assert not bad
    assert len(frames) == 30
    # Without the pauses at the start that some containers make for the sound's lead-in.
    times = np.array([frame.time for frame in frames])
    assert times - times[0] == pytest.approx(np.arange(30) / 25, abs=2e-3)
    assert 0 <= times[0] < 0.1


def test_subtitles_may_stand_before() -> None:
    frames, bad = read(around("matroska", "libx264", subtitles="srt"))
    assert (len(frames), bad) == (30, [])


def element(kind: str, data: bytes) -> bytes:
    return bytes.fromhex(kind) + (0x0100000000000000 | len(data)).to_bytes(8, "big") + data


def number(kind: str, value: int) -> bytes:
    return element(kind, value.to_bytes(4, "big"))


def block(track: int, time: int, flags: int, data: bytes) -> bytes:
    return bytes([0x80 | track]) + time.to_bytes(2, "big") + bytes([flags]) + data


LACED = {
    "none": (0x80, bytes(640)),
    "fixed": (0x84, b"\x07" + bytes(8 * 640)),
    "ebml": (0x86, b"\x07\x42\x80" + b"\xbf" * 6 + bytes(8 * 640)),
    "xiph": (0x82, b"\x07" + b"\xff\xff\x82" * 7 + bytes(8 * 640)),
}
ADDITIONS = element("75A1", element("A6", number("EE", 1) + element("A5", bytes(3000))))


def jpeg(level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), level, np.uint8)).save(file, "JPEG")
    return file.getvalue()


def matroska(
    times: Sequence[int], *, lacing: str = "none", additions: bool = False, void: bool = False
) -> bytes:
    """Matroska with a JPEG at each of some times (ms), and sound in between."""
    blocks = []
    for index, time in enumerate(times):
        data = block(1, time, 0x80 if not additions else 0, jpeg(index))
        blocks.append(
            (time, element("A0", element("A1", data) + ADDITIONS) if additions else element("A3", data))
        )
    blocks += [(time, element("A3", block(2, time, *LACED[lacing]))) for time in range(5, max(times), 320)]
    if void:
        blocks += [(time, element("EC", bytes(2000))) for time in range(7, max(times), 500)]
    video = (
        number("D7", 1)
        + number("73C5", 1)
        + number("83", 1)
        + element("86", b"V_MJPEG")
        + element("E0", number("B0", 64) + number("BA", 48))
    )
    audio = (
        number("D7", 2)
        + number("73C5", 2)
        + number("83", 2)
        + number("9C", 1)
        + element("86", b"A_PCM/INT/LIT")
    )
    audio += element("E1", element("B5", struct.pack(">f", 8000)) + number("9F", 1) + number("6264", 16))
    head = (
        number("4286", 1)
        + number("42F7", 1)
        + number("42F2", 4)
        + number("42F3", 8)
        + element("4282", b"matroska")
        + number("4287", 4)
    )
    info = element("1549A966", number("2AD7B1", 1_000_000) + element("4D80", b"x") + element("5741", b"x"))
    tracks = element("1654AE6B", element("AE", video) + element("AE", audio))
    blocks.sort()
    groups = [b"".join(data for _, data in blocks[start : start + 10]) for start in range(0, len(blocks), 10)]
    clusters = b"".join(element("1F43B675", number("E7", 0) + group) for group in groups)
    return element("1A45DFA3", head + number("4285", 2)) + element("18538067", info + tracks + clusters)


VARYING = [*(33 * index for index in range(20)), *(660 + 266 * index for index in range(20))]


@pytest.mark.parametrize(
    "more", [*({"lacing": lacing} for lacing in LACED), {"additions": True}, {"void": True}], ids=str
)
def test_what_stands_between_blocks_of_matroska_is_no_damage(more: dict[str, str | bool]) -> None:
    frames, bad = read(matroska(VARYING, **more))  # type: ignore[arg-type]
    assert bad == []
    assert [frame.time for frame in frames] == pytest.approx([time / 1000 for time in VARYING])
    assert [frame.index for frame in frames] == list(range(40))


def test_damage_between_laced_blocks_is_told() -> None:
    data = matroska([40 * index for index in range(100)], lacing="ebml")
    start = data.index(b"\xff\xd8", len(data) // 2) - 14  # The head of a block, and the image in it.
    frames, bad = read(data[:start] + bytes(9000) + data[start + 9000 :])
    assert bad
    assert len(frames) + sum(item.count for item in bad) == pytest.approx(100, abs=2)


def test_layout_of_matroska_and_flv() -> None:
    for data in (
        matroska(VARYING, additions=True),
        matroska(VARYING, lacing="xiph"),
        clip([noisy(index) for index in range(20)], form="flv"),
    ):
        assert ContainerLayout(ByteSource(data)).is_whole(len(data) // 2, len(data)), (
            "from the middle of a block"
        )
        layout = ContainerLayout(ByteSource(overwritten(data, 0.5, 0.6)))
        assert not layout.is_whole(len(data) // 2, len(data))
        assert layout.is_whole(len(data) // 2, len(data)), "told once"


@pytest.mark.parametrize("form", ["matroska", "mpegts", "flv"])
def test_damage_up_to_the_end_is_told(form: str) -> None:
    data = clip([noisy(index) for index in range(60)], form=form)
    frames, bad = read(overwritten(data, 0.5, 0.55))
    assert bad
    assert len(frames) + sum(item.count for item in bad) == pytest.approx(60, abs=1)


def with_script(data: bytes, place: int, body: bytes) -> bytes:
    """The same FLV with a tag of script data after some tags."""
    at = 13
    for _ in range(place):
        time = data[at + 4 : at + 7]
        at += 11 + int.from_bytes(data[at + 1 : at + 4], "big") + 4
    tag = bytes([18]) + len(body).to_bytes(3, "big") + time + bytes(4) + body
    return data[:at] + tag + struct.pack(">I", len(tag)) + data[at:]


@pytest.mark.parametrize("size", [40, 3000])
def test_a_stream_that_appears_late_in_an_flv(size: int) -> None:
    data = clip(
        [noisy(index) for index in range(30)],
        [0.04 * index + (1 if index > 20 else 0) for index in range(30)],
        form="flv",
    )
    for place in (5, 20, 28):
        frames, bad = read(with_script(data, place, bytes(size)))
        assert (len(frames), bad) == (30, [])


def avi(ticks: Sequence[int], codec: str = "mjpeg") -> bytes:
    """An AVI of 25 ticks a second with frames at some of them: empty chunks stand for the others.

    It cannot say when frames are shown that are stored out of order, so there are none.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream: Any = container.add_stream(codec, rate=25, options={"bf": "0"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for tick in ticks:
            frame = av.VideoFrame.from_ndarray(noisy(tick), format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = tick, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4", "libx264", "msmpeg4", "ffv1", "libvpx"])
def test_frames_of_an_avi_stand_at_their_ticks(codec: str) -> None:
    ticks = [*range(10), *range(10, 40, 6), *range(50, 55), 80]
    frames, bad = read(avi(ticks, codec))
    assert bad == []
    assert [frame.time for frame in frames] == pytest.approx([tick / 25 for tick in ticks])


def test_joined_transport_streams_are_whole() -> None:
    first = clip([noisy(index) for index in range(20)], form="mpegts", options={"g": "5"})
    second = clip(
        [noisy(index) for index in range(20)],
        [60 + index / 25 for index in range(20)],
        form="mpegts",
        options={"g": "5"},
    )
    frames, bad = read(first + second)
    assert (len(frames), bad) == (40, [])
    assert frames[20].time == pytest.approx(60, abs=0.1)
    frames, bad = read(second + first)
    assert (len(frames), bad) == (40, [])
    assert frames[20].time == pytest.approx(0.8, abs=1e-3), "a clock that is set back goes on"


def test_a_dropout_in_a_transport_stream_is_told() -> None:
    data = clip([noisy(index) for index in range(100)], form="mpegts", options={"g": "50"})
    packets = len(data) // 188
    frames, bad = read(data[: 188 * (packets // 5)] + data[188 * (packets // 3) :])
    assert bad
    assert len(frames) + sum(item.count for item in bad) == pytest.approx(100, abs=1)
