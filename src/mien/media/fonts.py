"""Letters for names in every script: those of this machine's fonts where the one that is built in has none."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont, features

from mien.core.environment import handed_on

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_KNOWN = (
    *("msyh.ttc", "YuGothM.ttc", "malgun.ttf", "segoeui.ttf", "Nirmala.ttf", "LeelawUI.ttf"),  # Windows
    *("PingFang.ttc", "AppleSDGothicNeo.ttc", "Arial Unicode.ttf", "Arial.ttf", "NotoSansCJK-Regular.ttc"),
)
"""Where there is no fontconfig: fonts that Windows, macOS and most others bring along."""
_NOWHERE = "\U0010ffff"
"""No font has a letter for it."""
LEFT_TO_RIGHT = "\u200e"
"""A mark that nobody sees: what follows it is written from left to right."""
_MANY = "é\u0436\u03bb"
"""Latin, Cyrillic and Greek: a font that has these has most others too."""
_PROBE, _LARGE = 16, 100
_SECONDS = 5.0


class FontFile(NamedTuple):
    """A font of this machine.

    Args:
        path: Its file.
        face: Which of the fonts in the file.
    """

    path: str
    face: int = 0


def font_for(text: str, size: int) -> Font:
    """A font that has the letters of a text: Pillow's own, or else one of this machine's; Pillow's own where
    there is none (`legible`).

    Args:
        text: What is to be drawn.
        size: Height in px.
    """
    found = None if _in_built_in(_letters(text)) else font_file(text)
    return _built_in(size) if found is None else _opened(found, size)


def width_of(text: str) -> float:
    """Width of a text in heights of its letters, as it is drawn with a font of this machine (`font_file`)."""
    file = font_file(text)
    font = _built_in(_LARGE) if file is None else _opened(file, _LARGE)
    return float(font.getlength(text)) / _LARGE


def font_file(text: str) -> FontFile | None:
    """The file of a font of this machine that has all letters of a text; None where there is none."""
    return _file_with(_letters(text))


@lru_cache(maxsize=512)
def legible(name: str, instead: str) -> str:
    """A name as it can be drawn on this machine. Where no font has all of its letters, the rarer ones lose their
    accents or become an ellipsis; ``instead`` where nothing is left then.

    >>> legible("happy", "label 1"), legible("take 3 \U0010ffff", "label 1"), legible("\U0010ffff", "label 1")
    ('happy', 'take 3 …', 'label 1')
    """
    if _in_built_in(_letters(name)) or font_file(name) is not None:
        return name
    plain = re.sub("…+", "…", "".join(map(_plain, name)))
    return plain if any(map(str.isalnum, plain)) else instead


def apart(name: str) -> str:
    """A name that turns nothing beside it: letters that are written from right to left stand between marks, or
    the numbers beside them would change places."""
    return f"{LEFT_TO_RIGHT}{name}{LEFT_TO_RIGHT}" if leftwards(name) and features.check("raqm") else name


def leftwards(text: str) -> bool:
    """Whether some of it is written from right to left.

    >>> leftwards("happy"), leftwards("\u05e9\u05de\u05d7")
    (False, True)
    """
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)


def _plain(letter: str) -> str:
    """The letter, or the same without accents, or an ellipsis: what a font that has many scripts has."""
    parts = unicodedata.normalize("NFKD", letter)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    file = font_file(_MANY)
    font = _built_in(_PROBE) if file is None else _opened(file, _PROBE)
    return next((each for each in (letter, bare) if each and _has(font, _letters(each))), "…")


def _letters(text: str) -> frozenset[str]:
    """What of a text must be drawn: not spaces, nor marks that nobody sees."""
    return frozenset(
        letter for letter in text if not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf")
    )


@lru_cache(maxsize=512)
def _file_with(letters: frozenset[str]) -> FontFile | None:
    for file in _files(letters):
        # Fonts of pictures cannot be opened at any size.
        with suppress(OSError, ValueError):
            if _has(_opened(file, _PROBE), letters):
                return file
    return None


def _files(letters: frozenset[str]) -> Iterator[FontFile]:
    """Where the letters may be: matplotlib's font, those of fontconfig, those that most machines have."""
    if (matplotlib := find_spec("matplotlib")) is not None and matplotlib.origin is not None:
        yield FontFile(str(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"))
    yield from _listed(letters)
    yield from map(FontFile, _KNOWN)


def _listed(letters: frozenset[str]) -> list[FontFile]:
    """What fontconfig knows to have the letters, upright fonts without serifs first."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    wanted = " ".join(f"{ord(letter):x}" for letter in sorted(letters))
    command = [program, "--format", "%{file}\t%{index}\t%{style}\t%{family}\n", f":charset={wanted}"]
    environment = handed_on(["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "FONTCONFIG_FILE"])
    try:
        found = subprocess.run(
            command, env=environment, capture_output=True, timeout=_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    lines = (line.split("\t") for line in found.decode("utf-8", "replace").splitlines())
    ranked = sorted(
        (not {"Regular", "Book"} & set(style.split(",")), "Sans" not in family, path, int(index) & 0xFFFF)
        for path, index, style, family in lines
    )
    return [FontFile(path, index) for *_, path, index in ranked]


@lru_cache(maxsize=512)
def _in_built_in(letters: frozenset[str]) -> bool:
    return _has(_built_in(_PROBE), letters)


def _has(font: Font, letters: frozenset[str]) -> bool:
    """Whether a font has all of them: for what is missing it draws one and the same sign."""
    missing = bytes(font.getmask(_NOWHERE))
    return all(bytes(font.getmask(letter)) != missing for letter in letters)


@lru_cache(maxsize=64)
def _built_in(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache(maxsize=64)
def _opened(file: FontFile, size: int) -> Font:
    return ImageFont.truetype(file.path, size, file.face)
