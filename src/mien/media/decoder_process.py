"""What a `mien.media.decoder.Decoder` runs: images come in, RGB goes out. It holds nothing that an image
could be after.

A task is a line of JSON and the file; the answer says how much memory it takes. Where it may go on, its shape
and its pixels come next.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

from PIL import Image

from mien.core.errors import MediaError
from mien.media.byte_source import ByteSource
from mien.media.decoder import BUSY, write_together
from mien.media.images import FirstFrame

_SLACK = 256 * 2**20
"""Bytes of addresses beside what was told: stacks of threads, tables, what the allocator keeps."""


def main() -> None:
    """Decode until nobody asks any more."""
    hears, out = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # What a library says goes nowhere.
    Image.init()  # Which counts for no image.
    while line := hears.readline():
        task = json.loads(line)
        try:
            _decode(task, ByteSource(hears.read(task["bytes"]), task["name"]), hears, out)
        except MediaError as error:
            _watch(0)
            _say(out, {"error": str(error), "kind": error.kind})


def _decode(task: dict[str, Any], content: ByteSource, hears: BinaryIO, out: BinaryIO) -> None:
    began = time.process_time()
    _watch(task["seconds"])
    with FirstFrame(content, task["max_pixels"]) as image:
        _watch(0)
        _say(out, {"size": [image.width, image.height], "memory": image.memory})
        if not json.loads(hears.readline())["go_on"]:
            return
        _watch(max(0.1, task["seconds"] - (time.process_time() - began)))
        _bound(image.memory + 3 * image.width * image.height)
        try:
            pixels = image.pixels()
        finally:
            _bound(None)
    _watch(0)
    write_together(out, _line({"shape": pixels.shape[:2]}), pixels.data.cast("B"))


def _watch(seconds: float) -> None:
    """End this process after so many seconds of a processor's time, or some more by the clock, also in the
    middle of a library's work; 0: no more.

    A process that nobody waits for any more ends so, too.
    """
    if hasattr(signal, "setitimer"):
        # What their signals do, where nobody handles them, is to end the process.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, BUSY * seconds)
    elif seconds:  # By a thread for each image, which takes longer.
        faulthandler.dump_traceback_later(BUSY * seconds, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def _bound(amount: int | None) -> None:
    """No more memory than so many bytes beside what is used now, where the system can see to that; None: as
    much as there is."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        most = hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if amount is not None:
            with open("/proc/self/statm", encoding="ascii") as file:
                used = int(file.read().split()[0]) * resource.getpagesize()
            most = used + amount + _SLACK
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _say(out: BinaryIO, answer: dict[str, Any]) -> None:
    out.write(_line(answer))
    out.flush()


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # Python would end with 1, which says that time is up.
        os._exit(3)
