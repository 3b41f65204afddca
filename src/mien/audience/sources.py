"""What an audience is looked at through: a video, a live source, or frames from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mien.audience.options import AudienceOptions
from mien.core.errors import InputError
from mien.core.frame import BadFrame, Frame
from mien.media import Sampling, open_media
from mien.media.byte_source import name_of
from mien.video.runner import Source


@dataclass(frozen=True, eq=False)
class Looks:
    """An open source.

    Args:
        name: What tables and messages call it.
        frames: In order of time, as often as asked for.
        live: Whether it goes on until somebody ends it.
        length: Seconds, where it is known.
    """

    name: str
    frames: Iterator[Frame | BadFrame]
    live: bool = False
    length: float | None = None


@contextmanager
def opened(
    source: Source | Iterable[Frame], options: AudienceOptions, tell: Callable[[str], None]
) -> Iterator[Looks]:
    """Open a source, and close it in the end.

    Args:
        source: As `mien.audience.measure` takes it.
        options: How often it is looked at.
        tell: Called with a line when a live source is lost or back, on another thread.

    Raises:
        MediaError: It cannot be opened.
        InputError: It is a single image, or no source at all.
    """
    sampling = Sampling(interval=options.interval)
    if isinstance(source, str) and _is_live(source):
        from mien.media.live import LiveOptions, open_live

        with open_live(source, replace(options.live or LiveOptions(), sampling=sampling), tell) as feed:
            yield Looks(feed.name, iter(feed), live=True)
    elif _is_frames(source):
        yield Looks("<frames>", _sampled(source, sampling))  # type: ignore[arg-type]
    else:
        max_pixels = options.live.max_pixels if options.live else None
        with open_media(source, sampling, max_pixels=max_pixels) as media:  # type: ignore[arg-type]
            if media.kind == "image":
                told = "expected a video, a camera (camera:0) or the screen (screen:)"
                raise InputError(f"{name_of(source)}: {told}; got an image: mien analyze reads it")
            yield Looks(media.name, iter(media), length=media.duration)


def _is_live(text: str) -> bool:
    from mien.media.live.address import is_live

    return is_live(text)


def _is_frames(source: object) -> bool:
    return (
        isinstance(source, Iterable)
        and not isinstance(source, str | bytes | Path)
        and not hasattr(source, "read")
        and not hasattr(source, "shape")
    )


def _sampled(frames: Iterable[Frame], sampling: Sampling) -> Iterator[Frame]:
    chooser = sampling.chooser()
    return (frame for frame in frames if chooser.takes(frame.time))
