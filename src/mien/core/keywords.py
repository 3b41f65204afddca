"""Keyword arguments that there are not, refused with the one that was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

from mien.core.names import nearest

P = ParamSpec("P")
R = TypeVar("R")


def checked_keywords(also: Iterable[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function say which of its keyword arguments was meant, where it is given one that it has not.

    Python does so itself from 3.13 on, but not for a function that takes others' arguments along.

    Args:
        also: Keyword arguments beside those of its signature, which it hands on.

    >>> @checked_keywords(also=["min_face"])
    ... def read(path: str, *, largest: bool = False, **options: int) -> None: ...
    >>> read("a.jpg", min_fase=30)
    Traceback (most recent call last):
    ...
    TypeError: read() got an unexpected keyword argument 'min_fase': did you mean min_face?
    """

    def check(function: Callable[P, R]) -> Callable[P, R]:
        code = function.__code__
        names = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], *also}

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in names:
                    asked = function.__qualname__.removesuffix(".__init__")
                    raise TypeError(
                        f"{asked}() got an unexpected keyword argument {name!r}{nearest(name, names)}"
                    )
            return function(*args, **kwargs)

        return call

    return check
