"""Processes that decode images and can be ended: some small files take minutes, or more memory than
there is."""

from __future__ import annotations

import atexit
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.environment import PYTHON, handed_on
from mien.core.errors import MediaError

DECODE_SECONDS = 20.0
"""Longest time by default that decoding one image may take."""

_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # Blocks of large images go back to the system when they are free, and up to twice as much of small ones stays: to find
    # it anew for each image took longer than decoding.
    "MALLOC_MMAP_THRESHOLD_": str(2**22),
    "MALLOC_TRIM_THRESHOLD_": str(2**23),
}

BUSY = 3
"""So many times as long it may take by the clock, where others use the processor, too."""
_LATE = 2.0
"""Seconds by the clock after that at which it is ended from here: it does so itself, unless somebody has
stopped it."""
_PIPE_BYTES = 2**20
_LOOK, _RESTS = (
    0.25,
    40,
)  # s between two looks for late ones; looks without anything to do until nobody looks any more.
_TIME_IS_UP = (1, -getattr(signal, "SIGPROF", 0), -getattr(signal, "SIGALRM", 0))
"""As faulthandler ends a process, and as its timers do."""

Admit = Callable[[int, int, int], None]
"""Is told width, height and the bytes that decoding takes, before it begins; may wait, or raise."""


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold a whole image of common size: as pipes come, one of 640 x 480 takes fifteen turns of both ends."""
    with suppress(ImportError, AttributeError, OSError):
        from fcntl import F_SETPIPE_SZ, fcntl

        assert pipe is not None
        fcntl(pipe, F_SETPIPE_SZ, _PIPE_BYTES)


def write_together(pipe: IO[bytes], line: bytes, data: bytes | memoryview) -> None:
    """Write a line and what belongs to it, where the pipe holds both with one call: whoever reads wakes once, and finds all
    of it there."""
    if len(line) + len(data) <= _PIPE_BYTES:
        pipe.write(line + data)
    else:
        pipe.write(line)
        pipe.write(data)
    pipe.flush()


class Decoder:
    """One process that decodes one image at a time. It is started when it is first needed, and again after
    it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = self._late = False

    def start(self) -> None:
        """Start the process, if it does not run."""
        if self._closed or (self._process is not None and self._process.poll() is None):
            return
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mien.media.decoder_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=handed_on(PYTHON) | _QUIET,
        )
        _widen(self._process.stdin)
        _widen(self._process.stdout)

    def decode(
        self, data: bytes | memoryview, name: str, max_pixels: int, seconds: float, admit: Admit
    ) -> NDArray[np.uint8]:
        """``(h, w, 3)`` RGB of an image, the first frame of an animation.

        Args:
            data: The file.
            name: What messages call it.
            max_pixels: Images with more are refused.
            seconds: How long it may take on one core; where that is busy, three times as long by the clock.
            admit: Is asked before it is decoded.

        Raises:
            MediaError: It is no image, damaged, too large or takes too long.
        """
        self.start()
        try:
            with self._awaited(seconds):
                needs = self._asked(
                    {"bytes": len(data), "name": name, "max_pixels": max_pixels, "seconds": seconds}, data
                )
            self._admit(admit, needs)
            with self._awaited(seconds):
                return self._decoded()
        except MediaError:
            raise
        except (OSError, EOFError, ValueError):
            raise self._lost(name, seconds) from None
        except BaseException:
            self.kill()  # It has an answer that nobody waits for.
            raise

    @contextmanager
    def _awaited(self, seconds: float) -> Iterator[None]:
        _WATCH.add(self, BUSY * seconds + _LATE)
        try:
            yield
        finally:
            _WATCH.discard(self)

    def give_up(self) -> None:
        """End the process, which is late."""
        process = self._process
        if process is not None:
            self._late = True
            process.kill()

    def _admit(self, admit: Admit, needs: dict[str, Any]) -> None:
        width, height = needs["size"]
        try:
            admit(width, height, needs["memory"])
        except MediaError:
            self._tell({"go_on": False})
            raise

    def _decoded(self) -> NDArray[np.uint8]:
        answer = self._asked({"go_on": True})
        pixels = np.empty((*answer["shape"], 3), np.uint8)
        self._fill(pixels.data.cast("B"))
        return pixels

    def kill(self) -> None:
        """End the process at once, whatever it is at."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    assert pipe is not None
                    pipe.close()

    def end(self) -> None:
        """End the process for good without waiting for it, as a signal's handler may; who waits for an image
        gets an error."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self.kill()

    def _asked(self, task: dict[str, Any], data: bytes | memoryview = b"") -> dict[str, Any]:
        """What the process says to a task.

        Raises:
            MediaError: The image cannot be read.
            EOFError: The process has ended.
        """
        self._tell(task, data)
        line = self._pipes()[1].readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise MediaError(answer["error"], answer["kind"])
        return answer

    def _tell(self, task: dict[str, Any], data: bytes | memoryview = b"") -> None:
        write_together(self._pipes()[0], json.dumps(task).encode() + b"\n", data)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        return process.stdin, process.stdout

    def _fill(self, pixels: memoryview) -> None:
        heard, at = self._pipes()[1], 0
        while at < len(pixels):
            count = heard.readinto(pixels[at:])  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            at += count

    def _lost(self, name: str, seconds: float) -> MediaError:
        """Why there is no answer."""
        process, late, ended = self._process, self._late, None
        self._late = False
        with suppress(subprocess.TimeoutExpired):
            ended = None if process is None else process.wait(1)
        self.kill()
        if self._closed:
            return MediaError(f"{name}: expected an image; mien is ending", "too_complex")
        if late or ended in _TIME_IS_UP:
            message = f"{name}: expected an image that is decoded within {seconds:g} s; it is not"
            return MediaError(
                f"{message}: save it anew, scale it down or raise --decode-seconds", "too_complex"
            )
        return MediaError(
            f"{name}: expected an image; got one that breaks the program that decodes it: save it anew",
            "broken",
        )


