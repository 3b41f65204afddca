"""What several tests share: pictures that any machine has, and those that only some have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien import Pipeline
from mien.media import MovieWriter
from mien.portrait import draw_portrait

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """Real pictures and clips, which a fresh clone does not have."""
    folder = SHARED / "media"
    if not folder.is_dir():
        pytest.skip("../shared/media is not there: real pictures and clips are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def shared_fer2013() -> Path:
    """FER-2013 with the FER+ votes, which a fresh clone does not have."""
    path = SHARED / "fer2013" / "fer2013.parquet"
    if not path.is_file():
        pytest.skip("../shared/fer2013 is not there: the data set is not part of the repository")
    return path


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """The default pipeline, on one thread."""
    return Pipeline(threads=1)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A drawn face, (240, 240, 3)."""
    return draw_portrait()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A smiling astronaut, (512, 512, 3): NASA's portrait of Eileen Collins, public domain."""
    import skimage

    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def grace_hopper() -> np.ndarray:
    """Rear Admiral Grace Hopper looking at the camera: US Navy, public domain."""
    from matplotlib import cbook
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture
def movie(tmp_path: Path, portrait: np.ndarray) -> Callable[..., Path]:
    """Makes a clip: a face in the frames asked for, nobody in the others."""

    def make(frames: int = 12, *, nobody: range = range(4, 7), rate: float = 10, name: str = "clip.mp4") -> Path:
        path = tmp_path / name
        blank = np.full_like(portrait, 90)
        with MovieWriter(path, 240, 240, rate=rate) as writer:
            for index in range(frames):
                writer.write(blank if index in nobody else np.roll(portrait, index, axis=1), index / rate)
        return path

    return make
