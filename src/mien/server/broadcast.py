"""The service's own source, opened once and read once for all who look at it, while anybody does: how a
frame is read, and packed to be sent."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.errors import MienError
from mien.core.faces import Faces
from mien.inference.pipeline import Pipeline
from mien.media.blur import Blur, blur
from mien.media.live import LiveSource, State
from mien.server.metrics import Metrics
from mien.server.settings import OwnSource
from mien.tracking.session import Session
from mien.video.live import Meter, Rates, Watched, watch

_LENGTH = struct.Struct("<I")
_QUALITY = 80
_KEPT = 2.0  # s for which a face that is not seen any more stays covered where it was.


class Snapshot:
    """A frame as it is sent: the length of the JSON as a little-endian uint32, the JSON, the image as JPEG.

    Args:
        header: What is said of the frame.
        faces: In it.
        image: ``(h, w, 3)`` uint8, RGB.
        side: Longest side in px of the image that is sent; boxes stay in px of the frame.

    Attributes:
        plain: The message without the points of faces.

    >>> snapshot = Snapshot({"frame": 0}, Faces.empty(), np.zeros((20, 40, 3), np.uint8), side=10)
    >>> header, jpeg = unpacked(snapshot.plain)
    >>> header, Image.open(io.BytesIO(jpeg)).size
    ({'frame': 0, 'faces': []}, (10, 5))
    """

    def __init__(self, header: dict[str, Any], faces: Faces, image: NDArray[np.uint8], side: int) -> None:
        small, file = Image.fromarray(image), io.BytesIO()
        small.thumbnail((side, side), Image.Resampling.BILINEAR)
        small.save(file, "JPEG", quality=_QUALITY)
        self._header, self._faces, self._jpeg = header, faces, file.getvalue()
        self.plain = self._packed(points=False)

    @cached_property
    def with_points(self) -> bytes:
        """The message with them, where they were found; made once, when it is first asked for."""
        return self._packed(points=True)

    def _packed(self, points: bool) -> bytes:
        told = {**self._header, "faces": [face.streamed(points) for face in self._faces]}
        text = json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
        return _LENGTH.pack(len(text)) + text + self._jpeg


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The two halves of such a message: JSON and JPEG."""
    [length] = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    return json.loads(data[_LENGTH.size : end]), data[end:]


class Cover:
    """Covers faces frame by frame; one that is missed for a moment stays covered where it was.

    Args:
        rule: Whose.

    >>> cover, image = Cover(Blur()), np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    >>> seen = Faces([[20, 20, 40, 40]], [1], [0], [0.0], tracks=[1])
    >>> [bool((cover(image, faces, time) == image).all()) for faces, time in ((seen, 0.0), (seen[:0], 1.9), (seen[:0], 2.1))]
    [False, False, True]
    """

    def __init__(self, rule: Blur) -> None:
        self._rule = rule
        self._seen: dict[int, tuple[float, NDArray[np.float32]]] = {}

    def __call__(self, image: NDArray[np.uint8], faces: Faces, time: float) -> NDArray[np.uint8]:
        """A copy of the next frame.

        Args:
            image: ``(h, w, 3)`` uint8, RGB.
            faces: In it, with ``tracks``.
            time: Its time in seconds.
        """
        covered = self._rule.covers(faces.tracks, len(faces))
        tracks = np.arange(len(faces)) if faces.tracks is None else faces.tracks
        self._seen |= {
            int(track): (time, box) for track, box in zip(tracks[covered], faces.boxes[covered], strict=True)
        }
        self._seen = {track: (then, box) for track, (then, box) in self._seen.items() if time - then <= _KEPT}
        return (
            blur(image, [box for _, box in self._seen.values()], self._rule.strength) if self._seen else image
        )


Name = Literal["resting", "opening", "live", "retrying", "ended", "failed"]

_NAMES: dict[State, Name] = {State.opening: "opening", State.live: "live", State.retrying: "retrying"}
_GLANCE = 0.25  # s after which a source that gives no frames is asked how it is.


