"""FER-2013 with its FER+ votes, from a Parquet file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.data.dataset import FaceDataset
from mien.errors import InputError, MissingExtraError
from mien.labels import EXPRESSIONS

_VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")


def load_fer2013(path: str | Path) -> FaceDataset:
    """Read FER-2013 from Parquet.

    Args:
        path: File with the columns ``row``, ``image`` (``{bytes, path}``), ``label``, ``usage`` and ``votes_*``.

    Returns:
        All rows, in the order of the file.

    Raises:
        InputError: The file or a column is missing, a picture is unreadable or not 48x48, or a label is unknown.
        MissingExtraError: polars is not installed.
    """
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Parquet data sets", "train", "polars") from None
    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected FER-2013 as a Parquet file; {path} is not there: give its path with --data")
    table = polars.read_parquet(path)
    missing = {"row", "image", "label", "usage", *(f"votes_{name}" for name in _VOTES)} - set(table.columns)
    if missing:
        raise InputError(f"{path}: expected the columns {', '.join(sorted(missing))}; got {', '.join(table.columns)}")
    rows = table["row"].to_numpy()
    images = [_gray(item, path, row) for item, row in zip(table["image"], rows, strict=True)]
    return FaceDataset(
        images=np.stack(images),
        expressions=np.array([EXPRESSIONS.index(label) for label in table["label"]]),
        votes=np.stack([table[f"votes_{name}"].to_numpy() for name in _VOTES], axis=1).astype(np.int64),
        splits=table["usage"].to_numpy().astype(str),
        rows=rows.astype(np.int64),
    )


def _gray(item: dict[str, Any], path: Path, row: int) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(item["bytes"])) as image:
            # The stored pictures decode to three equal channels; the first one is the gray picture, unchanged.
            pixels = np.asarray(image.convert("RGB"))[..., 0]
    except OSError as error:
        raise InputError(f"{path}, row {row}: expected a picture; got {error}") from None
    if pixels.shape != (48, 48):
        raise InputError(f"{path}, row {row}: expected 48x48 pixels; got {pixels.shape[1]}x{pixels.shape[0]}")
    return pixels
