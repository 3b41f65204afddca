"""The page of the benchmarks, made of their results: ``python -m benchmarks.lib.report`` (``make bench-page``).

It writes docs/benchmarks.md and the charts beside docs/benchmarks/results.json. A test holds them against the
results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.lib import charts, runner
from benchmarks.lib.catalogue import ENTRIES
from benchmarks.lib.figures import Figure, number, restored
from benchmarks.lib.fixtures import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
LIMITS = "limits.svg"
BUSY = 0.3
"""Cores kept busy by other work from which on times are worth less."""

Records = Mapping[str, dict[str, Any]]

_TOP = """# How fast, how large

Made by `make bench-page` of [benchmarks/results.json](benchmarks/results.json), which `make bench` writes: nothing here is written by hand. Compare a
value only with what ran beside it in the same run: times of different machines, or of different days, are not comparable. What each
benchmark does, and how it is kept fair, is described at the top of its file in `benchmarks/`. Accuracy: [accuracy](accuracy.md).
"""


def figures(record: Mapping[str, Any]) -> list[Figure]:
    """What a benchmark found."""
    return restored(record["figures"])


def page(records: Records) -> str:
    """The page as Markdown."""
    parts = [_TOP, *_machines(records), *_limits(records)]
    for entry in ENTRIES:
        if entry.name in records and records[entry.name]["status"] == "measured":
            parts += _section(entry.name, entry.about, records[entry.name])
    return "\n".join([*parts, *_absent(records)])


def drawings(records: Records) -> dict[str, list[Figure]]:
    """What each chart shows, by the name of its file."""
    found: dict[str, list[Figure]] = {}
    for name, record in records.items():
        for figure in figures(record):
            if figure.limit is not None:
                # Away from their benchmark, figures need its name.
                found.setdefault(LIMITS, []).append(replace(figure, name=f"{name}: {figure.name}"))
            if figure.chart:
                found.setdefault(f"{charts.slug(figure.chart)}.svg", []).append(figure)
    return found


def write(records: Records, path: Path = PAGE) -> None:
    """Write the page, and its charts into the folder ``benchmarks`` beside it."""
    folder = path.parent / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    shown = drawings(records)
    for old in folder.glob("*.svg"):
        if old.name not in shown:
            old.unlink()
    for name, part in shown.items():
        if name == LIMITS:
            charts.strains(part, folder / name)
        else:
            charts.bars(part[0].chart, part, folder / name)
    path.write_text(page(records), encoding="utf-8")


def _machines(records: Records) -> list[str]:
    """On what it was measured, and what else ran there."""
    measured = {name: record for name, record in records.items() if record["status"] == "measured"}
    if not measured:
        return ["Nothing has been measured yet.", ""]
    lines = ["## The machine", ""]
    groups: dict[str, list[str]] = {}
    for name, record in measured.items():
        where = record["machine"]
        versions = ", ".join(f"{package} {version}" for package, version in where["versions"].items())
        told = f"{where['cpu']}, {where['cores']} cores, {where['system']}; {versions}; mien at commit {record['commit'] or 'unknown'}"
        groups.setdefault(told, []).append(name)
    lines += [
        f"- {told}" + (f": {', '.join(names)}" if len(groups) > 1 else "") for told, names in groups.items()
    ]
    times = sorted(record["time"] for record in measured.values())
    lines += [
        "",
        f"Measured from {times[0]} to {times[-1]}, {sum(one['seconds'] for one in measured.values()) / 60:.0f} minutes in all.",
    ]
    if any(record["commit"].endswith("+") for record in measured.values()):
        lines.append("A + after a commit: with changes that were not committed.")
    busy = {
        name: record["busy_before"]
        for name, record in measured.items()
        if (record["busy_before"] or 0) > BUSY
    }
    if busy:
        told = ", ".join(f"{name} {cores:g}" for name, cores in busy.items())
        lines.append(
            f"**Other work ran on the machine**, so that times are longer than they would be alone; cores it kept busy before each: {told}."
        )
    else:
        lines.append("Other work kept less than a third of a core busy before each of them.")
    return [*lines, ""]


def _limits(records: Records) -> list[str]:
    """Every figure that was promised, missed ones first."""
    promised = drawings(records).get(LIMITS, [])
    if not promised:
        return []
    missed = [figure for figure in promised if not figure.kept]
    lines = ["## Limits", "", f"{len(promised) - len(missed)} of {len(promised)} limits were kept."]
    lines += (
        [
            "**Missed:**",
            "",
            *(
                f"- {figure.name}: {_with_unit(figure.value, figure)}, limit {_limit(figure)}"
                for figure in missed
            ),
        ]
        if missed
        else []
    )
    lines += ["", f"![How near to the limit each figure came](benchmarks/{LIMITS})", ""]
    lines += ["| figure | measured | limit | |", "|---|--:|--:|---|"]
    for figure in [*missed, *(figure for figure in promised if figure.kept)]:
        lines.append(
            f"| {figure.name} | {_with_unit(figure.value, figure)} | {_limit(figure)} | {'kept' if figure.kept else '**missed**'} |"
        )
    return [*lines, ""]


def _section(name: str, about: str, record: Mapping[str, Any]) -> list[str]:
    found = figures(record)
    words = " ".join(
        [f"python -m benchmarks.suite.{name}", *(_relative(word) for word in record["settings"])]
    )
    lines = [f"## {about}", "", f"`{words}`, {record['seconds']:.0f} s.", ""]
    for title in dict.fromkeys(figure.chart for figure in found if figure.chart):
        lines += [f"![{title}](benchmarks/{charts.slug(title)}.svg)", ""]
    lines += ["| figure | measured | limit | in the same run |", "|---|--:|--:|---|"]
    for figure in found:
        lines.append(
            f"| {figure.name} | {_with_unit(figure.value, figure)} | {_limit(figure)} | {_beside(figure)} |"
        )
    skipped = [
        f"- Left out: {peer}: {reason}" for peer, reason in record["results"].get("skipped", {}).items()
    ]
    return [*lines, "", *skipped, *([""] if skipped else [])]


def _absent(records: Records) -> list[str]:
    """What has no figures here, and why."""
    lines = []
    for entry in ENTRIES:
        record = records.get(entry.name)
        if record is None:
            lines.append(f"- {entry.about} (`{entry.name}`): not run")
        elif record["status"] != "measured":
            lines.append(
                f"- {entry.about} (`{entry.name}`): {record['status']}: {_relative(record['reason'])}"
            )
    return ["## Not measured", "", *lines, ""] if lines else []


def _with_unit(value: float, figure: Figure) -> str:
    return f"{number(value)} {figure.unit}".strip()


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    # "At most 0 of 90" is at most 0.
    return f"{figure.bound} {number(figure.limit) if figure.unit.startswith('of ') else _with_unit(figure.limit, figure)}"


def _beside(figure: Figure) -> str:
    if figure.ratio is not None:
        return f"{number(figure.ratio)} times {figure.beside}"
    return figure.beside


def _relative(text: str) -> str:
    """Without the folders of whoever ran it."""
    return re.sub(r"(^|(?<=\s))\S*/(?=shared/|docs/|out/)", "../", text)


def main() -> None:
    """Make the page anew."""
    write(runner.read(runner.RESULTS))
    print(f"{PAGE}, {runner.RESULTS.parent}/*.svg")


if __name__ == "__main__":
    main()
