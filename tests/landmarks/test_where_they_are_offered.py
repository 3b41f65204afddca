"""Commands with landmarks, and what they say where there are none."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PIL import Image

from mien.core.errors import NetworkError
from mien.core.measures import MEASURES
from mien.inference import weights
from mien.inference.pipeline import Pipeline
from tests.commands import run_mien

pytestmark = pytest.mark.integration

READ: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "parquet": lambda path: polars.read_parquet(path).to_dicts(),
    "csv": lambda path: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())),
    "jsonl": lambda path: [
        row | (row.get("measures") or {})
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ],
}


@pytest.fixture
def images(tmp_path: Path, portrait: np.ndarray) -> Path:
    for part in ("facemesh", "facemesh-eyes"):
        if not (weights.FOLDER / f"{part}.onnx").is_file():
            pytest.skip("mien was built without npm, which brings the networks of the landmarks")
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(portrait).save(folder / "a.png")
    Image.new("RGB", (90, 60)).save(folder / "b.png")
    return folder


def test_a_batch_has_the_same_measures_in_every_format(images: Path, portrait: np.ndarray) -> None:
    [right] = Pipeline(landmarks=True, threads=1)(portrait)
    assert right.measures is not None
    for form, read in READ.items():
        out = images.parent / form
        done = run_mien("batch", images, "-o", out, "--landmarks", "--format", form, "--workers", 1, "-q")
        assert done.returncode == 0, done.stderr
        assert "2 images and videos: 1 with a face (1 row), 1 without" in done.stdout
        face, nobody = read(out / f"shard-0000000.{form}")
        for name in MEASURES:
            value = right.measures[name]
            if value is None:
                assert face[name] in (None, "")
            else:
                assert float(face[name]) == pytest.approx(value, abs=1e-3), (form, name)
            assert nobody.get(name) in (None, "")


def test_a_batch_goes_on_with_landmarks_or_without_as_it_began(images: Path) -> None:
    plain, asked = ("batch", images, "--format", "csv", "--workers", 1, "-q"), "--landmarks"
    for first, second in (((), (asked,)), ((asked,), ())):
        out = images.parent / ("with" if first else "without")
        assert run_mien(*plain, "-o", out, *first).returncode == 0
        before = (out / "shard-0000000.csv").read_bytes()
        mixed = run_mien(*plain, "-o", out, *second)
        assert mixed.returncode == 2
        assert "landmarks" in mixed.stderr
        assert (out / "shard-0000000.csv").read_bytes() == before
        assert run_mien(*plain, "-o", out, *first).returncode == 0


def test_nothing_about_one_face_is_measured_in_an_audience() -> None:
    done = run_mien("audience", "clip.mp4", "--consented", "--landmarks")
    assert done.returncode == 2
    assert "No such option: --landmarks" in done.stderr


@pytest.mark.parametrize("missing", ["facemesh", "facemesh-eyes"])
def test_a_build_without_npm_says_how_to_get_landmarks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    for path in weights.FOLDER.glob("*.onnx"):
        if path.stem != missing:
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    assert len(Pipeline(threads=1)(np.zeros((60, 60, 3), np.uint8))) == 0
    with pytest.raises(NetworkError, match=r"landmarks need npm.*install") as caught:
        Pipeline(landmarks=True, threads=1)
    assert "\n" not in str(caught.value)
