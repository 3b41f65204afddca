"""Small files that ask for much: what they get is an error, and little memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest

from mien.core.errors import MediaError
from mien.media import open_media
from mien.media.byte_source import ByteSource
from mien.media.limits import MAX_VIDEO_PIXELS, FrameLimit
from mien.media.mp4 import MAX_SAMPLES, check_tables
from tests.media.making_media import clip, corner, noisy, sound, usual_priority

LARGE = 4608
MOST = 1_000_000

_MEASURED = """
import json, resource, sys
from mien.core.errors import MediaError
from mien.media import BadFrame, open_media

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
largest, errors = 0, []
try:
    with open_media(sys.argv[1]) as media:  # All libraries are there, and a video has been read.
        list(media)
    before = used()
    with open_media(sys.argv[2], max_pixels=int(sys.argv[3]) or None) as media:
        for item in media:
            if isinstance(item, BadFrame):
                errors.append((item.error.kind, str(item.error)))
            else:
                largest = max(largest, item.width * item.height)
except MediaError as error:
    errors.append((error.kind, str(error)))
print(json.dumps([used() - before, largest, errors]))
"""


def measured(data: bytes, folder: Path, max_pixels: int = 0) -> tuple[float, int, list[list[str]]]:
    """Megabytes that reading a file took beyond those of a small video, pixels of the largest frame, and what
    went wrong.
    """
    small, path = folder / "small.mp4", folder / "given"
    small.write_bytes(clip([corner()] * 3))
    path.write_bytes(data)
    out = subprocess.run(
        [sys.executable, "-c", _MEASURED, small, path, str(max_pixels)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    more, largest, errors = json.loads(out)
    return more, largest, errors


@cache
@usual_priority()
def packets(
    codec: str, side: int, count: int, pix: str, options: tuple[tuple[str, str], ...]
) -> tuple[list[bytes], bytes | None]:
    """An encoded gray square, and the codec's own header."""
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width = encoder.height = side
    encoder.pix_fmt, encoder.time_base, encoder.options = pix, Fraction(1, 5), dict(options)
    coded = []
    for number in range(count):
        frame = av.VideoFrame(side, side, pix)
        for plane in frame.planes:
            plane.update(bytes([100]) * plane.buffer_size)
        frame.pts, frame.time_base = number, Fraction(1, 5)
        coded += encoder.encode(frame)
    coded += encoder.encode(None)
    return [bytes(packet) for packet in coded], encoder.extradata


@usual_priority()
def growing(path: Path, codec: str, form: str, pix: str, options: dict[str, str]) -> None:
    """Frames of 64 x 64 and then of 4608 x 4608 in one stream whose header knows of the small ones."""
    chosen = tuple(options.items())
    small, extra = packets(codec, 64, 6, pix, chosen)
    large, _ = packets(codec, LARGE, 2, pix, chosen)
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = pix
        if extra:
            stream.codec_context.extradata = extra
        for number, data in enumerate(small + large):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 5)
            packet.is_keyframe = number in (0, len(small))
            container.mux(packet)