@dataclass(frozen=True)
class Condition:
    """How the source is.

    Args:
        state: ``resting``: nobody looks, it is closed; ``opening``; ``live``; ``retrying``: it is lost and
            opened again and again; ``ended``: a video came to its end; ``failed``: it is lost for good.
        message: Why, for people; None where there is nothing to say.
    """

    state: Name = "resting"
    message: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come, unless somebody looks again."""
        return self.state in ("ended", "failed")


class Looking:
    """Reads a source, always its newest frame.

    Args:
        source: What is read.
        pipeline: What reads, shared with others.
        side: Longest side in px of images as they are sent.
        become: Is told how the source is, again and again.
    """

    def __init__(
        self, source: OwnSource, pipeline: Pipeline, side: int, become: Callable[[Condition], None]
    ) -> None:
        self._source, self._side, self._become = source, side, become
        self._largest = pipeline.largest
        everybody = copy(pipeline)
        everybody.largest = False  # All are covered; who is shown is chosen afterwards.
        video_options = source.video_options
        self._session = Session(everybody, video_options.tracking, video_options.smoothing)
        self._cover = None if source.blur is None else Cover(source.blur)

    def snapshots(self, stop: threading.Event) -> Iterator[Snapshot]:
        """Frames as they are sent, until the end of the source.

        Args:
            stop: Set when nobody wants more.

        Raises:
            MienError: The source is lost for good.
        """
        with self._source.open() as live:
            meter = Meter(live)
            while not stop.is_set():
                state, before = live.state, meter.read
                if state is not State.retrying:
                    self._tell(live)
                for watched in watch(live, self._session, _GLANCE):
                    meter.count(watched.timing)
                    yield self._packed(watched, live.skipped, meter.rates())
                    if stop.is_set():
                        break
                if state is State.retrying and meter.read == before:  # No frame of before is left to come.
                    self._tell(live)
                if state is State.ended:
                    return

    def _tell(self, live: LiveSource) -> None:
        name, trouble = _NAMES.get(live.state), live.trouble
        if name is not None:
            self._become(
                Condition(name, None if trouble is None else self._source.public(f"{trouble}; trying again"))
            )

    def _packed(self, watched: Watched, skipped: int, rates: Rates) -> Snapshot:
        frame, faces, timing = watched
        image = frame.image if self._cover is None else self._cover(frame.image, faces, frame.time)
        shown: Faces = faces.largest() if self._largest else faces
        height, width = image.shape[:2]
        header: dict[str, Any] = {
            "type": "frame",
            "frame": frame.index,
            "time": frame.time,
            "status": "face" if len(shown) else "no_face",
            "width": width,
            "height": height,
            "latency": round(timing.latency, 6),
            "skipped": skipped,
            "rates": {
                name: None if value is None else round(value, 6) for name, value in asdict(rates).items()
            },
        }
        return Snapshot(header, shown, image, self._side)


_LINGER = 5.0  # s for which a source stays open after the last one has looked, as when a page is loaded anew.


class Viewer:
    """What one who looks is to get next: always the newest, and nothing else is kept.

    Attributes:
        wanted: How many frames were asked for and have not been sent.
        points: Whether it wants the points of faces, too.
        news: Set when there may be something to send.
    """

    def __init__(self) -> None:
        self.wanted = 0
        self.points = False
        self.news = asyncio.Event()
        self._frame: Snapshot | None = None
        self._condition: Condition | None = None

    def offer(self, frame: Snapshot) -> None:
        """There is a new frame; it takes the place of one that was not sent."""
        self._frame = frame
        self.news.set()

    def tell(self, condition: Condition) -> None:
        """The source is in another state, or there are more or fewer viewers; what it showed before it was lost
        is not sent after the news of that."""
        self._condition = condition
        if condition.state == "retrying":
            self._frame = None
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
        return frame.with_points if self.points else frame.plain


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

    _newest: Snapshot

    def __init__(self, source: OwnSource, pipeline: Pipeline, side: int, metrics: Metrics) -> None:
        self.source = source
        self.condition = Condition()
        self._pipeline, self._side, self._metrics = pipeline, side, metrics
        self._viewers: set[Viewer] = set()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def landmarks(self) -> bool:
        """Whether the points of faces are found."""
        return self._pipeline.mesh is not None

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
