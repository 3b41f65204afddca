"""What the document of the service says of each route beside its types: which errors it may answer with, and a command that
asks it.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

from mien.server.schemas import Problem

WHEN = {
    400: "It is not HTTP, not a form, or incomplete.",
    401: "The token is missing, or another one.",
    403: "A page of another origin asks.",
    404: "There is no such thing.",
    408: "It came too slowly.",
    409: "The result is not ready yet, or the video failed.",
    413: "Too many bytes, pixels, seconds or images.",
    415: "It is no image and no video.",
    421: "It was asked for under the name of another host.",
    422: "It is damaged, or an option is impossible or unknown: none is ignored.",
    429: "Too much at once, or too often: `Retry-After` says in how many seconds to try again.",
    501: "A package is not installed.",
    507: "The disk of the service is full.",
}
"""When an error is answered, by its status."""

_FIELD = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)

EXAMPLE_ADDRESS = "http://127.0.0.1:8000"
"""Of the service in commands; `/docs` shows the one by which it was asked for."""


def problems(*more: int) -> dict[int | str, dict[str, Any]]:
    """Errors that a route may answer with: those of every route, and these.

    >>> sorted(problems(404))
    [401, 403, 404, 421, 429]
    """
    statuses = sorted({401, 403, 421, 429, *more})
    return {status: {"model": Problem, "description": WHEN[status]} for status in statuses}


def described_fields(docstring: str | None) -> dict[str, str]:
    r"""What the docstring of a class says of each of its fields.

    >>> described_fields("A point.\n\nArgs:\n    x: To the right,\n        in px.\n    y: Down.\n")
    {'x': 'To the right, in px.', 'y': 'Down.'}
    """
    fields = cleandoc(docstring or "").partition("\n\nArgs:\n")[2]
    return {name: " ".join(told.split()) for name, told in _FIELD.findall(fields)}


def command(arguments: str, path: str) -> dict[str, Any]:
    """A command that asks, where readers of OpenAPI documents look for one.

    Args:
        arguments: Of curl, before the address.
        path: Of the route, with ``ID`` for the id of a video.

    >>> command("-N", "/v1/videos/ID/events")["x-codeSamples"][0]["source"]
    'curl -N http://127.0.0.1:8000/v1/videos/ID/events'
    """
    source = " ".join(part for part in ("curl", arguments, f"{EXAMPLE_ADDRESS}{path}") if part)
    return {"x-codeSamples": [{"lang": "Shell", "source": source}]}
