"""Cameras of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import av
from av.error import FFmpegError

from mien.core.errors import LostError
from mien.media.live.address import Address
from mien.media.live.capture import CapturedFrame, LiveOptions
from mien.media.live.stream import Opening, opened, shots

DEVICES = {"linux": "v4l2", "win32": "dshow", "darwin": "avfoundation"}
"""What FFmpeg calls the cameras of each platform."""


class Camera:
    """A camera, by its number or by the name that the system gives it.

    Args:
        address: Which one.
        options: How it is opened.
    """

    tolerance = 1.0

    def __init__(self, address: Address, options: LiveOptions) -> None:
        self._name, self._options = address.name, options
        self._form = DEVICES.get(sys.platform)
        if self._form is None:
            known = ", ".join(DEVICES)
            raise LostError(
                f"{self._name}: expected one of the platforms {known}; got {sys.platform}: use a stream",
                "unsupported",
                final=True,
            )
        self._place = address.place

    @contextmanager
    def open(self, stop: Event) -> Iterator[Iterator[CapturedFrame]]:
        assert self._form is not None
        opening = Opening(
            self._name, device(self._form, self._place), self._explain, self._form, self._settings()
        )
        with opened(opening, self._options) as (container, stream):

            def until_lost() -> Iterator[CapturedFrame]:
                yield from shots(opening, self._options, container, stream)
                raise LostError(
                    f"{self._name}: expected a camera that goes on; got no more frames: is it still plugged in?"
                )

            yield until_lost()

    def _settings(self) -> dict[str, str]:
        settings = {}
        if self._options.size is not None:
            settings["video_size"] = "{}x{}".format(*self._options.size)
        if self._options.rate is not None:
            settings["framerate"] = f"{self._options.rate:g}"
        return settings

    def _explain(self, error: FFmpegError, waited: float) -> LostError:
        reason, advice = self._reason(error, waited)
        return LostError(
            f"{self._name}: expected a camera; {reason}: {advice}",
            "permission" if isinstance(error, PermissionError) else "missing",
        )

    def _reason(self, error: FFmpegError, waited: float) -> tuple[str, str]:
        if isinstance(error, FileNotFoundError):
            return "there is none of this number or name", _there(self._form)
        if isinstance(error, PermissionError):
            return (
                "this user may not use it",
                "join the group video, or allow the camera in the system's settings",
            )
        if isinstance(error, BlockingIOError) or error.errno == 16:  # EBUSY
            return "it is in use", "close the other program"
        if waited >= self._options.timeout:
            return f"nothing came for {self._options.timeout:g} s", "plug it in again"
        if error.errno == 19:  # ENODEV
            return "it is not there any more", "plug it in again"
        if self._settings():
            return f"got: {error.strerror}", "ask for another size or rate, or for none"
        return f"got: {error.strerror}", _there(self._form)


def device(form: str, place: str) -> str:
    """What FFmpeg calls a camera.

    >>> device("v4l2", "0"), device("v4l2", "/dev/video2"), device("avfoundation", "1"), device("dshow", "USB Camera")
    ('/dev/video0', '/dev/video2', '1', 'video=USB Camera')
    """
    if form == "v4l2":
        return f"/dev/video{place}" if place.isdecimal() else place
    if form == "dshow":
        names = _names(form)
        return f"video={names[int(place)] if place.isdecimal() and int(place) < len(names) else place}"
    return place


def _names(form: str | None) -> list[str]:
    """Cameras that the system knows."""
    try:
        found = av.enumerate_input_devices(form or "")
    except (FFmpegError, ValueError, OSError):
        return []
    return [one.name for one in found if not one.media_types or "video" in one.media_types]


def _there(form: str | None) -> str:
    names = _names(form)
    return f"there are {', '.join(names)}" if names else "plug one in, none is there"
