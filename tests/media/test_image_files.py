"""Images of every kind, from every kind of source, whole and damaged."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import InputError, MediaError
from mien.media import BadFrame, Frame, Media, Sampling, open_media
from tests.media.making_media import corner


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def only(data: Any, **options: Any) -> np.ndarray[Any, Any]:
    with open_media(data, **options) as media:
        frames = list(media)
        assert (media.kind, media.expected_frames, media.duration, media.frame_rate) == (
            "image",
            1,
            0.0,
            None,
        )
    (frame,) = frames
    assert isinstance(frame, Frame)
    assert (frame.index, frame.time, frame.width, frame.height) == (0, 0.0, media.width, media.height)
    assert frame.image.dtype == np.uint8
    assert frame.image.shape[2] == 3
    return frame.image


class Unseekable(io.RawIOBase):
    """Like standard input from a pipe."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


PNG = saved(Image.fromarray(corner()), "PNG")


def test_same_image_from_every_source(tmp_path: Path) -> None:
    path = tmp_path / "corner.txt"  # The suffix does not matter.
    path.write_bytes(PNG)
    memory = (
        (PNG, "<bytes>"),
        (io.BytesIO(PNG), "<stream>"),
        (Unseekable(PNG), "<stream>"),
        (corner(), "<array>"),
    )
    for source, name in ((path, str(path)), (str(path), str(path)), *memory):
        with open_media(source) as media:
            assert media.name == name
            assert (media.width, media.height) == (64, 48)
            for _ in range(2):
                (frame,) = media
                assert isinstance(frame, Frame)
                assert np.array_equal(frame.image, corner())


def test_open_file_is_read_from_where_it_stands_and_left_open(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"front" + PNG)
    with open(tmp_path / "a.bin", "rb") as file:
        file.read(5)
        assert np.array_equal(only(file), corner())
        assert not file.closed


@pytest.mark.integration
def test_stdin() -> None:
    code = "import sys; from mien.media import open_media; m = open_media(sys.stdin.buffer); print(m.name, m.width, m.height); m.close()"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], input=PNG, capture_output=True, env=env, check=False)
    assert (done.stdout, done.stderr) == (b"- 64 48\n", b"")


def test_text_stream_is_refused() -> None:
    with pytest.raises(InputError, match="binary"):
        open_media(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM", "QOI", "ICO", "SGI"]
)
def test_every_format(form: str) -> None:
    image = only(saved(Image.fromarray(corner(64, 64)), form))
    assert image.shape == (64, 64, 3)
    assert np.abs(image.astype(int) - corner(64, 64)).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_camera_rotation_is_applied(form: str, orientation: int) -> None:
    upright = corner()
    # How each orientation stores an upright image: the row and column that its first pixel stands for (EXIF
    # 2.32).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 95} if form in ("JPEG", "WEBP") else {}
    image = only(saved(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif, **options))
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 6


def test_transparency_becomes_white() -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:4] = (10, 20, 30, 255)
    image = Image.fromarray(clear)
    for data in (clear, saved(image, "PNG"), saved(image, "WEBP", lossless=True), saved(image, "TIFF")):
        pixels = only(data)
        assert pixels[0, 0].tolist() == [10, 20, 30]
        assert pixels[7, 7].tolist() == [255, 255, 255]
    half = saved(Image.new("LA", (2, 2), (0, 128)), "PNG")
    assert only(half)[0, 0].tolist() == [127, 127, 127]


def test_palette_with_and_without_transparency() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([200, 0, 0, 0, 100, 0])
    assert only(saved(image, "PNG"))[0, 0].tolist() == [0, 100, 0]
    assert only(saved(image, "PNG", transparency=1))[0, 0].tolist() == [255, 255, 255]
    assert only(saved(image, "GIF"))[0, 0].tolist() == [0, 100, 0]


def test_cmyk_and_one_bit() -> None:
    assert only(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))[0, 0, 0] > 240
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert only(saved(bits, "PNG"))[:, :, 0].tolist() == [[0, 255], [255, 0]]


def test_16_bit_gray_is_scaled() -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    wanted = np.arange(256).reshape(16, 16)
    for form in ("PNG", "TIFF", "PPM"):
        assert np.array_equal(only(saved(Image.fromarray(ramp), form))[:, :, 1], wanted), form
    assert np.array_equal(only(saved(Image.fromarray(ramp.astype(np.int32)), "TIFF"))[:, :, 0], wanted)
    floats = (np.arange(256, dtype=np.float32) / 255).reshape(16, 16)
    assert np.array_equal(only(saved(Image.fromarray(floats), "TIFF"))[:, :, 2], wanted)
    wide = np.array([[-1_000_000, 0], [500_000, 1_000_000]], np.int32)
    assert only(saved(Image.fromarray(wide), "TIFF"))[:, :, 0].tolist() == [[0, 128], [191, 255]]


