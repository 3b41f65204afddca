"""What a page tells of the model that read the faces, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mien.core.formatting import percent, precise

if TYPE_CHECKING:
    from mien.inference.card import Card, Score


def accuracy_sentence(card: Card, head: str) -> str:
    """How often a head of a model is right, in one sentence, with the labels that each share is about."""
    scores = _strictest(card, head)
    if not scores:
        return "How often this model is right was not measured."
    shares = " and ".join(f"{percent(score.accuracy)} of the labels of {score.labels}" for score in scores)
    return f"On photographs that it had not learned from, the model agreed with {shares}; on other images it may do worse."


def score_rows(card: Card, head: str) -> list[tuple[str, ...]]:
    """All scores of a head: labels, images, how many, accuracy and its 95 % interval."""
    return [
        (
            score.labels,
            score.data,
            f"{score.n:,}",
            precise(score.accuracy),
            f"{precise(score.low)} to {precise(score.high)}",
        )
        for score in _of_head(card, head)
    ]


def model_facts(card: Card, head: str) -> list[tuple[str, str]]:
    """What is worth knowing besides; what the card leaves out is left out here."""
    facts = [
        ("Model", f"{card.name} {card.version}"),
        ("Tells apart", ", ".join(card.heads[head])),
        ("Not for", card.limits),
        ("Rights in the images it learned from", card.rights),
        ("Licence", card.licence),
        ("How it was made", f"mien models list {card.name} tells it"),
        ("Fingerprint (SHA-256)", card.sha256),
    ]
    return [(name, value) for name, value in facts if value]


def _of_head(card: Card, head: str) -> list[Score]:
    return [score for score in card.scores if f"head {head}," in score.note]


def _strictest(card: Card, head: str) -> Sequence[Score]:
    """One score for each kind of labels: without images that it may know, where that was measured."""
    scores = _of_head(card, head)
    ranked = sorted(scores, key=lambda score: "leak-free" in score.data)
    best = {score.labels: score for score in ranked}
    return sorted(best.values(), key=lambda score: -score.accuracy)
