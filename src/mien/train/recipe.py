"""Everything that decides how a network comes out, in one frozen object that is saved beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mien.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How the shipped network is trained. The defaults are the recipe of the network in the package."""

    name: str = "small"
    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: int = 2
    view: int = 44
    dropout: float = 0.2
    epochs: int = 64
    batch: int = 96
    peak_rate: float = 0.05
    warmup: float = 0.1
    """Share of all steps in which the learning rate rises to its peak; then it falls along a cosine to nothing."""
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 1
    scale: float = 0.2
    """Largest change of the size of a face, as a share: the crop that users bring is never cut quite alike."""
    shift: float = 0.08
    rotation: float = 10.0
    gamma: float = 0.3
    coarse: float = 0.15
    """Share of training faces shown at a lower resolution, as small faces in large pictures are."""
    erase: float = 0.25
    track: str = "clean"
    """``clean``: without copies of test pictures; ``official``: all 28,709, only to compare with the literature."""

    def __post_init__(self) -> None:
        if self.track not in ("clean", "official"):
            raise InputError(f"expected track clean or official; got {self.track!r}")
        if self.epochs < 1 or self.batch < 2:
            raise InputError(f"expected at least 1 epoch and batches of 2; got {self.epochs} and {self.batch}")

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def load(path: Path) -> Recipe:
        values = json.loads(path.read_text(encoding="utf-8"))
        return replace(Recipe(), **{**values, "widths": tuple(values["widths"])})
