"""Images that the tests of the detectors look at; those in ``shared/media`` are real and never
committed.
"""

from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

MEDIA = Path(__file__).parents[3] / "shared" / "media"


def media(name):
    path = MEDIA / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


@cache
def image(name):
    return np.array(Image.open(media(name)).convert("RGB"))


@cache
def frames(name):
    with av.open(media(name)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@cache
def astronaut():
    return pytest.importorskip("skimage.data", reason="scikit-image is not installed").astronaut()


@cache
def grace():
    cbook = pytest.importorskip("matplotlib.cbook", reason="matplotlib is not installed")
    return np.array(Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB"))


def noise(shape, spread, seed=0):
    values = np.random.default_rng(seed).normal(128, spread, shape)
    return np.clip(values, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
