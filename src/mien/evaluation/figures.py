"""The key figures of one set of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import FERPLUS, Labels
from mien.data.dataset import FaceDataset
from mien.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    kl_divergence,
    macro_f1,
    negative_log_likelihood,
    reliability,
    top_k_accuracy,
    wilson,
)


@dataclass(frozen=True)
class Figures:
    """Key figures.

    Args:
        n: Images.
        accuracy: Share of right first guesses, 0 to 1.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
        macro_f1: Mean F1 over classes, 0 to 1; see `mien.metrics.macro_f1` for classes without an image.
        top2: Share of images whose class is the first or the second guess.
        expected_calibration_error: 15 bins of equal width (Guo et al. 2017), 0 to 1.
        negative_log_likelihood: Of the right class, in nats.
        kl_to_votes: Divergence of the votes of FER+ from the answer, in nats; None where nobody voted.
        kl_n: Images that it is the mean over.
    """

    n: int
    accuracy: float
    low: float
    high: float
    macro_f1: float
    top2: float
    expected_calibration_error: float
    negative_log_likelihood: float
    kl_to_votes: float | None
    kl_n: int

    def facts(self) -> dict[str, Any]:
        """As a dict for JSON."""
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_low": self.low,
            "accuracy_high": self.high,
            "macro_f1": self.macro_f1,
            "top2": self.top2,
            "expected_calibration_error": self.expected_calibration_error,
            "negative_log_likelihood": self.negative_log_likelihood,
            "kl_to_votes": self.kl_to_votes,
            "kl_n": self.kl_n,
        }


def measure(
    probs: NDArray[np.float32], classes: Labels, faces: FaceDataset, truth: NDArray[np.int64]
) -> Figures:
    """Measure answers.

    Args:
        probs: ``(n, k)`` probabilities.
        classes: What the columns mean.
        faces: The n images, for the votes.
        truth: ``(n,)`` column of the right class.
    """
    confusion = confusion_matrix(truth, probs.argmax(axis=1), len(classes))
    divergence, voted = _divergence(probs, classes, faces)
    return Figures(
        len(truth),
        accuracy(confusion),
        *wilson(int(np.trace(confusion)), len(truth)),
        macro_f1(confusion),
        top_k_accuracy(probs, truth, 2),
        expected_calibration_error(reliability(probs, truth)),
        negative_log_likelihood(probs, truth),
        divergence,
        voted,
    )


def _divergence(probs: NDArray[np.float32], classes: Labels, faces: FaceDataset) -> tuple[float | None, int]:
    """From the votes among the subject's classes, each row made to add up to 1; rows without any such vote
    are left out."""
    if faces.votes is None:
        return None, 0
    shares = faces.vote_shares()[:, [FERPLUS.index(name) for name in classes]].astype(np.float64)
    sums = shares.sum(axis=1)
    voted = sums > 0
    if not voted.any():
        return None, 0
    return kl_divergence(shares[voted] / sums[voted, None], probs[voted]), int(voted.sum())
