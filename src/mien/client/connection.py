"""What sends: connections that are kept, and their faults as errors of the service."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import mien
from mien.client.flows import Call, EventReader, Flow, Pause, RawAnswer, refused
from mien.client.uploads import opened
from mien.core.arguments import check_fields
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError, ServiceError
from mien.core.formatting import counted, shortened
from mien.core.names import printable, quoted, spelled
from mien.server.schemas import VideoJob

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_CONNECT = 10.0
_IDLE = 60.0
"""Seconds without a sign of life after which a service that sends events is gone; it gives one every 15."""
_LONGEST_WAIT = 86_400.0  # s
_TOKEN = re.compile(r"[!-~]+")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class ServiceAddress:
    """Where a service is, and how it is talked to.

    Args:
        url: As given, with a path where the service is behind a prefix.
        token: What the service was started with, or None.
        timeout: Seconds without anything sent or received after which a request fails.
        retries: How often a request is sent again that the service had no room for.
        verify: Whether certificates are checked.

    Raises:
        InputError: It is no address of HTTP, or another value is impossible.

    >>> ServiceAddress("http://127.0.0.1:8000/faces/").base
    'http://127.0.0.1:8000/faces'
    >>> ServiceAddress("127.0.0.1:8000")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: 127.0.0.1:8000: expected an address such as http://127.0.0.1:8000; got another
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    retries: int = 3
    verify: bool = True

    def __post_init__(self) -> None:
        # First, as a secret is not repeated.
        if self.token is not None and not (isinstance(self.token, str) and _TOKEN.fullmatch(self.token)):
            raise InputError(
                "expected a token of letters, digits and signs as of the service; got another one"
            )
        check_fields(self)
        if not _is_address(self.url):
            raise InputError(
                f"{shortened(spelled(self.url), 200)}: expected an address such as http://127.0.0.1:8000; got another"
            )
        if not 0 < self.timeout <= _LONGEST_WAIT:
            raise InputError(
                f"expected a timeout above 0 and up to {_LONGEST_WAIT:g} s; got {quoted(self.timeout)}"
            )
        if self.retries < 0:
            raise InputError(f"expected 0 retries or more; got {quoted(self.retries)}")

    @property
    def base(self) -> str:
        """The address as links go on from it; its scheme in lower case, as addresses are the same in either."""
        scheme, separator, rest = self.url.partition(":")
        return f"{scheme.lower()}{separator}{rest}".rstrip("/")

    @property
    def encrypted(self) -> bool:
        return self.base.startswith("https:")

    @property
    def own_machine(self) -> bool:
        return urlsplit(self.url).hostname in _LOOPBACK

    @property
    def headers(self) -> dict[str, str]:
        known = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {"User-Agent": f"mien/{mien.__version__}", **known}

    def settings(self) -> dict[str, Any]:
        """Arguments of httpx's clients."""
        return {
            "headers": self.headers,
            "timeout": _httpx().Timeout(self.timeout, connect=min(_CONNECT, self.timeout)),
            "follow_redirects": False,  # The token, and faces, go nowhere but to the host that was named.
            "verify": self.verify and self.encrypted,
            "trust_env": not self.own_machine,  # No proxy of the environment between two programs of one machine.
        }


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return False
        _httpx().URL(url).host.encode("idna")
    except (ValueError, _httpx().InvalidURL):
        return False
    return not (parts.query or parts.fragment or parts.username)


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise MissingExtraError("clients of the service", "client", "httpx") from None
    return httpx


def _fault(address: ServiceAddress, error: Exception) -> ServiceError | InputError:
    httpx = _httpx()
    if isinstance(error, httpx.InvalidURL):
        return InputError(
            f"expected options and ids that fit into an address; they do not ({one_line(error)})"
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        why = f"nobody answers there ({error or type(error).__name__}): start one with mien serve, or mend the address"
        return ServiceError(f"{address.base}: expected a service of mien; {why}", "unreachable")
    if isinstance(error, httpx.TimeoutException):
        why = f"nothing came for {address.timeout:g} s: raise timeout, or send less at once"
        return ServiceError(f"{address.base}: expected an answer; {why}", "too_slow")
    why = f"the connection broke off ({one_line(error)}): ask again, or send less where much was sent"
    return ServiceError(f"{address.base}: expected an answer; {why}", "broken_off")


def one_line(error: Exception) -> str:
    """What a library says, in one line that a terminal can show."""
    return " ".join(printable(str(error)).split())[:200] or type(error).__name__


def _request(call: Call, address: ServiceAddress, until: ExitStack) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": address.base + call.path,
        "params": dict(call.params),
        "data": dict(call.data),
        "files": opened(call.uploads, until) or None,
    }


