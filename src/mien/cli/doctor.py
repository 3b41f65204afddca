"""``mien doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from mien.cli.console import Console, say_json
from mien.cli.exits import BROKEN
from mien.cli.options import ListFormat

_MARKS = {True: ("ok", "green"), False: ("!!", "bold red"), None: ("--", "dim")}


def doctor(
    form: Annotated[
        ListFormat, typer.Option("--format", help="Lines for people, or JSON.")
    ] = ListFormat.table,
) -> None:
    """Check that everything is installed and works: versions, devices, detectors, models, a self-test.

    Exit status: 4 when something that the main job needs is missing or damaged.

    Example: mien doctor --format json
    """
    from mien.cli.diagnosis import examine

    findings = list(examine())
    if form is ListFormat.json:
        say_json([asdict(finding) for finding in findings])
    else:
        console = Console(soft_wrap=True)
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            console.print(Text.assemble(_MARKS[finding.ok], f" {finding.what:<{width}}  {finding.detail}"))
    raise typer.Exit(BROKEN if any(finding.ok is False for finding in findings) else 0)
