"""``mien models``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.cli.formats import ListFormat

if TYPE_CHECKING:
    from pathlib import Path

    from mien.card import Card


def models(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Networks by name, or ONNX files; all that mien has.")] = None,
    form: Annotated[ListFormat, typer.Option("--format", help="A card for people, or JSON.")] = ListFormat.table,
) -> None:
    """Show the cards of networks: what they read, what they learned from, how good they are, and what they are not for."""
    from mien.card import read_card
    from mien.networks import network_path, shipped

    cards = [(path, read_card(path)) for path in (map(network_path, names) if names else shipped().values())]
    if form is ListFormat.json:
        print(json.dumps([{"file": str(path), **card.model_dump(mode="json")} for path, card in cards], indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for path, card in cards:
        _show(console, path, card)


def _show(console: Console, path: Path, card: Card) -> None:
    console.print(f"{card.name} {card.version}", style="bold", markup=False)
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(path, card):
        if value:
            facts.add_row(name, value)
    console.print(facts, markup=False)
    if card.scores:
        console.print(_scores(card))
    console.print()


def _facts(path: Path, card: Card) -> list[tuple[str, str]]:
    size = f"{card.parameters:,} weights, {card.macs / 1e6:.1f} million multiplications a face, {path.stat().st_size / 1e6:.2f} MB"
    heads = "\n".join(f"{head}: {', '.join(names)}" for head, names in card.heads.items())
    seen = f"{card.input.width}x{card.input.height}, {'gray' if card.input.channels == 1 else 'RGB'}. {card.input.note}"
    return [
        ("what", card.summary),
        ("readings", heads),
        ("sees", seen),
        ("size", size),
        ("trained on", card.training),
        ("split", card.split),
        ("licence", card.licence),
        ("rights", card.rights),
        ("not for", card.limits),
        ("made with", card.made_with),
        ("file", str(path)),
        ("sha256", card.sha256),
    ]


def _scores(card: Card) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("data", "labels", "n", "accuracy", "95 % interval", "how"):
        table.add_column(name, justify="right" if name in ("n", "accuracy") else "left", overflow="fold")
    for score in card.scores:
        table.add_row(score.data, score.labels, f"{score.n:,}", f"{score.accuracy:.1%}", f"{score.low:.1%} to {score.high:.1%}", score.note)
    return table
