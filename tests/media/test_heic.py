"""HEIC photos: upright, the main one of several, within limits that their header tells, and a clear word without the extra."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import Pipeline, analyze
from mien.core.errors import MediaError
from mien.media import find_sources, heif, open_media
from mien.media.byte_source import ByteSource
from mien.media.decoder import Decoders
from mien.media.source import read_image

pillow_heif = pytest.importorskip("pillow_heif")
pi_heif = pytest.importorskip("pi_heif")


def photo(*images: Image.Image, **options: Any) -> bytes:
    """A HEIC photo of some images; the first is the main one unless `options` say another."""
    file = pillow_heif.from_pillow(images[0])
    for image in images[1:]:
        file.add_from_pillow(image)
    out = io.BytesIO()
    file.save(out, quality=95, **options)
    return out.getvalue()


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Four colours, one in each corner, so that every turn is seen."""
    image = Image.new("RGB", (width, height))
    for place, colour in zip(
        ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)),
        ((230, 20, 20), (20, 220, 20), (20, 20, 220), (230, 230, 30)),
        strict=True,
    ):
        image.paste(colour, (*place, place[0] + width // 2, place[1] + height // 2))
    return image


def camera_data(orientation: int) -> bytes:
    """EXIF that says nothing but how a photo is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def alike(pixels: np.ndarray, image: Image.Image) -> bool:
    expected = np.asarray(image.convert("RGB")).astype(int)
    return pixels.shape == expected.shape and float(np.abs(pixels - expected).mean()) < 4


def outcome(data: bytes) -> np.ndarray | str:
    """The pixels of a file, or why there are none."""
    try:
        return read_image(data)
    except MediaError as error:
        return str(error)


@pytest.fixture(params=["pi_heif", "pillow_heif"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each package that reads such photos, alone."""
    package = pytest.importorskip(request.param)
    monkeypatch.setattr(heif, "_factory", lambda: package.HeifImageFile)
    return str(request.param)


@pytest.mark.usefixtures("reader")
def test_a_photo_is_read_like_any_image(tmp_path: Path, portrait: np.ndarray, pipeline: Pipeline) -> None:
    path = tmp_path / "IMG 1.HEIC"
    path.write_bytes(photo(Image.fromarray(portrait)))
    before = "HEIF" in Image.OPEN  # imageio, where a test has loaded it, registers what reads such photos.
    for given in (path, path.read_bytes(), io.BytesIO(path.read_bytes()), tmp_path):
        [face] = analyze(given, pipeline=pipeline).faces
        [expected] = pipeline(portrait)
        assert face.emotion == expected.emotion
        assert np.allclose(face.box, expected.box, atol=3)
    with open_media(path) as media:
        assert (media.kind, media.width, media.height) == ("image", 240, 240)
    assert ("HEIF" in Image.OPEN) == before, "nothing is registered where others would see it"


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_turned_once(orientation: int) -> None:
    upright = corners()
    stored = Image.fromarray(np.ascontiguousarray(_stored(np.asarray(upright), orientation)))
    data = photo(stored, exif=camera_data(orientation))
    # As phones do it: the photo says how it is turned, and its camera data say it again.
    assert (b"irot" in data or b"imir" in data) == (orientation != 1)
    assert alike(read_image(data), upright)


def _stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        upright = upright.swapaxes(0, 1)
    across = orientation in (2, 3, 7, 8)
    down = orientation in (3, 4, 6, 7)
    return upright[:: -1 if down else 1, :: -1 if across else 1]


@pytest.mark.usefixtures("reader")
def test_an_image_of_pillows_is_turned_once() -> None:
    stored = corners().transpose(Image.Transpose.ROTATE_90)
    opened = heif.factory(ByteSource(b"?"), 100)(io.BytesIO(photo(stored, exif=camera_data(6))), "")
    assert alike(read_image(opened), corners())
    assert alike(read_image(opened.copy()), corners())


@pytest.mark.usefixtures("reader")
def test_camera_data_alone_turn_nothing() -> None:
    """A HEIF photo says how it is turned in its own words; what camera data say beside it does not count."""
    upright, turned = camera_data(1), camera_data(6)
    data = photo(corners(), exif=upright)
    assert data.count(upright[6:]) == 1
    assert b"irot" not in data
    assert alike(read_image(data.replace(upright[6:], turned[6:])), corners())


@pytest.mark.usefixtures("reader")
def test_the_main_one_of_several_images() -> None:
    images = [Image.new("RGB", (64, 64), (level, level, level)) for level in (10, 120, 240)]
    for index in range(3):
        with open_media(photo(*images, primary_index=index)) as media:
            [frame] = media
        assert alike(frame.image, images[index])


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "I;16"])
def test_other_modes(mode: str) -> None:
    clear: Any = {"RGBA": (9, 9, 9, 0), "LA": (9, 0), "L": 128, "I;16": 32896}[mode]
    wanted = 255 if mode in ("RGBA", "LA") else 128
    pixels = read_image(photo(Image.new(mode, (64, 48), clear)))
    assert pixels.shape == (48, 64, 3)
    assert abs(pixels.astype(int) - wanted).max() <= 3


