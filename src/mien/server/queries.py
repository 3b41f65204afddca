"""What stands behind the ``?`` of an address: options that a route does not know are refused, not passed
over."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from starlette.requests import HTTPConnection

from mien.server.errors import APIError


def known_options(request: HTTPConnection) -> None:
    """A dependency of every route: only the options of that route are in the address.

    Raises:
        APIError: There is another one.
    """
    check_options(request, {option.alias for option in request.scope["route"].dependant.query_params})


def check_options(request: HTTPConnection, known: Collection[str]) -> None:
    """Refuse options in an address that are not known, or that are there twice.

    Raises:
        APIError: There is one.
    """
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise APIError(
            422,
            f"expected {_told(known)} in the address; got {unknown[0][:40]!r}{nearest(unknown[0], known)}",
        )
    for name in known:
        if len(request.query_params.getlist(name)) > 1:
            raise APIError(422, f"expected {name} once in the address; got it again")


def _told(known: Collection[str]) -> str:
    return f"no option but {', '.join(sorted(known))}" if known else "no options"


def nearest(given: str, known: Collection[str]) -> str:
    """What was probably meant, as a part of a message; empty where nothing is near.

    >>> nearest("minface", ["min_face", "tau"])
    ': did you mean min_face?'
    >>> nearest("colour", ["min_face", "tau"])
    ''
    """
    near = get_close_matches(given[:40], known, 1)
    return f": did you mean {near[0]}?" if near else ""
