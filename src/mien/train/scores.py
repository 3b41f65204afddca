"""How good a network file is, measured on the file itself, with intervals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.card import Score, write_card
from mien.data.dataset import PRIVATE_TEST, FaceDataset, leak_free
from mien.errors import InputError
from mien.files import told
from mien.metrics import expected_calibration_error, reliability, wilson
from mien.runtime import Network, open_network

_BATCH = 64
_QUESTIONS = (("fer2013", "FER-2013"), ("ferplus", "FER+"), ("expression", "FER-2013"), ("expression", "FER+"))


def score_private(network: Network, data: FaceDataset) -> list[Score]:
    """Accuracy of every reading on PrivateTest, whole and leak-free, one view of each picture.

    A reading is held against its own labels, the blend against both sets. Opening PrivateTest is an event:
    ``mien open-private`` logs it. Nothing may be chosen by what comes out.
    """
    scores = []
    for part, name in ((data.split(PRIVATE_TEST), "official"), (leak_free(data, PRIVATE_TEST), "leak-free")):
        answers = {head: probs.argmax(axis=1) for head, probs in predict(network, part).items()}
        for head, labels in _QUESTIONS:
            if head not in answers:
                continue
            truth = _truth(part, head, labels)
            right = (answers[head] == truth)[truth >= 0]
            scores.append(_score(f"PrivateTest, {name}", labels, right, f"reading {head}, one view"))
    return scores


def _truth(data: FaceDataset, head: str, labels: str) -> NDArray[np.int64]:
    """The right column of a reading for each picture, or -1 where a picture does not count."""
    if labels == "FER-2013":
        return data.expressions
    return data.ferplus_majority() if head == "ferplus" else data.seven_class_majority()


def _calibration_error(network: Network, data: FaceDataset, head: str) -> float:
    probs = predict(network, data)[head]
    truth = _truth(data, head, "FER+" if head == "ferplus" else "FER-2013")
    return expected_calibration_error(reliability(probs[truth >= 0], truth[truth >= 0]))


def predict(network: Network, data: FaceDataset) -> dict[str, NDArray[np.float32]]:
    """``{head: (n, k) probabilities}`` of a network file for every picture, one view."""
    faces = data.images[:, None].astype(np.float32)
    parts = [network.run({network.card.input.name: faces[start : start + _BATCH]}) for start in range(0, len(faces), _BATCH)]
    return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}


def _score(data: str, labels: str, right: NDArray[np.bool_], note: str) -> Score:
    low, high = wilson(int(right.sum()), len(right))
    return Score(data=data, labels=labels, n=len(right), accuracy=round(float(right.mean()), 5), low=round(low, 5), high=round(high, 5), note=note)


def open_private(path: Path, data: FaceDataset, log: Path) -> str:
    """Score a finished network on PrivateTest, write the scores into its card, and log that the test set was opened.

    Args:
        path: Network file; its card gets the scores.
        data: FER-2013.
        log: File that gets one line.

    Returns:
        That line.

    Raises:
        InputError: The classes of the network are not those of the data, or the log cannot be written.
    """
    network = open_network(path)
    for head, names in network.card.heads.items():
        if head != "ferplus" and names != data.labels.names:
            raise InputError(f"expected data with the classes {', '.join(names)}, as {path} has; got {', '.join(data.labels)}")
    with told(log), open(log, "a", encoding="utf-8") as file:
        scores = score_private(network, data)
        card = write_card(path, network.card.model_copy(update={"scores": tuple(scores)}))
        test = data.split(PRIVATE_TEST)
        heads = [head for head in ("fer2013", "ferplus") if head in card.heads]
        calibration = ", ".join(f"{head} {_calibration_error(network, test, head):.4f}" for head in heads)
        found = "; ".join(f"{score.data}, {score.labels}, {score.note}: {score.accuracy:.2%} of {score.n}" for score in scores)
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M} {path.name} sha256 {card.sha256[:16]}: {found}; expected calibration error: {calibration}"
        file.write(line + "\n")
    return line
