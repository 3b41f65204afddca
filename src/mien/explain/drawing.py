"""Sheets drawn with Pillow alone: images in rows under a title, numbers as colours, and a line that says
what they mean."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.core.formatting import precise
from mien.core.labels import NOTICE
from mien.media.fonts import apart, font_for, legible
from mien.plotting.style import EMPTY, INK, PAPER, SOFT

# (place, red, green, blue), dark to bright so that it also reads in gray and to most colour-blind eyes.
_HEAT = np.array(
    [(0.0, 13, 10, 40), (0.3, 90, 24, 120), (0.6, 205, 62, 78), (0.85, 250, 150, 60), (1.0, 255, 240, 170)]
)
# Blue below 0, near white at 0, red above: told apart by all common kinds of colour blindness.
_SIGNED = np.array(
    [
        (-1.0, 24, 70, 150),
        (-0.45, 120, 168, 214),
        (0.0, 246, 245, 242),
        (0.45, 228, 140, 116),
        (1.0, 170, 24, 44),
    ]
)


def heat(values: NDArray[np.floating], *, signed: bool) -> NDArray[np.uint8]:
    """Colours of numbers.

    Args:
        values: 0 to 1, or -1 to 1 where ``signed``; what lies outside gets the colour of the end.
        signed: Whether there is a below.

    Returns:
        ``(..., 3)`` uint8 RGB.

    >>> heat(np.array([-1.0, 0.0, 1.0]), signed=True).tolist()
    [[24, 70, 150], [246, 245, 242], [170, 24, 44]]
    """
    scale = _SIGNED if signed else _HEAT
    channels = [np.interp(values, scale[:, 0], scale[:, channel]) for channel in (1, 2, 3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def laid_over(view: NDArray[np.uint8], values: NDArray[np.floating], *, signed: bool) -> NDArray[np.uint8]:
    """A gray face under its heat: where there is none the face shows, where there is much the colour does.

    Args:
        view: ``(h, w, 3)`` uint8 RGB.
        values: ``(h, w)``, 0 to 1, or -1 to 1 where ``signed``.
        signed: Whether there is a below.
    """
    gray = np.repeat(view.mean(axis=2, keepdims=True), 3, axis=2)
    share = (0.75 * np.sqrt(np.abs(values).clip(0, 1)))[..., None]
    return np.asarray((gray * (1 - share) + heat(values, signed=signed) * share).round().astype(np.uint8))


_MARGIN, _GAP = 24, 14
TIGHT = 5
"""Px between what belongs together."""


@dataclass(frozen=True)
class Heading:
    """What stands above and below the images of a sheet.

    Args:
        title: The method and the answer.
        colour: Of the mark beside the title, ``#rrggbb``.
        meaning: What the colours say, in a plain line.
        source: Network, head, layer: for the last line.
    """

    title: str
    colour: str
    meaning: str
    source: str


def sheet(heading: Heading, blocks: Sequence[Image.Image]) -> NDArray[np.uint8]:
    """Blocks one below the other, with the heading.

    Returns:
        ``(h, w, 3)`` uint8 RGB.
    """
    width = max(640, *(block.width for block in blocks))
    head = _head(heading, width)
    foot = written([NOTICE, heading.source], width, 13, SOFT)
    whole = stacked([head, *blocks, foot])
    page = Image.new("RGB", (width + 2 * _MARGIN, whole.height + 2 * _MARGIN), PAPER)
    page.paste(whole, (_MARGIN, _MARGIN))
    return np.asarray(page)


def stacked(blocks: Sequence[Image.Image], gap: int = _GAP) -> Image.Image:
    """Images one below the other, left edges in line."""
    page = Image.new(
        "RGB",
        (max(block.width for block in blocks), sum(block.height + gap for block in blocks) - gap),
        PAPER,
    )
    top = 0
    for block in blocks:
        page.paste(block, (0, top))
        top += block.height + gap
    return page


def side_by_side(blocks: Sequence[Image.Image]) -> Image.Image:
    """Images next to each other, upper edges in line."""
    page = Image.new(
        "RGB",
        (
            sum(block.width for block in blocks) + _GAP * (len(blocks) - 1),
            max(block.height for block in blocks),
        ),
        PAPER,
    )
    left = 0
    for block in blocks:
        page.paste(block, (left, 0))
        left += block.width + _GAP
    return page


def written(lines: Sequence[str], width: int, size: int, colour: str = INK) -> Image.Image:
    """Lines of text, broken to a width in px."""
    font = font_for("".join(lines), size)
    letters = max(20, int(width / (font.getlength("abcdefghijklmnopqrstuvwxyz ,.") / 29)))
    broken = [part for line in lines for part in textwrap.wrap(line, letters) or [""]]
    block = Image.new("RGB", (width, round(1.45 * size) * len(broken)), PAPER)
    canvas = ImageDraw.Draw(block)
    for number, line in enumerate(broken):
        canvas.text((0, number * round(1.45 * size)), line, fill=colour, font=font)
    return block


def captioned(tile: NDArray[np.uint8], caption: str) -> Image.Image:
    """An image with a line below it."""
    image = Image.fromarray(tile)
    return stacked([image, written([caption], image.width, 13, SOFT)], TIGHT)


def mosaic(maps: NDArray[np.floating], columns: int, tile: int, *, signed: bool) -> Image.Image:
    """``(n, h, w)`` maps, each enlarged to about ``tile`` px without blurring, in rows."""
    height, width = maps.shape[1:]
    grown = max(1, round(tile / max(height, width)))
    sides = (width * grown, height * grown)
    if grown == 1 and max(height, width) > tile:
        sides = (tile, round(tile * height / width))
    gap = 4
    rows = -(-len(maps) // columns)
    page = Image.new(
        "RGB", (min(columns, len(maps)) * (sides[0] + gap) - gap, rows * (sides[1] + gap) - gap), PAPER
    )
    for number, colours in enumerate(heat(maps, signed=signed)):
        resample = Image.Resampling.NEAREST if grown > 1 else Image.Resampling.BILINEAR
        page.paste(
            Image.fromarray(colours).resize(sides, resample),
            (number % columns * (sides[0] + gap), number // columns * (sides[1] + gap)),
        )
    return page


def legend(low: str, high: str, width: int, *, signed: bool) -> Image.Image:
    """The scale of colours with what its ends mean."""
    bar = Image.fromarray(
        np.repeat(heat(np.linspace(-1.0 if signed else 0.0, 1.0, width), signed=signed)[None], 12, axis=0)
    )
    words = Image.new("RGB", (width, 18), PAPER)
    canvas, font = ImageDraw.Draw(words), font_for(low + high, 12)
    canvas.text((0, 2), low, fill=SOFT, font=font)
    canvas.text((width, 2), high, fill=SOFT, font=font, anchor="ra")
    return stacked([bar, words], TIGHT)


def bars(values: Sequence[tuple[str, float, str]], width: int) -> Image.Image:
    """Probabilities, one per line: name, 0 to 1, colour."""
    line = 24
    names = 84
    block = Image.new("RGB", (width, line * len(values)), PAPER)
    canvas = ImageDraw.Draw(block)
    room = width - names - 52
    for number, (name, value, colour) in enumerate(values):
        top = number * line
        shown = legible(name, f"label {number + 1}")
        font = font_for(shown, 13)
        canvas.text((0, top + 3), apart(shown), fill=INK, font=font)
        canvas.rectangle((names, top + 4, names + room, top + 17), fill=EMPTY)
        if round(value * room):
            canvas.rectangle((names, top + 4, names + round(value * room), top + 17), fill=colour)
        canvas.text((width, top + 3), precise(value), fill=INK, font=font, anchor="ra")
    return block


def _head(heading: Heading, width: int) -> Image.Image:
    title = written([heading.title], width - 20, 22)
    mark = Image.new("RGB", (6, title.height - 6), heading.colour)
    return stacked([side_by_side([mark, title]), written([heading.meaning], width, 15)], TIGHT)
