"""The command as users start it, and what it wrote."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.commands import run_mien

Rows = list[dict[str, Any]]


def mien(
    *words: object, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a process that starts at once where nothing is to happen to its start."""
    if env is None and not options:
        return run_mien(*words)
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, **(env or {})},
        **options,
    )


def command(*words: object) -> list[str]:
    """The command as a list for the system."""
    return [sys.executable, "-m", "mien", *map(str, words)]


def batch(source: object, out: object, *more: object) -> tuple[object, ...]:
    """Words of ``mien batch`` over images that are faces."""
    return ("batch", source, "-o", out, "--detector", "whole", "--workers", 2, "--shard-size", 5, *more)


def rows_of(out: Path) -> Rows:
    """All rows of a run, in the order of the files' names."""
    import polars

    return [
        row for shard in sorted(out.glob("shard-*.parquet")) for row in polars.read_parquet(shard).to_dicts()
    ]


def csv_rows(path: Path) -> Rows:
    """The rows of a CSV."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
