"""Names of files in text: one spelling, that can be written anywhere and taken back."""

from __future__ import annotations

import os
import random
import xml.dom.minidom
from pathlib import Path

import pytest

from mien.core.names import STREAM_ERRORS, existing, printable, spelled, unspelled

STRANGE = {
    os.fsdecode(b"Ren\xe9.png"): r"Ren\xe9.png",
    "Ren\u00e9.png": "Ren\u00e9.png",
    "a\x1b]0;T\x07.png": r"a\x1b]0;T\x07.png",
    "a\nb\r\t.png": r"a\x0ab\x0d\x09.png",
    "\u0085\u009b31m": r"\u0085\u009b31m",
    "gpj.\u202eexe": r"gpj.\u202eexe",
    "half \ud83d": r"half \ud83d",
    "\u2028\ufffe\x7f": r"\u2028\ufffe\x7f",
    "family \U0001f468\u200d\U0001f469 .png": "family \U0001f468\u200d\U0001f469 .png",
    r"C:\photos\new\user.png": r"C:\photos\new\user.png",
    r"C:\x41\ubeef\U0001f468.png": r"C:\x5cx41\x5cubeef\x5cU0001f468.png",
    r"\x5cx41": r"\x5cx5cx41",
    "\\\x1b": r"\\x1b",
    "100% [a] 'b'.png": "100% [a] 'b'.png",
    "": "",
}


@pytest.mark.parametrize(("name", "text"), STRANGE.items(), ids=[ascii(name) for name in STRANGE])
def test_a_name_is_spelled_and_read_back(name: str, text: str) -> None:
    assert spelled(name) == text
    assert unspelled(text) == name


def test_any_name_comes_back() -> None:
    chance = random.Random(7)
    letters = [
        "\\",
        "x",
        "u",
        "U",
        "0",
        "5",
        "c",
        "e",
        "9",
        "\x1b",
        "\x85",
        "\udce9",
        "\udc5c",
        "\ud800",
        "\u202e",
        "é",
        "\U0001f600",
        "%",
        "\uffff",
    ]
    for _ in range(20_000):
        name = "".join(chance.choices(letters, k=chance.randrange(14)))
        text = spelled(name)
        assert unspelled(text) == name, ascii(name)
        assert printable(text) == text
        xml.dom.minidom.parseString(f"<a>{text.encode().decode()}</a>")


def test_different_names_are_spelled_differently() -> None:
    names = [os.fsdecode(b"\xe9"), "\u00e9", r"\xe9", r"\u00e9", r"\x5cxe9", r"\\xe9"]
    assert len({spelled(name) for name in names}) == len(names)


def test_messages_keep_their_lines_and_may_be_escaped_twice() -> None:
    assert printable("a\x1b[1m\nb\tc") == "a\\x1b[1m\nb\tc"
    assert printable(printable(r"\x41 \u202e" + "\u202e")) == r"\x41 \u202e" + r"\u202e"


@pytest.mark.skipif(os.name == "nt", reason="names of Windows are UTF-16")
def test_a_name_in_a_list_finds_its_file(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"Ren\xe9.png")
    Path(os.fsdecode(raw)).touch()
    literal = tmp_path / r"a\x41.png"
    literal.touch()
    assert existing(spelled(os.fsdecode(raw))) == os.fsdecode(raw)
    assert existing(str(literal)) == str(literal)
    assert existing(spelled(literal)) == str(literal)


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("ascii", rb"caf\u00e9 \u65e5\U0001f600 *#. \xe9"),
        ("cp1252", b"caf\xe9 \\u65e5\\U0001f600 *#\xb7 \\xe9"),
        ("cp932", b"caf\\u00e9 \x93\xfa\\U0001f600 \x81\x9c#. \\xe9"),
        ("utf-8", "café 日\U0001f600 ●█· \\xe9".encode()),
    ],
)
def test_streams_of_other_encodings_lose_nothing_of_names(encoding: str, wanted: bytes) -> None:
    text = "café 日\U0001f600 ●█· " + os.fsdecode(b"\xe9")
    written = text.encode(encoding, STREAM_ERRORS)
    assert written == wanted
    assert unspelled(written.decode(encoding)).startswith("café 日\U0001f600")
