"""What one frame says about an expression: log-probabilities, how much they weigh, and how far one label
leads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError
from mien.core.faces import Faces

Floats = NDArray[np.float64]

FLOOR = 0.01  # Least probability that counts: a network that is wrong can be very sure.
PLAIN = 40.0  # px; a face of this size or more counts fully.
LIGHTEST = 0.25  # Least weight.
CLEAR = 3.0  # nats by which a label leads at most.
SPARSE = 0.3  # s; a frame that stands for longer is all that there is, and is believed.
SINGLE = 0.75  # Share of the evidence for a change that one frame gives at most.
NOT_FOLLOWED = "expected faces with tracks; got none: read them through a Session or a Tracker"
# nats by which it leads at least in a live stream, so that a change to a face that is hard to read shows in
# time as well.
BARE = 0.6


def log_probs(faces: Faces) -> Floats:
    """``(n, k)`` natural logarithms of the probabilities, none below that of `FLOOR`."""
    assert faces.probs is not None
    return np.log(np.maximum(faces.probs.astype(np.float64), FLOOR))


def weights(faces: Faces) -> Floats:
    """``(n,)`` how much each face counts, 0.06 to 1: less where the detector is unsure or the face is
    small."""
    sizes = np.sqrt(box_arithmetic.area(faces.boxes).astype(np.float64))
    scores = faces.detection_scores.astype(np.float64)
    product: Floats = np.clip(scores, LIGHTEST, 1) * np.clip(sizes / PLAIN, LIGHTEST, 1)
    return product


def certainty(logs: Floats) -> Floats:
    """``(n,)`` 0.5 (all expressions equally probable) to 1 (one of them sure), by entropy."""
    probs = normalised(logs)
    entropy = -(probs * np.log(np.maximum(probs, 1e-12))).sum(axis=-1) / np.log(logs.shape[-1])
    share: Floats = 1 - 0.5 * entropy
    return share


def normalised(logs: Floats) -> Floats:
    """Probabilities of log-probabilities, which need not add up.

    >>> normalised(np.log([[0.2, 0.2]])).tolist()
    [[0.5, 0.5]]
    """
    values = np.exp(logs - logs.max(axis=-1, keepdims=True))
    shares: Floats = values / values.sum(axis=-1, keepdims=True)
    return shares


def leads(logs: Floats, least: float = 0.0) -> Floats:
    """``(k,)`` nats by which each label of one frame lies behind the best, 0 for the best itself, else
    ``least`` to `CLEAR`.

    >>> leads(np.log([0.5, 0.4, 0.001])).round(2).tolist(), leads(np.log([0.5, 0.4, 0.001]), BARE).round(2).tolist()
    ([0.0, -0.22, -3.0], [0.0, -0.6, -3.0])
    """
    behind = np.clip(logs - logs.max(), -CLEAR, -least)
    behind[int(logs.argmax())] = 0.0
    return np.asarray(behind, np.float64)


def case(logs: Floats, seconds: float, weight: float, evidence: float) -> Floats:
    """``(k,)`` what one frame of a live stream says for each label against the best, 0 or less, in nats times
    seconds.

    As long as frames are many, no single one is enough to change a label, however clear it is.
    """
    most = SINGLE * evidence if seconds < SPARSE else np.inf
    return np.asarray(np.maximum(leads(logs, BARE) * (seconds * weight), -most))


def apart_of(faces: Faces) -> list[bool]:
    """Which rows bear on none but each other: those of people who talk, where that was told before smoothing."""
    return [False] * len(faces) if faces.talking is None else (faces.talking == 1).tolist()


def tracks_of(faces: Faces) -> list[int]:
    """Ids of the rows.

    Raises:
        InputError: The faces have not been tracked.
    """
    if faces.tracks is None:
        raise InputError(NOT_FOLLOWED)
    ids: list[int] = faces.tracks.tolist()
    return ids
