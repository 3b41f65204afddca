"""Boxes, labels and points drawn on an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.core.contours import CONTOURS
from mien.core.face import Face
from mien.core.faces import Faces
from mien.core.formatting import percent, shortened
from mien.core.labels import NOTICE, UNCERTAIN, text_colour
from mien.media.fonts import Font, apart, font_for, legible
from mien.media.label_places import place_labels

_INK = "#ffffff"
_PLAIN = "#444444"
_LETTERS, _SMALL, _LEAST = 13, 11, 12
"""Height in px of labels and of the note on an image of 360 px, and the least of all."""

_SHARES = (1.0, 0.8, 0.65, 0.5)
"""By how much labels may shrink where faces are small."""

_WIDE = 1.6
"""Width of a label that needs no shrinking, in widths of its box."""

_LINES, _RIM, _LARGE = 160, 1.2, 400
"""Lines through points: a face is so many lines wide, their rim in px, and from how many px of a face on they are
smooth enough at half the effort."""

_LONGEST = 32
"""Characters of a label at most."""


def draw(image: NDArray[np.uint8], faces: Faces) -> NDArray[np.uint8]:
    """A copy of an image with a box around every face, and its label with its probability
    (`Face.display_confidence`); ``uncertain``, in a dashed box, where that is asked for and the probability is
    too low.

    Labels keep off other faces, each other and the edges as far as there is room. Of faces with a ``mesh`` that could
    be measured thin lines follow the outline, brows, eyes and lips.

    Args:
        image: ``(h, w, 3)`` uint8, RGB.
        faces: Faces in its pixels, classified or not.

    Returns:
        ``(h, w, 3)`` uint8, RGB.
    """
    drawn = Image.fromarray(image)
    # Lines and letters grow with the image, so that they can be read on a phone's photo as on a small clip.
    unit = max(1.0, min(drawn.size) / 360)
    for points in _measured_points(faces):
        _draw_contours(drawn, points, 1.5 * unit)
    canvas = ImageDraw.Draw(drawn, "RGBA")
    taken = [_draw_note(canvas, unit, drawn.size)] if len(faces) and min(drawn.size) >= 120 else []
    colours = [
        _PLAIN if faces.labels is None or face.label is None else faces.labels.colour(face.label)
        for face in faces
    ]
    captions = [_caption(face) for face in faces]
    share = _share(captions, faces.boxes, unit)
    labels = [_Label.of(caption, unit * share) for caption in captions]
    for face, colour in zip(faces, colours, strict=True):
        _draw_box(canvas, face, colour, max(1, round(2 * unit * share)))
    places = place_labels(faces.boxes, [label.size for label in labels], drawn.size, taken)
    for place, colour, label in zip(places, colours, labels, strict=True):
        label.draw(canvas, place, colour)
    return np.asarray(drawn)


def _measured_points(faces: Faces) -> NDArray[np.float32]:
    """``(m, 468, 2)`` points in px of the faces that have them."""
    if faces.mesh is None:
        return np.empty((0, 468, 2), np.float32)
    shown = np.isfinite(faces.mesh).all(axis=(1, 2))
    if faces.measure_reasons is not None:
        shown &= faces.measure_reasons == 0
    return np.asarray(faces.mesh[shown, :, :2])


def _draw_contours(drawn: Image.Image, points: NDArray[np.float32], widest: float) -> None:
    """Light lines with a dark rim, seen on any skin, and smooth: drawn larger and brought down."""
    low = np.floor(points.min(axis=0)) - _RIM - 1
    wide, high = (np.ceil(points.max(axis=0)) + _RIM + 1 - low).astype(int).tolist()
    finer = 4 if max(wide, high) < _LARGE else 2
    width = float(np.clip(wide / _LINES, 0.75, widest))
    for colour, opacity, extra in (("#000000", 0.45, _RIM), (_INK, 0.9, 0.0)):
        mask = Image.new("L", (wide * finer, high * finer))
        pen, thick = ImageDraw.Draw(mask), max(1, round((width + extra) * finer))
        for line in CONTOURS.values():
            places = ((points[list(line)] - low + 0.5) * finer).ravel().tolist()
            pen.line(places, fill=round(255 * opacity), width=thick, joint="curve")
        drawn.paste(colour, (int(low[0]), int(low[1])), mask.reduce(finer))


class _Label(NamedTuple):
    """A caption with its letters and the room it takes."""

    text: str
    font: Font
    pad: int
    size: tuple[int, int]

    @staticmethod
    def of(text: str, unit: float) -> _Label:
        font, pad = font_for(text, max(_LEAST, round(_LETTERS * unit))), max(2, round(3 * unit))
        left, top, right, bottom = font.getbbox(text)
        return _Label(text, font, pad, (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad))

    def draw(self, canvas: ImageDraw.ImageDraw, place: tuple[int, int], colour: str) -> None:
        x, y = place
        canvas.rectangle((x, y, x + self.size[0] - 1, y + self.size[1] - 1), fill=colour)
        left, top, *_ = self.font.getbbox(self.text)
        canvas.text(
            (x + self.pad - left, y + self.pad - top), self.text, fill=text_colour(colour), font=self.font
        )


def _share(captions: list[str], boxes: NDArray[np.float32], unit: float) -> float:
    """By how much all labels of an image shrink, so that half of them are not much wider than their faces."""
    for share in _SHARES:
        widths = [_Label.of(caption, unit * share).size[0] for caption in captions]
        if np.median(widths / np.maximum(1, boxes[:, 2] - boxes[:, 0])) <= _WIDE if captions else True:
            break
    return share


def _caption(face: Face) -> str:
    if face.label is None:
        text = f"face {percent(face.detection_score)}"
    else:
        chance = face.display_confidence
        text = _name(face) + ("" if chance is None else f" {percent(chance)}")
    return text if face.track is None else f"{face.track} {text}"


def _name(face: Face) -> str:
    """A label in letters that can be drawn; its number where there are none."""
    assert face.label is not None
    number = [*(face.probs or ()), face.label].index(face.label) + 1
    return apart(shortened(legible(face.label, f"label {number}"), _LONGEST))


def _draw_box(canvas: ImageDraw.ImageDraw, face: Face, colour: str, width: int) -> None:
    box = tuple(round(value) for value in face.box)
    if face.label != UNCERTAIN:
        canvas.rectangle(box, outline=colour, width=width)
        return
    x1, y1, x2, y2 = box
    for start, end in _dashes(x1, x2, 4 * width):
        canvas.rectangle((start, y1, end, min(y1 + width - 1, y2)), fill=colour)
        canvas.rectangle((start, max(y2 - width + 1, y1), end, y2), fill=colour)
    for start, end in _dashes(y1, y2, 4 * width):
        canvas.rectangle((x1, start, min(x1 + width - 1, x2), end), fill=colour)
        canvas.rectangle((max(x2 - width + 1, x1), start, x2, end), fill=colour)


def _dashes(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """From where to where the dashes of a line go, with one at both ends."""
    pairs = max(1, round((end - start) / (2 * length)))
    step = (end - start) / (2 * pairs + 1)
    for number in range(pairs + 1):
        yield round(start + 2 * number * step), round(start + (2 * number + 1) * step)


def _draw_note(canvas: ImageDraw.ImageDraw, unit: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Write what labels are and what not at the bottom; the area that it takes."""
    font, pad = font_for(NOTICE, max(_LEAST, round(_SMALL * unit))), round(3 * unit)
    text = _broken(NOTICE, font, size[0] - 2 * pad)
    left, top, right, bottom = canvas.multiline_textbbox((0, 0), text, font=font, spacing=pad)
    y = size[1] - int(bottom - top) - 2 * pad
    area = (0, y, int(right - left) + 2 * pad, size[1])
    canvas.rectangle(area, fill="#000000c0")
    canvas.multiline_text((pad - left, y + pad - top), text, fill=_INK, font=font, spacing=pad)
    return area


def _broken(text: str, font: Font, width: float) -> str:
    """Text in lines that are no wider than that in px, as far as its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
