"""Reads files that were damaged by chance, in a process that is watched: ``python -m tests.media.fuzzed FIRST
COUNT``; a line per file on standard output.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from functools import cache

import numpy as np

from mien.core.errors import MediaError
from mien.media import BadFrame, open_media
from tests.media.making_media import clip, noisy
from tests.media.test_damage import KINDS, make

CLIPS = {
    "vp8": ("libvpx", "webm"),
    "vp9": ("libvpx-vp9", "matroska"),
    "av1": ("libsvtav1", "mp4"),
    "hevc": ("libx265", "mp4"),
    "mpeg4": ("mpeg4", "avi"),
    "mjpeg": ("mjpeg", "avi"),
    "ffv1": ("ffv1", "matroska"),
    "mpeg2": ("mpeg2video", "mpeg"),
    "raw h264": ("libx264", "h264"),
    "raw hevc": ("libx265", "hevc"),
    "mov": ("libx264", "mov"),
    "fragments": ("libx264", "mp4"),
    "nut": ("libx264", "nut"),
    "asf": ("libx264", "asf"),
    "ivf": ("libvpx-vp9", "ivf"),
    "uncompressed": ("rawvideo", "nut"),
}
ALL = [*KINDS, *CLIPS]
_OPTIONS = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"cpu-used": "8", "deadline": "realtime"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
    "libsvtav1": {"preset": "12"},
    "mjpeg": {"strict": "unofficial"},
}


@cache
def whole(kind: str) -> bytes:
    """A small file of a kind, undamaged."""
    if kind not in CLIPS:
        return make(kind)
    codec, form = CLIPS[kind]
    more = {"movflags": "frag_keyframe+empty_moov"} if kind == "fragments" else {}
    return clip(
        [noisy(index) for index in range(6)],
        codec=codec,
        form=form,
        options=_OPTIONS.get(codec, {}),
        container_options=more,
    )


def damaged(number: int) -> bytes:
    """The file of a number: always the same."""
    rng = np.random.default_rng([26, number])
    data = bytearray(whole(ALL[number % len(ALL)]))
    for _ in range(int(rng.integers(1, 4))):
        _WAYS[int(rng.integers(len(_WAYS)))](data, rng)
    return bytes(data) or b"\0"


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Anywhere, or where the headers are."""
    return int(rng.integers(max(1, len(data) if rng.random() < 0.5 else min(len(data), 600))))


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 20))):
        at = _place(data, rng)
        data[at : at + 1] = bytes([int(rng.integers(256))])


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]


def _lie(data: bytearray, rng: np.random.Generator) -> None:
    """A number that is far too large, too small or below zero, in either order of bytes."""
    at, width = _place(data, rng), int(rng.choice([1, 2, 4, 8]))
    value = (
        int(rng.choice([0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1]))
        % 256**width
    )
    data[at : at + width] = value.to_bytes(width, "big" if rng.random() < 0.6 else "little")


def _double(data: bytearray, rng: np.random.Generator) -> None:
    at, length = _place(data, rng), int(rng.integers(1, 600))
    data[at:at] = data[at : at + length]


def _drop(data: bytearray, rng: np.random.Generator) -> None:
    at = _place(data, rng)
    del data[at : at + int(rng.integers(1, 600))]


def _splice(data: bytearray, rng: np.random.Generator) -> None:
    """The start of this and the end of another."""
    other = whole(ALL[int(rng.integers(len(ALL)))])
    at = _place(data, rng)
    data[at:] = other[int(rng.integers(len(other))) :]


_WAYS = (_flip, _flip, _cut, _lie, _lie, _double, _drop, _splice)


def read(data: bytes) -> str:
    """What came of a file, in a word; an exception that is not a MediaError gets out."""
    try:
        with open_media(data, name="damaged", max_pixels=4_000_000) as media:
            told = "whole"
            for number, frame in enumerate(media):
                if number > 5000:
                    return "many"
                if isinstance(frame, BadFrame):
                    told = frame.error.kind
                    if told == "fault":
                        return f"fault: {frame.error}"
            return told
    except MediaError as error:
        return f"fault: {error}" if error.kind == "fault" or "\n" in str(error) else error.kind


def main() -> None:
    warnings.simplefilter("ignore")  # Pillow warns of odd metadata.
    first, count = int(sys.argv[1]), int(sys.argv[2])
    for kind in ALL:
        read(whole(kind))  # All libraries and codecs are there before memory is measured.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, first + count):
        print(json.dumps({"reading": number}), flush=True)
        told = read(damaged(number))
        print(
            json.dumps(
                {
                    "number": number,
                    "told": told,
                    "more": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
