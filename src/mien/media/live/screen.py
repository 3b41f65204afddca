"""The screen, or a part of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, LostError, MissingExtraError
from mien.core.names import quoted
from mien.media.limits import FrameLimit
from mien.media.live.address import Address
from mien.media.live.capture import CapturedFrame, Image, LiveOptions

if TYPE_CHECKING:
    from mss import MSS
    from mss.models import Monitor

RATE = 10.0  # Images a second, where nothing else is asked for.
_LOOK_AGAIN = 1.0  # s after which it is asked anew how large the screen is.

_CHANGES, _SETTLING = 3, 0.05  # How often it may fail in a row, and the pause in s after each time.

Area = tuple[int, int, int, int]
"""Four numbers in px of the whole desktop."""


class Screen:
    """A monitor, or a part of the desktop. When its size changes, frames change theirs; a part is cut to what
    is there.

    Args:
        address: Which monitor, from 1 (0: all of them together), or ``x,y,w,h`` in px.
        options: How often it is looked at.

    Raises:
        InputError: It is neither a number nor four.
    """

    tolerance = 1.0

    def __init__(self, address: Address, options: LiveOptions) -> None:
        self._name, self._options = address.name, options
        self._wanted = _wanted(address)
        self._step = 1 / (options.sampling.rate or options.rate or RATE)

    @contextmanager
    def open(self, stop: Event) -> Iterator[Iterator[CapturedFrame]]:
        with self._desktop() as desktop:
            self._area(desktop)
        yield self._shots(stop)

    def _shots(self, stop: Event) -> Iterator[CapturedFrame]:
        due, failures = 0.0, 0
        while not stop.is_set():
            try:
                # A new connection now and then: mss asks only once how large the screen is.
                with self._desktop() as desktop:
                    for image in self._grabs(desktop):
                        due = (
                            due or time.monotonic()
                        )  # The first is as old as it is, however long the connection took.
                        yield CapturedFrame(due, image)
                        failures, due = 0, max(due + self._step, time.monotonic())
                        if stop.wait(due - time.monotonic()):
                            return
            except LostError:
                failures += 1
                # Its size may change between asking for it and looking.
                if failures > _CHANGES or stop.wait(_SETTLING):
                    raise

    def _grabs(self, desktop: MSS) -> Iterator[Image]:
        """Images for a while; at least one."""
        import mss

        area, opened, grabbed = self._area(desktop), time.monotonic(), False
        while not grabbed or time.monotonic() - opened < _LOOK_AGAIN:
            try:
                shot = desktop.grab(area)
            # mss asserts that the server answers, which one that has gone does not.
            except (mss.ScreenShotError, AssertionError, OSError) as error:
                if not grabbed:
                    raise self._lost(error) from None
                return  # As when the screen has become smaller: look again.
            grabbed = True
            yield partial(_rgb, shot.raw, shot.width, shot.height)

    @contextmanager
    def _desktop(self) -> Iterator[MSS]:
        try:
            import mss
        except ImportError:
            raise MissingExtraError("Images of the screen", "screen", "mss") from None
        try:
            desktop = mss.MSS()
        except (mss.ScreenShotError, OSError) as error:
            raise self._lost(error) from None
        try:
            yield desktop
        finally:
            with suppress(mss.ScreenShotError):  # Says that the connection is gone already.
                desktop.close()

    def _area(self, desktop: MSS) -> Area:
        """What is looked at, as left, top, right and bottom on the desktop."""
        whole, *monitors = [_corners(monitor) for monitor in desktop.monitors]
        wanted = self._wanted
        if isinstance(wanted, int):
            area = (
                whole
                if wanted == 0 or not monitors
                else monitors[wanted - 1]
                if wanted <= len(monitors)
                else None
            )
            if area is None:
                raise LostError(
                    f"{self._name}: expected a monitor from 1 to {len(monitors)}; there is no {wanted}: name another",
                    "missing",
                )
        else:
            left, top, width, height = wanted
            area = (
                max(left, whole[0]),
                max(top, whole[1]),
                min(left + width, whole[2]),
                min(top + height, whole[3]),
            )
            if area[0] >= area[2] or area[1] >= area[3]:
                size = f"{whole[2] - whole[0]} x {whole[3] - whole[1]} px"
                raise LostError(
                    f"{self._name}: expected a part of the desktop, which is {size}; got one beside it: name another",
                    "missing",
                )
        FrameLimit(self._name, self._options.max_pixels).check(area[2] - area[0], area[3] - area[1])
        return area

    def _lost(self, error: Exception) -> LostError:
        what = str(error).partition("\n")[0] or "no answer"
        advice = "is it locked or asleep?"
        if "display" in what.lower():
            advice = "start mien in a graphical session, or say which one with DISPLAY"
        elif "library" in what.lower():
            advice = "install it (Debian: libxcb1 libxcb-randr0 libxcb-render0 libxcb-shm0 libxcb-xfixes0)"
        return LostError(f"{self._name}: expected a screen to look at; got: {what}: {advice}", "missing")


def _corners(monitor: Monitor) -> Area:
    left, top = monitor["left"], monitor["top"]
    return left, top, left + monitor["width"], top + monitor["height"]


def _wanted(address: Address) -> int | Area:
    numbers = address.place.split(",") if address.place else ["1"]
    if all(re.fullmatch(r"\s*-?\d+\s*", number) for number in numbers):
        given = [int(number) for number in numbers]
        if len(given) == 1 and given[0] >= 0:
            return given[0]
        if len(given) == 4 and min(given[2:]) >= 1:
            return given[0], given[1], given[2], given[3]
    raise InputError(
        f"{address.name}: expected screen:, screen:2 for the second monitor, or screen:x,y,width,height in px; got {quoted(address.place)}"
    )


def _rgb(raw: bytearray, width: int, height: int) -> NDArray[np.uint8]:
    """Out of bytes in the order blue, green, red, nothing."""
    return np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(height, width, 4)[..., 2::-1])
