"""Arguments of public functions, checked by their annotations: what is of another type is refused in one line that says what
was expected, and a name that there is not with the one that was probably meant. Numbers of numpy's and fractions become
Python's own, so that nothing behind it meets another kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from inspect import Parameter, signature
from itertools import chain, repeat
from numbers import Integral, Real
from os import PathLike
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    ParamSpec,
    TypeGuard,
    TypeVar,
    Union,
    Unpack,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from mien.core.errors import InputError
from mien.core.names import nearest, quoted

P = ParamSpec("P")
R = TypeVar("R")
MOST_THREADS = 1024
"""Of one network or decoder; more than any machine has use for."""
_LARGEST = 2**63
"""Whole numbers from here on fit into no array."""

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bytes: "bytes",
    PathLike: "a path",
    Mapping: "a mapping",
    list: "a list",
    NoneType: "None",
}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function check names and types of its arguments before it begins: `InputError` where a type is another one,
    and for a name that there is not a `TypeError`, as Python's own, with what was probably meant. It gets numbers as Python's
    own, whatever kind they came in.

    Types of keyword arguments that it hands on (``**options: Unpack[Options]``) are those of ``Options``. What an
    annotation says of the inside of a list and the like is left to the function.

    >>> @checked
    ... def read(path: str, *, largest: bool = False, unit: Literal["px", "mm"] = "px") -> None: ...
    >>> read("a.jpg", largets=True)
    Traceback (most recent call last):
    ...
    TypeError: read() got an unexpected keyword argument 'largets': did you mean largest?
    >>> read("a.jpg", largest="maybe")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: largest: expected True or False; got 'maybe'
    >>> read("a.jpg", unit=None)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: unit: expected px or mm; got None
    """
    positional = [
        name
        for name, parameter in signature(function).parameters.items()
        if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        types = _types(function)
        for name in kwargs:
            if name not in types and name not in positional:
                asked = function.__qualname__.removesuffix(".__init__")
                raise TypeError(
                    f"{asked}() got an unexpected keyword argument {quoted(name)}{nearest(name, types)}"
                )
        names = chain(positional, repeat(""))
        taken = [
            _checked(name, value, types.get(name, Any)) for name, value in zip(names, args, strict=False)
        ]
        named = {name: _checked(name, value, types.get(name, Any)) for name, value in kwargs.items()}
        return cast(Callable[..., R], function)(*taken, **named)

    return call


def checked_values(values: Mapping[str, object], record: type) -> dict[str, Any]:
    """The values of keys of a `TypedDict`, their types checked, numbers as Python's own; names that it has not are passed over.

    Raises:
        InputError: One is of another type than its annotation says.
    """
    types = _types(record)
    return {name: _checked(name, value, types.get(name, Any)) for name, value in values.items()}


def check_fields(record: object) -> None:
    """Check the types of the fields of a dataclass, in its ``__post_init__``; numbers become Python's own.

    Raises:
        InputError: One is of another type than its annotation says.

    >>> from mien.tracking.options import Tracking
    >>> Tracking(cuts="no")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: cuts: expected True or False; got 'no'
    """
    kind: Any = type(record)
    types = _types(kind)
    for name, value in [*vars(record).items()]:
        object.__setattr__(record, name, _checked(name, value, types.get(name, Any)))


def plain_number(name: str, value: Any) -> Any:
    """A number of numpy, a fraction or the like as Python's own bool, int or float, which every library takes; anything else
    as it is.

    Args:
        name: Of the argument.
        value: Anything.

    Raises:
        InputError: It is larger than numbers of numpy and of C.

    >>> from fractions import Fraction
    >>> plain_number("tau", Fraction(1, 4)), plain_number("head", "ferplus")
    (0.25, 'ferplus')
    """
    if _is_bool(value):
        return bool(value)
    if not isinstance(value, Real):
        return value
    if _is_huge(value):
        raise InputError(f"{name}: expected a number that is not so large; got {quoted(value)}")
    return int(value) if isinstance(value, Integral) else float(value)


@cache
def _types(annotated: Any) -> dict[str, Any]:
    """Types by name, of a function's arguments or a class's fields."""
    found = get_type_hints(annotated)
    found.pop("return", None)
    for name, kind in [*found.items()]:
        if get_origin(kind) is Unpack:
            del found[name]
            found |= get_type_hints(*get_args(kind))
    return found


def _checked(name: str, value: Any, kind: Any) -> Any:
    """The value, a number or truth value as Python's own."""
    if not _fits(value, kind):
        if {int, float} & {*_parts(kind)}:
            plain_number(name, value)  # Which refuses what is only too large.
        choices = [one for part in _parts(kind) if get_origin(part) is Literal for one in get_args(part)]
        near = nearest(value.lower(), choices) if isinstance(value, str) else ""
        raise InputError(f"{name}: expected {_told(kind)}; got {quoted(value)}{near}")
    return plain_number(name, value)


def check_threads(threads: int | None) -> None:
    """See to it that a number of threads is possible; None is a library's own choice.

    Raises:
        InputError: It is below 1, or above `MOST_THREADS`.

    >>> check_threads(0)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: threads: expected 1 to 1,024; got 0
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise InputError(f"threads: expected 1 to {MOST_THREADS:,}; got {quoted(threads)}")


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number, whatever kind of one; True and False are none.

    >>> from fractions import Fraction
    >>> [is_number(value) for value in (1, 0.5, Fraction(1, 3), True, "1", 10**400, float("nan"))]
    [True, True, True, False, False, False, False]
    """
    return isinstance(value, Real) and not _is_bool(value) and not _is_huge(value) and math.isfinite(value)


def _fits(value: object, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(kind))
    if origin is Literal:
        return any(isinstance(value, type(one)) and value == one for one in get_args(kind))
    if origin is bool:
        return _is_bool(value)
    if origin in (int, float):
        number = isinstance(value, Integral if origin is int else Real) and not _is_bool(value)
        return number and not _is_huge(value)
    if origin is Mapping and isinstance(value, Mapping):
        keys, values = get_args(kind)
        return all(_fits(key, keys) and _fits(one, values) for key, one in value.items())
    return isinstance(value, origin) if _tells_its_instances(origin) else True


def _tells_its_instances(kind: Any) -> bool:
    """Whether something is a class, but for those protocols that only type checkers hold."""
    known = not getattr(kind, "_is_protocol", False) or getattr(kind, "_is_runtime_protocol", False)
    return isinstance(kind, type) and kind is not Any and known


def _is_huge(value: Any) -> bool:
    """Whether a number is larger than those of numpy and of C."""
    if isinstance(value, Integral):
        return not -_LARGEST <= int(value) < _LARGEST
    try:
        float(value)
    except OverflowError:
        return True
    return False


def _is_bool(value: object) -> bool:
    """Whether it is Python's or one of numpy, which need not be loaded for that."""
    return isinstance(value, bool) or (str(getattr(value, "dtype", "")) == "bool" and not value.shape)  # type: ignore[attr-defined]


def _parts(kind: Any) -> Iterator[Any]:
    """A type, or the types out of which it is one."""
    if get_origin(kind) in (Union, UnionType):
        for part in get_args(kind):
            yield from _parts(part)
    else:
        yield kind


def _told(kind: Any) -> str:
    words: list[str] = []
    for part in _parts(kind):
        origin = get_origin(part) or part
        if origin in (Literal, bool):
            words += map(str, (True, False) if origin is bool else get_args(part))
        elif origin is Mapping and Any not in get_args(part):
            words.append(f"a mapping ({': '.join(map(_told, get_args(part)))})")
        else:
            words.append(_WORDS.get(origin) or f"a {getattr(origin, '__name__', origin)}")
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last
