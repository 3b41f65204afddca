"""What is judged: a `Predictor` answers images with probabilities, whatever stands behind it; `open_subject`
makes one of a shipped model, an ONNX file, a run, a checkpoint or a Python function."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_threads
from mien.core.errors import InputError, MissingExtraError, NetworkError
from mien.core.formatting import counted
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.names import quoted
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import FaceDataset
from mien.data.io import open_dataset
from mien.data.label_names import KNOWN
from mien.inference.crop import planes
from mien.inference.onnx_session import Network, open_network
from mien.inference.weights import network_path

BATCH = 64
_SUM_TOLERANCE = 1e-2

Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""``(n, h, w)`` gray images, or ``(n, h, w, 3)`` RGB, 0 to 255, in; ``(n, k)`` probabilities out."""


@dataclass(frozen=True)
class Predictor:
    """Something that reads expressions, ready to be judged. Made by `open_subject`.

    Args:
        name: What results call it.
        head: Which of its results; empty where it has only one without a name.
        labels: Classes of its columns.
        predict: Answers up to `BATCH` images, ``(n, side, side)`` uint8 gray, or where it sees colours ``(n, side, side,
            3)`` RGB, with ``(n, k)`` probabilities.
        side: Side of its images in px.
        colour: Whether it sees colours; gray images then come with three equal channels.
        remarks: What a reader of its results should know.
        others: Its other heads, by name: each opens the same network with that one.

    >>> from mien.core.labels import EXPRESSIONS
    >>> calm = Predictor("calm", "", EXPRESSIONS, lambda images: np.eye(7, dtype=np.float32)[[4] * len(images)])
    >>> calm.predict(np.zeros((2, 48, 48), np.uint8)).argmax(axis=1).tolist()
    [4, 4]
    """

    name: str
    head: str
    labels: Labels
    predict: Predict
    side: int = 48
    remarks: tuple[str, ...] = ()
    others: Mapping[str, Callable[[], Predictor]] = field(default_factory=dict)
    colour: bool = False

    def probabilities(
        self, images: NDArray[np.uint8], track: ProgressCallback = no_progress
    ) -> NDArray[np.float32]:
        """``(n, k)`` probabilities for ``(n, side, side)`` gray or ``(n, side, side, 3)`` RGB images, in batches.

        Args:
            images: Images.
            track: Shows how far it is.

        Raises:
            InputError: What came back is not a row of probabilities for each image.
        """
        starts = range(0, len(images), BATCH)
        parts = [
            self._checked(images[start : start + BATCH])
            for start in track(starts, f"asking {self.name}", len(starts))
        ]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *parts])

    def _checked(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        probs = np.asarray(self.predict(images))
        wanted = (len(images), len(self.labels))
        if probs.shape != wanted:
            raise InputError(
                f"{self.name}: expected answers of the shape {wanted}, a row of probabilities for each image; got {probs.shape}"
            )
        if not np.issubdtype(probs.dtype, np.number) or not np.isfinite(probs).all():
            raise InputError(
                f"{self.name}: expected probabilities; got {probs.dtype} values that are not finite numbers"
            )
        sums = probs.sum(axis=1, dtype=np.float64)
        if probs.min() < 0 or np.abs(sums - 1).max() > _SUM_TOLERANCE:
            got = (
                f"{probs.min():.4g}"
                if probs.min() < 0
                else f"a row that adds up to {sums[np.abs(sums - 1).argmax()]:.4g}"
            )
            raise InputError(
                f"{self.name}: expected probabilities of 0 to 1 that add up to 1; got {got}: take the softmax"
            )
        return probs.astype(np.float32)


def faces_for(subject: Predictor, path: Path, **options: Any) -> FaceDataset:
    """Labelled faces as a subject sees them.

    Args:
        subject: Who is asked.
        path: As `mien.data.open_dataset` takes it.
        options: Its other options.

    Raises:
        InputError: They cannot be read, or have classes that a subject with classes of its own has not.
    """
    seen: dict[str, Any] = {"size": subject.side, "colour": subject.colour, **options}
    if set(subject.labels) <= set(KNOWN):
        return open_dataset(path, **seen)
    return open_dataset(path, labels=subject.labels, **seen).reordered(subject.labels)


def chosen_head(head: str | None, heads: tuple[str, ...], name: str) -> str:
    """The head that was asked for, or the first one.

    Raises:
        InputError: There is none of that name.
    """
    if head is not None and head not in heads:
        raise InputError(
            f"expected a head (--head) out of {', '.join(heads)}, which {name} has; got {quoted(head)}"
        )
    return heads[0] if head is None else head


_SIDE = 48


def open_function(function: Callable[..., object], name: str, head: str | None = None) -> Predictor:
    """A function from ``(n, 48, 48)`` uint8 gray images to ``(n, k)`` probabilities as a `Predictor`.

    Its classes come from its attribute ``labels``; without it, seven columns are taken for mien's seven
    expressions, and a remark says so.

    Raises:
        InputError: It does not answer like that, or a head was asked for.

    >>> def even(images):
    ...     return np.full((len(images), 7), 1 / 7)
    >>> subject = open_function(even, "even")
    >>> subject.labels.names == EXPRESSIONS.names, subject.remarks
    (True, ('even has no attribute labels: its 7 columns are taken for angry, disgust, fear, happy, neutral, sad, surprise',))
    """
    if head is not None:
        raise InputError(f"expected no --head with a function, which has one output only; got {quoted(head)}")

    def predict(images: NDArray[np.uint8]) -> NDArray[Any]:
        try:
            return np.asarray(function(images))
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(
                f"{name}: failed on {counted(len(images), 'image')}: {type(error).__name__}: {said}"
            ) from error

    given = getattr(function, "labels", None)
    if given is not None:
        return Predictor(name, "", Labels(tuple(given)), predict, _SIDE)
    columns = np.shape(predict(np.zeros((2, _SIDE, _SIDE), np.uint8)))
    if columns != (2, len(EXPRESSIONS)):
        raise InputError(
            f"{name}: expected {counted(len(EXPRESSIONS), 'probability', 'probabilities')} for each image, "
            f"or an attribute labels that names the classes; "
            f"got an answer of the shape {columns} to 2 images: set {name.rpartition(':')[2]}.labels"
        )
    return Predictor(
        name,
        "",
        EXPRESSIONS,
        predict,
        _SIDE,
        (f"{name} has no attribute labels: its 7 columns are taken for {', '.join(EXPRESSIONS)}",),
    )


def function_named(spec: str) -> Callable[..., object]:
    """The function that ``package.module:function`` or ``path/to/file.py:function`` names; the module is run.

    Raises:
        InputError: There is no such module or function, or the module fails.
    """
    where, _, name = spec.rpartition(":")
    try:
        module = _module_of_file(Path(where)) if where.endswith(".py") else _module(where)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # Whatever somebody's module raises.
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{spec}: expected a module that can be imported; {type(error).__name__}: {said}"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(
            f"{spec}: expected a function; {where} has none called {name!r}, but {', '.join(there) or 'none at all'}"
        )
    return function  # type: ignore[no-any-return]


