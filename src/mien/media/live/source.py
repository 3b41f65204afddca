"""A live source: one thread takes what comes and keeps the newest frame, the caller reads at its own pace;
`open_live` opens any."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from mien.core.errors import LostError, MediaError
from mien.media.live.address import Address
from mien.media.live.capture import CaptureDevice, CapturedFrame, LiveFrame, LiveOptions
from mien.media.live.clock import Clock

_PATIENCE = 1.0  # s that closing waits for a thread that FFmpeg holds; it ends by itself, at its timeout.


class State(StrEnum):
    """What a live source is doing."""

    opening = "opening"
    live = "live"
    retrying = "retrying"
    ended = "ended"


@dataclass(frozen=True)
class _Taken:
    """A shot in its place in the stream."""

    index: int
    time: float
    captured: float
    shot: CapturedFrame


class LiveSource(Iterator[LiveFrame]):
    """Frames of a live source as they come; made by `open_live`.

    Iterating gives the newest frame that has not been given yet, and waits where there is none. Frames that
    came while the last one was being read are passed over: nothing queues up, memory does not grow, and no
    frame is older than one interval when it is given. A source that is lost is opened again, with growing
    pauses; time goes on meanwhile, so that the gap shows.

    It is a context manager: leaving it closes the source. One thread may iterate; `close` and the counts are
    for any.

    Args:
        name: What messages and tables call it.
        feed: What opens it.
        options: How.
        tell: Called with a line for people when the source is lost and when it is back, on the source's own
            thread.

    Attributes:
        name: What messages and tables call it.
        state: What it is doing.
        captured: How many frames have come.
        skipped: How many of those that `LiveOptions.sampling` chose were passed over because the reader was
            slow.
        trouble: Why the source is lost at the moment, or None.
    """

    def __init__(
        self, name: str, feed: CaptureDevice, options: LiveOptions, tell: Callable[[str], None] | None = None
    ) -> None:
        self.name = name
        self.state = State.opening
        self.captured = 0
        self.skipped = 0
        self.trouble: MediaError | None = None
        self._feed, self._options = feed, options
        self._tell = tell or (lambda line: None)
        self._clock = Clock(feed.tolerance)
        self._chooser = options.sampling.chooser()
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._newest: _Taken | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="mien-live", daemon=True)

    def start(self) -> LiveSource:
        """Open the source, and wait until that has succeeded, or failed for the first time where
        `LiveOptions.patient`.

        Raises:
            MediaError: It cannot be opened.
        """
        self._thread.start()
        try:
            with self._change:
                self._change.wait_for(lambda: self.state is not State.opening)
        except BaseException:
            self.close()
            raise
        if not self.captured:
            self._raise_failure()
        return self

    def counts(self) -> tuple[int, int]:
        """``captured`` and ``skipped`` of one moment."""
        with self._change:
            return self.captured, self.skipped

    def take(self, timeout: float | None = None) -> LiveFrame | None:
        """The newest frame that has not been given yet; waits for one.

        Args:
            timeout: Longest time to wait in seconds; without it as long as it takes.

        Returns:
            The frame; None where none has come in time, or none will.

        Raises:
            MediaError: The source is lost for good.
        """
        with self._change:
            self._change.wait_for(lambda: self._newest is not None or self.state is State.ended, timeout)
            newest, self._newest = self._newest, None
            self._change.notify_all()
        if newest is None:
            self._raise_failure()
            return None
        return LiveFrame(newest.index, newest.time, newest.shot.image(), newest.captured)

    def __next__(self) -> LiveFrame:
        frame = self.take()
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Let go of the source; a second call does nothing."""
        self._stop.set()
        with self._change:
            self.state, self._newest = State.ended, None
            self._change.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)

    def __enter__(self) -> LiveSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._open_and_open_again()
        except BaseException as error:
            failure = error
        with self._change:
            if not self._stop.is_set():
                self._failure = failure
            self.state = State.ended
            self._change.notify_all()

    def _open_and_open_again(self) -> None:
        pauses = _Pauses(self._options.retry)
        while not self._stop.is_set():
            try:
                return self._capture(pauses)
            except LostError as loss:
                # A source that has never been there is a mistake that a person wants to hear of at once.
                hasty = self.state is State.opening and not self._options.patient
                if hasty or loss.final or self._options.retry is None:
                    raise
                self._lost(loss, pauses)

    def _capture(self, pauses: _Pauses) -> None:
        """Take frames until the source is lost, or at its end."""
        with self._feed.open(self._stop) as shots:
            if self.state is State.opening:
                self._become(State.live)
            self._clock.restart()
            for shot in shots:
                if self._stop.is_set():
                    return
                if self.state is State.retrying:
                    self._back(pauses)
                self._offer(shot)

    def _offer(self, shot: CapturedFrame) -> None:
        now = time.monotonic()
        taken = _Taken(self.captured, self._clock.time(shot.stamp, now), now, shot)
        with self._change:
            self.captured += 1
            if not self._chooser.takes(taken.time):
                return
            if not self._options.drop:
                self._change.wait_for(lambda: self._newest is None or self.state is State.ended)
            self.skipped += self._newest is not None
            if self.state is not State.ended:
                self._newest = taken
            self._change.notify_all()

    def _lost(self, loss: LostError, pauses: _Pauses) -> None:
        pause = pauses.next()
        if self.trouble is None or str(self.trouble) != str(loss):
            self._tell(f"{loss}; trying again{'' if self.trouble is None else ' still'}")
        self.trouble = loss
        self._become(State.retrying)
        self._stop.wait(pause)

    def _back(self, pauses: _Pauses) -> None:
        self._tell(f"{self.name}: back after {pauses.away():.1f} s")
        self.trouble = None
        pauses.reset()
        self._become(State.live)

    def _become(self, state: State) -> None:
        with self._change:
            if self.state is not State.ended:
                self.state = state
            self._change.notify_all()


