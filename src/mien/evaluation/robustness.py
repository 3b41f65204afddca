"""How much worse a subject reads faces in bad images, and whether a detector's jitter changes its
answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.progress import ProgressCallback, no_progress
from mien.data.corruptions import CORRUPTIONS, STRENGTHS, corrupted, reframed

JITTER = 0.1
"""Shift or scale of the box, as a share of its side."""
_MOVES: dict[str, dict[str, Any]] = {
    "left": {"shift": (-JITTER, 0.0)},
    "right": {"shift": (JITTER, 0.0)},
    "up": {"shift": (0.0, -JITTER)},
    "down": {"shift": (0.0, JITTER)},
    "smaller": {"scale": 1 - JITTER},
    "larger": {"scale": 1 + JITTER},
}

Answer = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""Images ``(n, h, w)`` in, column of the first guess ``(n,)`` out."""


@dataclass(frozen=True)
class Worse:
    """One corruption.

    Args:
        name: Its name, see `mien.data.corruptions`.
        unit: What the values mean.
        values: One per strength.
        errors: Share of wrong answers at each strength, 0 to 1.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean error over the strengths."""
        return float(np.mean(self.errors))


@dataclass(frozen=True)
class Robustness:
    """Errors in bad images.

    Args:
        clean_error: Share of wrong answers on the images as they are.
        worse: Every corruption.
        kept: Share of the faces whose first guess stays the same when the box is moved by `JITTER` to a side,
            or made smaller or larger by it.
    """

    clean_error: float
    worse: tuple[Worse, ...]
    kept: Mapping[str, float]

    @property
    def unchanged(self) -> float:
        """Share of the faces whose first guess survives a detector's jitter, mean over the moves."""
        return float(np.mean(list(self.kept.values())))

    @property
    def mean_error(self) -> float:
        """Mean error over all corruptions and strengths (Hendrycks & Dietterich 2019, without their division
        by AlexNet's)."""
        return float(np.mean([worse.mean for worse in self.worse]))

    @property
    def error_ratio(self) -> float | None:
        """Mean error under corruption over the error on the images as they are; None without an error
        there."""
        return self.mean_error / self.clean_error if self.clean_error else None

    def facts(self) -> dict[str, Any]:
        """As a dict for JSON."""
        rows = [{**asdict(worse), "mean": worse.mean} for worse in self.worse]
        figures = {
            "clean_error": self.clean_error,
            "mean_error": self.mean_error,
            "error_ratio": self.error_ratio,
        }
        return {
            **figures,
            "unchanged_under_jitter": self.unchanged,
            "kept_under_jitter": dict(self.kept),
            "corruptions": rows,
        }


def robustness(
    images: NDArray[np.uint8], truth: NDArray[np.int64], answer: Answer, track: ProgressCallback = no_progress
) -> Robustness:
    """Ask about the same faces in bad images.

    Args:
        images: ``(n, h, w)`` uint8, gray, or ``(n, h, w, 3)`` RGB.
        truth: ``(n,)`` right column.
        answer: Gives the first guesses.
        track: Shows how far it is.

    >>> faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> found = robustness(faces, np.zeros(4, int), lambda images: np.zeros(len(images), int))
    >>> found.clean_error, found.mean_error, found.unchanged
    (0.0, 0.0, 1.0)
    """
    usual = answer(images)
    conditions = [(name, strength) for name in CORRUPTIONS for strength in STRENGTHS]
    errors = {
        (name, strength): float((answer(corrupted(images, name, strength)) != truth).mean())
        for name, strength in track(conditions, "worse images", len(conditions))
    }
    worse = tuple(
        Worse(name, kind.unit, kind.values, tuple(errors[name, strength] for strength in STRENGTHS))
        for name, kind in CORRUPTIONS.items()
    )
    kept = {
        name: float((answer(np.stack([reframed(image, **move) for image in images])) == usual).mean())
        for name, move in _MOVES.items()
    }
    return Robustness(float((usual != truth).mean()), worse, kept)
