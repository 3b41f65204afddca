"""All outlets of a stream: one that fails is told of once and tried again, and never holds up what is watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from mien.media.live import LiveFrame
from mien.outlets.base import Marker, Outlet
from mien.outlets.recording import Recording
from mien.video.live import Watched


class Outlets:
    """Hands each frame and each marked moment to all outlets. A context manager: leaving it closes them.

    Frames come from one thread, moments from any.

    Args:
        outlets: Where it goes.
        recording: Keeps what is watched; None: nothing is kept.
        tell: Called with a line for people when an outlet fails.
    """

    def __init__(
        self,
        outlets: Sequence[Outlet],
        recording: Recording | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._outlets: list[Outlet] = [*outlets, *([] if recording is None else [recording])]
        self._recording, self._tell = recording, tell
        self._lock = threading.Lock()
        self._failed: set[tuple[int, str]] = set()
        self._newest: tuple[float, float] | None = None  # Time of a frame, and when it was captured.

    def __len__(self) -> int:
        return len(self._outlets)

    @property
    def failed(self) -> bool:
        """Whether something could not be handed on or kept, so far."""
        return bool(self._failed) or (self._recording is not None and self._recording.cut_short)

    @property
    def about(self) -> list[str]:
        """What is handed on and kept, a sentence each."""
        return [outlet.about for outlet in self._outlets]

    def through(self, frame: LiveFrame) -> LiveFrame:
        """A frame as it is to be read: where it is recorded, as it was stored (`Recording.store`)."""
        return frame if self._recording is None else self._recording.store(frame)

    def send(self, watched: Watched) -> None:
        """Hand on one frame."""
        with self._lock:
            self._newest = (watched.frame.time, watched.frame.captured)
            self._each(lambda outlet: outlet.send(watched))

    def mark(self, label: str) -> Marker:
        """Mark this moment.

        Args:
            label: In a few words.

        Raises:
            InputError: The label is none.
        """
        now = time.monotonic()
        with self._lock:
            newest, captured = self._newest or (0.0, now)
            marker = Marker(label, newest + now - captured, now)
            self._each(lambda outlet: outlet.mark(marker))
        return marker

    def _each(self, do: Callable[[Outlet], None]) -> None:
        for number, outlet in enumerate(self._outlets):
            try:
                do(outlet)
            except Exception as error:
                why = (number, type(error).__name__)
                if why not in self._failed:
                    self._failed.add(why)
                    self._tell(
                        f"{outlet.about.split(': ')[0]}: not handed on: {error}; trying again with what comes"
                    )

    def __enter__(self) -> Outlets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._each(lambda outlet: outlet.close())
            self._outlets = []
