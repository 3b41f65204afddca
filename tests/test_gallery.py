"""The gallery has a picture of every output, small ones, and its page shows them all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
PICTURES = sorted(GALLERY.glob("*.webp"))


def test_the_page_shows_every_picture_and_no_other() -> None:
    text = (GALLERY / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(([\w-]+\.webp)\)", text)) == [path.name for path in PICTURES]
    assert "make gallery" in text


def test_it_stays_small() -> None:
    assert sum(path.stat().st_size for path in PICTURES) < 2_500_000


@pytest.mark.parametrize("name", ["report", "audience", "evaluation", "page"])
def test_pages_are_shown_light_and_dark_and_on_a_phone(name: str) -> None:
    means = {}
    for way in ("light", "dark", "phone"):
        with Image.open(GALLERY / f"{name}-{way}.webp") as image:
            means[way] = float(np.asarray(image.convert("L")).mean())
            assert (image.width < 400) == (way == "phone")
    assert means["dark"] < 110
    assert means["light"] > 160


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_no_picture_is_empty(path: Path) -> None:
    with Image.open(path) as image:
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
