"""Expressions summed up as positive, neutral and negative, under a named mapping that anyone can change."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import is_number
from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, Labels, canonical_label
from mien.core.names import nearest, quoted, unreadable

SENTIMENTS = Labels(("positive", "neutral", "negative"))
"""What expressions are summed up as, in the order of the columns."""

_KNOWN = (*EXPRESSIONS, "contempt")


@dataclass(frozen=True)
class SentimentMapping:
    """Which expression counts as what, as weights that add up to 1 for each expression.

    Args:
        name: What results call it.
        weights: For each of the seven expressions, and for contempt where a network knows it, a sentiment or
            the weight of each; or for the classes of a model that has others.

    Raises:
        InputError: An expression is unknown or missing, or weights are not shares that add up to 1.

    >>> import numpy as np
    >>> mapping = PRESETS["yin"]
    >>> mapping(np.array([[0.5, 0, 0.25, 0.25, 0, 0, 0]]), EXPRESSIONS).tolist()
    [[0.25, 0.25, 0.5]]
    >>> SentimentMapping("me", {"happy": "positive"})
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: mapping me: expected a sentiment for every expression; there is none for angry, disgust, fear, neutral, sad, surprise
    """

    name: str
    weights: Mapping[str, str | Mapping[str, float]]

    def __post_init__(self) -> None:
        rows: dict[str, Mapping[str, float]] = {}
        for word, given in self.weights.items():
            expression = canonical_label(str(word))
            if expression not in _KNOWN and (near := nearest(expression, _KNOWN)):
                raise InputError(
                    f"mapping {self.name}: expected expressions out of {', '.join(_KNOWN)}; got {quoted(word)}{near}"
                )
            if expression in rows:
                raise InputError(
                    f"mapping {self.name}: expected each expression once; got {expression} twice"
                )
            rows[expression] = _shares(given, f"mapping {self.name}, {expression}")
        missing = [expression for expression in EXPRESSIONS if expression not in rows]
        if missing and rows.keys() <= set(_KNOWN):
            raise InputError(
                f"mapping {self.name}: expected a sentiment for every expression; there is none for {', '.join(missing)}"
            )
        object.__setattr__(self, "weights", rows)

    def matrix(self, labels: Labels) -> NDArray[np.float64]:
        """``(k, 3)`` weights, a row for each of ``labels``, columns in the order of `SENTIMENTS`.

        Of a class that the mapping does not name, what somebody has said of how pleasant it is: -0.4 is four tenths negative
        and six tenths neutral. A class that is called as a sentiment is that one.

        Raises:
            InputError: Neither the mapping nor the labels say anything of a label.

        >>> from mien.core.labels import ClassEntry
        >>> own = Labels(("happy", "bored"), entries={"bored": ClassEntry(valence=-0.4)})
        >>> PRESETS["valence"].matrix(own).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]]
        """
        self.require(labels)
        return np.array([self._row_of(name, labels) for name in labels])

    def require(self, labels: Labels) -> None:
        """Make sure that something is said of every label.

        Raises:
            InputError: Neither the mapping nor the labels say anything of one.
        """
        if missing := self.unknown(labels):
            raise InputError(
                f"mapping {self.name}: expected a sentiment for {', '.join(missing)} too: the network knows it, so add it to the mapping, "
                "or say how pleasant it is with --valence"
            )

    def unknown(self, labels: Labels) -> tuple[str, ...]:
        """Labels of which neither the mapping nor they themselves say anything."""
        return tuple(
            name
            for name in labels
            if name not in (*self.weights, *SENTIMENTS) and labels.said_valence(name) is None
        )

    def _row_of(self, name: str, labels: Labels) -> list[float]:
        if name in self.weights:
            return self._row(name)
        valence = labels.said_valence(name)
        if valence is None:
            return [float(name == sentiment) for sentiment in SENTIMENTS]
        return [max(valence, 0.0), 1 - abs(valence), max(-valence, 0.0)]

    def __call__(self, probs: NDArray[np.floating], labels: Labels) -> NDArray[np.float64]:
        """``(n, 3)`` probabilities of `SENTIMENTS`, summed up from ``(n, k)`` probabilities of ``labels``."""
        return np.asarray(np.asarray(probs, np.float64) @ self.matrix(labels))

    def sentiment(self, expression: str) -> str:
        """What an expression mostly counts as.

        Raises:
            InputError: Two sentiments have the same weight, or the mapping does not name the expression.
        """
        name = canonical_label(expression)
        if name not in self.weights:
            raise InputError(
                f"mapping {self.name}: expected a sentiment for {name} too, which is a label: name it in the mapping"
            )
        row = self._row(name)
        best = [sentiment for sentiment, weight in zip(SENTIMENTS, row, strict=True) if weight == max(row)]
        if len(best) > 1:
            both = f"mapping {self.name}: {expression} is as much {' as '.join(best)}"
            raise InputError(f"{both}: give reference labels as positive, neutral, negative instead")
        return str(best[0])

    def table(self) -> dict[str, dict[str, float]]:
        """Weights of each expression as plain values."""
        return {name: dict(zip(SENTIMENTS, self._row(name), strict=True)) for name in self.weights}

    def _row(self, expression: str) -> list[float]:
        weights: Any = self.weights[expression]
        return [weights[sentiment] for sentiment in SENTIMENTS]


def _shares(given: object, where: str) -> dict[str, float]:
    if isinstance(given, str):
        given = {given: 1.0}
    if not isinstance(given, Mapping):
        raise InputError(
            f"{where}: expected positive, neutral, negative or a weight for each; got {quoted(given)}"
        )
    unknown = [str(word) for word in given if word not in SENTIMENTS.names]
    if unknown:
        raise InputError(
            f"{where}: expected sentiments out of {', '.join(SENTIMENTS)}; got {', '.join(unknown)}"
        )
    numbers = [weight for weight in given.values() if is_number(weight)]
    if (
        len(numbers) < len(given)
        or not all(0 <= weight <= 1 for weight in numbers)
        or not math.isclose(sum(numbers), 1, abs_tol=1e-6)
    ):
        told = ", ".join(f"{name} {quoted(weight)}" for name, weight in given.items())
        raise InputError(f"{where}: expected weights from 0 to 1 that add up to 1; got {told or 'none'}")
    return {name: float(given.get(name, 0.0)) for name in SENTIMENTS}


def open_mapping(which: str | Path | Mapping[str, Any] | SentimentMapping) -> SentimentMapping:
    """A mapping by the name of a preset, out of a TOML or JSON file, or out of a dict.

    A file has a line for each expression: ``happy = "positive"``, or ``surprise = { positive = 0.5, negative
    = 0.5 }``.

    Raises:
        InputError: There is no such preset or file, or what it says is not a mapping.

    >>> open_mapping("valence").name
    'valence'
    """
    if isinstance(which, SentimentMapping):
        return which
    if isinstance(which, Mapping):
        return SentimentMapping("mine", which)
    if str(which) in PRESETS:
        return PRESETS[str(which)]
    path = Path(which)
    if path.suffix.lower() not in (".toml", ".json"):
        raise InputError(
            f"expected a mapping out of {', '.join(PRESETS)}, or a file ending in .toml or .json; got {quoted(str(which))}"
        )
    return SentimentMapping(path.stem, _read(path))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise InputError(
            f"{path}: expected a mapping of expressions; {error.strerror}: check the path"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: expected a mapping of expressions as {path.suffix[1:].upper()}; {unreadable(error)}: correct the file"
        ) from None
    if not isinstance(content, Mapping):
        raise InputError(
            f'{path}: expected a line for each expression, such as happy = "positive"; got {type(content).__name__}'
        )
    return content


_VALENCE = {
    "happy": "positive",
    "neutral": "neutral",
    **dict.fromkeys(("angry", "contempt", "disgust", "fear", "sad"), "negative"),
}

PRESETS: Mapping[str, SentimentMapping] = {
    # Of the people who did not call a face surprised that another one called so, 21 % said happy, 27 %
    # neutral, 53 % something negative (FER+ votes of the 28,709 training images; 20, 28 and 53 % on
    # PublicTest): `python -m benchmarks.studies.sentiment`.
    "valence": SentimentMapping(
        "valence", {**_VALENCE, "surprise": {"positive": 0.2, "neutral": 0.3, "negative": 0.5}}
    ),
    # The mapping of the paper that labelled clips by counting; it has no contempt, which goes with disgust
    # and anger here.
    "yin": SentimentMapping(
        "yin",
        {
            **dict.fromkeys(("happy", "surprise"), "positive"),
            **dict.fromkeys(("neutral", "fear", "sad"), "neutral"),
            **dict.fromkeys(("angry", "contempt", "disgust"), "negative"),
        },
    ),
}
"""Mappings by name. ``valence``, the default: whether an expression is pleasant, with surprise divided as
people divide it. ``yin``: surprise and happy positive; fear, sad and neutral neutral; disgust and angry
negative."""