FAST = {"preset": "ultrafast"}
GROWING = [
    ("libx264", "h264", "yuv420p", FAST),
    ("libx264", "mpegts", "yuv420p", FAST),
    ("libx265", "hevc", "yuv420p", FAST | {"x265-params": "log-level=none"}),
    ("libvpx-vp9", "webm", "yuv420p", {"cpu-used": "8", "deadline": "realtime"}),
    ("libsvtav1", "ivf", "yuv420p", {"preset": "12"}),
    ("mjpeg", "avi", "yuvj420p", {}),
    ("png", "avi", "rgb24", {}),
    ("ffv1", "matroska", "yuv420p", {}),
    ("mpeg4", "avi", "yuv420p", {}),
    ("mpeg4", "m4v", "yuv420p", {}),
    ("mpeg2video", "mpeg", "yuv420p", {}),
]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("codec", "form", "pix", "options"), GROWING, ids=[f"{codec} in {form}" for codec, form, *_ in GROWING]
)
def test_frames_that_become_too_large(
    codec: str, form: str, pix: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "growing"
    growing(path, codec, form, pix, options)
    more, largest, errors = measured(path.read_bytes(), tmp_path, MOST)
    assert errors
    assert largest <= MOST
    assert more < 50, errors  # One frame of 4608 x 4608 alone takes 32 MB, and 64 MB as RGB.


@pytest.mark.integration
def test_frames_that_are_too_large_from_the_start(tmp_path: Path) -> None:
    coded, _ = packets("libx264", 8192, 1, "gray", tuple(FAST.items()))
    for form in ("mp4", "matroska"):
        path = tmp_path / f"large.{form}"
        with (
            av.open(BytesIO(b"".join(coded)), format="h264") as source,
            av.open(str(path), "w", format=form) as target,
        ):
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux():
                if packet.size:
                    packet.stream, packet.pts, packet.dts = stream, 0, 0
                    target.mux(packet)
        more, largest, errors = measured(path.read_bytes(), tmp_path)
        assert [kind for kind, _ in errors] == ["too_large"]
        assert "8192 x 8192 = 67,108,864" in errors[0][1]
        assert largest == 0
        assert more < 100


def test_what_is_allowed() -> None:
    limit = FrameLimit("clip.mp4", MAX_VIDEO_PIXELS)
    limit.check(5760, 2880, av.VideoFormat("yuv420p"))
    limit.check(3840, 2160, av.VideoFormat("yuv420p10le"))
    limit.check(3840, 2160, av.VideoFormat("yuv422p10le"))
    with pytest.raises(MediaError, match="at most 16,777,216 pixels; got 7680 x 4320"):
        limit.check(7680, 4320, av.VideoFormat("yuv420p"))
    with pytest.raises(MediaError, match="at most 40 MB a frame; got 3840 x 2160 in yuv444p16le = 50 MB"):
        limit.check(3840, 2160, av.VideoFormat("yuv444p16le"))
    FrameLimit("clip.mp4", 128_000_000).check(8192, 4320, av.VideoFormat("yuv420p10le"))


@pytest.mark.parametrize("size", [(1000, 1000), (16, 2050), (998, 1002)])
def test_a_frame_of_just_the_most_pixels_is_read(size: tuple[int, int]) -> None:
    """FFmpeg compares sizes rounded up to whole blocks."""
    data = clip([corner(*size)])
    with open_media(data, max_pixels=size[0] * size[1]) as media:
        assert [frame.image.shape[1::-1] for frame in media] == [size]
    with pytest.raises(MediaError, match="raise --max-pixels"):
        open_media(data, max_pixels=size[0] * size[1] - 1)


# Tables of an MP4.


def box(kind: bytes, *inside: bytes) -> bytes:
    content = b"".join(inside)
    return struct.pack(">I", 8 + len(content)) + kind + content


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def table(count: int, size: int = 1, *, handler: bytes = b"vide", length: int = 1, run: int = 1) -> bytes:
    """A track with so many samples of one size."""
    inside = (
        box(b"stts", numbers(0, 1, count, length)),
        box(b"stsc", numbers(0, 1, 1, run, 1)),
        box(b"stco", numbers(0, 1, 48)),
    )
    tables = box(b"minf", box(b"stbl", box(b"stsz", numbers(0, size, count)), *inside))
    return box(b"trak", box(b"mdia", box(b"hdlr", numbers(0, 0), handler, bytes(12)), tables))


def file_of(*boxes: bytes, size: int = 0) -> bytes:
    start = box(b"ftyp", b"isom", numbers(512), b"isom") + box(b"moov", *boxes)
    return start + box(b"mdat", bytes(max(0, size - len(start))))


def fragment(count: int, flags: int = 0) -> bytes:
    return box(b"moof", box(b"traf", box(b"trun", numbers(flags, count))))


CLAIMS = {
    "samples of one size": file_of(table(60_000_000)),
    "samples without a size": file_of(box(b"trak", box(b"stz2", numbers(0, 4, 60_000_000)))),
    "many tracks": file_of(*[table(900) for _ in range(10)]),
    "sound that is not taken in pieces": file_of(table(60_000_000, handler=b"soun", length=2)),
    "sound in endless chunks": file_of(table(60_000_000, handler=b"soun", run=2**31 - 1)),
    "a fragment": file_of() + fragment(60_000_000),
    "many fragments": file_of() + fragment(300) * 10,
    "a header that is marked as free": file_of() + box(b"free", box(b"mvhd", bytes(100)), table(60_000_000)),
    "a header in a header": file_of(
        box(b"udta", box(b"meta", numbers(0), box(b"hdlr", bytes(24)), table(60_000_000)))
    ),
    "times": file_of(box(b"trak", box(b"stts", numbers(0, 60_000_000)))),
    "places": file_of(box(b"trak", box(b"co64", numbers(0, 60_000_000)))),
    "edits": file_of(box(b"trak", box(b"edts", box(b"elst", numbers(0, 60_000_000))))),
    "a size of 64 bits": box(b"ftyp", b"isom")
    + numbers(1)
    + b"moov"
    + struct.pack(">Q", 2**40)
    + table(60_000_000),
    "a table in a description": file_of(
        box(b"stsd", numbers(0, 1), box(b"avc1", bytes(78), box(b"stsz", numbers(0, 1, 60_000_000))))
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_tables_that_claim_too_much(claim: str) -> None:
    with pytest.raises(MediaError, match=r"damaged.mp4: expected .* get the file again") as caught:
        check_tables(ByteSource(CLAIMS[claim], "damaged.mp4"))
    assert caught.value.kind == "too_large"


def test_more_samples_than_anybody_records(tmp_path: Path) -> None:
    """A file of many empty bytes, which take no room on the disk."""
    path = tmp_path / "sparse.mp4"
    path.write_bytes(file_of(table(MAX_SAMPLES + 1)))
    with path.open("r+b") as file:
        file.truncate(2 * MAX_SAMPLES)
    with pytest.raises(MediaError, match=f"at most {MAX_SAMPLES:,} frames"):
        check_tables(ByteSource(path))


def test_a_header_that_is_packed_as_quicktime_did() -> None:
    header = box(b"moov", table(60_000_000))
    packed = zlib.compress(header)
    with pytest.raises(MediaError, match="60,000,000"):
        check_tables(
            ByteSource(
                file_of(box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", numbers(len(header)), packed)))
            )
        )
    bomb = zlib.compress(bytes(2**27))
    with pytest.raises(MediaError, match="a header of at most"):
        check_tables(
            ByteSource(file_of(box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", numbers(2**27), bomb))))
        )


def honest() -> Iterator[bytes]:
    images = [noisy(number) for number in range(10)]
    for options in (
        {},
        {"movflags": "faststart"},
        {"movflags": "frag_keyframe+empty_moov"},
        {"use_editlist": "1"},
    ):
        yield clip(images, container_options=options)
        yield clip(images, form="mov", container_options=options)
    yield clip(images)[:-200]
    yield clip(images, container_options={"movflags": "faststart"})[:-2000]
    yield clip(images, form="matroska")
    yield sound("mov")
    yield file_of(table(500_000, 2, handler=b"soun", run=500_000), size=1_000_000)
    yield bytes(range(256)) * 20


def test_tables_that_are_as_they_should_be() -> None:
    for data in honest():
        check_tables(ByteSource(data))


@pytest.mark.integration
def test_a_table_of_six_million_samples_takes_no_memory(tmp_path: Path) -> None:
    whole = bytearray(clip([corner()] * 10))
    at = whole.index(b"stsz")
    whole[at + 8 : at + 16] = numbers(1, 6_000_000)
    more, largest, errors = measured(bytes(whole), tmp_path)
    assert [kind for kind, _ in errors] == ["too_large"]
    assert largest == 0
    assert more < 60
