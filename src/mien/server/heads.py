"""``HEAD``: what ``GET`` would say, without its content."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
