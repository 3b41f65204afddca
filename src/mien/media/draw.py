"""Boxes, labels and scores drawn on an image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.core.faces import Face, Faces
from mien.core.labels import NOTICE, UNCERTAIN, text_colour

_INK = "#ffffff"
_PLAIN = "#444444"
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(image: NDArray[np.uint8], faces: Faces) -> NDArray[np.uint8]:
    """A copy of an image with a box around every face, and what its expression is and how probable: the
    smoothed emotion and its smoothed probability where there is one, ``uncertain`` where that is asked for.

    Args:
        image: ``(h, w, 3)`` uint8, RGB.
        faces: Faces in its pixels, read or not.

    Returns:
        ``(h, w, 3)`` uint8, RGB.
    """
    drawn = Image.fromarray(image)
    canvas = ImageDraw.Draw(drawn, "RGBA")
    # Lines and letters grow with the drawn, so that they can be read on a phone's photo as on a small clip.
    unit = max(1.0, min(drawn.size) / 360)
    for face in faces:
        colour = _PLAIN if faces.labels is None or face.label is None else faces.labels.colour(face.label)
        _draw_face(canvas, face, colour, unit, drawn.size)
    if len(faces) and min(drawn.size) >= 120:
        _draw_note(canvas, unit, drawn.size)
    return np.asarray(drawn)


def _draw_face(
    canvas: ImageDraw.ImageDraw, face: Face, colour: str, unit: float, size: tuple[int, int]
) -> None:
    canvas.rectangle(face.box, outline=colour, width=round(2 * unit))
    text = _caption(face)
    font = _font(round(13 * unit))
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    pad = round(3 * unit)
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    # Above the box, or inside it where the image ends.
    x = max(0, min(face.box[0], size[0] - width))
    y = face.box[1] - height if face.box[1] >= height else face.box[1]
    canvas.rectangle((x, y, x + width, y + height), fill=colour)
    canvas.text((x + pad - left, y + pad - top), text, fill=text_colour(colour), font=font)


def _caption(face: Face) -> str:
    if face.label == UNCERTAIN:
        text = UNCERTAIN
    elif face.smoothed_emotion is not None and face.smoothed_probs is not None:
        text = f"{face.smoothed_emotion} {face.smoothed_probs[face.smoothed_emotion]:.2f}"
    else:
        text = (
            f"face {face.detection_score:.2f}"
            if face.emotion is None
            else f"{face.emotion} {face.confidence:.2f}"
        )
    return text if face.track is None else f"{face.track} {text}"


def _draw_note(canvas: ImageDraw.ImageDraw, unit: float, size: tuple[int, int]) -> None:
    font, pad = _font(round(10 * unit)), round(3 * unit)
    text = _broken(NOTICE, font, size[0] - 2 * pad)
    left, top, right, bottom = canvas.multiline_textbbox((0, 0), text, font=font, spacing=pad)
    y = size[1] - (bottom - top) - 2 * pad
    canvas.rectangle((0, y, right - left + 2 * pad, size[1]), fill="#000000a0")
    canvas.multiline_text((pad - left, y + pad - top), text, fill=_INK, font=font, spacing=pad)


def _broken(text: str, font: _Font, width: float) -> str:
    """Text in lines that are no wider than that in px, as far as its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


@lru_cache(maxsize=16)
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)
