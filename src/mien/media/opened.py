"""A picture, animation or video that has been opened: what is known of it, and its frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

from mien.media.frame import BadFrame, Frame

Kind = Literal["picture", "animation", "video"]
Frames = Generator[Frame | BadFrame, None, None]


@dataclass(eq=False)
class Media:
    """What `open_media` returns. Iterating gives its frames, from the first one each time; one pass at a time.

    It is a context manager: leaving it closes the files it holds.

    Args:
        name: What tables show: the path as given, ``-``, ``<bytes>`` or ``<array>``.
        kind: ``picture``, ``animation`` or ``video``.
        width: Width in px as shown, after rotation.
        height: Height in px as shown, after rotation.
        expected_frames: About how many frames an iteration gives, or None where the file does not tell.
        duration: Seconds; 0.0 for a picture, None where the file does not tell.
        frame_rate: Frames per second on average; None for a picture or where the file does not tell.
    """

    name: str
    kind: Kind
    width: int
    height: int
    expected_frames: int | None
    duration: float | None
    frame_rate: float | None
    read: Callable[[], Frames] = field(repr=False)
    release: Callable[[], None] = field(repr=False, default=lambda: None)
    _running: list[Frames] = field(init=False, repr=False, default_factory=list)

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        self._stop()
        frames = self.read()
        self._running.append(frames)
        return frames

    def close(self) -> None:
        """Close every file; a second call does nothing."""
        self._stop()
        self.release()

    def __enter__(self) -> Media:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _stop(self) -> None:
        while self._running:
            self._running.pop().close()
