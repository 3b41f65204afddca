"""The service's own source, opened once and read once for all who look at it, while anybody does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mien.core.errors import MienError
from mien.inference.pipeline import Pipeline
from mien.server.metrics import Metrics
from mien.server.own_source import OwnSource
from mien.server.snapshot import Condition, Looking

_LINGER = 5.0  # s for which a source stays open after the last one has looked, as when a page is loaded anew.


class Viewer:
    """What one who looks is to get next: always the newest, and nothing else is kept.

    Attributes:
        wanted: How many frames were asked for and have not been sent.
        news: Set when there may be something to send.
    """

    def __init__(self) -> None:
        self.wanted = 0
        self.news = asyncio.Event()
        self._frame: bytes | None = None
        self._condition: Condition | None = None

    def offer(self, frame: bytes) -> None:
        """There is a new frame; it takes the place of one that was not sent."""
        self._frame = frame
        self.news.set()

    def tell(self, condition: Condition) -> None:
        """The source is in another state, or there are more or fewer viewers."""
        self._condition = condition
        self.news.set()

    def condition(self) -> Condition | None:
        """The state of the source, where it is news."""
        condition, self._condition = self._condition, None
        return condition

    def frame(self) -> bytes | None:
        """The newest frame, where one is wanted and there is one that was not given yet."""
        if not self.wanted or self._frame is None:
            return None
        frame, self._frame = self._frame, None
        self.wanted -= 1
        return frame


class LiveBroadcaster:
    """Watches a source on a thread of its own while there are viewers; everything else belongs to the event
    loop's thread.

    Args:
        source: What is watched.
        pipeline: What reads, shared with others.
        side: Longest side in px of images as they are sent.
        metrics: Where frames and viewers are counted.

    Attributes:
        source: What is watched.
        condition: How it is.
    """

    def __init__(self, source: OwnSource, pipeline: Pipeline, side: int, metrics: Metrics) -> None:
        self.source = source
        self.condition = Condition()
        self._pipeline, self._side, self._metrics = pipeline, side, metrics
        self._viewers: set[Viewer] = set()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._newest = b""
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def viewers(self) -> int:
        """How many look."""
        return len(self._viewers)

    @contextmanager
    def viewed(self) -> Iterator[Viewer]:
        """Somebody looks, for the length of a block; the first one has the source opened, and the last one
        closed."""
        viewer = Viewer()
        self._viewers.add(viewer)
        if self._leaving is not None:
            self._leaving.cancel()
        if self._thread is None or self._stop.is_set():
            self._begin()
        self._count()
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            self._count()
            if not self._viewers:
                self._leaving = asyncio.get_running_loop().call_later(_LINGER, self._rest)

    async def close(self) -> None:
        """Let go of the source."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _begin(self) -> None:
        before, self._stop, self.condition = self._thread, threading.Event(), Condition("opening")
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._work, args=(before, self._stop, loop), name="mien-watcher", daemon=True
        )
        self._thread.start()

    def _rest(self) -> None:
        """Nobody has looked for a moment."""
        if not self._viewers and not self.condition.over:
            self._stop.set()
            self.condition = Condition()

    def _count(self) -> None:
        """Everybody is told how many look."""
        self._metrics.viewers.set(len(self._viewers))
        for viewer in self._viewers:
            viewer.tell(self.condition)

    def _become(self, condition: Condition, stop: threading.Event) -> None:
        if stop.is_set() or condition == self.condition:
            return
        self.condition = condition
        if condition.over:
            stop.set()  # Whoever looks next has it opened again.
        for viewer in self._viewers:
            viewer.tell(condition)

    def _hand_on(self) -> None:
        self._metrics.snapshots.inc()
        for viewer in self._viewers:
            viewer.offer(self._newest)

    def _work(
        self, before: threading.Thread | None, stop: threading.Event, loop: asyncio.AbstractEventLoop
    ) -> None:
        """On the thread: read until the end, or until nobody looks any more."""

        def become(condition: Condition) -> None:
            loop.call_soon_threadsafe(self._become, condition, stop)

        if before is not None:
            before.join()  # Two cannot have the same camera.
        source = self.source
        try:
            for snapshot in Looking(source, self._pipeline, self._side, become).snapshots(stop):
                self._newest = snapshot
                loop.call_soon_threadsafe(self._hand_on)
            become(Condition("ended", f"{source.title}: came to its end"))
        except MienError as error:
            source.tell(str(error))
            become(Condition("failed", source.public(str(error))))
        except Exception:
            logging.getLogger("uvicorn.error").exception("The service's own source could not be read")
            become(Condition("failed", "the service made a mistake; its log says more"))