@pytest.mark.usefixtures("reader")
def test_limits_are_told_by_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = photo(corners(), primary_index=0)

    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "frombytes", decoded)
    with pytest.raises(MediaError, match=r"at most 6,143 pixels; got 96 x 64 = 6,144") as caught:
        open_media(data, max_pixels=6143)
    assert caught.value.kind == "too_large"
    with pytest.raises(MediaError, match="expected a HEIC photo of at most 400 bytes"):
        open_media(data, max_pixels=100)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("end", [12, 40, 200, -2000, -100])
def test_truncated_photos(end: int) -> None:
    data = photo(Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)))
    with pytest.raises(MediaError, match="<bytes>: expected a") as caught:
        open_media(data[:end])
    assert caught.value.kind in ("truncated", "unreadable")
    assert "fault" not in str(caught.value)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("seed", range(12))
def test_damaged_photos(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(photo(corners()))
    for place in rng.integers(12, len(data), 6):
        data[place] = rng.integers(256)
    told = outcome(bytes(data))
    assert isinstance(told, np.ndarray) or ("\n" not in told and "fault" not in told)


def test_a_photo_that_lies_about_its_size() -> None:
    """Its header says fewer pixels than there are: what comes is not more than was said."""
    data = photo(corners(256, 192))
    place = data.index(b"ispe")
    smaller = data[: place + 8] + (8).to_bytes(4, "big") * 2 + data[place + 16 :]
    told = outcome(smaller)
    assert isinstance(told, str)
    assert "fault" not in told


def test_without_the_package_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pipeline: Pipeline
) -> None:
    monkeypatch.setattr(heif, "_factory", lambda: None)
    (tmp_path / "a.heic").write_bytes(photo(corners()))
    corners().save(tmp_path / "b.png")
    told = r"a\.heic: expected an image that can be read; got a HEIC photo, for which pi-heif is not installed: pip install '.*\[heic\]'"
    with pytest.raises(MediaError, match=told) as caught:
        analyze(tmp_path / "a.heic", pipeline=pipeline)
    assert caught.value.kind == "unsupported"
    # The others of a folder are read all the same.
    assert [row["status"] for row in analyze(tmp_path, pipeline=pipeline).rows()] == ["error", "no_face"]


def test_an_avif_with_the_general_mark_is_an_avif() -> None:
    out = io.BytesIO()
    corners().save(out, "AVIF", quality=95)
    data = out.getvalue()
    assert alike(read_image(data), corners())
    assert alike(read_image(data[:8] + b"mif1" + data[12:]), corners())


def test_suffixes(tmp_path: Path) -> None:
    for name in ("a.heic", "b.HEIF", "c.hif"):
        (tmp_path / name).write_bytes(b"?")
    assert len(find_sources([tmp_path]).sources) == 3


@pytest.mark.integration
def test_a_process_decodes_them_as_well() -> None:
    data = photo(corners())
    with Decoders(1) as decoders:
        pixels = decoders.decode(data, "a.heic", 10_000)
        assert alike(pixels, corners())
        with pytest.raises(MediaError, match="at most 1,000 pixels"):
            decoders.decode(data, "a.heic", 1000)
        assert (decoders.decode(data, "a.heic", 10_000) == pixels).all()
