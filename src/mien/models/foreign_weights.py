"""Weights that lie in a second file, as ``torch.onnx.export`` writes them by default: taken into the model, which is one
file from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from mien.core.errors import NetworkError
from mien.inference.card import require_one_file

_MOST_BYTES = 1 << 30
"""Of all weights together; a model of twice as many could not be stored in one file."""


def take_weights_in(model: Any, path: Path) -> None:
    """Read weights that lie in files beside a model's, so that it needs them no more.

    Args:
        model: ``onnx.ModelProto``, changed in place.
        path: Its file.

    Raises:
        NetworkError: They lie elsewhere, are not there or too short, or are too many.
    """
    total = 0
    for tensor in model.graph.initializer:
        if tensor.data_location != tensor.EXTERNAL:
            continue
        said = {entry.key: entry.value for entry in tensor.external_data}
        weights = _beside(path, said.get("location", ""))
        try:
            with open(weights, "rb") as file:
                content = _part(file, said, _MOST_BYTES - total)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise NetworkError(
                f"{path}: expected the weights {tensor.name[:100]} in {weights.name} beside it; got: {reason}: put both files into "
                "one folder, or export the model again"
            ) from None
        total += len(content)
        tensor.raw_data = content
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
    require_one_file(
        model.SerializeToString(), str(path)
    )  # Other tensors than weights could name files as well.


def _beside(path: Path, name: str) -> Path:
    weights = path.parent / name
    plain = not weights.is_symlink() and (weights.is_file() or not weights.exists())
    if not plain or "\\" in name or Path(name).name != name:
        raise NetworkError(
            f"{path}: expected weights in a plain file beside it; got {name[:200]!r}: put both files into one folder, or export the "
            "model again"
        )
    return weights


def _part(file: BinaryIO, said: dict[str, str], most: int) -> bytes:
    """The bytes that a tensor says are its own.

    Raises:
        ValueError: The file does not have them, or they are too many.
    """
    size = file.seek(0, 2)
    start = int(said.get("offset", 0))
    length = int(said.get("length", size - start))
    if start < 0 or length < 0 or start + length > size:
        raise ValueError(f"bytes {start:,} to {start + length:,} of {size:,}")
    if length > most:
        raise ValueError(f"more than {_MOST_BYTES:,} bytes of weights")
    file.seek(start)
    return file.read(length)
