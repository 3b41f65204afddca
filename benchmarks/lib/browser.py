"""Chromium, whose camera is a clip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mien.media import Frame, open_media

RATE = 30


@contextmanager
def chromium(camera: Path) -> Iterator[Browser]:
    """Without a window; pages get the camera without a question."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("expected Chromium; there is none: apt-get install chromium")
    fake = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", *fake]
        )
        yield browser
        browser.close()


def fake_camera(clip: Path, path: Path, size: tuple[int, int]) -> Path:
    """The clip as Chromium's fake camera wants it, 30 frames a second: of this size in px, its shape kept."""
    import av
    from PIL import Image

    width, height = size
    with av.open(path, "w", format="mjpeg") as file, open_media(clip) as media:
        stream = file.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        for frame in media:
            if not isinstance(frame, Frame):
                continue
            canvas = Image.new("RGB", size, "#404040")
            scale = min(width / frame.width, height / frame.height)
            image = Image.fromarray(frame.image).resize(
                (round(frame.width * scale), round(frame.height * scale))
            )
            canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
            file.mux(stream.encode(av.VideoFrame.from_image(canvas)))
        file.mux(stream.encode(None))
    return path
