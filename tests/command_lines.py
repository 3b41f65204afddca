"""Command lines that pages show, and whether the program understands them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import typer


def blocks(page: Path) -> list[tuple[str, str]]:
    """Fenced blocks of a page, each with its language."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(console: str) -> Iterator[tuple[str, str]]:
    r"""Each command of a block, and what stands below it.

    >>> list(commands("$ mien analyze a.jpg\n1 face\n$ mien doctor\n"))
    [('mien analyze a.jpg', '1 face\n'), ('mien doctor', '')]
    """
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        line, _, below = part.partition("\n")
        yield line, below


@cache
def _program() -> Any:
    from mien.cli.app import app

    return typer.main.get_command(app)


def understood(line: str) -> list[str]:
    """The names of the command that a line is for, which is read as the program reads it, and not run.

    Raises:
        typer.TyperException: There is no such command, option or choice, or an argument is missing.

    >>> understood("mien models list small"), understood("mien --log mien.log analyze a.jpg --fps 2  # quickly")
    (['mien', 'models', 'list'], ['mien', 'analyze'])
    """
    command = _program()
    name, *words = takewhile(lambda word: word not in {"|", ">", "&"}, shlex.split(line, comments=True))
    found = [name]
    while hasattr(command, "commands"):
        inner = command.make_context(name, words)
        name, command, words = command.resolve_command(inner, [*inner._protected_args, *inner.args])
        found.append(name)
    command.make_context(name, words)
    return found
