"""Images that the tests of the detectors look at; those in ``shared/media`` are real and never
committed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

MEDIA = Path(__file__).parents[3] / "shared" / "media"


def media(name: str) -> Path:
    path = MEDIA / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


@cache
def image(name: str) -> NDArray[np.uint8]:
    return np.array(Image.open(media(name)).convert("RGB"))


@cache
def frames(name: str) -> list[NDArray[np.uint8]]:
    with av.open(media(name)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


@cache
def astronaut() -> NDArray[np.uint8]:
    return pytest.importorskip("skimage.data", reason="scikit-image is not installed").astronaut()


@cache
def grace() -> NDArray[np.uint8]:
    cbook = pytest.importorskip("matplotlib.cbook", reason="matplotlib is not installed")
    return np.array(Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB"))


def noise(shape: tuple[int, int], spread: float, seed: int = 0) -> NDArray[np.uint8]:
    values = np.random.default_rng(seed).normal(128, spread, shape)
    return np.clip(values, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
