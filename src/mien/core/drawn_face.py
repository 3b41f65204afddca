"""A face that mien draws itself, so that a self-test and examples need no photograph of anyone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

_SKINS = ("#e6b896", "#8d5a3c", "#f0cdb0", "#6b452e", "#c68f65", "#d9a583", "#a9714b")
_HAIRS = ("#3a2a20", "#15110f", "#8a5a2b", "#6d6a68", "#a33f22")
_SHIRTS = ("#44546a", "#7a3b3b", "#2f6b57", "#c9a227", "#56407a", "#30343b")


@dataclass(frozen=True)
class Look:
    """What a drawn face looks like: a smiling one unless something else is said.

    Args:
        smile: 1 for a broad smile with teeth, 0 for lips at rest, -1 for corners pulled down.
        jaw: How far the mouth is open, 0 to 1.
        brows: How far the left and the right brow (as seen in the image) are raised, -1 to 1.
        frown: How far the inner ends of the brows are lowered, 0 to 1; raised, -1 to 0.
        lids: How far the left and the right eye are open, 0 to 1.
        skin: Colour of the skin, ``#rrggbb``; shades follow it.
        hair: Colour of hair.
        shirt: Colour of what is worn.
        background: Colour behind the head.

    >>> Look(smile=0).lids
    (1.0, 1.0)
    """

    smile: float = 1.0
    jaw: float = 0.0
    brows: tuple[float, float] = (0.0, 0.0)
    frown: float = 0.0
    lids: tuple[float, float] = (1.0, 1.0)
    skin: str = _SKINS[0]
    hair: str = _HAIRS[0]
    shirt: str = _SHIRTS[0]
    background: str = "#b8c4d0"

    def shade(self, of_the_first: str) -> tuple[int, ...]:
        """A colour beside `skin`, told as what it is beside the first skin."""
        mine, first, shade = map(ImageColor.getrgb, (self.skin, _SKINS[0], of_the_first))
        return tuple(min(255, round(a * c / b)) for a, b, c in zip(mine, first, shade, strict=True))

    @property
    def white(self) -> tuple[int, ...]:
        """The white of eyes, which is in the shade of the same sockets."""
        return tuple((255 + value) // 2 for value in self.shade("#ffffff"))


SMILING = Look()


def person(number: int) -> Look:
    """The looks of one of many drawn people, smiling; `dataclasses.replace` changes the expression.

    Args:
        number: From 0; the same number is the same person.

    >>> person(1).smile, person(1) == person(2)
    (1.0, False)
    """
    return Look(
        lids=(0.8, 0.8),
        skin=_SKINS[number % len(_SKINS)],
        hair=_HAIRS[number % len(_HAIRS)],
        shirt=_SHIRTS[number % len(_SHIRTS)],
    )


def draw_portrait(side: int = 240, look: Look = SMILING) -> NDArray[np.uint8]:
    """A face, good enough for a detector.

    Args:
        side: Width and height in px.
        look: Whose, and what it shows.

    Returns:
        ``(side, side, 3)`` uint8, RGB.

    >>> draw_portrait(120).shape
    (120, 120, 3)
    """
    image = Image.new("RGB", (240, 240), look.background)
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((95, 180, 145, 240), fill=look.shade("#cf9f7c"))  # neck and shoulders
    canvas.ellipse((30, 212, 210, 300), fill=look.shirt)
    canvas.ellipse((54, 14, 186, 170), fill=look.hair)
    canvas.ellipse((62, 40, 178, 214), fill=look.skin)
    if look.smile > 0.5:
        for x in (86, 154):
            canvas.ellipse(
                (x - 17, 128, x + 17, 152), fill=look.shade("#e2a98a")
            )  # cheek, lifted by the smile
    for place, x in enumerate((95, 145)):
        _draw_eye(canvas, look, place, x)
    canvas.polygon(((120, 112), (108, 148), (132, 148)), fill=look.shade("#d9a583"))  # nose
    canvas.ellipse((107, 141, 133, 155), fill=look.shade("#cf9673"))
    for x in (114, 126):
        canvas.ellipse((x - 3, 146, x + 3, 151), fill=look.shade("#7a4a3a"))
    _draw_mouth(canvas, look)
    soft = image.filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(soft.resize((side, side), Image.Resampling.BILINEAR))


def _draw_eye(canvas: ImageDraw.ImageDraw, look: Look, place: int, x: int) -> None:
    socket, raised = look.shade("#d4a482"), 9 * look.brows[place]
    rest = 1 - max(look.smile, 0)
    closed = max(0, 12 * (1 - look.lids[place]) + 3 * rest)
    canvas.ellipse((x - 20, 94, x + 20, 122), fill=socket)
    for half in (0, 180):
        canvas.chord((x - 16, 105, x + 16, 127), half, half + 180, fill=look.white)
    canvas.ellipse((x - 7, 106, x + 7, 119), fill="#3b2b22")
    canvas.ellipse((x - 3, 109, x + 3, 115), fill="#000000")
    low = 116 + 6 * rest  # The cheek hides the lower half of an eye that smiles.
    canvas.rectangle((x - 16, low, x + 16, 127), fill=socket)
    if closed:
        canvas.rectangle((x - 16, 103, x + 16, 104 + closed), fill=socket)
    canvas.arc((x - 16, 103 + closed, x + 16, 125), 190, 350, fill="#2e2018", width=3)
    turned = 30 * look.frown * (1 if place == 0 else -1)
    brow = (x - 20, 90 - raised, x + 20, 118 - raised)
    canvas.arc(brow, 205 + turned, 335 + turned, fill="#2e2018", width=7)


def _draw_mouth(canvas: ImageDraw.ImageDraw, look: Look) -> None:
    smile, lips = look.smile, look.shade("#a03a3a")
    if look.jaw > 0.1:
        wide, high = 15 + 8 * smile, 4 + 20 * look.jaw
        canvas.ellipse(
            (120 - wide, 172 - high, 120 + wide, 172 + high), fill="#4a1518", outline=lips, width=4
        )
    elif smile > 0.3:
        wide = 24 + 12 * smile
        canvas.chord((120 - wide, 165 - 19 * smile, 120 + wide, 165 + 19 * smile), 12, 168, fill=lips)
        teeth = (126 - wide, 165 - 14 * smile, 114 + wide, 165 + 14 * smile)
        canvas.chord(teeth, 14, 166, fill="#ffffff")
    elif abs(smile) < 0.1:
        canvas.ellipse((97, 165, 143, 172), fill=lips)
    else:  # The lower part of a ring for corners that are up, the upper part for corners that are down.
        high = 26 * abs(smile)
        start, end, middle = (20, 160, 170 - high) if smile > 0 else (200, 340, 168 + high)
        canvas.arc((94, middle - high, 146, middle + high), start, end, fill=lips, width=5)
    if smile > 0.5:
        for box, start, end in (((76, 140, 96, 186), 150, 230), ((144, 140, 164, 186), -50, 30)):
            canvas.arc(box, start, end, fill=look.shade("#b98260"), width=3)  # folds beside it
