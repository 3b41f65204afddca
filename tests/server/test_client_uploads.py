"""What clients send, and to whom, before anything is sent."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mien.client.connection import ServiceAddress
from mien.client.streams import _settings, _url
from mien.client.uploads import upload
from mien.core.errors import MediaError
from mien.media.pixels import to_rgb


def sent(image: Image.Image) -> np.ndarray:
    with upload(image, "image-1").open() as file:
        return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "F", "I", "I;16"]
)
def test_images_of_pillow_are_sent_as_they_are_read_here(mode: str) -> None:
    image = Image.effect_noise((7, 5), 50)
    image = Image.fromarray(np.asarray(image, np.uint16) * 200) if mode == "I;16" else image.convert(mode)
    assert np.array_equal(sent(image), to_rgb(image))


def test_a_photo_that_lies_on_its_side_is_sent_upright() -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.effect_noise((16, 8), 50).save(file, "JPEG", exif=exif)
    assert sent(Image.open(file)).shape == (16, 8, 3)


def test_a_damaged_image_of_pillow_is_one_line() -> None:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    with pytest.raises(MediaError, match=r"^image-1: "):
        upload(Image.open(io.BytesIO(file.getvalue()[:900])), "image-1")


@pytest.mark.parametrize(
    "url", ["https://example.org/faces/", "HTTPS://example.org/faces", "Https://example.org/faces"]
)
def test_certificates_are_checked_however_the_address_is_written(url: str) -> None:
    address = ServiceAddress(url)
    assert address.base == "https://example.org/faces"
    assert address.settings()["verify"] is True
    assert (_url(address), "ssl" in _settings(address)) == ("wss://example.org/faces/v1/stream", False)
    assert "ssl" in _settings(ServiceAddress(url, verify=False))
    assert ServiceAddress(url.lower().replace("https", "HTTP")).settings()["verify"] is False
