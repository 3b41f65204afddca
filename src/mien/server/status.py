"""What the service says of itself: its models and their files, that it is up, and what it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

import mien
from mien.inference.card import read_card
from mien.inference.pipeline import Pipeline
from mien.inference.weights import FOLDER, shipped
from mien.server.metrics import Metrics
from mien.server.schemas import Health, ModelList, NetworkFile, Problem

_PARTS = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet", "facemesh", "facemesh-eyes")


def network_files() -> dict[str, Path]:
    """The files that a browser may load, by name: what comes with mien."""
    parts = {part: path for part in _PARTS if (path := FOLDER / f"{part}.onnx").is_file()}
    return {**shipped(), **parts}


def networks(pipeline: Pipeline) -> ModelList:
    """All networks, first the one that reads here."""
    classifier = pipeline.classifier
    files = network_files()
    own = classifier.network.path
    listed = [_described(own, files.get(own.stem) == own)]
    listed += [_described(path, True) for path in files.values() if path != own]
    return ModelList(
        model=classifier.network.card.name,
        head=classifier.head,
        detector=pipeline.detector.name,
        models=listed,
    )


@lru_cache(maxsize=64)
def _described(path: Path, offered: bool) -> NetworkFile:
    card = read_card(path)
    data = path.read_bytes()
    return NetworkFile(
        name=card.name,
        kind=card.kind,
        url=f"/networks/{path.name}" if offered else None,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        labels=card.heads,
        size=card.input.height,
        crop=None if card.crop is None else card.crop.model_dump(),
        temperatures=card.temperatures,
        card=card.model_dump(mode="json"),
    )


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
