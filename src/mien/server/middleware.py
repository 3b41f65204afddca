"""What stands before all routes: who may ask (the name that was asked for, the page that asks, the token or
a cookie), ``HEAD``, options that a route does not know, and the headers that every answer has."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import HTTPConnection

from mien.core.names import nearest, quoted
from mien.server.errors import APIError
from mien.server.metrics import Metrics
from mien.server.rates import RequestRates, home
from mien.server.settings import ServerSettings
from mien.server.tokens import Token, Tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST = 1024


class Sessions:
    """Which cookies stand for a token. They are kept in memory, so that all of them end with the service.

    Args:
        seconds: How long one is good for.
        now: A clock that only grows.

    >>> sessions = Sessions(60)
    >>> word = sessions.begin(Token("anna", b""))
    >>> sessions.find(word).name, sessions.find("another")
    ('anna', None)
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._now = seconds, now
        self._known: OrderedDict[str, tuple[float, Token]] = OrderedDict()

    def begin(self, token: Token) -> str:
        """A new word for a cookie; where there are too many, the oldest is forgotten."""
        known = self._known
        while known and (len(known) >= _MOST or next(iter(known.values()))[0] <= self._now()):
            known.popitem(last=False)
        word = secrets.token_urlsafe(32)
        known[word] = (self._now() + self.seconds, token)
        return word

    def find(self, word: str) -> Token | None:
        """The token that a cookie stands for, as long as it does."""
        end, token = self._known.get(word, (-math.inf, None))
        return token if end > self._now() else None


COOKIE = "mien"
PROTOCOL = "mien.v1"
"""WebSocket subprotocol of streams."""
TOKEN_PROTOCOL = "mien.token."
"""A subprotocol that begins so carries the token, as browsers cannot set headers there."""

_OPEN = ("/v1/login", "/v1/page")
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


class Guard:
    """ASGI middleware that lets through what may be answered.

    A name other than ``localhost``, an address or one of the settings' is refused, so that no foreign name
    can be pointed at this machine (DNS rebinding). A browser says where a request comes from: foreign pages
    are refused, links to the page itself are not.

    Args:
        app: What answers.
        settings: Names, and how often a client may ask.
        tokens: Who may ask.
        sessions: Which cookies stand for a token.
        metrics: Where requests are counted by token.
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, tokens: Tokens, sessions: Sessions, metrics: Metrics
    ) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._tokens, self._sessions = tokens, sessions
        self._rates = None if settings.rate_limit is None else RequestRates(settings.rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except APIError as refusal:
            await refuse(scope, send, refusal)
            return
        await self._app(scope, receive, _headed(send) if scope["type"] == "http" else send)

    def _check(self, scope: Scope) -> None:
        host = _one(scope, b"host")
        self._check_host(host)
        _check_origin(scope, host)
        path = scope["path"]
        closed = (path.startswith("/v1/") and path not in _OPEN) or path == "/metrics"
        if not closed and path != "/v1/login":
            return
        token = self._token(scope) if closed and self._tokens.needed else None
        if self._rates is not None:
            client = scope["client"][0] if scope["client"] else ""
            self._rates.take(f"address {home(client)}" if token is None else f"token {token.name}")
        if closed and self._tokens.needed and token is None:
            raise APIError(
                401,
                "expected a token of the service; got none or another one: send it as Authorization: Bearer TOKEN",
            )

    def _check_host(self, host: str) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        allowed = name.lower() in {"localhost", *map(str.lower, self._settings.names)} or _is_address(
            name.strip("[]")
        )
        if not allowed:
            raise APIError(
                421,
                f"expected a name of this service in Host; got {quoted(host)}: ask by its address, or run mien serve --allowed-host NAME",
            )

    def _token(self, scope: Scope) -> Token | None:
        """Whose token a request has; it is counted."""
        token = next(filter(None, map(self._tokens.find, _offered(scope))), None)
        if token is None:
            token = self._sessions.find(_cookie(_one(scope, b"cookie")))
            token = token if token is not None and self._tokens.takes(token) else None
        if token is not None:
            self._metrics.tokens.labels(token.name).inc()
        return token


def _offered(scope: Scope) -> Iterator[str]:
    """What may be a token."""
    kind, _, given = _one(scope, b"authorization").partition(" ")
    if kind.lower() == "bearer":
        yield given.strip()
    if scope["type"] == "websocket":
        for name in _one(scope, b"sec-websocket-protocol").split(","):
            if name.strip().startswith(TOKEN_PROTOCOL):
                yield name.strip().removeprefix(TOKEN_PROTOCOL)


async def refuse(scope: Scope, send: Send, refusal: APIError) -> None:
    """Answer a request, or a handshake, with a refusal."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    content = refusal.content()
    headers = {
        **_HEADERS,
        b"content-type": b"application/json",
        b"content-length": str(len(content)).encode(),
    }
    headers |= {name.lower().encode(): value.encode() for name, value in refusal.headers.items()}
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": list(headers.items())})
    await send({"type": f"{kind}.body", "body": content})


