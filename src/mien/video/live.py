"""A live source watched: each frame read as soon as it is there, with how long that took."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mien.core.face import Face
from mien.core.faces import Faces
from mien.media.live import LiveFrame, LiveSource
from mien.tracking.session import Session

_WINDOW = 5.0  # s over which rates are counted.
_KEPT = 512  # Latencies of which quantiles are told.


@dataclass(frozen=True)
class Timing:
    """When things happened to a frame, in seconds of `time.monotonic`.

    Args:
        captured: It arrived.
        taken: It was the newest, and reading began.
        read: Its faces were read.
    """

    captured: float
    taken: float
    read: float

    @property
    def latency(self) -> float:
        """Seconds from its arrival to its result.

        >>> Timing(captured=5.0, taken=5.25, read=5.5).latency
        0.5
        """
        return self.read - self.captured


class Watched(NamedTuple):
    """What `watch` gives for each frame."""

    frame: LiveFrame
    faces: Faces
    timing: Timing


def watch(
    source: LiveSource,
    session: Session,
    seconds: float | None = None,
    through: Callable[[LiveFrame], LiveFrame] | None = None,
) -> Iterator[Watched]:
    """Read a live source, always its newest frame; people are followed and their results smoothed.

    Args:
        source: What is watched; left open.
        session: What reads, and remembers the people.
        seconds: How long; without it until the source ends.
        through: What each frame goes through before it is read, such as a recording.

    Returns:
        For each frame that was read the frame, its faces with ``tracks``, ``probs``, ``smoothed_probs`` and
        ``smoothed_emotion``, and its timing.

    Raises:
        MediaError: The source is lost for good.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from mien import Pipeline
    >>> from mien.media import save_image
    >>> from mien.media.live import open_live
    >>> from mien.core.drawn_face import draw_portrait
    >>> with TemporaryDirectory() as folder:
    ...     save_image(Path(folder) / "face.png", draw_portrait())
    ...     with open_live(f"live:{folder}/face.png") as source:
    ...         for frame, faces, timing in watch(source, Session(Pipeline())):
    ...             print(frame.time, [(face.track, face.smoothed_emotion == face.emotion) for face in faces])
    0.0 [(1, True)]
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return
        frame = source.take(left)
        if frame is None:
            return
        taken = time.monotonic()
        frame = frame if through is None else through(frame)
        [faces] = session.update([frame])
        yield Watched(frame, faces, Timing(frame.captured, taken, time.monotonic()))


@dataclass(frozen=True)
class Rates:
    """How fast a source is watched.

    Args:
        captured: Frames that came, per second.
        read: Frames that were read, per second.
        skipped: Frames that were passed over because newer ones were there, per second.
        median: Median latency in seconds, None before the first frame.
        slow: Latency in seconds that 95 of 100 frames stay under.
    """

    captured: float
    read: float
    skipped: float
    median: float | None
    slow: float | None


class Meter:
    """Counts how fast a source is watched, over its last seconds.

    Args:
        source: What is watched.
    """

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self.read = 0
        self._counts: deque[tuple[float, int, int, int]] = deque([self._now()])
        self._latencies: deque[float] = deque(maxlen=_KEPT)

    def count(self, timing: Timing) -> None:
        """A frame was read."""
        self.read += 1
        self._latencies.append(timing.latency)

    def rates(self) -> Rates:
        """The rates of the last seconds; for one thread, at any time."""
        now = self._now()
        self._counts.append(now)
        while len(self._counts) > 2 and self._counts[0][0] < now[0] - _WINDOW:
            self._counts.popleft()
        then = self._counts[0]
        elapsed = max(now[0] - then[0], 1e-3)
        captured, read, skipped = ((new - old) / elapsed for new, old in zip(now[1:], then[1:], strict=True))
        latencies = list(self._latencies)
        median, slow = np.quantile(latencies, [0.5, 0.95]).tolist() if latencies else (None, None)
        return Rates(captured, read, skipped, median, slow)

    def _now(self) -> tuple[float, int, int, int]:
        captured, skipped = self._source.counts()
        return time.monotonic(), captured, self.read, skipped


class Holding:
    """Since when each person in view has been showing what is shown."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[str, float]] = {}

    def update(self, faces: Sequence[Face], now: float) -> dict[int, float]:
        """Take the next frame.

        Args:
            faces: In it, with tracks.
            now: Its time in seconds.

        Returns:
            Seconds for which each person, by track, has shown the same.

        >>> from mien.core.faces import Face
        >>> holding = Holding()
        >>> for time, label in ((0.0, "happy"), (0.5, "happy"), (1.0, "sad")):
        ...     print(holding.update([Face(0, time, (0, 0, 9, 9), 1.0, track=1, label=label)], time))
        {1: 0.0}
        {1: 0.5}
        {1: 0.0}
        """
        held: dict[int, tuple[str, float]] = {}
        for face in faces:
            if face.track is not None and face.label is not None:
                label, since = self._since.get(face.track, (face.label, now))
                held[face.track] = (face.label, since if label == face.label else now)
        self._since = held
        return {track: now - since for track, (_, since) in held.items()}
