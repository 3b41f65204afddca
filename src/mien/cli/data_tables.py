"""Tables for people about data sets."""

from __future__ import annotations

from typing import Any

from mien.cli.console import Console
from mien.cli.table import Table, TableColumn
from mien.core.formatting import counted

_MOST = 3


def show_statistics(facts: dict[str, Any], console: Console) -> None:
    """Print what ``mien data stats`` counted."""
    console.print(
        f"{counted(facts['images'], 'image')} of {facts['width']}x{facts['height']} px, {counted(len(facts['labels']), 'class', 'classes')}"
    )
    console.print()
    columns = {**facts["splits"], "all": facts["all"]}
    table = Table("label", *columns)
    for name in facts["labels"]:
        table.add_row(name, *(_count(part["classes"][name], part["total"]) for part in columns.values()))
    table.add_section()
    table.add_row("all", *(f"{part['total']:,}" for part in columns.values()))
    table.add_row(
        "imbalance",
        *(
            "a class is empty" if part["imbalance"] is None else f"{part['imbalance']:.1f}"
            for part in columns.values()
        ),
    )
    console.print(table)
    votes = facts["votes"]
    if votes is None:
        return
    console.print()
    console.print(
        f"FER+: {counted(votes['rows'], 'image')} with votes, {votes['not_a_face']:,} of them not a face for most annotators"
    )
    console.print()
    table = Table("majority", *votes["majority"])
    for name in next(iter(votes["majority"].values()))["classes"]:
        table.add_row(
            name, *(_count(part["classes"][name], part["total"]) for part in votes["majority"].values())
        )
    table.add_section()
    table.add_row("all", *(f"{part['total']:,}" for part in votes["majority"].values()))
    table.add_row("no majority", *(f"{part['dropped']:,}" for part in votes["majority"].values()))
    console.print(table)


def show_audit(facts: dict[str, Any], console: Console) -> None:
    """Print what ``mien data audit`` found."""
    splits = ", ".join(f"{name} {count:,}" for name, count in facts["splits"].items())
    console.print(f"{counted(facts['images'], 'image')} read ({splits}), {facts['distinct']:,} distinct")
    console.print()
    table = Table(TableColumn("finding", "words"), "images", TableColumn("such as", "pieces", style="dim"))
    for name, count, examples in _findings(facts):
        table.add_row(name, f"{count:,}", tuple(map(str, examples[:_MOST])))
    console.print(table)
    console.print()
    _show_pairs(facts, console)
    for problem in facts["unreadable"]:
        console.print(f"not read: {problem}", soft_wrap=True)
    clean = facts["clean"]
    also = "".join(f", without {name}" for name in clean["also_without"])
    console.print(
        f"clean training set: {counted(clean['training'], 'image')}, {len(clean['dropped']):,} left out{also}",
        style="bold",
    )


def _findings(facts: dict[str, Any]) -> list[tuple[str, int, list[Any]]]:
    leaks, near = facts["leaks"], facts["near_leaks"]
    exact = facts["exact_copies"]
    contradicting = facts["contradictions"]
    return [
        ("unreadable", len(facts["unreadable"]), []),
        ("blank", len(facts["blank"]), facts["blank"]),
        ("not a face", len(facts["not_a_face"]), facts["not_a_face"]),
        (f"exact copies, {counted(exact['groups'], 'group')}", exact["rows"], []),
        ("repeats in training", exact["repeats_in_training"], []),
        (
            f"contradicting labels, {counted(contradicting['groups'], 'group')}",
            len(contradicting["rows"]),
            contradicting["rows"],
        ),
        *(
            (f"{name} with exact copy in training", len(rows), rows)
            for name, rows in leaks.items()
            if name != "training"
        ),
        *(
            (f"{name} with a near copy only", len(rows), rows)
            for name, rows in near.items()
            if name != "training"
        ),
        ("training copied from a test, exact", len(leaks["training"]), leaks["training"]),
        ("training copied from a test, near", len(near["training"]), near["training"]),
        *_shared(facts["by"]),
        *_elsewhere(facts["against"]),
    ]


def _elsewhere(against: dict[str, Any] | None) -> list[tuple[str, int, list[Any]]]:
    if against is None:
        return []
    other = f"the other set of {against['images']:,}"
    return [
        (f"exact copies of {other}", len(against["exact"]), against["exact"]),
        (f"near copies of {other}", len(against["near"]), against["near"]),
    ]


def _shared(by: dict[str, Any] | None) -> list[tuple[str, int, list[Any]]]:
    if by is None:
        return []
    values = by["in_several_splits"]
    return [
        (f"{by['column']} in several splits, {len(values):,} of {by['values']:,}", len(by["rows"]), values),
        (f"without {by['column']}", by["without"], []),
    ]


def _show_pairs(facts: dict[str, Any], console: Console) -> None:
    near = facts["near_copies"]
    table = Table("copies between", "exact", "near")
    exact = facts["exact_copies"]["between"]
    for name, count in near["between"].items():
        one, other = name.split(" and ")
        table.add_row(
            name, f"{exact[f'{one} in itself' if one == other else f'{one} in {other}']:,}", f"{count:,}"
        )
    console.print(table)
    console.print(
        f"exact: images of the first that are in the second too; near: {counted(near['pairs'], 'pair')} of "
        f"distinct images, {near['mirrored']:,} of them "
        f"mirrored, {near['of_another_label']:,} of different labels (correlation of at least {near['likeness']})",
        style="dim",
    )
    console.print()


def _count(count: int, total: int) -> str:
    return f"{count:,} {count / total:>4.0%}" if total else "0"