class _Watch:
    """Ends processes that are late: one thread for all, which ends when there was nothing to do for a while. A thread for
    each image would take longer than decoding a small one."""

    def __init__(self) -> None:
        self._due: dict[Decoder, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, decoder: Decoder, seconds: float) -> None:
        """An image has so much time from now on."""
        with self._lock:
            self._due[decoder] = time.monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()

    def discard(self, decoder: Decoder) -> None:
        """It is done."""
        with self._lock:
            self._due.pop(decoder, None)

    def _look(self) -> None:
        rests = 0
        while rests < _RESTS:
            time.sleep(_LOOK)
            now = time.monotonic()
            with self._lock:
                for decoder, due in self._due.items():
                    if due <= now:
                        decoder.give_up()
                rests = 0 if self._due else rests + 1
                if rests == _RESTS:
                    self._thread = None


_WATCH = _Watch()


class Decoders:
    """Several of them, shared by threads; a context manager.

    Args:
        count: How many.
        seconds: How long one image may take.
    """

    def __init__(self, count: int, seconds: float = DECODE_SECONDS) -> None:
        self.seconds = seconds
        self._all = [Decoder() for _ in range(count)]
        self._idle: queue.LifoQueue[Decoder] = queue.LifoQueue()
        for decoder in reversed(self._all):
            self._idle.put(decoder)

    def start(self) -> None:
        """Start all of them now, so that no image waits for that."""
        for decoder in self._all:
            decoder.start()

    def decode(
        self,
        data: bytes | memoryview,
        name: str,
        max_pixels: int,
        seconds: float | None = None,
        admit: Admit = lambda *_: None,
    ) -> NDArray[np.uint8]:
        """As `Decoder.decode`, on one that is idle; waits for one."""
        decoder = self._idle.get()
        try:
            return decoder.decode(data, name, max_pixels, self.seconds if seconds is None else seconds, admit)
        finally:
            self._idle.put(decoder)

    def end(self) -> None:
        """See `Decoder.end`."""
        for decoder in self._all:
            decoder.end()

    def close(self) -> None:
        """End them at once; who waits for an image gets an error."""
        for decoder in self._all:
            decoder.close()

    def __enter__(self) -> Decoders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@lru_cache(maxsize=1)
def own_decoders() -> Decoders:
    """The one of this process for images that take long; it ends with this process."""
    decoders = Decoders(1)
    atexit.register(decoders.close)
    return decoders


def end_own_decoders() -> None:
    """End those of this process, if there are any: it is to end now, not when an image is done."""
    if own_decoders.cache_info().currsize:
        own_decoders().end()