class _Pauses:
    """How long to wait before a source is opened again: twice as long each time."""

    def __init__(self, retry: tuple[float, float] | None) -> None:
        self._first, self._longest = retry or (0.0, 0.0)
        self._since: float | None = None
        self._pause = self._first

    def next(self) -> float:
        if self._since is None:
            self._since = time.monotonic()
        pause, self._pause = self._pause, min(2 * self._pause, self._longest)
        return pause

    def away(self) -> float:
        """Seconds since the loss."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def reset(self) -> None:
        self._since, self._pause = None, self._first


def open_live(
    source: str, options: LiveOptions | None = None, tell: Callable[[str], None] | None = None
) -> LiveSource:
    """Open a live source.

    Args:
        source: ``camera:0`` or ``camera:/dev/video2`` (or ``/dev/video2``), ``rtsp://...``, ``http://...``,
            ``screen:`` (the first monitor), ``screen:2`` (the second), ``screen:x,y,w,h`` (a part of the
            desktop, px), or ``live:PATH``, a video at the pace of its own clock. No other computer is
            asked than the one that is named here, but for those that a playlist (HLS) on it names.
        options: How it is opened, and opened again.
        tell: Called with a line for people when the source is lost and when it is back, on a thread of its
            own.

    Returns:
        The source, open; to be closed, or used as a context manager.

    Raises:
        InputError: The text names no live source.
        MediaError: It cannot be opened: what is there, and what to do.
        MissingExtraError: It needs a package that is not installed.
    """
    address, options = Address.parse(source), options or LiveOptions()
    return LiveSource(address.name, _feed(address, options), options, tell).start()


def _feed(address: Address, options: LiveOptions) -> CaptureDevice:
    if address.kind == "screen":
        from mien.media.live.screen import Screen

        return Screen(address, options)
    if address.kind == "file":
        from mien.media.live.file import FileCapture

        return FileCapture(address.place, options)
    if address.kind == "camera":
        from mien.media.live.camera import Camera

        return Camera(address, options)
    from mien.media.live.network import NetworkStream

    return NetworkStream(address, options)
