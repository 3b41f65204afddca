"""Key figures of one set of answered images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import FERPLUS, Labels
from mien.data.dataset import FaceDataset
from mien.metrics import (
    accuracy,
    balanced_accuracy,
    balanced_interval,
    calibration_interval,
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
        balanced_accuracy: Mean recall over the classes that have images, 0 to 1.
        balanced_low: Lower end of its 95 % interval (`mien.metrics.balanced_interval`).
        balanced_high: Upper end.
        macro_f1: Mean F1 over classes, 0 to 1; see `mien.metrics.macro_f1` for classes without an image.
        top2: Share of images whose class is the first or the second guess.
        expected_calibration_error: 15 bins of equal width (Guo et al. 2017), 0 to 1.
        calibration_low: Lower end of its 95 % interval (`mien.metrics.calibration_interval`).
        calibration_high: Upper end.
        negative_log_likelihood: Of the right class, in nats.
        kl_to_votes: Divergence of the votes of FER+ from the answer, in nats; None where nobody voted.
        kl_n: Images that it is the mean over.

    >>> from mien.evaluation import Predictor, evaluate
    >>> faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> data = FaceDataset(faces, np.array([4, 4, 4, 3]), None, np.full(4, "PublicTest"), np.arange(4))
    >>> calm = Predictor("calm", "", data.labels, lambda images: np.eye(7, dtype=np.float32)[[4] * len(images)])
    >>> figures = evaluate(calm, data).whole
    >>> figures.n, figures.accuracy, figures.balanced_accuracy, round(figures.low, 2)
    (4, 0.75, 0.5, 0.3)
    """

    n: int
    accuracy: float
    low: float
    high: float
    balanced_accuracy: float
    balanced_low: float
    balanced_high: float
    macro_f1: float
    top2: float
    expected_calibration_error: float
    calibration_low: float
    calibration_high: float
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
            "balanced_accuracy": self.balanced_accuracy,
            "balanced_accuracy_low": self.balanced_low,
            "balanced_accuracy_high": self.balanced_high,
            "macro_f1": self.macro_f1,
            "top2": self.top2,
            "expected_calibration_error": self.expected_calibration_error,
            "expected_calibration_error_low": self.calibration_low,
            "expected_calibration_error_high": self.calibration_high,
            "negative_log_likelihood": self.negative_log_likelihood,
            "kl_to_votes": self.kl_to_votes,
            "kl_n": self.kl_n,
        }


@dataclass(frozen=True, eq=False)
class Answered:
    """Images with what was said about them and what is right.

    Args:
        faces: The n images.
        probs: ``(n, k)`` probabilities.
        truth: ``(n,)`` column of the right class; -1 for images that do not count.
        classes: What the columns mean.
    """

    faces: FaceDataset
    probs: NDArray[np.float32]
    truth: NDArray[np.int64]
    classes: Labels

    def take(self, keep: NDArray[np.bool_]) -> Answered:
        """The rows of a mask."""
        return replace(self, faces=self.faces.take(keep), probs=self.probs[keep], truth=self.truth[keep])

    def counted(self) -> Answered:
        """The rows that count."""
        return self.take(self.truth >= 0)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """``(k, k)`` counts, rows what an image is, columns what it was called."""
        return confusion_matrix(self.truth, self.probs.argmax(axis=1), len(self.classes))

    def figures(self) -> Figures:
        """Key figures; all rows must count."""
        confusion = self.confusion
        divergence, voted = _divergence(self.probs, self.classes, self.faces)
        return Figures(
            len(self.truth),
            accuracy(confusion),
            *wilson(int(np.trace(confusion)), len(self.truth)),
            balanced_accuracy(confusion),
            *balanced_interval(confusion),
            macro_f1(confusion),
            top_k_accuracy(self.probs, self.truth, 2),
            expected_calibration_error(reliability(self.probs, self.truth)),
            *calibration_interval(self.probs, self.truth),
            negative_log_likelihood(self.probs, self.truth),
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
