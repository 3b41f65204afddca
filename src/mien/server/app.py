"""The service put together: an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

import mien
from mien.core.labels import NOTICE
from mien.server.broadcast import LiveBroadcaster
from mien.server.choices import invalid as first_fault
from mien.server.errors import APIError
from mien.server.images import images
from mien.server.inference import InferenceService
from mien.server.jobs import Jobs
from mien.server.login import login
from mien.server.metrics import Measured, Metrics
from mien.server.middleware import Guard, Heads, Sessions, known_options
from mien.server.offer import Offer
from mien.server.photos import photos
from mien.server.proxy import Proxied
from mien.server.reference import reference
from mien.server.settings import ServerSettings
from mien.server.source import source
from mien.server.status import status
from mien.server.stream import stream
from mien.server.tokens import Tokens
from mien.server.videos import videos
from mien.server.web_page import files

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_ABOUT = f"""Finds faces in images and videos and reads the expression that each one shows. {NOTICE}

Two WebSockets, of which a document like this cannot tell, are described in docs/streams.md: `/v1/stream` reads a client's frames as they come, and
`/v1/source` gives the frames of the service's own live source with the faces in them."""

_SILENT: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI would tell OpenTelemetry of every request, wherever the environment says that it goes."""


def create_app(settings: ServerSettings) -> ASGIApp:
    """The whole service.

    Args:
        settings: Where, for whom, and with which networks.

    Returns:
        An ASGI application with a lifespan: its threads and processes run from start to end of it.

    Raises:
        InputError: The folder for videos cannot be used.
        NetworkError: A network is missing or damaged.
    """
    metrics, tokens = Metrics(), Tokens(settings.token, settings.tokens)
    offer = Offer(settings.networks, settings.offered)
    pipeline = offer.pipeline
    jobs = Jobs(settings, metrics.count_jobs)
    own, limits, sessions = settings.source, settings.limits, Sessions(settings.session_seconds)
    reader = InferenceService(offer, limits, seen=metrics.batches.observe)
    watcher = None if own is None else LiveBroadcaster(own, reader.pipeline, limits.source_side, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with reader:
            await jobs.start()
            try:
                yield
            finally:
                if watcher is not None:
                    await watcher.close()
                await jobs.close()

    app = FastAPI(
        title="mien",
        version=mien.__version__,
        description=_ABOUT,
        lifespan=lifespan,
        redirect_slashes=False,
        # `reference` has both, for every prefix and without anything from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        telemetry=_SILENT,
    )
    app.state.jobs = jobs
    _tell_errors(app)
    # Asked for by the guard; here it is only told.
    known: list[Any] = [Security(HTTPBearer(auto_error=False))] if tokens.needed else []
    checked = [Depends(known_options)]
    app.include_router(images(reader, limits, metrics), dependencies=[*known, *checked])
    app.include_router(videos(jobs, offer, settings), dependencies=[*known, *checked])
    app.include_router(stream(reader, limits, metrics))
    app.include_router(source(watcher, pipeline, limits, [*known, *checked]))
    app.include_router(photos(settings.photos, [*known, *checked]))
    app.include_router(files(pipeline, own, settings.photos is not None))
    app.include_router(reference(app))
    app.include_router(login(tokens, sessions, limits), dependencies=checked)
    app.include_router(status(offer, metrics, jobs.trouble, [*known, *checked]))
    guard = Guard(Heads(app), settings, tokens, sessions, metrics)
    return Proxied(Measured(guard, metrics), settings.prefix, settings.proxies)


def _tell_errors(app: FastAPI) -> None:
    """Give every error the one shape."""

    def answer(refusal: APIError) -> JSONResponse:
        return JSONResponse(refusal.body(), refusal.status, refusal.headers)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, APIError)
        return answer(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer(first_fault(error))

    async def other(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        refusal = APIError(error.status_code, str(error.detail), headers=error.headers)
        if error.status_code == 405:
            refusal.headers["Allow"] = ", ".join(_methods(app, request.url.path))
        return answer(refusal)

    async def broken(_: Request, _error: Exception) -> JSONResponse:
        return answer(APIError(500, "the service made a mistake; its log says more"))

    app.add_exception_handler(APIError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, broken)


def _methods(app: FastAPI, path: str) -> list[str]:
    """Methods that a path of the document answers to."""
    paths = app.openapi()["paths"].items()
    there = {
        name.upper()
        for template, methods in paths
        if compile_path(template)[0].match(path)
        for name in methods
    }
    return sorted(there | {"HEAD"} if "GET" in there else there)
