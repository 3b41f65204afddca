r"""How the names of files are spelled in text: one way, for every table, page, message and log, and back
again.

A name of a file may hold what text cannot: bytes that are not UTF-8, halves of surrogate pairs (Windows),
control characters that a terminal obeys, marks that turn the direction of writing, characters that XML
forbids. Such a character is spelled as ``\x1b`` (a control character below 128, or a byte from ``\x80`` to
``\xff`` that is not UTF-8) or ``\u202e`` (any other). All else stays as it is, so that nearly every name is
spelled as itself; a backslash is too, unless what follows makes it look like one of these: then it is spelled
``\x5c``.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath
from reprlib import Repr
from typing import Any, TextIO

from mien.core.formatting import counted

_STRANGE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_STRANGE_IN_TEXT = re.compile(_STRANGE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_LIKE_ESCAPE = re.compile(_ESCAPE.pattern.replace(r"\\", r"\\(?=", 1) + ")")
_BYTES = 0xDC00
"""Python gives a byte of a name that is not UTF-8 the code 0xDC00 + byte."""


def spelled(name: str | os.PathLike[str]) -> str:
    r"""A name, as text that can stand in a UTF-8 file, a page, XML or a terminal. To be used once on a name;
    `unspelled` takes it back.

    Everything that writes the name of a file for people or programs uses this one
    (`mien.media.byte_source.name_of` and `Content.name` give names that are spelled already).

    >>> import os
    >>> print(spelled(os.fsdecode(b"Ren\xe9.png")), spelled("Ren\u00e9.png"), spelled("a\x1b[2J.png"), spelled("C:\\new\\x41.png"))
    Ren\xe9.png René.png a\x1b[2J.png C:\new\x5cx41.png
    """
    return printable(_LIKE_ESCAPE.sub(r"\\x5c", os.fspath(name)), _STRANGE)


def titled(name: str | os.PathLike[str]) -> str:
    """A name in titles: the last folder and the file, which tell apart what stands in several folders.

    >>> titled("/videos/monday/talk.mp4"), titled("talk.mp4"), titled("../talk.mp4"), titled("camera:0")
    ('monday/talk.mp4', 'talk.mp4', 'talk.mp4', 'camera:0')
    """
    path = PurePath(name)
    parts = [part for part in path.parts if part not in (path.anchor, ".", "..")]
    return spelled("/".join(parts[-2:]))


def unspelled(text: str) -> str:
    r"""The name that `spelled` has made this text of. What was never spelled comes back as it is, unless it
    looks like an escape.

    >>> unspelled(r"C:\new\x5cx41.png"), ascii(unspelled(r"Ren\xe9.png"))
    ('C:\\new\\x41.png', "'Ren\\udce9.png'")
    """
    return _ESCAPE.sub(_meant, text)


def printable(text: str, strange: re.Pattern[str] = _STRANGE_IN_TEXT) -> str:
    r"""Text with its strange characters escaped; what is escaped already stays, so it may be used on any
    message, and twice.

    Args:
        text: Anything, such as an error with names in it.
        strange: What is escaped; by default all but line breaks and tabs.

    >>> print(printable("no\x1b]0;TITLE\x07.jpg: expected\na file"))
    no\x1b]0;TITLE\x07.jpg: expected
    a file
    """
    return strange.sub(lambda found: _escape(ord(found[0])), text)


def json_text(value: Any, file: TextIO | None = None, indent: int | None = None) -> str:
    r"""A value as JSON that can be written anywhere: in UTF-8, or in ASCII where ``file`` has another
    encoding.

    >>> print(json_text({"name": "Ren\udce9 \u65e5"}))
    {"name": "Ren\\xe9 日"}
    """
    encoding = (getattr(file, "encoding", None) or "utf-8").lower()
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    if text.isascii() and "\x7f" not in text:
        return text
    text = re.sub(
        "[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]",
        lambda found: "\\" + _escape(ord(found[0])),
        text,
    )
    return (
        text
        if encoding.startswith("utf")
        else "".join(letter if letter < "\x80" else json.dumps(letter)[1:-1] for letter in text)
    )


def existing(name: str) -> str:
    """The file that a name in a list or table means: the one of just that name if there is one, else the one
    that it spells.

    >>> existing("no-such-file.png")
    'no-such-file.png'
    """
    meant = unspelled(name)
    return name if os.path.lexists(name) or not can_be_name(meant) else meant


def can_be_name(name: str) -> bool:
    r"""Whether a file of this system may have such a name.

    >>> can_be_name("Ren\u00e9.png"), can_be_name("a\0b")
    (True, False)
    """
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # Half of a surrogate pair, which only Windows has in names.
        return False


def nearest(given: str, known: Iterable[str]) -> str:
    """What was probably meant, as a part of a message; empty where nothing is near.

    >>> nearest("minface", ["min_face", "tau"])
    ': did you mean min_face?'
    >>> nearest("colour", ["min_face", "tau"])
    ''
    """
    near = get_close_matches(given[:40], list(known), 1)
    return f": did you mean {near[0]}?" if near else ""


def _escape(code: int) -> str:
    if _BYTES + 0x80 <= code <= _BYTES + 0xFF:
        return f"\\x{code - _BYTES:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _meant(escape: re.Match[str]) -> str:
    code = int(escape[1] or escape[2] or escape[3], 16)
    if escape[1] and code >= 0x80:
        return chr(_BYTES + code)
    return chr(code) if code <= 0x10FFFF else escape[0]


_QUOTED = Repr()
_QUOTED.maxstring = _QUOTED.maxother = _QUOTED.maxlong = 80


def quoted(value: object) -> str:
    """What came, as a message shows it: in one line, and cut where it is long, however large it is.

    >>> quoted("maybe"), quoted(None), len(quoted("a" * 10**6)), quoted(b"GIF89a" * 10**6)
    ("'maybe'", 'None', 80, '6,000,000 bytes')
    """
    if isinstance(value, bytes | bytearray | memoryview) and len(value) > _QUOTED.maxother:
        return counted(len(value), "byte")
    try:
        return " ".join(_QUOTED.repr(value).split())
    except ValueError:  # Python writes no number of so many digits.
        return "a number of thousands of digits"


def unreadable(error: Exception) -> str:
    """What is wrong with a text, as readers of JSON and TOML say it, but for what they say to programmers.

    >>> import json
    >>> for text in ("[" * 10**5, "9" * 10**4, "{"):
    ...     try:
    ...         json.loads(text)
    ...     except (ValueError, RecursionError) as error:
    ...         print(unreadable(error))
    too many brackets inside each other
    a number of thousands of digits
    Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
    """
    if isinstance(error, RecursionError):
        return "too many brackets inside each other"
    return "a number of thousands of digits" if "set_int_max_str_digits" in str(error) else str(error)


_PLAIN = {"●": "*", "█": "#", "·": ".", "…": "...", "━": "-", "╸": "-", "╺": "-"}
"""What tables and bars are drawn with, for streams that have no such characters."""


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(
        _PLAIN.get(letter) or _escape(ord(letter)) for letter in error.object[error.start : error.end]
    ), error.end


STREAM_ERRORS = "mien.spelled"
"""How an output stream of another encoding (a code page of Windows, ASCII) treats what it has no character
for: as an ``errors`` of `open`. It is escaped as in `spelled`; what tables are drawn with gets a sign that is
like it."""

codecs.register_error(STREAM_ERRORS, _replaced)
