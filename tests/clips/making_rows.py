"""Rows of clips for tests, as `mien analyze` would write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS, Labels
from mien.outputs.tables import open_table
from mien.video.results import VideoResult


def sure(name: str, probability: float = 0.9, labels: Labels = EXPRESSIONS) -> np.ndarray:
    """Probabilities of a face that shows one expression."""
    row = np.full(len(labels), (1 - probability) / (len(labels) - 1))
    row[labels.index(name)] = probability
    return row


def clip(
    source: str,
    shown: Sequence[str | None],
    times: Sequence[float] | None = None,
    labels: Labels = EXPRESSIONS,
) -> VideoResult:
    """A video of one person who shows so many expressions one after the other; None is a frame without a
    face, ``!`` one not read.
    """
    times = [number / 10 for number in range(len(shown))] if times is None else times
    blank = Faces.empty(labels)
    results = []
    for frame, (name, time) in enumerate(zip(shown, times, strict=True)):
        if name == "!":
            results.append(FrameResult(source, frame, time, blank, MediaError("damaged")))
        elif name is None:
            results.append(FrameResult(source, frame, time, blank))
        else:
            faces = Faces(
                [[0, 0, 40, 50]],
                [0.99],
                [frame],
                [time],
                tracks=[1],
                probs=[sure(name, labels=labels)],
                labels=labels,
            )
            results.append(FrameResult(source, frame, time, faces))
    return VideoResult.collect(source, results, labels)


def write_table(path: Path, videos: Sequence[VideoResult], labels: Labels = EXPRESSIONS) -> Path:
    """A table of videos, in the form of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_table(path, path.suffix[1:], labels) as write:
        for video in videos:
            write(video.rows())
    return path


def write_reference(path: Path, labels: dict[str, str]) -> Path:
    path.write_text(
        "file,label\n" + "".join(f"{name},{label}\n" for name, label in labels.items()), encoding="utf-8"
    )
    return path
