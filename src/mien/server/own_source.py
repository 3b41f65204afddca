"""The one source that the service itself looks at, named by whoever starts it and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mien.core.masking import origin
from mien.core.names import spelled
from mien.media.blur import Blur
from mien.media.live import Address, LiveOptions, LiveSource, open_live
from mien.tracking.options import Smoothing, Tracking
from mien.video.runner import VideoOptions


@dataclass(frozen=True)
class OwnSource:
    """A live source whose frames the service shows to those who look.

    Args:
        text: What it is, as `mien.media.live.open_live` takes it.
        options: How it is opened, and which frames are looked at.
        blur: Whose faces are covered before a frame leaves the service; None: nobody's.
        tell: Called with a line for people when the source is lost and when it is back, from any thread.

    Raises:
        InputError: The text names no live source.

    >>> OwnSource("rtsp://anna:secret@door.local/stream?key=7").title
    'rtsp://door.local'
    >>> OwnSource("live:/home/anna/talk.mp4").title
    'live:talk.mp4'
    """

    text: str = field(repr=False)
    options: LiveOptions = field(default_factory=LiveOptions)
    blur: Blur | None = None
    tell: Callable[[str], None] = field(default=lambda line: None, repr=False, compare=False)

    def __post_init__(self) -> None:
        Address.parse(self.text)

    @property
    def title(self) -> str:
        """What those who look are told of it: no folder, no path, nothing that opens it."""
        address = Address.parse(self.text)
        if address.kind == "file":
            return f"live:{spelled(Path(address.place).name)}"
        return origin(address.place) if address.kind in ("rtsp", "http") else address.name

    @property
    def plan(self) -> VideoOptions:
        """How it is read. Where faces are covered, all of each frame is searched: nobody is to be seen until
        the next full look."""
        return VideoOptions(self.options.sampling, Tracking(every_frame=self.blur is not None), Smoothing())

    def open(self) -> LiveSource:
        """Open it; where it is not there at the moment, it is waited for.

        Raises:
            MienError: It can never be opened.
        """
        return open_live(self.text, replace(self.options, patient=True), self.tell)

    def check(self) -> None:
        """Open it once, so that a mistake is told to whoever starts the service.

        Raises:
            MienError: It cannot be opened.
        """
        open_live(self.text, self.options).close()

    def public(self, message: str) -> str:
        """A message about it as those who look may read it.

        >>> OwnSource("live:/home/anna/talk.mp4").public("live:/home/anna/talk.mp4: expected a file")
        'live:talk.mp4: expected a file'
        """
        address = Address.parse(self.text)
        for secret in (address.name, self.text, address.place, spelled(self.text), spelled(address.place)):
            if len(secret) > 4:
                message = message.replace(secret, self.title)
        return message
