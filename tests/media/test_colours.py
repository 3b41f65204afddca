"""Whatever way a video codes its brightness and colours, the image is the one that was filmed."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from mien.media import VideoWriter, open_media, rotation

Planes = NDArray[np.float64]

SHARES = {1: (0.2126, 0.0722), 2: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""What red and blue weigh in the brightness, by FFmpeg's number of the matrix; 2 says nothing, and is written
as HD."""
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
WHITE = 203.0
"""Nits at which HDR shows what an ordinary screen shows as white (ITU-R BT.2408)."""


def pq(light: Planes) -> Planes:
    """SMPTE ST 2084, of linear light in units of white."""
    power = np.clip(light * WHITE / 10_000, 0, 1) ** (2610 / 16384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hlg(light: Planes) -> Planes:
    """ARIB STD-B67 on a screen of 1000 nits, whose gamma of 1.2 is taken back."""
    shown = light * WHITE / 1000
    scene = shown * np.maximum(shown @ np.array([0.2627, 0.678, 0.0593]), 1e-6)[..., None] ** (-0.2 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def coded(
    values: Planes, *, matrix: int, full: bool = False, bits: int = 8, trc: int = 1, primaries: int = 1
) -> bytes:
    """A clip of one image of R'G'B' values 0 to 1."""
    red, blue = SHARES[matrix]
    r, g, b = np.moveaxis(values, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    height, width = y.shape
    chroma = [
        (part - y).reshape(height // 2, 2, width // 2, 2).mean((1, 3)) / (2 * (1 - share))
        for part, share in ((b, blue), (r, red))
    ]
    unit, dtype = 2 ** (bits - 8), np.uint8 if bits == 8 else np.uint16
    planes = [y * (256 * unit - 1)] if full else [(y * 219 + 16) * unit]
    planes += [(part * (255 if full else 224) + 128) * unit for part in chroma]
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        pix = "yuv420p" if bits == 8 else "yuv420p10le"
        options = {"preset": "ultrafast", "crf": "8"} | (
            {} if bits == 8 else {"x265-params": "log-level=none"}
        )
        stream = container.add_stream("libx264" if bits == 8 else "libx265", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pix
        tags: dict[str, Any] = {
            "colorspace": matrix,
            "color_trc": trc,
            "color_primaries": primaries,
            "color_range": 2 if full else 1,
        }
        frame = av.VideoFrame(width, height, pix)
        for name, value in tags.items():
            if matrix != 2 or name == "color_range":
                setattr(stream.codec_context, name, value)
                setattr(frame, name, value)
        for plane, part in zip(frame.planes, planes, strict=True):
            padded = np.zeros((plane.height, plane.line_size // dtype().itemsize), dtype)
            padded[:, : part.shape[1]] = np.rint(part).clip(0, 2**bits - 1)
            plane.update(padded.tobytes())
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            packet.pts = packet.dts = 0  # x265 leaves the time of a single frame open.
            container.mux(packet)
    return file.getvalue()


def shown(clip: bytes) -> NDArray[np.uint8]:
    """The first frame."""
    with open_media(clip) as media:
        return next(iter(media)).image


def off(clip: bytes, image: NDArray[np.uint8]) -> float:
    """How far the first frame is from an image, in levels of 255."""
    return float(np.abs(shown(clip).astype(int) - image).mean())


def test_a_converter_of_hdr_is_worked_out_once_for_videos_of_a_kind(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    rotation._ready.clear()
    monkeypatch.setattr(rotation, "VideoReformatter", lambda: made.append(VideoReformatter()) or made[-1])
    image = np.ascontiguousarray(astronaut[:256, 100:356])
    clips = [
        coded(pq(light), matrix=9, bits=10, trc=16, primaries=9)
        for light in ((image / 255) ** 2.4, image / 255)
    ]
    first, *others = [shown(clip) for clip in (*clips, clips[0])]
    assert len(made) == 3 + 1, "one of each stream, and one for HDR"
    assert (others[-1] == first).all()
    assert (others[0] != first).any()
    kept = dict(rotation._ready)
    monkeypatch.setattr(rotation, "_MOST", 0)
    shown(clips[0])
    assert not rotation._ready
    rotation._ready.update(kept)  # The tests that follow need not work it out.


@pytest.mark.parametrize(("curve", "trc"), [(pq, 16), (hlg, 18)])
def test_hdr_is_tone_mapped(curve: Any, trc: int, astronaut: np.ndarray, tmp_path: Any) -> None:
    image = np.ascontiguousarray(astronaut[:256, 100:356])
    light = (image / 255) ** 2.4 @ TO_2020.T
    clip = coded(curve(light), matrix=9, bits=10, trc=trc, primaries=9)
    assert off(clip, image) < 5  # Without: 36 (PQ) and 20 (HLG).

    # The copy that is drawn is one for ordinary screens, and says so.
    with open_media(clip) as media, VideoWriter(tmp_path / "copy.mp4", media.width, media.height) as movie:
        for frame in media:
            movie.write(frame.image, frame.time)
    with av.open(tmp_path / "copy.mp4") as copy:
        shown = next(copy.decode(video=0))
        assert (shown.colorspace, shown.color_trc, shown.color_primaries) == (1, 1, 1)
    assert off((tmp_path / "copy.mp4").read_bytes(), image) < 6


def test_brighter_than_white_stays_bright_and_ordered() -> None:
    """A lamp of 1000 nits beside a white wall is not darker than it, and nothing wraps around."""
    levels = np.repeat(np.array([0.01, 0.1, 0.5, 1.0, 2.0, 4.9]), 42)
    steps = np.tile(
        np.pad(levels, (0, 4), "edge"), (256, 1)
    )  # Of the size of the others: their converter is ready.
    clip = coded(pq(np.repeat(steps[..., None], 3, 2)), matrix=9, bits=10, trc=16, primaries=9)
    with open_media(clip) as media:
        seen = next(iter(media)).image[128, 21:252:42].astype(int).mean(-1)
    assert (np.diff(seen) >= -2).all(), seen
    assert seen[-1] > 225, seen


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_matrix_and_range_are_those_of_the_video(matrix: int, full: bool, astronaut: np.ndarray) -> None:
    image = np.ascontiguousarray(astronaut[:256, 100:356])
    assert off(coded(image / 255, matrix=matrix, full=full), image) < 3


def test_hd_that_says_nothing_is_read_as_hd(astronaut: np.ndarray) -> None:
    image = np.repeat(np.repeat(astronaut[:360, 100:356], 2, 0), 2, 1)
    assert off(coded(image / 255, matrix=2), image) < 2.5  # With the matrix of SD: 3.2.
