"""Events as JSON to a web server."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator

from mien.core.errors import DeliveryError
from mien.core.masking import origin
from mien.rules.actions.base import ActionSettings, Delivery, Mistake, RuleAction, require

_LATER = (408, 425, 429)  # Answers that mean: try again. So do all from 500 on.


class WebhookSettings(ActionSettings):
    """Keys of an action of type ``webhook``.

    Args:
        url: Where events are posted, ``http://`` or ``https://``.
        timeout: Seconds for connection and answer together.
        token_env: Name of the environment variable whose value is sent as ``Authorization: Bearer``.
    """

    url: str
    timeout: float = Field(5.0, gt=0, le=120)
    token_env: str | None = None

    def in_words(self) -> str:
        return f"posts to {origin(self.url)}"

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        _split(url)
        return url

    def obstacles(self) -> Iterator[Mistake]:
        if self.token_env is not None and not os.environ.get(self.token_env):
            yield Mistake(
                ("token_env",),
                f"expected an environment variable with the token; {self.token_env} is not set: set it before the start",
            )


class Webhook(RuleAction):
    """Posts each event as JSON. Redirects are not followed and no proxy is used: what is named is asked, and
    nothing else.

    The header ``Idempotency-Key`` is the event's id, by which the server knows one that comes twice.

    Args:
        settings: Where to.

    Raises:
        SettingsError: The variable with the token is not set.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        require(settings)
        self._settings = settings
        self._parts = _split(settings.url)
        self._connection: HTTPConnection | None = None

    def deliver(self, delivery: Delivery) -> None:
        body = json.dumps(delivery.payload(), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": delivery.id, "User-Agent": "mien"}
        if self._settings.token_env is not None:
            headers["Authorization"] = f"Bearer {os.environ.get(self._settings.token_env, '')}"
        status = self._post(body, headers)
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise self._error(
                f"the server answers {status}, a redirect, which is not followed: write the address that it leads to",
                again=False,
            )
        again = status >= 500 or status in _LATER
        raise self._error(
            f"the server answers {status}: {'look at the server' if again else 'check address and token'}",
            again=again,
        )

    def close(self) -> None:
        _cut(self._connection)

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        parts, timeout = self._parts, self._settings.timeout
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = self._connection = connect(parts.hostname or "", parts.port, timeout=timeout)
        began, watch = time.monotonic(), None
        try:
            connection.connect()
            # The timeout of a socket begins anew with each byte; a server that sends one now and then would
            # hold us for ever.
            watch = Timer(max(0.01, began + timeout - time.monotonic()), _cut, [connection])
            watch.daemon = True
            watch.start()
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, TimeoutError) or time.monotonic() - began >= timeout:
                raise self._error(
                    f"no answer within {timeout:g} s: look at the server, or allow it a longer timeout"
                ) from None
            raise self._error(f"{_reason(error)}: check the address, and that the server runs") from None
        finally:
            if watch is not None:
                watch.cancel()
            connection.close()

    def _error(self, what: str, *, again: bool = True) -> DeliveryError:
        return DeliveryError(
            f"{origin(self._settings.url)}: expected an answer that says yes; {what}", again=again
        )


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, socket.gaierror):
        return "no computer is known by that name"
    if isinstance(error, OSError) and error.strerror:
        return f"got: {error.strerror}"
    return f"got something that is not HTTP ({type(error).__name__})"


def _cut(connection: HTTPConnection | None) -> None:
    if connection is not None and connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or not url.isascii() or any(character <= " " for character in url):
        raise ValueError(
            "expected an address such as http://robot.local:8080/events; only http and https are spoken"
        )
    if parts.username or parts.password:
        raise ValueError(
            "expected an address without user and password: put a token into an environment variable and name it with token_env"
        )
    return parts
