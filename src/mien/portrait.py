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
    picture = Image.new("RGB", (240, 240), "#b8c4d0")
    canvas = ImageDraw.Draw(picture)
    canvas.rectangle((95, 180, 145, 240), fill="#cf9f7c")  # neck and shoulders
    canvas.ellipse((30, 212, 210, 300), fill="#44546a")
    canvas.ellipse((54, 14, 186, 170), fill="#3a2a20")  # hair
    canvas.ellipse((62, 40, 178, 214), fill="#e6b896")
    for x in (88, 152):
        canvas.ellipse((x - 14, 130, x + 14, 154), fill="#e2a98a")  # cheek
    for x in (95, 145):
        _draw_eye(canvas, x)
    canvas.polygon(((120, 112), (108, 150), (132, 150)), fill="#d9a583")  # nose
    canvas.ellipse((107, 143, 133, 157), fill="#cf9673")
    for x in (114, 126):
        canvas.ellipse((x - 3, 148, x + 3, 153), fill="#7a4a3a")
    canvas.chord((92, 152, 148, 194), 5, 175, fill="#a03a3a")  # mouth
    canvas.chord((98, 158, 142, 184), 8, 172, fill="#ffffff")
    soft = picture.filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(soft.resize((side, side), Image.Resampling.BILINEAR))


def _draw_eye(canvas: ImageDraw.ImageDraw, x: int) -> None:
    canvas.ellipse((x - 20, 94, x + 20, 122), fill="#d4a482")
    canvas.ellipse((x - 15, 101, x + 15, 117), fill="#ffffff")
    canvas.ellipse((x - 7, 101, x + 7, 117), fill="#3b2b22")
    canvas.ellipse((x - 3, 105, x + 3, 111), fill="#000000")
    canvas.arc((x - 15, 99, x + 15, 119), 190, 350, fill="#2e2018", width=3)
    canvas.arc((x - 20, 82, x + 20, 110), 200, 340, fill="#2e2018", width=8)
