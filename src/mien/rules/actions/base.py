"""What all kinds of action share: what they are handed, the action itself, and settings that are checked
before anything starts; what is wrong is said in mien's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from mien.core.errors import RuleError
from mien.core.faults import fault
from mien.core.labels import NOTICE
from mien.core.masking import masked_text


@dataclass(frozen=True, eq=False)
class Delivery:
    """One event for hooks to deliver.

    Args:
        id: Distinct for each event, by which a receiver knows one that comes twice.
        rule: Name of the rule.
        kind: ``start`` or ``end``.
        time: Seconds, of the stream.
        at: When that was, ISO 8601 in UTC; None where a video is looked through.
        source: Name of the source.
        frame: Index of the frame.
        values: The comparisons that decided, each with the value that was compared, or None.
        faces: How many faces were in view.
        image: Makes the ``(h, w, 3)`` uint8 RGB image of the moment, with covered faces on request; None
            where no hook has asked for one.
        photo: Where the photo of the moment was saved by an action of type ``photo``, as its folder is written;
            None where none was.
        measures: Of all that the rule asks of landmarks the value for each face in view, by name.

    >>> Delivery("1", "smile", "start", 2.5, None, "camera:0", 75, {"any.happy > 0.7": 0.9}, 2).payload()["values"]
    {'any.happy > 0.7': 0.9}
    """

    id: str
    rule: str
    kind: Literal["start", "end"]
    time: float
    at: str | None
    source: str
    frame: int
    values: Mapping[str, float | None]
    faces: int
    image: Callable[[bool], NDArray[np.uint8]] | None = None
    photo: str | None = None
    measures: Mapping[str, list[float | None]] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Plain values, ready for JSON; no image and nobody's identity."""
        return {
            "id": self.id,
            "rule": self.rule,
            "kind": self.kind,
            "time": round(self.time, 6),
            "at": self.at,
            "source": self.source,
            "frame": self.frame,
            "values": dict(self.values),
            "faces": self.faces,
            "measures": dict(self.measures),
            "photo": self.photo,
            "notice": NOTICE,
        }


class RuleAction:
    """Delivers events, one after the other, on a thread of its own.

    A plug-in may give an instance of a subclass, or any function that takes a `Delivery`. It is registered as
    an entry point of the group ``mien.rules.actions``: a function that takes the keys of the action's table
    as arguments and returns the hook.

    Attributes:
        pictured: Whether it wants the image of the moment.
        keep: How many events wait for it at most; beyond that the oldest are dropped.
    """

    pictured = False
    keep = 256

    def start(self, rules: Sequence[str]) -> None:
        """Called once before the first event.

        Args:
            rules: Names of the rules that it serves.

        Raises:
            RuleError: It cannot serve them.
        """

    def deliver(self, delivery: Delivery) -> None:
        """Deliver one event.

        Raises:
            DeliveryError: That did not work; it says whether to try again. Anything else that is raised
                counts as a reason to try again.
        """
        raise NotImplementedError

    def place(self, delivery: Delivery) -> str | None:
        """Where what was delivered lies, for messages about the event; None where that is nowhere."""
        return None

    def close(self) -> None:
        """Called once, from another thread, when there is no more time: a `deliver` under way has to end
        soon."""


class FunctionAction(RuleAction):
    """Any function as a hook.

    >>> seen = []
    >>> FunctionAction(seen.append).deliver(Delivery("1", "smile", "start", 0.0, None, "-", 0, {}, 1))
    >>> seen[0].rule
    'smile'
    """

    def __init__(self, function: Callable[[Delivery], object]) -> None:
        self._function = function

    def deliver(self, delivery: Delivery) -> None:
        self._function(delivery)


