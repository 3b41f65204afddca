"""What the service says of itself: its models and their files, that it is up, and what it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

import mien
from mien.core.labels import Labels
from mien.inference.card import read_card
from mien.inference.weights import FOLDER, shipped
from mien.server.document import command, problems
from mien.server.metrics import Metrics
from mien.server.offer import Offer, facts
from mien.server.proxy import prefix
from mien.server.schemas import Health, Label, ModelList, NetworkFile

_PARTS = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet", "facemesh", "facemesh-eyes")


def network_files() -> dict[str, Path]:
    """The files that a browser may load, by name: what comes with mien."""
    parts = {part: path for part in _PARTS if (path := FOLDER / f"{part}.onnx").is_file()}
    return {**shipped(), **parts}


def networks(offer: Offer, prefix: str = "") -> ModelList:
    """All networks, first the one that reads where nobody chooses.

    Args:
        offer: What reads, and what may be chosen.
        prefix: Before the addresses of files.
    """
    files = network_files()
    own = [next(iter(heads.values())).network.path for heads in offer.models.values()]
    paths = dict.fromkeys([*own, *files.values()])
    return ModelList(
        **facts(offer.pipeline),
        version=mien.__version__,
        detectors=list(offer.detectors),
        landmarks=offer.pipeline.mesh is not None,
        models=[
            _described(
                path, path in own, f"{prefix}/networks/{path.name}" if files.get(path.stem) == path else None
            )
            for path in paths
        ],
    )


@lru_cache(maxsize=64)
def _described(path: Path, offered: bool, url: str | None) -> NetworkFile:
    card = read_card(path)
    data = path.read_bytes()
    return NetworkFile(
        name=card.name,
        version=card.version,
        kind=card.kind,
        offered=offered,
        url=url,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        digest=card.sha256,
        heads={head: _labels(card.labels(head)) for head in card.heads},
        size=card.input.height,
        crop=None if card.crop is None else card.crop.model_dump(),
        temperatures=card.temperatures,
        card=card.model_dump(mode="json"),
    )


def _labels(labels: Labels) -> list[Label]:
    valences = labels.valences or [None] * len(labels)
    return [
        Label(name=name, colour=labels.colour(name), icon=labels.icon(name), valence=valence)
        for name, valence in zip(labels, valences, strict=True)
    ]


_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def status(offer: Offer, metrics: Metrics, trouble: Callable[[], str | None], known: list[Any]) -> APIRouter:
    """Routes about the service.

    Args:
        offer: What it reads with.
        metrics: What it counts.
        trouble: Says why videos are not read as they should be; None: they are.
        known: Dependencies of routes for those who may use the service.
    """
    router = APIRouter(tags=["service"])

    @router.get(
        "/v1/models", dependencies=known, responses=problems(), openapi_extra=command("", "/v1/models")
    )
    def read_models(request: Request) -> ModelList:
        """The networks that the service reads with or has to offer, with all that they say of themselves."""
        return networks(offer, prefix(request))

    @router.get("/healthz", responses=problems(), openapi_extra=command("", "/healthz"))
    async def healthz() -> Health:
        """Whether the service is up, and whether all of it works; no token is needed."""
        reason = trouble()
        return Health(status="ok" if reason is None else "degraded", version=mien.__version__, reason=reason)

    @router.get(
        "/metrics",
        dependencies=known,
        responses={**_TEXT, **problems()},
        response_class=Response,
        openapi_extra=command("", "/metrics"),
    )
    async def read_metrics() -> Response:
        """What the service counts of its work, for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router
