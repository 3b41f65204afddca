"""How good answers are: shares with intervals, confusions, second guesses, calibration. Pure numpy."""

from mien.metrics.accuracy import ConfusedPair, SecondGuesses, second_guesses, wilson
from mien.metrics.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    kl_divergence,
    negative_log_likelihood,
    reliability,
)
from mien.metrics.confusion import (
    ClassScore,
    accuracy,
    class_scores,
    confusion_matrix,
    macro_f1,
    top_k_accuracy,
)

__all__ = [
    "ClassScore",
    "ConfusedPair",
    "ReliabilityBin",
    "SecondGuesses",
    "accuracy",
    "class_scores",
    "confusion_matrix",
    "expected_calibration_error",
    "kl_divergence",
    "macro_f1",
    "negative_log_likelihood",
    "reliability",
    "second_guesses",
    "top_k_accuracy",
    "wilson",
]
