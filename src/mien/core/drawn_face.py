"""A face that mien draws itself, so that a self-test and examples need no photograph of anyone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter


def draw_portrait(side: int = 240) -> NDArray[np.uint8]:
    """A smiling face, good enough for a detector.

    Args:
        side: Width and height in px.

    Returns:
        ``(side, side, 3)`` uint8, RGB.

    >>> draw_portrait(120).shape
    (120, 120, 3)
    """
    image = Image.new("RGB", (240, 240), "#b8c4d0")
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((95, 180, 145, 240), fill="#cf9f7c")  # neck and shoulders
    canvas.ellipse((30, 212, 210, 300), fill="#44546a")
    canvas.ellipse((54, 14, 186, 170), fill="#3a2a20")  # hair
    canvas.ellipse((62, 40, 178, 214), fill="#e6b896")
    for x in (86, 154):
        canvas.ellipse((x - 17, 128, x + 17, 152), fill="#e2a98a")  # cheek, lifted by the smile
    for x in (95, 145):
        _draw_eye(canvas, x)
    canvas.polygon(((120, 112), (108, 148), (132, 148)), fill="#d9a583")  # nose
    canvas.ellipse((107, 141, 133, 155), fill="#cf9673")
    for x in (114, 126):
        canvas.ellipse((x - 3, 146, x + 3, 151), fill="#7a4a3a")
    canvas.chord((84, 146, 156, 184), 12, 168, fill="#a03a3a")  # mouth
    canvas.chord((90, 151, 150, 179), 14, 166, fill="#ffffff")
    for box, start, end in (((76, 140, 96, 186), 150, 230), ((144, 140, 164, 186), -50, 30)):
        canvas.arc(box, start, end, fill="#b98260", width=3)  # folds beside it
    soft = image.filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(soft.resize((side, side), Image.Resampling.BILINEAR))


def _draw_eye(canvas: ImageDraw.ImageDraw, x: int) -> None:
    canvas.ellipse((x - 20, 94, x + 20, 122), fill="#d4a482")
    canvas.chord((x - 16, 105, x + 16, 127), 180, 360, fill="#ffffff")
    canvas.ellipse((x - 7, 106, x + 7, 119), fill="#3b2b22")
    canvas.ellipse((x - 3, 109, x + 3, 115), fill="#000000")
    canvas.rectangle((x - 16, 116, x + 16, 127), fill="#d4a482")  # the cheek hides the lower half
    canvas.arc((x - 16, 103, x + 16, 125), 190, 350, fill="#2e2018", width=3)
    canvas.arc((x - 20, 90, x + 20, 118), 205, 335, fill="#2e2018", width=7)
