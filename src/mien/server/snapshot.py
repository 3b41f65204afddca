"""How the service's own source is read: frame by frame, on the thread of whoever iterates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mien.core.faces import Faces
from mien.inference.pipeline import Pipeline
from mien.media.live import LiveSource, State
from mien.server.live_message import Cover, packed
from mien.server.own_source import OwnSource
from mien.tracking.session import Session
from mien.video.live import Meter, Rates, Watched, watch

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
        plan = source.plan
        self._session = Session(everybody, plan.tracking, plan.smoothing)
        self._cover = None if source.blur is None else Cover(source.blur)

    def snapshots(self, stop: threading.Event) -> Iterator[bytes]:
        """Frames as they are sent (`mien.server.live_message.packed`), until the end of the source.

        Args:
            stop: Set when nobody wants more.

        Raises:
            MienError: The source is lost for good.
        """
        with self._source.open() as live:
            meter = Meter(live)
            while not stop.is_set():
                state = live.state
                self._tell(live)
                for watched in watch(live, self._session, _GLANCE):
                    meter.count(watched.timing)
                    yield self._packed(watched, live.skipped, meter.rates())
                    if stop.is_set():
                        break
                if state is State.ended:
                    return

    def _tell(self, live: LiveSource) -> None:
        name, trouble = _NAMES.get(live.state), live.trouble
        if name is not None:
            self._become(
                Condition(name, None if trouble is None else self._source.public(f"{trouble}; trying again"))
            )

    def _packed(self, watched: Watched, skipped: int, rates: Rates) -> bytes:
        frame, faces, timing = watched
        image = frame.image if self._cover is None else self._cover(frame.image, faces, frame.time)
        shown: Faces = faces.largest() if self._largest else faces
        height, width = image.shape[:2]
        told: dict[str, Any] = {
            "type": "frame",
            "frame": frame.index,
            "time": frame.time,
            "status": "face" if len(shown) else "no_face",
            "width": width,
            "height": height,
            "faces": [vars(face) for face in shown],
            "latency": round(timing.latency, 6),
            "skipped": skipped,
            "rates": {
                name: None if value is None else round(value, 6) for name, value in asdict(rates).items()
            },
        }
        return packed(told, image, self._side)
