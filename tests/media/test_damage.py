"""Whatever bytes come, the only answers are a frame, a bad frame and a MediaError of one line."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import MediaError
from mien.media import BadFrame, Frame, open_media
from tests.media.making_media import clip, corner, noisy

# MIEN_FUZZ=60 tries more; the seeds of the short run are among them.
ROUNDS = int(os.environ.get("MIEN_FUZZ", "6"))


def image(form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noisy(1)).save(file, form, **options)
    return file.getvalue()


def animation(form: str) -> bytes:
    images = [Image.fromarray(corner(level=30 * number)) for number in range(4)]
    file = io.BytesIO()
    images[0].save(file, form, save_all=True, append_images=images[1:], duration=50)
    return file.getvalue()


def make(kind: str) -> bytes:
    images = [noisy(index) for index in range(10)]
    match kind:
        case "jpeg" | "png" | "tiff" | "webp" | "bmp" | "avif" | "ico" | "sgi" | "jpeg2000" | "qoi":
            return image(kind)
        case "gif" | "apng" | "animated webp":
            return animation({"gif": "GIF", "apng": "PNG"}.get(kind, "WEBP"))
        case "webm":
            return clip(
                images, codec="libvpx-vp9", form="webm", options={"deadline": "good", "cpu-used": "5"}
            )
        case "avi" | "matroska" | "flv" | "mpegts":
            return clip(images, form=kind)
        case _:
            return clip(images, container_options={"movflags": "faststart"})


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, anywhere or at the start where the headers are; sometimes cut, sometimes with a
    stretch doubled.
    """
    out = bytearray(data)
    reach = len(out) if rng.random() < 0.5 else min(len(out), 400)
    for _ in range(int(rng.integers(1, 20))):
        out[int(rng.integers(reach))] = int(rng.integers(256))
    choice = rng.random()
    if choice < 0.2:
        del out[int(rng.integers(1, len(out))) :]
    elif choice < 0.3:
        at = int(rng.integers(len(out)))
        out[at:at] = out[at : at + 100]
    return bytes(out)


KINDS = [
    "jpeg",
    "png",
    "tiff",
    "webp",
    "bmp",
    "avif",
    "ico",
    "sgi",
    "jpeg2000",
    "qoi",
    "gif",
    "apng",
    "animated webp",
]
KINDS += ["mp4", "webm", "avi", "matroska", "flv", "mpegts"]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of odd metadata.
@pytest.mark.parametrize("kind", KINDS)
def test_only_media_errors_come_out(kind: str) -> None:
    whole = make(kind)
    for seed in range(ROUNDS):
        data = damaged(whole, np.random.default_rng([seed, KINDS.index(kind)]))
        message = told(data)
        assert message is None or (message.startswith("damaged: expected ") and "\n" not in message), (
            seed,
            message,
        )


def told(data: bytes) -> str | None:
    """What is said when the file cannot be opened, or None where it can and its frames are as promised."""
    try:
        media = open_media(data, name="damaged", max_pixels=4_000_000)
    except MediaError as error:
        return str(error)
    with media:
        assert media.width * media.height > 0
        for number, frame in enumerate(media):
            assert isinstance(frame, (Frame, BadFrame))
            assert number < 5000
            if isinstance(frame, BadFrame):
                assert str(frame.error).startswith("damaged: expected ")
                assert "\n" not in str(frame.error)
    return None
