"""Behind a proxy: under a path of its own, and asked by the proxy in place of the client."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from mien.core.errors import InputError
from mien.core.names import quoted

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_LONGEST = 200
_KEY = "mien.prefix"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check_prefix(prefix: str) -> None:
    """Whether something may be the path under which a service is.

    Raises:
        InputError: It is none.

    >>> check_prefix("/tools/mien")
    >>> check_prefix("mien/")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a path such as /mien, with a slash at its beginning and none at its end; got 'mien/'
    """
    if prefix and not _is_prefix(prefix):
        raise InputError(
            f"expected a path such as /mien, with a slash at its beginning and none at its end; got {quoted(prefix)}"
        )


def _is_prefix(prefix: str) -> bool:
    return len(prefix) <= _LONGEST and _PREFIX.fullmatch(prefix) is not None


def network(text: str) -> Network:
    """An address or a network.

    Raises:
        InputError: It is none.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InputError(
            f"expected the address of a proxy, such as 127.0.0.1, or a network, such as 10.0.0.0/8; got {quoted(text)}"
        ) from None


def prefix(request: HTTPConnection) -> str:
    """What stands before every path of the service where this client sees it: empty, or such as ``/mien``."""
    found: str = request.scope.get(_KEY, "")
    return found


class Proxied:
    """ASGI middleware that takes the prefix off paths, whether a proxy has done so or not, and believes what known
    proxies say of the client.

    Args:
        app: What answers; it sees paths without the prefix, which `prefix` tells.
        own: The prefix where no proxy says another.
        proxies: Addresses and networks of the known ones.
    """

    def __init__(self, app: ASGIApp, own: str = "", proxies: Sequence[str] = ()) -> None:
        self._app, self._own = app, own
        self._proxies = [network(text) for text in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            found = self._own
            if self._proxies and self._knows(scope["client"][0] if scope["client"] else ""):
                found = _believed(scope, found, self._knows)
            scope[_KEY] = found
            if found and scope["path"] == found and scope["type"] == "http":
                await _sent_on(f"{found}/", send)
                return
            if found and scope["path"].startswith(f"{found}/"):
                scope["path"] = scope["path"][len(found) :]
        await self._app(scope, receive, send)

    def _knows(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in one for one in self._proxies)


def _believed(scope: Scope, prefix: str, knows: Callable[[str], bool]) -> str:
    """The prefix that a known proxy tells, or else the other one; and the client becomes the last one on the way that is
    no known proxy."""
    told = _header(scope, b"x-forwarded-prefix").rstrip("/")
    for hop in reversed([hop.strip() for hop in _header(scope, b"x-forwarded-for").split(",")]):
        if not hop:
            break
        scope["client"] = (hop, 0)
        if not knows(hop):
            break
    return told if _is_prefix(told) else prefix


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name)


async def _sent_on(place: str, send: Send) -> None:
    headers = [(b"location", place.encode()), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
