"""Cards of network files while mien is built."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def is_right(path: Path, wanted: Callable[[Any, Any], Any]) -> bool:
    """Whether a file is there with the card that it would get now.

    Args:
        path: Of the file.
        wanted: The card, from `mien.inference.card` and the one that the file has.
    """
    with card_module() as card:
        try:
            found = card.read_card(path)
        except Exception:  # Missing, damaged or of another time: made again.
            return False
        return bool(found == wanted(card, found).model_copy(update={"sha256": found.sha256}))


def written(path: Path, model: Any, wanted: Callable[[Any], Any]) -> None:
    """Write a network with its card.

    Args:
        path: Of the file.
        model: ONNX.
        wanted: The card, from `mien.inference.card`.
    """
    import onnx

    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    with card_module() as card:
        card.write_card(path, wanted(card))


@contextmanager
def card_module() -> Iterator[Any]:
    """`mien.inference.card` from this tree, without running ``mien/__init__.py``, whose needs are not
    installed while building.
    """
    before = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name == "mien" or name.startswith("mien.")
    }
    package = types.ModuleType("mien")
    package.__path__ = [str(ROOT / "src" / "mien")]
    sys.modules["mien"] = package
    try:
        yield importlib.import_module("mien.inference.card")
    finally:
        for name in [name for name in sys.modules if name == "mien" or name.startswith("mien.")]:
            del sys.modules[name]
        sys.modules.update(before)
