"""What the service says of itself: its networks, that it is up, and what it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

import mien
from mien.inference.pipeline import Pipeline
from mien.server.metrics import Metrics
from mien.server.networks import networks
from mien.server.schemas import Health, ModelList, Problem

_PROBLEMS: dict[int | str, dict[str, Any]] = {number: {"model": Problem} for number in (401, 403, 421)}
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def status(
    pipeline: Pipeline, metrics: Metrics, trouble: Callable[[], str | None], known: list[Any]
) -> APIRouter:
    """Routes about the service.

    Args:
        pipeline: What it reads with.
        metrics: What it counts.
        trouble: Says why videos are not read as they should be; None: they are.
        known: Dependencies of routes for those who may use the service.
    """
    router = APIRouter(tags=["service"])

    @router.get("/v1/models", dependencies=known, responses=_PROBLEMS)
    def read_models() -> ModelList:
        """The networks that the service reads with or has to offer, with all that they say of themselves."""
        return networks(pipeline)

    @router.get("/healthz", responses=_PROBLEMS)
    async def healthz() -> Health:
        """Whether the service is up, and whether all of it works; no token is needed."""
        reason = trouble()
        return Health(status="ok" if reason is None else "degraded", version=mien.__version__, reason=reason)

    @router.get("/metrics", dependencies=known, responses={**_TEXT, **_PROBLEMS}, response_class=Response)
    async def read_metrics() -> Response:
        """What the service counts of its work, for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router
