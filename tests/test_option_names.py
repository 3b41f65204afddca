"""An option's name means one thing, whatever the command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import typer

from mien.cli.app import app

_OWN_VALUES = {
    "--output": "a file, or a folder where there are many",
    "-o": "the same",
    "--by": "a column of a table of faces, or a field of a study",
    "--offset": "of several coders each may have one",
}
"""Options whose values are told apart by the command, and why they have one name all the same."""


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    yield " ".join(("mien", *path)), group
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*path, name))


def _bare(annotation: Any) -> str:
    """What one value is, whether it may be left out or given again."""
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return "choice"
    return _bare(inner[0]) if inner else str(getattr(annotation, "__name__", annotation))


def _kind(option: Any) -> str:
    """What one value of an option is, in the words of this version of Typer: an old one has only the type of Click."""
    described = getattr(option, "type_descriptor", None)
    return _bare(described.annotation) if described else str(option.type.name).removesuffix(" range")


def _kinds() -> dict[str, dict[tuple[str, str | None], list[str]]]:
    """By names of options, what their values are, and where."""
    found: dict[str, dict[tuple[str, str | None], list[str]]] = defaultdict(lambda: defaultdict(list))
    for path, command in _commands(typer.main.get_command(app)):
        for option in command.params:
            if option.param_type_name == "option":
                kind = "flag" if option.is_flag else _kind(option)
                for name in (*option.opts, *option.secondary_opts):
                    found[name][kind, option.metavar].append(path)
    return found


def test_an_option_has_one_kind_of_value() -> None:
    kinds = _kinds()
    assert {
        name: dict(kinds[name]) for name in kinds if len(kinds[name]) > 1 and name not in _OWN_VALUES
    } == {}
    assert {name for name in _OWN_VALUES if len(kinds[name]) < 2} == set(), (
        "one value now: no exception any more"
    )
    assert kinds["--persons"] != kinds["--corrections"]
