"""What commands need beyond the core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mien.core.errors import MissingExtraError


@contextmanager
def training_extra() -> Iterator[None]:
    """A missing package of the extra as mien's own error."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("torch", "lightning", "torchmetrics", "onnx", "onnxscript", "matplotlib"):
            raise
        raise MissingExtraError("Networks to train", "train", package) from None
