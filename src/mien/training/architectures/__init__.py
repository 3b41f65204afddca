"""Networks as PyTorch modules, for training; running one needs only ONNX Runtime
(``mien.inference.classifier``).

``create_model(name)`` builds any of ``ARCHITECTURES``. Importing this package does not import PyTorch; building
does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.training.architectures.registry import ARCHITECTURES, Architecture, create_model

if TYPE_CHECKING:
    from mien.training.architectures.table import Weights, count_weights

__all__ = ["ARCHITECTURES", "Architecture", "Weights", "count_weights", "create_model"]


def __getattr__(name: str) -> Any:
    if name not in ("Weights", "count_weights"):
        raise AttributeError(f"module 'mien.training.architectures' has no attribute {name!r}")
    return getattr(import_module("mien.training.architectures.table"), name)
