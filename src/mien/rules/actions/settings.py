"""Settings of rules and actions, checked before anything starts; what is wrong is said in mien's words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.core.errors import RuleError
from mien.core.masking import masked_text

Model = TypeVar("Model", bound="ActionSettings")


class ActionSettings(BaseModel):
    """Keys of a table: unknown ones are refused, and a text is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def obstacles(self, rules: Sequence[str]) -> Iterator[Mistake]:
        """What would keep an action with these settings from working here, found without doing anything.

        Args:
            rules: Names of the rules that it serves.
        """
        return iter(())


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


def checked(model: type[Model], table: Mapping[str, Any]) -> Model:
    """The settings of a table.

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
    mien.rules.actions.settings.SettingsError: color: unknown key: did you mean colour?
    """
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        known = [field.alias or name for name, field in model.model_fields.items()]
        found = error.errors(include_url=False)
        # A key that is written wrongly is missing, too: the first says it all.
        unknown = [one for one in found if one["type"] == "extra_forbidden"]
        told = unknown + [
            one
            for one in found
            if one["type"] != "extra_forbidden" and not (unknown and one["type"] == "missing")
        ]
        raise SettingsError(
            [Mistake(_path(one, known), masked_text(_message(one, known))) for one in told]
        ) from None


_EXPECTED = {
    "list_type": 'a list, such as ["one", "two"]',
    "string_type": "a text in quotation marks",
    "bool_type": "true or false, without quotation marks",
    "float_type": "a number, without quotation marks",
    "int_type": "a whole number, without quotation marks",
}


def _path(error: Any, known: list[str]) -> tuple[str | int, ...]:
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
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}; got {error['input']!r}"
    message = str(error["msg"]).replace("Input should be", "expected").replace("List should have", "expected")
    return f"{message[:1].lower()}{message[1:]}; got {error['input']!r}"
