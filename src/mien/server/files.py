"""The page and the networks as files for browsers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from mien.inference.pipeline import Pipeline
from mien.server.errors import APIError
from mien.server.networks import network_files
from mien.server.own_source import OwnSource
from mien.server.page_files import HEADERS, PageFile, compressed, page_file
from mien.server.page_settings import page_settings


def files(pipeline: Pipeline, own: OwnSource | None = None) -> APIRouter:
    """The routes ``/``, ``/static/...``, ``/networks/...`` and ``/v1/page``; they need no token, and hold
    nothing of anybody.

    Args:
        pipeline: What the server reads with, which the page is told.
        own: The service's own source: the page is told whether there is one, and not which.
    """
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        return _sent(page_file("index.html"), request, "the page")

    @router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    def static(name: str, request: Request) -> Response:
        return _sent(page_file(name), request, "a file of the page")

    @router.api_route("/networks/{name}.onnx", methods=["GET", "HEAD"])
    def network(name: str, request: Request) -> Response:
        path = network_files().get(name)
        return _sent(
            None if path is None else _network(path, path.stat().st_mtime_ns),
            request,
            "a network that comes with mien",
        )

    @router.get("/v1/page")
    def settings() -> dict[str, Any]:
        return {
            **page_settings(pipeline),
            "source": None if own is None else {"covered": own.blur is not None},
        }

    return router


@lru_cache(maxsize=16)
def _network(path: Path, _changed: int) -> PageFile:
    return compressed(path.read_bytes(), "application/octet-stream")


def _sent(file: PageFile | None, request: Request, what: str) -> Response:
    """A file, or that the browser has it already."""
    if file is None:
        raise APIError(404, f"expected the name of {what}; there is none of this name")
    headers = {**HEADERS, "ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.tag in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
    ]:
        return Response(status_code=304, headers=headers)
    packed = file.encoding is not None and file.encoding in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = str(file.encoding)
    return Response(file.content if packed else file.plain(), media_type=file.media_type, headers=headers)
