"""What the service says when it does not do what it was asked for: one shape for every error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mien.core.errors import MediaError

STATUS = {
    "too_large": 413,
    "unsupported": 415,
    "no_video": 415,
    "too_long": 413,
    "too_slow": 408,
    "disk_full": 507,
    "no_room": 507,
}
"""HTTP status of a `MediaError` by its kind; 422 for the others: the format is known, and the file is
damaged."""

KINDS = {
    400: "malformed",
    401: "unauthorized",
    403: "foreign_origin",
    404: "not_found",
    405: "method",
    408: "too_slow",
    409: "not_ready",
    413: "too_large",
    415: "unsupported",
    421: "unknown_host",
    422: "invalid",
    429: "too_many",
    500: "broken",
    501: "not_installed",
    503: "busy",
    507: "disk_full",
}
"""A short stable word for each status, where nothing more exact is known."""


class APIError(Exception):
    """A request that is not answered as asked.

    Args:
        status: HTTP status.
        message: What was expected, what came and what to do.
        kind: A short stable word for programs; by default that of the status.
        headers: Further headers of the answer.
    """

    def __init__(
        self, status: int, message: str, kind: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.kind = KINDS.get(status, "refused") if kind is None else kind
        self.headers = dict(headers or {})
        if status == 401:
            self.headers.setdefault("WWW-Authenticate", "Bearer")
        if status in (429, 503):
            self.headers.setdefault("Retry-After", "1")

    @staticmethod
    def of(error: MediaError) -> APIError:
        """What cannot be read.

        >>> APIError.of(MediaError("a.jpg: expected ...", "truncated")).status
        422
        """
        return APIError(STATUS.get(error.kind, 422), str(error), error.kind)

    @staticmethod
    def no_landmarks() -> APIError:
        """Landmarks are asked for where the service has none."""
        message = (
            "expected a service that finds landmarks; this one does not: start it with mien serve --landmarks"
        )
        return APIError(422, message, "no_landmarks")

    def body(self) -> dict[str, Any]:
        """As JSON: ``{"error": {"status", "kind", "message"}}``."""
        return {"error": {"status": self.status, "kind": self.kind, "message": self.message}}

    def content(self) -> bytes:
        """The body of an answer."""
        return json.dumps(self.body(), ensure_ascii=False).encode()
