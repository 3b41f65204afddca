"""Which of several video streams is read, and that a choice is told."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from mien.cli.app import app
from mien.media import open_media

SMALL, LARGE = (96, 64), (160, 96)


def several(form: str, *streams: tuple[str, tuple[int, int], int, Disposition]) -> bytes:
    """A video file with several video streams: codec, size, frames and what each is marked as."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        packets: list[Any] = []
        for codec, (width, height), frames, marks in streams:
            stream: Any = container.add_stream(
                codec, rate=25, options={"deadline": "realtime"} if codec == "libvpx" else {}
            )
            stream.width, stream.height = width, height
            stream.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
            stream.disposition = marks
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(
                    np.full((height, width, 3), 40 + number, np.uint8), "rgb24"
                ).reformat(format=stream.pix_fmt)
                frame.pts = number
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return file.getvalue()


PLAIN, DEFAULT = Disposition(0), Disposition.default


@pytest.mark.parametrize(
    ("form", "streams", "size"),
    [
        ("mov", [("mjpeg", SMALL, 1, PLAIN), ("libx264", LARGE, 20, DEFAULT)], LARGE),
        ("mov", [("libx264", LARGE, 20, PLAIN), ("libx264", SMALL, 20, DEFAULT)], SMALL),
        ("mp4", [("libx264", SMALL, 20, DEFAULT), ("libx264", LARGE, 20, DEFAULT)], LARGE),
        ("mov", [("mjpeg", LARGE, 1, DEFAULT), ("libx264", SMALL, 20, PLAIN)], SMALL),
        ("matroska", [("mjpeg", LARGE, 1, DEFAULT), ("libx264", SMALL, 20, PLAIN)], SMALL),
        ("matroska", [("libx264", SMALL, 20, PLAIN), ("libx264", LARGE, 20, DEFAULT)], LARGE),
        ("matroska", [("libx264", LARGE, 20, PLAIN), ("libx264", SMALL, 20, DEFAULT)], SMALL),
        ("webm", [("libvpx", SMALL, 20, DEFAULT), ("libvpx", LARGE, 20, DEFAULT)], LARGE),
        ("avi", [("mpeg4", SMALL, 20, PLAIN), ("mpeg4", LARGE, 20, PLAIN)], LARGE),
        ("mpegts", [("libx264", SMALL, 20, PLAIN), ("libx264", LARGE, 20, PLAIN)], LARGE),
        ("asf", [("mpeg4", SMALL, 20, PLAIN), ("mpeg4", LARGE, 20, PLAIN)], LARGE),
        ("nut", [("libx264", LARGE, 20, PLAIN), ("libx264", SMALL, 20, DEFAULT)], SMALL),
    ],
)
def test_the_default_stream_else_the_largest_never_a_cover(
    form: str, streams: list[tuple[Any, ...]], size: tuple[int, int]
) -> None:
    with open_media(several(form, *streams), name="clip") as media:
        assert (media.width, media.height) == size
        assert len(list(media)) == 20
        (remark,) = media.remarks
        assert remark.startswith("clip: of its 2 video streams number ")
        assert f"{size[0]}x{size[1]}" in remark


def test_covers_are_no_choice() -> None:
    data = several("mp4", ("libx264", SMALL, 20, DEFAULT), ("png", LARGE, 1, Disposition.attached_pic))
    with open_media(data) as media:
        assert (media.width, media.height, media.remarks) == (*SMALL, ())


def test_the_choice_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, page = tmp_path / "clip.mkv", tmp_path / "page.html"
    clip.write_bytes(several("matroska", ("libx264", SMALL, 3, PLAIN), ("libx264", LARGE, 3, DEFAULT)))
    app(["analyze", str(clip), "-o", str(page)], standalone_mode=False)
    told = "of its 2 video streams number 1 was read, 160x96 h264, the default one"
    assert told in capsys.readouterr().err
    assert told in page.read_text(encoding="utf-8")
