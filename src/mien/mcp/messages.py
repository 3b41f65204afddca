"""What a host sends that is no message: it gets an answer that says so, where the SDK's server would say nothing and leave
the host waiting.
"""

from __future__ import annotations

import json
from typing import Any

from anyio.streams.memory import MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCNotification
from pydantic import ValidationError

from mien.core.names import quoted


async def pass_on(reads: Any, writes: Any, understood: MemoryObjectSendStream[SessionMessage]) -> None:
    """Pass on what is a message, and answer what is none.

    Args:
        reads: Messages of the host, and the SDK's errors in place of what is none; up to its end.
        writes: What goes to the host.
        understood: Gets the messages.
    """
    async with understood:
        async for item in reads:
            if not isinstance(item, Exception):
                if _lacks_id(item.message):
                    told = f"expected a text or a whole number as the id of {quoted(item.message.method)}; got another or none"
                    await writes.send(SessionMessage(_answer(None, INVALID_REQUEST, told)))
                else:
                    await understood.send(item)
            elif (answer := refusal(item)) is not None:
                await writes.send(SessionMessage(answer))


def _lacks_id(message: Any) -> bool:
    """Whether it is a request whose id is none that a request may have: the SDK takes it for a notification, but those of
    MCP have names of their own."""
    return isinstance(message, JSONRPCNotification) and not message.method.startswith("notifications/")


def refusal(error: Exception) -> JSONRPCError | None:
    """The answer to what is no message; None for a notification and an empty line, which have none.

    Args:
        error: Why the SDK did not understand it.
    """
    sent = _sent(error)
    if _is_empty_line(error):
        return None
    try:
        asked = _parsed(sent)
    except (ValueError, RecursionError):
        return _answer(None, PARSE_ERROR, f"expected a message in one line of JSON; got {quoted(sent)}")
    if isinstance(asked, dict) and "method" in asked and "id" not in asked:
        return None
    if isinstance(sent, str):  # JSON, but for what no text holds.
        return _answer(
            asked,
            PARSE_ERROR,
            "expected text in JSON; got half of a surrogate pair, such as \\ud800, which stands for no character: send whole ones",
        )
    return _answer(
        asked,
        INVALID_REQUEST,
        f"expected a message of JSON-RPC 2.0; got {'null' if asked is None else quoted(asked)}",
    )


def _is_empty_line(error: Exception) -> bool:
    if not isinstance(error, ValidationError):
        return False
    first = error.errors(include_url=False)[0]
    return first["type"] == "json_invalid" and not first["input"].strip()


def _sent(error: Exception) -> Any:
    """The line that came, where it is no JSON, else what it holds."""
    if not isinstance(error, ValidationError):
        return ""
    found = error.errors(include_url=False)
    return next((one["input"] for one in found if one["type"] == "missing"), found[0]["input"])


def _parsed(sent: Any) -> Any:
    if not isinstance(sent, str | bytes):
        return sent
    return json.loads(sent)  # Which takes halves of surrogate pairs.


def _answer(asked: Any, code: int, message: str) -> JSONRPCError:
    given = asked.get("id") if isinstance(asked, dict) else None
    known = isinstance(given, str | int) and not isinstance(given, bool) and _is_text(str(given))
    return JSONRPCError(
        jsonrpc="2.0", id=given if known else None, error=ErrorData(code=code, message=message)
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
