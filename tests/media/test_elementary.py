"""Streams without a container: JPEGs one after the other, and the bare streams of other codecs, whose
frames follow at their rate.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mien.media import BadFrame, open_media
from mien.media.byte_source import ByteSource
from mien.media.motion_jpeg import is_motion_jpeg
from tests.commands import run_mien
from tests.media.making_media import clip, noisy, overwritten


def jpeg(number: int, size: tuple[int, int] = (96, 64), **options: object) -> bytes:
    """An image of level 8 x number; a large one is of noise."""
    file = io.BytesIO()
    pixels = noisy(0, *size) if size[0] > 1000 else np.full((size[1], size[0], 3), 8 * number, np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


THUMBNAIL = b"\xff\xe1" + (len(jpeg(9, (16, 16))) + 8).to_bytes(2, "big") + b"Exif\0\0" + jpeg(9, (16, 16))
PARTS = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
STREAMS = {
    "plain": b"".join(jpeg(number) for number in range(30)),
    "progressive": b"".join(jpeg(number, progressive=True) for number in range(30)),
    "with restarts": b"".join(jpeg(number, restart_marker_blocks=2) for number in range(30)),
    "padded": b"".join(jpeg(number) + bytes(-len(jpeg(number)) % 1024) for number in range(30)),
    "with thumbnails": b"".join(data[:2] + THUMBNAIL + data[2:] for data in map(jpeg, range(30))),
    "in parts": b"".join(PARTS % (len(data), data) for data in map(jpeg, range(30))),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_motion_jpeg_is_a_video(kind: str) -> None:
    with open_media(STREAMS[kind]) as media:
        frames = list(media)
        assert (media.kind, media.width, media.height, media.frame_rate) == ("video", 96, 64, 25)
    assert not [frame for frame in frames if isinstance(frame, BadFrame)]
    assert [frame.time for frame in frames] == pytest.approx([number / 25 for number in range(30)])
    assert [
        round(float(frame.image.mean()) / 8) for frame in frames if not isinstance(frame, BadFrame)
    ] == list(range(30))


def test_motion_jpeg_that_is_cut() -> None:
    data = STREAMS["plain"]
    with open_media(data[: len(data) - 300]) as media:
        assert len(list(media)) == 30


def mpo() -> bytes:
    file = io.BytesIO()
    Image.fromarray(noisy(0)).save(file, "MPO", save_all=True, append_images=[Image.fromarray(noisy(1))])
    return file.getvalue()


IMAGES = {
    "one": jpeg(0),
    "with a thumbnail": jpeg(0)[:2] + THUMBNAIL + jpeg(0)[2:],
    "views of a stereo camera": mpo(),
    "with bytes after it": jpeg(0) + bytes(100) + b"SEFH" + bytes(500),
    "with a preview after it": jpeg(0) + jpeg(1, (48, 32)),
    "with the video of a motion photo": jpeg(0) + clip([noisy(number) for number in range(5)]),
    "with another image and its depth": jpeg(0) + jpeg(1) + b"edof\0" + bytes(400),
    "padded": jpeg(0) + bytes(4096),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_stays_an_image(kind: str) -> None:
    with open_media(IMAGES[kind]) as media:
        assert (media.kind, media.width, media.height, len(list(media))) == ("image", 96, 64, 1)


def test_damaged_images_are_no_streams() -> None:
    for seed in range(40):
        data = overwritten(jpeg(0), 0.1, 0.2, seed)
        assert not is_motion_jpeg(ByteSource(data))
        assert not is_motion_jpeg(ByteSource(data[: len(data) * seed // 40 + 1]))


def test_large_images_are_looked_through_to_their_end() -> None:
    data = jpeg(0, (1500, 1500), quality=100)
    assert len(data) > 2**21
    assert not is_motion_jpeg(ByteSource(data))
    assert is_motion_jpeg(ByteSource(data * 2))


@pytest.mark.integration
def test_the_command_reads_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "camera.mjpeg"
    path.write_bytes(STREAMS["plain"])
    told = run_mien("analyze", path, "--format", "jsonl")
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.splitlines()) == 30


@pytest.mark.parametrize(
    ("form", "codec", "rate"),
    [
        ("h264", "libx264", 30),
        ("h264", "libx264", 12),
        ("hevc", "libx265", 30),
        ("mpeg2video", "mpeg2video", 30),
        ("m4v", "mpeg4", 30),
        ("ivf", "libvpx", 12),
    ],
)
def test_frames_of_bare_streams_follow_at_their_rate(form: str, codec: str, rate: int) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream: Any = container.add_stream(
            codec, rate=rate, options={"x265-params": "log-level=none"} if codec == "libx265" else {}
        )
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy(number), format="rgb24")))
        container.mux(stream.encode(None))
    with open_media(file.getvalue()) as media:
        frames = list(media)
        assert media.frame_rate == pytest.approx(rate)
    assert not [frame for frame in frames if isinstance(frame, BadFrame)]
    assert [frame.time for frame in frames] == pytest.approx(
        [number / rate for number in range(20)], abs=1e-3
    )
