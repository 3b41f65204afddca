"""The page scales and cuts pictures to the very bytes that Pillow gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from visiting import UNPACKED, Running, packed

from mien.inference.crop import cut

RESIZED = f"""({{ resized, halved }}, tasks) => {{
  const unpacked = {UNPACKED};
  return tasks.map(({{ width, height, data, size, box }}) => {{
    const picture = {{ width, height, step: 3, data: unpacked(data) }};
    return Array.from((size ? resized(picture, size[0], size[1], box ?? undefined) : halved(picture)).data);
  }});
}}"""
CUT = f"""({{ cut }}, {{ width, height, data, step, boxes, size, gray }}) => {{
  const picture = {{ width, height, step, data: ({UNPACKED})(data) }};
  return boxes.map((box) => Array.from(cut(picture, box, size, gray).data));
}}"""


def _picture(seed: int, width: int, height: int) -> np.ndarray:
    """Noise over slopes: every value occurs, also at the edges."""
    random = np.random.default_rng(seed)
    slopes = np.add.outer(np.linspace(0, 200, height), np.linspace(0, 55, width))[..., None]
    return np.clip(slopes + random.normal(0, 60, (height, width, 3)), 0, 255).astype(np.uint8)


def _task(
    picture: np.ndarray, size: tuple[int, int] | None, box: list[float] | None = None
) -> dict[str, Any]:
    return {
        "width": picture.shape[1],
        "height": picture.shape[0],
        "data": packed(picture),
        "size": size,
        "box": box,
    }


def test_pictures_are_scaled_as_pillow_scales_them(run_module: Running) -> None:
    random = np.random.default_rng(1)
    tasks, wanted = [], []
    for seed in range(20):
        width, height = (int(value) for value in random.integers(3, 90, 2))
        size = tuple(int(value) for value in random.integers(1, 90, 2))
        picture = _picture(seed, width, height)
        box = None
        if seed % 2:
            x1, x2 = sorted(random.uniform(0, width, 2))
            y1, y2 = sorted(random.uniform(0, height, 2))
            box = [float(x1), float(y1), float(x2), float(y2)]
        tasks.append(_task(picture, size, box))
        wanted.append(np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, box=box)))
    for got, right in zip(run_module("reading/pixels.js", RESIZED, tasks), wanted, strict=True):
        assert got == right.ravel().tolist()


def test_pictures_are_halved_as_pillow_halves_them(run_module: Running) -> None:
    pictures = [
        _picture(seed, width, height)
        for seed, (width, height) in enumerate([(20, 12), (21, 12), (20, 13), (21, 13), (3, 3), (1, 4)])
    ]
    for got, picture in zip(
        run_module("reading/pixels.js", RESIZED, [_task(picture, None) for picture in pictures]),
        pictures,
        strict=True,
    ):
        assert got == np.asarray(Image.fromarray(picture).reduce(2)).ravel().tolist()


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("step", [3, 4])
def test_boxes_are_cut_as_the_server_cuts_them(run_module: Running, gray: bool, step: int) -> None:
    random = np.random.default_rng(5)
    picture = _picture(9, 160, 120)
    boxes = [
        [float(x), float(y), float(x + side), float(y + side)]
        for x, y, side in random.uniform((-40, -40, 8), (150, 110, 90), (24, 3))
    ]
    boxes += [
        [0.0, 0.0, 160.0, 120.0],
        [40.5, 10.25, 40.75, 10.5],
        [-900.0, -900.0, 1000.0, 1000.0],
        [10.0, 10.0, 58.0, 58.0],
    ]
    data = picture if step == 3 else np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    task = {
        "width": 160,
        "height": 120,
        "data": packed(data),
        "step": step,
        "boxes": boxes,
        "size": 48,
        "gray": gray,
    }
    for got, right in zip(
        run_module("reading/pixels.js", CUT, task), cut(picture, boxes, 48, gray=gray), strict=True
    ):
        assert got == right.ravel().tolist()
