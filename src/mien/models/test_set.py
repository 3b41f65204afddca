"""How good a network file is on the test set, measured on the file itself, with intervals, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mien.core.atomic import translate_os_errors
from mien.core.errors import InputError
from mien.data.dataset import PRIVATE_TEST, FaceDataset
from mien.evaluation import EvaluateOptions, Evaluation, Figures, evaluate, open_subject
from mien.evaluation.predictor import members
from mien.inference.card import Score, read_card, write_card

_FIRST = ("fer2013", "ferplus")
"""Heads that are told of first."""
_BLEND = "expression"
_LABELS = {"own": "FER-2013", "ferplus": "FER+", "votes-7": "FER+"}
_OTHER_LABELS = {**_LABELS, "own": "the data's own"}


def judge_private(network: str, data: FaceDataset) -> list[Evaluation]:
    """Every head of a network file on PrivateTest, one view of each image; of several with ``+`` between
    them, together.

    Opening PrivateTest is an event: ``mien models test`` logs it. Nothing may be chosen by what comes out.
    """
    heads = sorted(read_card(Path(members(network)[0])).heads, key=lambda head: (*_FIRST, head).index(head))
    asked = [(head, "ferplus" if head == "ferplus" else "own") for head in heads]
    if _BLEND in heads and data.votes is not None:  # A blend stands for both sets.
        asked.append((_BLEND, "votes-7"))
    return [
        evaluate(open_subject(network, head=head), data, EvaluateOptions(split=PRIVATE_TEST, labels=labels))
        for head, labels in asked
    ]


def scores_of(found: list[Evaluation], data: FaceDataset) -> list[Score]:
    """Accuracies for a card: the official part of every head, then the leak-free part."""
    names = _LABELS if data.is_fer2013 else _OTHER_LABELS
    official = [_score(each, each.whole, "official", names) for each in found]
    return official + [
        _score(each, each.leak_free, "leak-free", names) for each in found if each.leak_free is not None
    ]


def _score(found: Evaluation, figures: Figures, part: str, names: Mapping[str, str]) -> Score:
    return Score(
        data=f"{found.split}, {part}",
        labels=names[found.options.labels],
        n=figures.n,
        accuracy=round(figures.accuracy, 5),
        low=round(figures.low, 5),
        high=round(figures.high, 5),
        balanced_accuracy=round(figures.balanced_accuracy, 5),
        balanced_low=round(figures.balanced_low, 5),
        balanced_high=round(figures.balanced_high, 5),
        expected_calibration_error=round(figures.expected_calibration_error, 5),
        note=f"head {found.subject.head}, one view",
    )


def open_private(network: str, data: FaceDataset, log: Path) -> str:
    """Score a finished network on PrivateTest, write the scores into its card, and log that the test set was
    opened.

    Args:
        network: Network file, whose card gets the scores; or several with ``+`` between them, whose cards
            stay as they are.
        data: FER-2013, or other data with a PrivateTest.
        log: File that gets one line.

    Returns:
        That line.

    Raises:
        InputError: The classes of a network are not those of the data, or the log cannot be written.
    """
    cards = {Path(path): read_card(Path(path)) for path in members(network)}
    for path, card in cards.items():
        for head, names in card.heads.items():
            if head != "ferplus" and names != data.labels.names:
                raise InputError(
                    f"expected data with the classes {', '.join(names)}, as {path} has; got {', '.join(data.labels)}"
                )
    with translate_os_errors(log), open(log, "a", encoding="utf-8", newline="\n") as file:
        judged = judge_private(network, data)
        scores = scores_of(judged, data)
        if len(cards) == 1:
            cards = {
                path: write_card(path, card.model_copy(update={"scores": tuple(scores)}))
                for path, card in cards.items()
            }
        own = [found for found in judged if found.subject.head != _BLEND] or judged
        calibration = ", ".join(
            f"{found.subject.head} {found.whole.expected_calibration_error:.4f}" for found in own
        )
        told_scores = "; ".join(
            f"{score.data}, {score.labels}, {score.note}: {score.accuracy:.2%} of {score.n}, balanced {score.balanced_accuracy:.2%}"
            for score in scores
        )
        named = " + ".join(f"{path.name} sha256 {card.sha256[:16]}" for path, card in cards.items())
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M} {named}: {told_scores}; expected calibration error: {calibration}"
        file.write(line + "\n")
    return line
