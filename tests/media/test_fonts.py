"""Names in every script are drawn with letters, never with the box that stands for a missing one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import ImageFont

from mien.media import fonts
from mien.media.fonts import FontFile, apart, font_file, font_for, legible

JAPANESE, HEBREW, ARABIC = "嬉しい", "שמח", "مقابلة"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    kept = (fonts._file_with, fonts._in_built_in, fonts.legible, fonts._opened)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def font_of(letters: str, path: Path) -> Path:
    """A font that has these letters and no others, each a triangle."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((400, 700))
    pen.lineTo((800, 0))
    pen.closePath()
    box = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (500, 700), (500, 0)):
        (box.lineTo if corner != (0, 0) else box.moveTo)(corner)
    box.closePath()
    names = [f"u{ord(letter):04x}" for letter in letters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names, strict=True)})
    builder.setupGlyf({".notdef": box.glyph()} | {name: pen.glyph() for name in names})
    builder.setupHorizontalMetrics({".notdef": (600, 0)} | dict.fromkeys(names, (900, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Few Sans", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def drawn(text: str) -> bool:
    """Whether every letter is another sign than the one for what a font has not."""
    font = font_for(text, 20)
    missing = bytes(font.getmask("\U0010ffff"))
    return all(bytes(font.getmask(letter)) != missing for letter in text if letter.isalnum())


@pytest.mark.parametrize("name", ["happy", "fâché", "грустный", "λύπη", HEBREW, ARABIC])
def test_a_machine_with_matplotlib_has_most_scripts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(fonts, "_KNOWN", ())
    assert legible(name, "label 1") == name
    assert drawn(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("happy", "happy"),
        ("fâché", "fache"),
        (JAPANESE, "label 3"),
        ("\u5149 3", "… 3"),
        (f"take {HEBREW}{ARABIC}", "take …"),
    ],
)
def test_without_any_font_names_lose_what_has_no_letter(
    name: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_files", lambda _: iter(()))
    assert legible(name, "label 3") == shown
    assert drawn(shown)


def test_a_name_in_two_scripts_keeps_the_more_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(fonts, "_KNOWN", (str(font_of(JAPANESE, tmp_path / "few.ttf")),))
    assert legible(JAPANESE, "label 1") == JAPANESE
    assert legible(f"{JAPANESE} {HEBREW} 12", "label 1") == f"… {HEBREW} 12"


def test_a_font_of_the_machine_is_found_where_the_built_in_one_has_no_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("fc-list") is None:
        pytest.skip("fontconfig's fc-list is not installed")
    font = font_of(JAPANESE, tmp_path / "few.ttf")
    settings = tmp_path / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>"
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(settings))
    monkeypatch.setattr(fonts, "_KNOWN", ())
    assert font_file(JAPANESE) == FontFile(str(font))
    assert drawn(JAPANESE)
    assert font_file(f"{JAPANESE}\u5149") is None, "one letter is missing"


def test_files_that_are_no_fonts_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    font = font_of(JAPANESE, tmp_path / "few.ttf")
    places = (tmp_path / "missing.ttf", tmp_path / "broken.ttf", font)
    monkeypatch.setattr(fonts, "_files", lambda _: iter(FontFile(str(place)) for place in places))
    assert font_file(JAPANESE) == FontFile(str(font))


@pytest.mark.parametrize("name", [HEBREW, f"{HEBREW} 12", f"{ARABIC} 45"])
def test_numbers_beside_letters_from_right_to_left_keep_their_places(name: str) -> None:
    """The person stands left, the percentage right, as beside any other label."""
    marked = apart(name)
    text, font = f"7 {marked} 83 %", font_for(f"7 {name} 83 %", 40)
    assert isinstance(font, ImageFont.FreeTypeFont)

    def columns(part: str) -> np.ndarray:
        mask = font.getmask(part)
        return np.asarray(mask).reshape(mask.size[::-1]) > 0

    whole = columns(text)
    for part, side in (("7", slice(None, columns("7").shape[1])), ("%", slice(-columns("%").shape[1], None))):
        seen, alone = whole[:, side], columns(part)
        rows = seen.any(axis=1)
        assert (seen[rows] == alone[alone.any(axis=1)]).mean() > 0.9, part
