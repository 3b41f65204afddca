"""The order of classes is data: which column of ``probs`` is which expression, with its colour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mien.core.errors import InputError
from mien.core.names import quoted, spelled

NOTICE = "mien describes a facial expression, not an emotion that a person feels."
"""What labels are and what not: stands, in these words, wherever results are shown."""

UNCERTAIN = "uncertain"
"""What is shown in place of an expression that is too improbable, where that is asked for."""

DEFAULT_MIN_CONFIDENCE = 0.5
"""Calibrated probability below which an answer is more likely wrong than right; charts and tables call such
moments uncertain."""

_COLOURS = {
    "angry": "#d1495b",
    "disgust": "#6a994e",
    "fear": "#7b5ea7",
    "happy": "#e0a100",
    "neutral": "#7d8597",
    "sad": "#3d7ea6",
    "surprise": "#e07a2f",
    "contempt": "#8c6d46",
    "positive": "#e0a100",
    "negative": "#d1495b",
}
_FURTHER_COLOURS = (
    "#702442", "#52149e", "#5224eb", "#80db9e", "#8f8feb", "#80cceb", "#8f3314", "#6170eb", "#804270", "#701470",
    "#80bd80", "#8f24bd", "#80addb", "#ebbd52", "#9e5280", "#db2414", "#801414", "#80ccbd", "#7080cc", "#8f8fbd",
    "#61428f", "#9e2452", "#619e80", "#70ad61", "#338f70", "#8061cc", "#80bdcc", "#617014", "#61db70", "#8080eb",
)  # fmt: skip
"""Colours of classes that mien has none for, in their order. Each lies as far as can be (OKLab, the least of normal
sight, protanopia and deuteranopia) from those above and those before it."""
_VALENCES = {
    **dict.fromkeys(("happy", "positive"), 1.0),
    **dict.fromkeys(("neutral", "surprise"), 0.0),
    **dict.fromkeys(("angry", "contempt", "disgust", "fear", "sad", "negative"), -1.0),
}
"""How pleasant each expression is: docs/landmarks.md says why so, and what others do."""
_DRAWN = frozenset(_COLOURS) - {"positive", "negative"}
"""Classes that the page has a small face for (``web/src/glyphs.js``)."""
_LETTERS = ("#ffffff", "#000000")
"""One of them has a contrast of 4.58 at least with whatever colour, and so more than WCAG 2 asks for."""
_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "scared": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


@dataclass(frozen=True)
class ClassEntry:
    """What is known of one class besides its name.

    Args:
        valence: How pleasant it is, -1 to 1; None where nobody has said, and mien does not know the class.
        colour: ``#rrggbb``; one of mien's own where it is empty.
        icon: A sign that stands for it, such as an emoji, up to eight characters; its first letter where it is empty.

    Raises:
        InputError: A value is impossible.

    >>> ClassEntry(valence=-0.4, colour="#0072b2", icon="😴").colour
    '#0072b2'
    """

    valence: float | None = None
    colour: str = ""
    icon: str = ""

    def __post_init__(self) -> None:
        if self.valence is not None and not -1 <= self.valence <= 1:
            raise InputError(f"expected a valence from -1 to 1; got {self.valence}")
        if self.colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise InputError(f"expected a colour as #rrggbb, such as #0072b2; got {quoted(self.colour)}")
        if len(self.icon) > 8 or spelled(self.icon) != self.icon:
            raise InputError(
                f"expected an icon of up to eight characters, such as an emoji; got {quoted(self.icon)}"
            )


_NOTHING_KNOWN = ClassEntry()


@dataclass(frozen=True)
class Labels(Sequence[str]):
    """Names of the columns of a probability table, in order.

    Three orders are in use in the field, so nothing in mien indexes a class by a bare number.

    Args:
        names: Distinct class names in column order. Synonyms in common use are turned into mien's names.
        min_confidence: A class that is less probable than this, 0 to 1, is shown as `UNCERTAIN`; None shows
            every one. Labels that differ in this only are equal.
        valence: How pleasant classes are, -1 to 1, by name, in place of mien's own values; a class that is not
            named counts 0. Labels that differ in this only are equal.
        entries: What is known of classes besides their names, by name, such as a labels file tells; mien's own
            colours and valences for all else. Labels that differ in this only are equal.

    Raises:
        InputError: The names are fewer than two, not distinct or hold control characters, the probability
            is none, or a valence is impossible.

    >>> labels = Labels(("anger", "happy", "neutral"))
    >>> labels.names
    ('angry', 'happy', 'neutral')
    >>> labels.index("Happiness"), labels.colour("happy")
    (1, '#e0a100')
    >>> labels.index("bored")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected one of angry, happy, neutral; got 'bored'
    """

    names: tuple[str, ...]
    min_confidence: float | None = field(default=None, compare=False)
    valence: Mapping[str, float] | None = field(default=None, compare=False)
    entries: Mapping[str, ClassEntry] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        names = tuple(canonical_label(name) for name in self.names)
        if len(names) < 2 or len(set(names)) != len(names):
            raise InputError(f"expected at least two distinct class names; got {list(self.names)}")
        if strange := [name for name in names if spelled(name) != name or not name.strip()]:
            raise InputError(
                f"expected class names that can be shown; got {', '.join(map(spelled, strange)) or 'an empty one'}: name them otherwise"
            )
        object.__setattr__(self, "names", names)
        object.__setattr__(
            self, "entries", {names[self.index(name)]: entry for name, entry in self.entries.items()}
        )
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(
                f"expected a probability from 0 to 1 below which answers are uncertain; got {self.min_confidence}"
            )
        for name, value in (self.valence or {}).items():
            self.index(name)
            if not -1 <= value <= 1:
                raise InputError(f"valence of {name}: expected a number from -1 to 1; got {value}")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return self.names[key]

    def index(self, value: str, *span: int) -> int:
        """Column of a class, by its name or a synonym of it."""
        try:
            return self.names.index(canonical_label(value), *span)
        except ValueError:
            raise InputError(f"expected one of {', '.join(self.names)}; got {quoted(value)}") from None

    def colour(self, name: str) -> str:
        """Colour of a class, or of `UNCERTAIN`, as ``#rrggbb``, the same in every image, chart and page."""
        if name == UNCERTAIN:
            return "#9aa0a6"
        return self._colours[self.index(name)]

    @cached_property
    def _colours(self) -> tuple[str, ...]:
        """What was said, mien's own, or the next of those that are left."""
        said = [self._entry(name).colour.lower() or _COLOURS.get(name, "") for name in self.names]
        left = [colour for colour in _FURTHER_COLOURS if colour not in said]
        new = iter(left * (1 + len(self.names) // len(left)))
        return tuple(colour or next(new) for colour in said)

    def icon(self, name: str) -> str:
        """A sign that stands for a class: what a labels file says, else empty for one that mien has a picture of, else
        its first letter.

        >>> labels = Labels(("happy", "bored", "in pain"), entries={"bored": ClassEntry(icon="😴")})
        >>> [labels.icon(name) for name in labels]
        ['', '😴', 'I']
        """
        name = self.names[self.index(name)]
        return self._entry(name).icon or ("" if name in _DRAWN else name[0].upper())

    def _entry(self, name: str) -> ClassEntry:
        return self.entries.get(name, _NOTHING_KNOWN)

    def text_colour(self, name: str) -> str:
        """Colour of letters upon `colour`: black or white, whichever is read more easily.

        >>> EXPRESSIONS.text_colour("happy"), EXPRESSIONS.text_colour("fear")
        ('#000000', '#ffffff')
        """
        return text_colour(self.colour(name))

    def display_name(self, column: int) -> str:
        """Name of a column as `mien.core.faces.Faces.label_ids` gives it, where -1 stands for `UNCERTAIN`."""
        return UNCERTAIN if column < 0 else self.names[column]

    @property
    def uncertainty_threshold(self) -> float:
        """Probability below which a moment counts as uncertain, whether or not that is what is shown.

        >>> Labels(("sad", "happy")).uncertainty_threshold, Labels(("sad", "happy"), min_confidence=0.3).uncertainty_threshold
        (0.5, 0.3)
        """
        return DEFAULT_MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence

    @property
    def valences(self) -> tuple[float, ...] | None:
        """How pleasant each class is, -1 to 1, in column order; None where mien does not know a class and nobody
        has said (`without_valence`).

        >>> Labels(("sad", "happy", "neutral")).valences, Labels(("bored", "happy")).valences
        ((-1.0, 1.0, 0.0), None)
        >>> Labels(("bored", "happy"), valence={"bored": -0.5, "happiness": 0.9}).valences
        (-0.5, 0.9)
        """
        known = tuple(self._valence_of(name) for name in self.names)
        return None if None in known else known  # type: ignore[return-value]

    def said_valence(self, name: str) -> float | None:
        """How pleasant somebody has said that a class is, -1 to 1; None where nobody has."""
        name = self.names[self.index(name)]
        own = {canonical_label(word): float(value) for word, value in (self.valence or {}).items()}
        return own.get(name, self._entry(name).valence)

    def _valence_of(self, name: str) -> float | None:
        if self.valence is not None:
            own = {canonical_label(word): float(value) for word, value in self.valence.items()}
            return own.get(name, 0.0)
        said = self._entry(name).valence
        return _VALENCES.get(name) if said is None else said

    @property
    def without_valence(self) -> tuple[str, ...]:
        """Classes of which nobody knows how pleasant they are, so that nothing that sums up how pleasant a face is can
        be told.

        >>> Labels(("bored", "happy", "calm")).without_valence
        ('bored', 'calm')
        """
        return tuple(name for name in self.names if self._valence_of(name) is None)

    def as_mapping(self, values: Sequence[float]) -> Mapping[str, float]:
        """One row of probabilities by name.

        >>> Labels(("sad", "happy")).as_mapping([0.25, 0.75])
        {'sad': 0.25, 'happy': 0.75}
        """
        return {name: float(value) for name, value in zip(self.names, values, strict=True)}


def text_colour(colour: str) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2) with a colour given as ``#rrggbb``.

    >>> text_colour("#e0a100"), text_colour("#444444")
    ('#000000', '#ffffff')
    """

    def contrast(letters: str) -> float:
        dark, light = sorted((_luminance(colour), _luminance(letters)))
        return (light + 0.05) / (dark + 0.05)

    return max(_LETTERS, key=contrast)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def canonical_label(name: str) -> str:
    """Mien's word for a class name: lower case, synonyms resolved.

    >>> canonical_label(" Anger"), canonical_label("HAPPINESS"), canonical_label("bored")
    ('angry', 'happy', 'bored')
    """
    word = name.strip().lower()
    return _SYNONYMS.get(word, word)


EXPRESSIONS = Labels(("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"))
"""The seven expressions of FER-2013, in the alphabetic order of its class folders."""

FERPLUS = Labels(("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"))
"""The eight expressions of the FER+ votes, in the order of their file."""