def test_arrays() -> None:
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert only(gray)[:, :, 2].tolist() == gray.tolist()
    image = corner()
    with open_media(image) as media:
        frame = next(iter(media))
        assert isinstance(frame, Frame)
        frame.image[:] = 0
    assert np.array_equal(image, corner())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 3)),
        np.zeros((2, 2, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InputError, match="expected an image of"):
        open_media(array)


def frames_of(data: bytes, sampling: Sampling | None = None) -> tuple[Media, list[Frame | BadFrame]]:
    with open_media(data, sampling or Sampling()) as media:
        return media, list(media)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animation(form: str) -> None:
    images = [Image.fromarray(corner(level=40 * number)) for number in range(5)]
    data = saved(images[0], form, save_all=True, append_images=images[1:], duration=[100, 200, 0, 300, 50])
    media, frames = frames_of(data)
    assert (media.kind, media.expected_frames, media.width, media.height) == ("animation", 5, 64, 48)
    # A frame that asks for no time is shown for 0.1 s, as in browsers.
    assert [round(frame.time, 6) for frame in frames] == [0, 0.1, 0.3, 0.4, 0.7]
    assert [frame.index for frame in frames] == list(range(5))
    for number, frame in enumerate(frames):
        assert isinstance(frame, Frame)
        assert abs(int(frame.image[40, 50, 1]) - 40 * number) < 5
    _, sampled = frames_of(data, Sampling(interval=0.3))
    assert [frame.index for frame in sampled] == [0, 2, 4]


def test_poster_of_a_png_is_not_part_of_its_animation() -> None:
    images = [Image.fromarray(corner(level=100 + number)) for number in range(3)]
    data = saved(
        Image.fromarray(corner(level=5)),
        "PNG",
        save_all=True,
        append_images=images,
        default_image=True,
        duration=100,
    )
    media, frames = frames_of(data)
    assert media.expected_frames == 3
    assert [int(frame.image[40, 50, 1]) for frame in frames if isinstance(frame, Frame)] == [100, 101, 102]


def test_cut_animation_tells_what_is_missing() -> None:
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)) for _ in range(6)]
    data = saved(images[0], "PNG", save_all=True, append_images=images[1:], duration=100)
    media, frames = frames_of(data[: len(data) // 2])
    assert media.expected_frames == 6
    *good, bad = frames
    assert all(isinstance(frame, Frame) for frame in good)
    assert isinstance(bad, BadFrame)
    assert (len(good) + bad.count, bad.index, bad.error.kind) == (6, len(good), "truncated")


def test_size_is_checked_before_decoding() -> None:
    with pytest.raises(MediaError, match="expected at most 1,000 pixels; got 64 x 48 = 3,072") as caught:
        open_media(PNG, max_pixels=1000)
    assert caught.value.kind == "too_large"
    # The header of a PNG of 60,000 x 60,000, and nothing else.
    head = bytearray(PNG[:33])
    head[16:24] = (60_000).to_bytes(4, "big") * 2
    head[29:33] = __import__("zlib").crc32(bytes(head[12:29])).to_bytes(4, "big")
    with pytest.raises(MediaError) as caught:
        open_media(bytes(head) + PNG[33:])
    assert caught.value.kind == "too_large"


@pytest.mark.integration
def test_long_small_and_large_images_open() -> None:
    assert only(saved(Image.new("L", (30_000, 1_000)), "PNG")).shape == (1_000, 30_000, 3)
    assert only(saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")).tolist() == [[[1, 2, 3]]]
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # More than Pillow's own limit, below ours.
        assert only(saved(Image.new("1", (10_000, 9_500)), "PNG")).shape == (9_500, 10_000, 3)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
def test_cut_image_is_refused(form: str, share: float) -> None:
    rng = np.random.default_rng(0)
    data = saved(Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)), form)
    with pytest.raises(MediaError, match=r"<bytes>: .*truncated") as caught:
        open_media(data[: int(len(data) * share)])
    assert caught.value.kind == "truncated"
    assert "\n" not in str(caught.value)


def test_what_is_no_image(tmp_path: Path) -> None:
    cases = {
        "empty.jpg": (b"", "empty", "an empty file"),
        "text.jpg": (b"These are only words.\n", "unreadable", "a text file"),
        "P3 text.ppm": (b"P3 is not always an image", "unreadable", "a text file"),
        "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable", "an SVG drawing"),
        "noise.png": (bytes(range(200, 237)), "unreadable", "37 bytes that neither Pillow nor FFmpeg knows"),
        "page.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unreadable", "a text file"),
    }
    for name, (data, kind, what) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MediaError, match=what) as caught:
            open_media(tmp_path / name)
        assert caught.value.kind == kind
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, kind in (
        (tmp_path / "none.jpg", "missing"),
        (tmp_path, "unsupported"),
        ("a\0b", "missing"),
        ("/dev/null/x", "missing"),
    ):
        with pytest.raises(MediaError) as caught:
            open_media(path)
        assert caught.value.kind == kind
    with pytest.raises(InputError, match="got int"):
        open_media(7)  # type: ignore[arg-type]


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody without rights")
def test_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "shut.png").write_bytes(PNG)
    (tmp_path / "shut.png").chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    code = (
        "import os, sys; from mien.media.source import open_media; from mien.core.errors import MediaError; os.setuid(65534)\n"
        "try: open_media(sys.argv[1])\n"
        "except MediaError as error: print(error.kind)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "shut.png")],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("the checkout itself cannot be read without rights")
    assert done.stdout == "permission\n", done.stderr


def test_a_stream_that_is_too_long_is_refused() -> None:
    from mien.media.byte_source import ByteSource

    with pytest.raises(MediaError, match="at most 10 bytes") as caught:
        ByteSource(Unseekable(PNG), limit=10)
    assert caught.value.kind == "too_large"
