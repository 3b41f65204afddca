"""Where in a TOML file everything stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from mien.rules.toml_locations import Path, Positions

TEXTS = [
    'a = 1\nb = "x" # "c = 2"\n\'d e\' = true\n',
    '[rules.smile]\nwhen = "a"\n[rules."no body"]\nwhen = \'b\'\n',
    'x = { y = 1, "z.z" = [1, 2, { w = "q, ]" }] }\n',
    'list = [\n  "a", # one\n  "b#c",\n  [1,2] ,\n]\nlast=2026-11-20 19:33:59Z',
    'long = """\nfirst \\\n   "quoted" \\"more\\"\nlast"""\nraw = \'\'\'\nhe said "so"\'\'\'\nafter = 1e3\n',
    "a.b.c = 1\na.b.d = 2\n[e.f]\ng.h = [ ]\n[i]\nj = {}\n",
    "[[many]]\nn = 1\n[many.sub]\nm = 2\n[[many]]\nn = 3\n[many.sub]\nm = 4\n[[many.deep]]\nk = 5\n[[many.deep]]\nk = 6\n",
    'empty = ""\nescaped = "\\u00fc\\t\\\\"\nlit = \'\\\'\n  indented = -0.5\n[ spaced . "out" ]\nx = 1',
    "",
    "# only a comment",
    "quotes = \"\"\"\"four quotes\"\"\"\"\nsingle = ''''four''''\n",
]


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [leaf for number, inner in enumerate(value) for leaf in leaves(inner, (*path, number))]
    return [(path, value)]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_every_value_is_where_it_is_said_to_be(text: str) -> None:
    found = tomllib.loads(text)
    positions = Positions(text)
    for path, value in leaves(found):
        if path:
            place = positions.places[path]
            assert tomllib.loads(f"x = {text[place.start : place.end]}")["x"] == value, path


def test_lines_columns_and_places_inside_texts() -> None:
    text = 'a = 1\n\n[t]\nplain = "one two"\nescaped = "a \\"b\\" here"\nlong = """\nfirst\nsecond here"""\n'
    positions = Positions(text)
    assert positions.line_and_column(positions.of(("t",)).key) == (3, 1)
    assert positions.line_and_column(positions.of(("t", "plain")).start) == (4, 9)
    for key, word in (("plain", "two"), ("escaped", "here"), ("long", "here")):
        value = tomllib.loads(text)["t"][key]
        offset = positions.inside(("t", key), value.index(word))
        assert text[offset : offset + len(word)] == word
    assert positions.line_and_column(positions.inside(("t", "long"), 13)) == (8, 8)
    assert positions.of(("t", "missing", "deeper")) == positions.of(("t",)), (
        "what is not there is where it would be"
    )
