"""The service put together: an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.exceptions import HTTPException

import mien
from mien.serve.answers import NOTICE, Health, Networks, Problem
from mien.serve.files import files
from mien.serve.guard import Guard
from mien.serve.images import images
from mien.serve.jobs import Jobs
from mien.serve.login import login
from mien.serve.metrics import Measured, Metrics
from mien.serve.networks import networks
from mien.serve.reader import Reader
from mien.serve.refusals import Refusal
from mien.serve.settings import Settings
from mien.serve.stream import stream
from mien.serve.videos import videos

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_ABOUT = f"Finds faces in pictures and videos and reads the expression that each one shows. {NOTICE}"
_PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (401, 403, 421)}


def create_app(settings: Settings) -> ASGIApp:
    """The whole service.

    Args:
        settings: Where, for whom, and with which networks.

    Returns:
        An ASGI application with a lifespan: its threads and processes run from start to end of it.

    Raises:
        InputError: The folder for videos cannot be used.
        NetworkError: A network is missing or damaged.
    """
    metrics = Metrics()
    pipeline = settings.networks.pipeline()
    jobs = Jobs(settings, metrics.count_jobs)
    reader = Reader(pipeline, seen=metrics.batches.observe)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with reader:
            await jobs.start()
            try:
                yield
            finally:
                await jobs.close()

    app = FastAPI(
        title="mien", version=mien.__version__, description=_ABOUT, lifespan=lifespan, redirect_slashes=False, docs_url=None, redoc_url=None
    )
    app.state.jobs = jobs
    _tell_errors(app)
    app.include_router(images(reader, settings.limits, metrics))
    app.include_router(videos(jobs, settings))
    app.include_router(stream(reader, settings.limits, metrics))
    app.include_router(files(pipeline))
    app.include_router(login(settings.token, settings.limits))

    @app.get("/v1/models", responses=_PROBLEMS, tags=["service"])
    def read_models() -> Networks:
        """The networks that the service reads with or has to offer, with all that they say of themselves."""
        return networks(pipeline)

    @app.get("/healthz", responses=_PROBLEMS, tags=["service"])
    async def healthz() -> Health:
        """Whether the service is up; no token is needed."""
        return Health(version=mien.__version__)

    @app.get("/metrics", responses=_PROBLEMS, tags=["service"], response_class=PlainTextResponse)
    async def read_metrics() -> PlainTextResponse:
        """What the service counts of its work, for Prometheus."""
        return PlainTextResponse(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Measured(Guard(app, settings), metrics)


def _tell_errors(app: FastAPI) -> None:
    """Give every error the one shape."""

    def told(refusal: Refusal) -> JSONResponse:
        return JSONResponse(refusal.body(), refusal.status, refusal.headers)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)
        return told(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return told(Refusal(422, f"{where}: {first['msg']}"))

    async def other(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return told(Refusal(error.status_code, str(error.detail), headers=error.headers))

    async def broken(_: Request, error: Exception) -> JSONResponse:
        return told(Refusal(500, "the service made a mistake; its log says more"))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, broken)
