"""A Python function as something to judge."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, Labels
from mien.evaluation.predictor import Predictor

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
        raise InputError(f"expected no --head with a function, which has one output only; got {head!r}")

    def predict(images: NDArray[np.uint8]) -> NDArray[Any]:
        try:
            return np.asarray(function(images))
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(
                f"{name}: failed on {len(images)} images: {type(error).__name__}: {said}"
            ) from error

    given = getattr(function, "labels", None)
    if given is not None:
        return Predictor(name, "", Labels(tuple(given)), predict, _SIDE)
    columns = np.shape(predict(np.zeros((2, _SIDE, _SIDE), np.uint8)))
    if columns != (2, len(EXPRESSIONS)):
        raise InputError(
            f"{name}: expected {len(EXPRESSIONS)} probabilities for each image, or an attribute labels that names the classes; "
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
