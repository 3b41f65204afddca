"""What the service counts of its work, as Prometheus reads it; nothing in it is about a person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 1, 3, 10, 60)

_READ = ("outcome", "model", "head")


class Metrics:
    """Counters of one service.

    Attributes:
        requests: Answers, by route and status.
        seconds: From the first byte of a request to its last answered byte, by route.
        tokens: Requests that came with a token, by its name.
        images: Images, by outcome (``face``, ``no_face``, ``error``), and by model and head, of which there are no
            more than the service offers.
        frames: Frames of streams, by the same; ``skipped`` is an outcome, too.
        latency: From a frame's arrival to its answer.
        batches: Faces that went through the network together.
        streams: Streams that are open.
        snapshots: Frames of the service's own source that were read.
        viewers: Clients that look at it.
        jobs: Videos, by state.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter("mien_requests", "Answers", "route", "status")
        self.seconds = self._histogram(
            "mien_request_seconds", "Seconds from request to answer", _SECONDS, "route"
        )
        self.tokens = self._counter("mien_token_requests", "Requests with a token", "token")
        self.images = self._counter("mien_images", "Images read", *_READ)
        self.frames = self._counter("mien_stream_frames", "Frames of streams", *_READ)
        self.latency = self._histogram(
            "mien_stream_frame_seconds", "Seconds from a frame's arrival to its answer", _SECONDS
        )
        self.batches = self._histogram("mien_batch_faces", "Faces read together", (1, 2, 4, 8, 16, 32, 64))
        self.streams = Gauge("mien_streams", "Open streams", registry=self._registry)
        self.snapshots = self._counter(
            "mien_source_frames", "Frames of the service's own source that were read"
        )
        self.viewers = Gauge(
            "mien_source_viewers", "Clients that look at the service's own source", registry=self._registry
        )
        self.jobs = Gauge("mien_jobs", "Videos by state", ["state"], registry=self._registry)
        ProcessCollector(registry=self._registry)

    def count_jobs(self, counts: dict[str, int]) -> None:
        """Set how many videos there are by state."""
        for state, count in counts.items():
            self.jobs.labels(state).set(count)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self._registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, about, labels, buckets=buckets, registry=self._registry)


class Measured:
    """ASGI middleware that counts answers.

    Args:
        app: What answers.
        metrics: Where they are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
