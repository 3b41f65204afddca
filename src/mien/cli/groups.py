"""Options of a command in groups: a dataclass whose fields are options, which several commands may share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def grouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command for Typer out of a function that takes dataclasses: every field of them becomes an
    option.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size:
    ...     width: int = 3
    ...     height: int = 4
    >>> @grouped
    ... def area(name: str, size: Size) -> str:
    ...     return f"{name} {size.width * size.height}"
    >>> list(inspect.signature(area).parameters), area(name="a", width=5)
    (['name', 'width', 'height'], 'a 20')
    """
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        parameters += (
            _options(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]
        )

    def call(**values: Any) -> Any:
        taken = {}
        for name, kind in groups.items():
            given = {field.name: values.pop(field.name) for field in fields(kind) if field.name in values}
            taken[name] = kind(**given)
        return command(**values, **taken)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
