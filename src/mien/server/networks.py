"""What the service says of its networks, and their files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from mien.inference.card import read_card
from mien.inference.pipeline import Pipeline
from mien.inference.weights import FOLDER, shipped
from mien.server.schemas import ModelList, NetworkFile

_PARTS = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")


def network_files() -> dict[str, Path]:
    """The files that a browser may load, by name: what comes with mien."""
    parts = {part: path for part in _PARTS if (path := FOLDER / f"{part}.onnx").is_file()}
    return {**shipped(), **parts}


def networks(pipeline: Pipeline) -> ModelList:
    """All networks, first the one that reads here."""
    classifier = pipeline.classifier
    files = network_files()
    own = classifier.network.path
    listed = [_described(own, files.get(own.stem) == own)]
    listed += [_described(path, True) for path in files.values() if path != own]
    return ModelList(
        model=classifier.network.card.name,
        head=classifier.head,
        detector=pipeline.detector.name,
        models=listed,
    )


@lru_cache(maxsize=64)
def _described(path: Path, offered: bool) -> NetworkFile:
    card = read_card(path)
    data = path.read_bytes()
    return NetworkFile(
        name=card.name,
        kind=card.kind,
        url=f"/networks/{path.name}" if offered else None,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        labels=card.heads,
        size=card.input.height,
        crop=None if card.crop is None else card.crop.model_dump(),
        temperatures=card.temperatures,
        card=card.model_dump(mode="json"),
    )