class _Body:
    """What is answered, piece by piece, up to as many bytes as a call takes."""

    def __init__(self, address: ServiceAddress, response: httpx.Response, most: int) -> None:
        self._address, self._response, self._most = address, response, most
        self._content = bytearray()

    def add(self, piece: bytes) -> None:
        if len(self._content) + len(piece) > self._most:
            raise ServiceError(
                f"{self._address.base}: expected an answer of at most {counted(self._most, 'byte')}; more came: ask for less at once, "
                "or save a result into a file",
                "too_large",
                self._response.status_code,
            )
        self._content += piece

    def answer(self) -> RawAnswer:
        response = self._response
        return RawAnswer(self._address.base, response.status_code, response.headers, bytes(self._content))


class BlockingConnection:
    """Sends on the caller's thread; threads may share it."""

    def __init__(self, address: ServiceAddress) -> None:
        self.address = address
        self._http: httpx.Client = _httpx().Client(**address.settings())

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow asks for, and give what it comes to."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = next(flow)
                else:
                    step = flow.send(self._sent(step))
        except StopIteration as end:
            result: T = end.value
            return result

    def _sent(self, call: Call) -> RawAnswer:
        with ExitStack() as until, self._told():
            response = until.enter_context(self._http.stream(**_request(call, self.address, until)))
            return self._read(response, call.most)

    def _read(self, response: httpx.Response, most: int) -> RawAnswer:
        body = _Body(self.address, response, most)
        for piece in response.iter_bytes():
            body.add(piece)
        return body.answer()

    def states(self, call: Call) -> Iterator[VideoJob]:
        """The events of a job, as they come."""
        with self._open(call, _IDLE) as response:
            events = EventReader()
            for piece in response.iter_bytes():
                yield from events.add(piece)

    def save(self, call: Call, path: Path) -> None:
        """Write what is answered into a file, which is there as a whole or not at all."""
        with (
            self._open(call) as response,
            atomic_write(path) as aside,
            translate_os_errors(path),
            open(aside, "wb") as file,
        ):
            for piece in response.iter_bytes():
                file.write(piece)

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def _open(self, call: Call, timeout: float | None = None) -> Iterator[httpx.Response]:
        wait = _httpx().USE_CLIENT_DEFAULT if timeout is None else timeout
        with (
            self._told(),
            self._http.stream(call.method, self.address.base + call.path, timeout=wait) as response,
        ):
            if not response.is_success:
                self.run(refused(self._read(response, call.most)))
            yield response

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (_httpx().RequestError, _httpx().InvalidURL) as error:
            raise _fault(self.address, error) from None


class AwaitedConnection:
    """The same for one event loop."""

    def __init__(self, address: ServiceAddress) -> None:
        self.address = address
        self._http: httpx.AsyncClient = _httpx().AsyncClient(**address.settings())

    async def run(self, flow: Flow[T]) -> T:
        """Do what a flow asks for, and give what it comes to."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = next(flow)
                else:
                    step = flow.send(await self._sent(step))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _sent(self, call: Call) -> RawAnswer:
        with ExitStack() as until:
            request = _request(call, self.address, until)
            async with self._told(), self._http.stream(**request) as response:
                return await self._read(response, call.most)

    async def _read(self, response: httpx.Response, most: int) -> RawAnswer:
        body = _Body(self.address, response, most)
        async for piece in response.aiter_bytes():
            body.add(piece)
        return body.answer()

    async def states(self, call: Call) -> AsyncIterator[VideoJob]:
        """The events of a job, as they come."""
        async with self._open(call, _IDLE) as response:
            events = EventReader()
            async for piece in response.aiter_bytes():
                for state in events.add(piece):
                    yield state

    async def save(self, call: Call, path: Path) -> None:
        """Write what is answered into a file, which is there as a whole or not at all."""
        async with self._open(call) as response:
            with atomic_write(path) as aside, translate_os_errors(path), open(aside, "wb") as file:
                async for piece in response.aiter_bytes():
                    file.write(piece)

    async def close(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def _open(self, call: Call, timeout: float | None = None) -> AsyncIterator[httpx.Response]:
        wait = _httpx().USE_CLIENT_DEFAULT if timeout is None else timeout
        url = self.address.base + call.path
        async with self._told(), self._http.stream(call.method, url, timeout=wait) as response:
            if not response.is_success:
                await self.run(refused(await self._read(response, call.most)))
            yield response

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        try:
            yield
        except (_httpx().RequestError, _httpx().InvalidURL) as error:
            raise _fault(self.address, error) from None