def _headed(send: Send) -> Send:
    """The same with the headers that every answer carries, where it has none of its own."""

    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            there = {name.lower() for name, _ in own}
            message["headers"] = [
                *own,
                *((name, value) for name, value in _HEADERS.items() if name not in there),
            ]
        await send(message)

    return headed


def _check_origin(scope: Scope, host: str) -> None:
    origin = _one(scope, b"origin")
    if origin and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        raise APIError(403, f"expected a request of the service's own page; got one of {quoted(origin)}")
    site, mode = _one(scope, b"sec-fetch-site"), _one(scope, b"sec-fetch-mode")
    followed = mode == "navigate" and scope["type"] == "http" and not scope["path"].startswith("/v1/")
    if site not in ("", "same-origin", "none") and not followed:
        raise APIError(
            403, f"expected a request of the service's own page; got one from elsewhere ({site[:20]})"
        )


def _one(scope: Scope, name: bytes) -> str:
    """A header's value, several joined; empty where it is missing."""
    return ",".join(_values(scope["headers"], name))


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(header: str) -> str:
    try:
        cookie = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if cookie is None else cookie.value


class Heads:
    """ASGI middleware that answers HEAD as GET, up to the end of the headers; an answer that goes on for ever
    is ended there.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        begun = asyncio.Event()

        async def headed(message: Message) -> None:
            if not begun.is_set():
                await send(message)
                begun.set()

        scope["method"] = "GET"  # The same dict all along: what counts answers looks into it afterwards.
        answering = asyncio.create_task(cast("Coroutine[Any, Any, None]", self._app(scope, receive, headed)))
        starting = asyncio.create_task(begun.wait())
        try:
            await asyncio.wait([answering, starting], return_when=asyncio.FIRST_COMPLETED)
            if begun.is_set():
                await send({"type": "http.response.body", "body": b""})
        finally:
            scope["method"] = "HEAD"
            starting.cancel()
            answering.cancel()
            with suppress(asyncio.CancelledError):
                await answering


async def known_options(request: HTTPConnection) -> None:
    """A dependency of every route: only the options of that route are in the address. It never waits; one that is no
    coroutine would be run by a thread, which takes longer.

    Raises:
        APIError: There is another one.
    """
    options = request.scope["route"].dependant.query_params
    # A model stands for all of its fields.
    names = (
        getattr(option.field_info.annotation, "model_fields", {option.alias: None}) for option in options
    )
    check_options(request, {name for several in names for name in several})


def check_options(request: HTTPConnection, known: Collection[str]) -> None:
    """Refuse options in an address that are not known, or that are there twice.

    Raises:
        APIError: There is one.
    """
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise APIError(
            422,
            f"expected {_told(known)} in the address; got {quoted(unknown[0])}{nearest(unknown[0], known)}",
        )
    for name in known:
        if len(request.query_params.getlist(name)) > 1:
            raise APIError(422, f"expected {name} once in the address; got it again")


def _told(known: Collection[str]) -> str:
    return f"no option but {', '.join(sorted(known))}" if known else "no options"
