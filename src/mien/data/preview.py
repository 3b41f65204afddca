"""A sheet of images out of a data set, to see with one's own eyes what is in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.core.errors import InputError
from mien.core.labels import text_colour
from mien.data.dataset import FaceDataset
from mien.media.fonts import font_for, legible

SIDE = 9
"""Images in a row and in a column of a sheet."""

_TILE, _BAND, _GAP, _LETTERS = 96, 18, 6, 12


def preview(
    data: FaceDataset, seed: int = 0, *, label: str | None = None, split: str | None = None
) -> NDArray[np.uint8]:
    """Draw 81 images taken by chance, each with its label and its row.

    Args:
        data: Images.
        seed: The same seed takes the same images.
        label: Only images of this class.
        split: Only images of this split.

    Returns:
        ``(h, w, 3)`` uint8, RGB. Fewer images than 81 give a sheet that is not full.

    Raises:
        InputError: There is no such image.
    """
    if split is not None:
        data = data.split(split)
    if label is not None:
        data = data.take(data.expressions == data.labels.index(label))
    if not len(data):
        raise InputError(
            f"expected images of the class {label}; there is none: choose another class or split"
        )
    chosen = data.take(np.sort(np.random.default_rng(seed).permutation(len(data))[: SIDE * SIDE]))
    sheet = Image.new("RGB", (SIDE * (_TILE + _GAP) + _GAP, SIDE * (_TILE + _BAND + _GAP) + _GAP), "#ffffff")
    canvas = ImageDraw.Draw(sheet)
    for place, (image, name, row) in enumerate(
        zip(chosen.images, chosen.names(), chosen.rows.tolist(), strict=True)
    ):
        x, y = _GAP + place % SIDE * (_TILE + _GAP), _GAP + place // SIDE * (_TILE + _BAND + _GAP)
        sheet.paste(Image.fromarray(image).resize((_TILE, _TILE), Image.Resampling.BICUBIC), (x, y))
        colour, text = data.labels.colour(name), legible(name, f"label {data.labels.index(name) + 1}")
        ink, number = text_colour(colour), str(row)
        canvas.rectangle((x, y + _TILE, x + _TILE - 1, y + _TILE + _BAND - 1), fill=colour)
        canvas.text((x + 4, y + _TILE + 2), text, fill=ink, font=font_for(text, _LETTERS))
        right = (x + _TILE - 4, y + _TILE + 2)
        canvas.text(right, number, fill=ink, font=font_for(number, _LETTERS), anchor="ra")
    return np.asarray(sheet)
