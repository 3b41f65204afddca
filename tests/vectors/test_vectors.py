"""Python answers as the golden vectors say, to which `node --test` holds the page as well (`web/tests/`)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import PIL
import pytest

from mien.server import page_constants
from tests.vectors.vector_answers import ANSWERS
from tests.vectors.vector_inputs import VECTORS

FOLDER = Path(__file__).parent
SOURCE = Path(__file__).parents[2] / "web" / "src"
FILES = sorted(FOLDER.glob("*.json"))
SCALED = ("resized", "detector")
"""Vectors that hold pixels after scaling, to the byte."""


def _read(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def test_every_vector_has_its_file_and_its_answer() -> None:
    assert {path.stem for path in FILES} == set(ANSWERS) == set(VECTORS)


@pytest.mark.parametrize("name", ANSWERS)
def test_python_answers_as_the_vectors_say(name: str) -> None:
    if name in SCALED and int(PIL.__version__.partition(".")[0]) < 13:
        pytest.skip("Pillow before 13 rounds otherwise when it scales; the page does as 13")
    told = _read(name)
    assert told["tolerance"] == VECTORS[name].tolerance
    for case in told["cases"]:
        got = json.loads(json.dumps(ANSWERS[name](case["input"])))
        _same(got, case["expected"], max(told["tolerance"], 1e-9), f"{name}: make vectors")


def _same(got: Any, expected: Any, tolerance: float, place: str) -> None:
    if isinstance(expected, float) and isinstance(got, float):
        assert got == pytest.approx(expected, abs=tolerance), place
    elif isinstance(expected, list) and isinstance(got, list):
        assert len(got) == len(expected), place
        for at, (one, other) in enumerate(zip(got, expected, strict=True)):
            _same(one, other, tolerance, f"{place}.{at}")
    elif isinstance(expected, dict) and isinstance(got, dict):
        assert got.keys() == expected.keys(), place
        for key in expected:
            _same(got[key], expected[key], tolerance, f"{place}.{key}")
    else:
        assert got == expected, place


def test_the_vectors_have_something_to_tell() -> None:
    tracks = [
        row[0] for case in _read("tracker")["cases"] for frame in case["expected"] for row in frame["faces"]
    ]
    assert max(tracks) > 10
    for case in _read("detector")["cases"]:
        found, again = case["expected"]
        assert found
        assert {run["network"] for run in case["input"]["runs"]} == {"pnet", "rnet", "onet"}
        assert min(face["detection_score"] for face in again) == 0
    labels = [label for case in _read("label")["cases"] for label, *_ in case["expected"]]
    assert set(labels) >= {-1, *range(7)}
    for case in _read("stream")["cases"]:
        for way in ("live", "recorded"):
            assert len({face[0] for frame in case["expected"][way] for face in frame}) > 2


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *page_constants.DETECTOR,
            *page_constants.TRACKING,
            *page_constants.SMOOTHING,
            *page_constants.LANDMARKS,
        }
    ),
)
def test_every_constant_that_is_listed_is_used_by_the_page(name: str) -> None:
    """As `options.NAME` or out of `{ NAME } = options`, beside where `settings.js` declares it."""
    scripts = [
        path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.js") if path.name != "settings.js"
    ]
    assert any(re.search(rf"(options\.|[{{,] ){name}\b", text) for text in scripts)
