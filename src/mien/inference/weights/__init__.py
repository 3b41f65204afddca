"""The network files that come with mien, and how a name becomes a path."""

from __future__ import annotations

import os
from pathlib import Path

from mien.core.errors import NetworkError
from mien.core.names import nearest, quoted
from mien.inference.card import read_card

FOLDER = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """Path of each network for expressions that comes with mien, by name; parts of detectors and the
    landmarks are left out.

    A file that cannot be read is listed too: opening it tells what is wrong with it.
    """
    return {path.stem: path for path in sorted(FOLDER.glob("*.onnx")) if not _other(path)}


def network_path(name: str | os.PathLike[str]) -> Path:
    """Path of a network, from the name of one that comes with mien or a path to any ONNX file.

    Raises:
        NetworkError: There is neither such a network nor such a file.
    """
    path = FOLDER / f"{name}.onnx"
    # os.path answers no where Path raises: a name too long, or with a null character.
    if os.fspath(name) == Path(name).name and os.path.isfile(path) and not _other(path):
        return path
    if os.path.isfile(name):
        return Path(name)
    known = shipped()
    names = ", ".join(known) or "none, as this installation was built without any"
    expected = f"expected a path to an ONNX file or the name of a network that comes with mien ({names})"
    raise NetworkError(f"{expected}; got {quoted(os.fspath(name))}{nearest(os.fspath(name), known)}")


def part_path(part: str) -> Path:
    """Path of a part of a detector, such as ``mtcnn-pnet``, or of the landmarks; made when mien is built.

    Raises:
        NetworkError: It was not made.
    """
    path = FOLDER / f"{part}.onnx"
    if not path.is_file():
        raise NetworkError(
            f"{path}: this network is missing: it is made when mien is built (blaze and landmarks need npm then), so install mien again: "
            "pip install --force-reinstall mien"
        )
    return path


def _other(path: Path) -> bool:
    """Whether it is a part of something else than a classifier of expressions."""
    try:
        return read_card(path).kind != "expression"
    except NetworkError:
        return path.name.startswith(("mtcnn-", "facemesh", "blazeface"))
