"""How large and how slow to decode an image may be is the caller's choice, by option and in Python."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core.errors import InputError, MediaError
from mien.media import VideoWriter
from tests.commands import run_mien

pytestmark = pytest.mark.integration


def statuses(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [row["status"] for row in json.loads(done.stdout)]


@pytest.fixture
def image(tmp_path: Path, portrait: np.ndarray) -> Path:
    Image.fromarray(portrait).save(tmp_path / "face.png")
    return tmp_path / "face.png"


def test_an_image_over_the_limit_names_the_option_that_lets_it_through(
    image: Path, portrait: np.ndarray
) -> None:
    pixels = portrait.shape[0] * portrait.shape[1]
    refused = run_mien("analyze", image, "--max-pixels", pixels - 1, "--format", "json")
    assert (refused.returncode, statuses(refused)) == (1, ["error"])
    assert f"expected at most {pixels - 1:,} pixels" in refused.stderr
    assert "--max-pixels" in refused.stderr
    taken = run_mien("analyze", image, "--max-pixels", pixels, "--format", "json")
    assert (taken.returncode, statuses(taken)) == (0, ["face"])


def test_a_video_and_a_batch_have_the_same_option(tmp_path: Path, image: Path, portrait: np.ndarray) -> None:
    with VideoWriter(tmp_path / "clip.mp4", portrait.shape[1], portrait.shape[0]) as movie:
        movie.write(portrait, 0.0)
    done = run_mien("analyze", tmp_path / "clip.mp4", "--max-pixels", 1000, "--format", "json")
    assert (done.returncode, statuses(done)) == (1, ["error"])
    batch = run_mien("batch", tmp_path, "-o", tmp_path / "out", "--max-pixels", 1000, "--quiet")
    assert batch.returncode == 1, batch.stderr
    assert "2 not read" in batch.stdout, batch.stdout


def test_python_has_them_too(image: Path) -> None:
    with pytest.raises(MediaError, match="expected at most 99 pixels") as caught:
        mien.analyze(image, max_pixels=99)
    assert caught.value.kind == "too_large"
    wrongs: list[dict[str, Any]] = [{"max_pixels": 0}, {"decode_seconds": 0}]
    for wrong in wrongs:
        with pytest.raises(InputError, match=next(iter(wrong))):
            mien.analyze(image, **wrong)


def test_decoding_that_takes_too_long_is_an_error_of_that_image_alone(tmp_path: Path, image: Path) -> None:
    # 9 megapixels that say by their header that they take long, so that they are decoded where they can be
    # ended.
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000), np.uint8)
    Image.fromarray(noise).save(tmp_path / "slow.jp2", quality_mode="rates", quality_layers=[2])
    done = run_mien("analyze", tmp_path / "slow.jp2", image, "--decode-seconds", 0.2, "--format", "json")
    assert (done.returncode, statuses(done)) == (3, ["error", "face"])
    assert "--decode-seconds" in done.stderr