def carefully(tell: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but what is told never ends the thread that tells it, as a terminal that has gone would.

    >>> carefully(lambda line: 1 / 0)("hello")
    """

    def say(line: str) -> None:
        with suppress(Exception):
            tell(line)

    return say


def slug(name: str) -> str:
    """A name for files and topics.

    >>> slug("Everybody smiles!")
    'everybody-smiles'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "rule"


Model = TypeVar("Model", bound="ActionSettings")


class ActionSettings(BaseModel):
    """Keys of a table: unknown ones are refused, and a text is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def mistakes(self, rules: Sequence[str]) -> Iterator[Mistake]:
        """Why no computer could do this for these rules.

        Args:
            rules: Names of the rules that it serves.
        """
        return iter(())

    def obstacles(self) -> Iterator[Mistake]:
        """What this computer lacks for an action with these settings, found without doing anything."""
        return iter(())

    def in_words(self) -> str:
        """What an action with these settings does, such as ``saves a photo in photos``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Mistake:
    """Something wrong in a table.

    Args:
        path: Keys that lead there.
        message: What was expected, what came and what to do.
        offset: Where in the text that stands there, in characters, or None.
    """

    path: tuple[str | int, ...]
    message: str
    offset: int | None = None


class SettingsError(RuleError):
    """Settings cannot be used.

    Args:
        mistakes: All that is wrong, at least one.
    """

    def __init__(self, mistakes: list[Mistake]) -> None:
        first = mistakes[0]
        super().__init__(": ".join([*map(str, first.path), first.message]), first.offset)
        self.mistakes = mistakes


def require(settings: ActionSettings) -> None:
    """Refuse an action that cannot work here.

    Raises:
        SettingsError: This computer lacks something that its settings name.

    >>> class Lamp(ActionSettings):
    ...     def obstacles(self):
    ...         yield Mistake(("type",), "there is no lamp here: buy one")
    >>> require(Lamp())
    Traceback (most recent call last):
    ...
    mien.rules.actions.base.SettingsError: type: there is no lamp here: buy one
    """
    if found := list(settings.obstacles()):
        raise SettingsError(found)


def checked(model: type[Model], table: Mapping[str, Any] | ActionSettings) -> Model:
    """The settings of a table; those that are such already as they are.

    Raises:
        SettingsError: A key is unknown or missing, or a value is impossible.

    >>> class Lamp(ActionSettings):
    ...     colour: str
    ...     level: float = 1.0
    >>> checked(Lamp, {"colour": "red"}).level
    1.0
    >>> checked(Lamp, {"color": "red"})
    Traceback (most recent call last):
    ...
    mien.rules.actions.base.SettingsError: color: unknown key: did you mean colour?
    """
    if isinstance(table, model):
        return table
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        known = [field.alias or name for name, field in model.model_fields.items()]
        found = error.errors(include_url=False)
        # A key that is written wrongly is missing, too: the first says it all.
        unknown = [one for one in found if one["type"] == "extra_forbidden"]
        errors = unknown + [
            one
            for one in found
            if one["type"] != "extra_forbidden" and not (unknown and one["type"] == "missing")
        ]
        raise SettingsError(
            [Mistake(_path(one), masked_text(_message(one, known))) for one in errors]
        ) from None


_EXPECTED = {
    "list_type": 'a list, such as ["one", "two"]',
    "string_type": "a text in quotation marks",
    "path_type": "a path in quotation marks",
    "bool_type": "true or false, without quotation marks",
    "float_type": "a number, without quotation marks",
    "int_type": "a whole number, without quotation marks",
}


def _path(error: Any) -> tuple[str | int, ...]:
    path = tuple(error["loc"])
    return path[:-1] if error["type"] == "missing" else path


def _message(error: Any, known: list[str]) -> str:
    kind, key = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(key, known, 1)
        return (
            f"unknown key: did you mean {close[0]}?"
            if close
            else f"unknown key: there are {', '.join(known)}"
        )
    if kind == "missing":
        return f"expected the key {key}: add it"
    return fault(error, _EXPECTED)
