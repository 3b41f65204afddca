"""How good answers are: shares with intervals, confusions, second guesses, calibration. Pure numpy."""

from mien.metrics.calibration import (
    ReliabilityBin,
    calibration_interval,
    expected_calibration_error,
    kl_divergence,
    negative_log_likelihood,
    reliability,
)
from mien.metrics.confusion import (
    ClassScore,
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion_matrix,
    macro_f1,
    top_k_accuracy,
)
from mien.metrics.intervals import Estimates, balanced_interval, mean_difference, quantile, wilson
from mien.metrics.second_guesses import ConfusedPair, SecondGuesses, second_guesses

__all__ = [
    "ClassScore",
    "ConfusedPair",
    "Estimates",
    "ReliabilityBin",
    "SecondGuesses",
    "accuracy",
    "balanced_accuracy",
    "balanced_interval",
    "calibration_interval",
    "class_scores",
    "confusion_matrix",
    "expected_calibration_error",
    "kl_divergence",
    "macro_f1",
    "mean_difference",
    "negative_log_likelihood",
    "quantile",
    "reliability",
    "second_guesses",
    "top_k_accuracy",
    "wilson",
]
