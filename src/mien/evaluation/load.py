"""From what a user names to a `Predictor`: a shipped network, an ONNX file, a run, a checkpoint, or a
Python function."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, NetworkError
from mien.core.labels import Labels
from mien.evaluation.functions import function_named, open_function
from mien.evaluation.predictor import Predict, Predictor, chosen_head
from mien.inference.onnx_session import Network, open_network
from mien.inference.weights import network_path

_LEAST = 1e-7

Spec = str | os.PathLike[str] | Callable[..., object]
"""What `open_subject` opens."""


def open_subject(spec: Spec, *, head: str | None = None, threads: int | None = None) -> Predictor:
    """Open something that reads expressions.

    Args:
        spec: Name of a network that comes with mien; ONNX file with a card; folder of a run of ``mien
            train``; checkpoint in such a folder; several of these with ``+`` between them, an ensemble; a
            Python function from ``(n, 48, 48)`` uint8 gray images to ``(n, k)`` probabilities, or where one
            is (``package.module:function``, ``file.py:function``). A function says its classes in an
            attribute ``labels``; without it seven columns are mien's seven expressions.
        head: Which output head; the first one that it has by default.
        threads: CPU threads of one run; None leaves it to the library.

    Raises:
        InputError: There is no such head, or the function, run or checkpoint cannot be used.
        NetworkError: The network is not there, damaged, has no card, or is not one for expressions.
        MissingExtraError: A run or checkpoint was given and torch is not installed.

    >>> subject = open_subject("small", threads=1)
    >>> subject.name, subject.head, subject.labels.names[:3]
    ('small', 'expression', ('angry', 'disgust', 'fear'))
    >>> subject.probabilities(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
    """
    if callable(spec):
        return open_function(spec, getattr(spec, "__qualname__", type(spec).__name__), head)
    text = os.fspath(spec)
    path = Path(text)
    if len(parts := members(text)) > 1:
        return _together([open_subject(part, head=head, threads=threads) for part in parts], text)
    if path.is_dir() or (path.is_file() and path.suffix in (".ckpt", ".pt")):
        from mien.evaluation.checkpoints import open_checkpoint

        return open_checkpoint(path, head, threads)
    if ":" in text and not path.exists():
        return open_function(function_named(text), text, head)
    return _open_file(text, head, threads)


def members(text: str) -> list[str]:
    """The networks that a text with ``+`` between them names; one where there is none, or where a file has
    such a name.

    >>> members("small + medium")
    ['small', 'medium']
    """
    return [text] if Path(text).exists() else [part.strip() for part in text.split("+")]


def _together(several: Sequence[Predictor], name: str) -> Predictor:
    """An ensemble: the geometric mean of what its members say."""
    first = several[0]
    for member in several[1:]:
        if member.labels.names != first.labels.names or member.side != first.side:
            told = "; ".join(f"{one.name}: {', '.join(one.labels)}, {one.side} px" for one in (first, member))
            raise InputError(
                f"expected members that read the same classes from images of one size; got {told}: give --head, or leave one out"
            )

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        logs = np.mean([np.log(np.maximum(member.predict(images), _LEAST)) for member in several], axis=0)
        answers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(answers / answers.sum(axis=1, keepdims=True))

    return replace(
        first,
        name=name,
        predict=predict,
        remarks=tuple(remark for member in several for remark in member.remarks),
    )


def _open_file(name: str, head: str | None, threads: int | None) -> Predictor:
    network = open_network(network_path(name), threads=threads)
    card = network.card
    if card.kind != "expression" or not card.heads:
        raise NetworkError(
            f"{network.path}: expected a network that reads expressions; its card says {card.kind}: give another one"
        )
    side = card.input.height
    if side is None or side != card.input.width:
        raise NetworkError(
            f"{network.path}: expected a network over square images of one size; its card says {card.input.width}x{side}"
        )
    result = chosen_head(head, tuple(card.heads), name)
    return Predictor(
        name,
        result,
        Labels(card.heads[result]),
        _run(network, result),
        side,
        remarks=(f"{name}: {card.uncalibrated}",) if card.uncalibrated else (),
    )


def _run(network: Network, head: str) -> Predict:
    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return network.run({network.card.input.name: network.card.input.fed(images[:, None])})[head]

    return predict
