"""``/v1/login``: how a browser that cannot set headers everywhere comes to be known."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from mien.server.document import command, problems
from mien.server.errors import APIError
from mien.server.middleware import COOKIE, Sessions
from mien.server.proxy import prefix
from mien.server.schemas import Login
from mien.server.settings import Limits
from mien.server.tokens import Tokens
from mien.server.uploads import arriving

_MOST = 1024


def login(tokens: Tokens, sessions: Sessions, limits: Limits) -> APIRouter:
    """The routes.

    Args:
        tokens: What the client must know.
        sessions: Who has given it.
        limits: How fast a request must come.
    """
    router = APIRouter(tags=["service"])
    body = {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Login.model_json_schema()}},
        }
    }
    example = command(
        """-c cookies.txt -H 'Content-Type: application/json' -d '{"token": "a-long-secret-of-your-own"}'""",
        "/v1/login",
    )

    @router.post(
        "/v1/login", status_code=204, responses=problems(400, 408, 413, 422), openapi_extra=body | example
    )
    async def log_in(request: Request) -> Response:
        """Give the token once, and get a cookie that stands for it for a while; scripts on the page cannot
        read it.

        Programs send `Authorization: Bearer TOKEN` with each request instead.
        """
        data = b"".join([piece async for piece in arriving(request, _MOST, limits)])
        try:
            given = Login.model_validate_json(data)
        except ValueError:
            raise APIError(422, 'expected {"token": "..."} as JSON; got something else') from None
        token = tokens.find(given.token)
        if tokens.needed and token is None:
            raise APIError(401, "expected a token of the service; got another one")
        answer = Response(status_code=204)
        if token is not None:
            secure = request.headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(
                COOKIE,
                sessions.begin(token),
                path=f"{prefix(request)}/",
                max_age=int(sessions.seconds),
                httponly=True,
                samesite="strict",
                secure=secure,
            )
        return answer

    return router
