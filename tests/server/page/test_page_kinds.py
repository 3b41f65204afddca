"""The page knows real files by their first bytes, whatever wrote them."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import wave
import zipfile
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.page.visiting import UNPACKED, Running

IMAGES = {
    "JPEG": "a JPEG",
    "PNG": "a PNG",
    "GIF": "a GIF",
    "WEBP": "a WebP",
    "TIFF": "a TIFF",
    "BMP": "a BMP",
    "PPM": "a PNM",
    "JPEG2000": "a JPEG 2000",
    "AVIF": "an AVIF",
    "ICO": "an icon",
}
VIDEOS = {
    "mp4": ("mpeg4", "an MP4"),
    "mov": ("mpeg4", "a QuickTime video"),
    "matroska": ("mpeg4", "a Matroska video"),
    "webm": ("libvpx", "a WebM"),
    "avi": ("mpeg4", "an AVI"),
    "mpegts": ("mpeg2video", "an MPEG transport stream"),
    "mpeg": ("mpeg1video", "an MPEG video"),
    "flv": ("flv", "a Flash video"),
    "asf": ("wmv2", "a Windows Media file"),
}
SOUNDS = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libopus", "adts": "aac", "ipod": "aac"}


def image(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, form)
    return file.getvalue()


def recorded(form: str, codec: str, *, sound: bool = False) -> bytes:
    import av

    file = io.BytesIO()
    file.name = f"a.{form}"
    try:
        with av.open(file, "w", format=form) as out:
            stream: Any = out.add_stream(codec, rate=48000 if sound else 25)
            if sound:
                stream.layout = "stereo"
                frames: list[Any] = []
                for number in range(40):
                    frame: Any = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
                    frame.sample_rate, frame.pts, frame.time_base = 48000, 1024 * number, Fraction(1, 48000)
                    frames.append(frame)
            else:
                stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
                frames = [av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8)) for _ in range(5)]
            for frame in frames:
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        pytest.skip(f"this FFmpeg writes no {form} with {codec}: {error}")
    return file.getvalue()


def sampled() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(800))
    return file.getvalue()


def zipped(*names: str, content: str = "content") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name in names:
            out.writestr(name, content)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as out:
        out.addfile(tarfile.TarInfo("photo.jpg"))
    return file.getvalue()


OTHERS: dict[str, tuple[Callable[[], bytes], str]] = {
    "pdf": (lambda: image("PDF"), "a PDF"),
    "zip": (lambda: zipped("photo.jpg"), "an archive"),
    "gz": (lambda: gzip.compress(b"content"), "an archive"),
    "tar": (tarred, "an archive"),
    "docx": (lambda: zipped("[Content_Types].xml", "word/document.xml"), "an office document"),
    "odt": (
        lambda: zipped("mimetype", content="application/vnd.oasis.opendocument.text"),
        "an office document",
    ),
    "wav": (sampled, "sound alone"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a drawing (SVG)"),
    "txt": ("Grüße aus Köln\n".encode, "text"),
}

CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    **{form: (lambda form=form: image(form), name) for form, name in IMAGES.items()},  # type: ignore[misc]
    **{
        form: (lambda form=form, codec=codec: recorded(form, codec), name)  # type: ignore[misc]
        for form, (codec, name) in VIDEOS.items()
    },
    **{
        form: (lambda form=form, codec=codec: recorded(form, codec, sound=True), "sound alone")  # type: ignore[misc]
        for form, codec in SOUNDS.items()
    },
    **OTHERS,
}


@pytest.mark.parametrize("case", CASES)
def test_a_real_file_is_known(run_module: Running, case: str) -> None:
    made, name = CASES[case]
    content = base64.b64encode(made()[:5000]).decode()
    told = run_module("files/kinds.js", f"({{ kindOf }}, text) => kindOf(({UNPACKED})(text)).name", content)
    assert told == name