def _module(name: str) -> ModuleType:
    """A module by its name, looked for in the working folder as well, as Python itself does with ``-m``."""
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove("")


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"expected a Python file; {path} is not there: check the path")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_UNCALIBRATED = (
    "a checkpoint answers without the temperatures and the blend that mien models export fits: "
    "its calibration is not that of the exported file"
)


def open_checkpoint(path: Path, head: str | None = None, threads: int | None = None) -> Predictor:
    """The network of a finished run, given its folder, or of one checkpoint file in it, of a run that may go
    on.

    Raises:
        InputError: It is not a run or checkpoint of ``mien train``, or has no such head.
        MissingExtraError: torch or Lightning is not installed.
    """
    try:
        import torch

        from mien.training.run import load_checkpoint, load_run
    except ModuleNotFoundError as error:
        raise MissingExtraError("Checkpoints", "train", (error.name or "torch").split(".")[0]) from None
    check_threads(threads)
    if threads is not None:
        torch.set_num_threads(threads)
    run = load_run(path) if path.is_dir() else load_checkpoint(path)
    result = chosen_head(head, tuple(run.classes), str(path))

    @torch.no_grad()
    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        faces = torch.from_numpy(np.array(images))[:, None].float()
        return run.network(faces)[result].softmax(dim=1).numpy()  # type: ignore[no-any-return]

    return Predictor(str(path), result, Labels(run.classes[result]), predict, remarks=(_UNCALIBRATED,))


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
        if (member.labels.names, member.side, member.colour) != (
            first.labels.names,
            first.side,
            first.colour,
        ):
            told = "; ".join(
                f"{one.name}: {', '.join(one.labels)}, {one.side} px, {'colour' if one.colour else 'gray'}"
                for one in (first, member)
            )
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
        others={},
    )


def _open_file(name: str, head: str | None, threads: int | None) -> Predictor:
    network = open_network(network_path(name), threads=threads)
    card = network.card
    if card.unfit:
        raise NetworkError(f"{network.path}: {card.unfit}: give another one")
    side = card.input.height
    if side is None or side != card.input.width:
        raise NetworkError(
            f"{network.path}: expected a network over square images of one size; its card says {card.input.width}x{side}"
        )
    result = chosen_head(head, tuple(card.heads), name)
    return Predictor(
        name,
        result,
        card.labels(result),
        _run(network, result),
        side,
        remarks=(f"{name}: {card.uncalibrated}",) if card.uncalibrated else (),
        others={other: partial(_open_file, name, other, threads) for other in card.heads if other != result},
        colour=card.input.colour,
    )


def _run(network: Network, head: str) -> Predict:
    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return network.run({network.card.input.name: network.card.input.fed(planes(images))})[head]

    return predict
