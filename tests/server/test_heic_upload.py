"""A phone's photo, sent to the service as it is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.server.service import Service


def test_a_photo_is_read(service: Service, portrait: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(portrait)).save(file, quality=95)
    answer = service.client.post("/v1/images", files={"file": ("IMG_1.HEIC", file.getvalue())})
    assert answer.status_code == 200, answer.text
    [image] = answer.json()["images"]
    assert (image["width"], image["height"], len(image["faces"])) == (240, 240, 1)
    cut = service.client.post("/v1/images", files={"file": ("IMG_2.HEIC", file.getvalue()[:3000])})
    assert cut.status_code in (400, 422), cut.text
    assert "IMG_2.HEIC: expected a" in cut.text
