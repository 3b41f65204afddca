"""An image, animation or video that has been opened: what is known of it, and its frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from mien.core.errors import source_error
from mien.core.frame import BadFrame, Frame

if TYPE_CHECKING:
    from mien.media.sound import Sound

Kind = Literal["image", "animation", "video"]
Frames = Generator[Frame | BadFrame, None, None]


@dataclass(eq=False)
class Media:
    """What `open_media` returns. Iterating gives its frames, from the first one each time; one pass at a
    time. What goes wrong on the way, in whatever manner, is a `BadFrame`.

    It is a context manager: leaving it closes the files it holds.

    Args:
        name: What tables show (`mien.media.byte_source.name_of`).
        kind: ``image``, ``animation`` or ``video``.
        width: Width in px as shown, after rotation.
        height: Height in px as shown, after rotation.
        expected_frames: About how many frames an iteration gives, or None where the file does not tell.
        duration: Seconds; 0.0 for an image, None where the file does not tell.
        frame_rate: Frames per second on average; None for an image or where the file does not tell.
        remarks: What a person should know about how it is read, such as which of several video streams; in
            whole sentences.
        start: Seconds of the recording from which on its frames are given (`Sampling.start`).
        sound: Opens its sound from a time in seconds on, which then is 0 s; None where it has none. It is
            read beside the frames, and ends with them.

    >>> import numpy as np
    >>> from mien.media import open_media
    >>> with open_media(np.zeros((480, 640, 3), np.uint8)) as media:
    ...     print(media.kind, media.width, media.height, [frame.time for frame in media])
    image 640 480 [0.0]
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
    remarks: tuple[str, ...] = ()
    start: float | None = None
    sound: Callable[[float], AbstractContextManager[Sound | None]] = field(
        repr=False, default=lambda _: nullcontext()
    )
    _running: list[Frames] = field(init=False, repr=False, default_factory=list)

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        self._stop()
        frames = _accounted(self.read(), self.name)
        self._running.append(frames)
        return frames

    def close(self) -> None:
        """Close every file; a second call does nothing."""
        self._stop()
        self.release()

    def __enter__(self) -> Media:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stop(self) -> None:
        while self._running:
            self._running.pop().close()


def _accounted(frames: Frames, name: str) -> Frames:
    """The frames; an exception in place of one becomes the note that the rest is lost."""
    index = 0
    time: float | None = 0.0
    with closing(frames):
        try:
            for frame in frames:
                index, time = frame.index + 1, frame.time
                yield frame
        except Exception as error:
            yield BadFrame(index, time, source_error(name, error))
