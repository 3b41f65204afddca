"""Copies of sources with boxes and labels drawn in, and faces covered if asked: pictures stay pictures, all that moves becomes an MP4."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.blur import Blur, blur, bridged
from mien.draw import draw
from mien.errors import InputError
from mien.media import Media, MovieWriter, ReadAhead, save_picture
from mien.media.content import Content
from mien.media.frame import BadFrame, Frame
from mien.reading import Reading
from mien.sighting import Source

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_MOVIES = (".mp4",)
_GAP = 2.0
"""Seconds for which a face that is covered may be missed and is covered all the same."""
_BLOCK = 32
"""Frames whose places are worked out together."""

_MOST = 4096
"""Readings in memory at most, should their times stand still."""

Boxes = NDArray[np.float32]


def places_for(target: Path, sources: Sequence[Source]) -> list[Path]:
    """Where the annotated copy of each source goes.

    Args:
        target: A file for a single source, or a folder, which is made.
        sources: What will be read.

    Returns:
        One path per source, no two alike. An ending is added by `fitting` where the name has none that fits.

    Raises:
        InputError: A file was given for several sources, or a copy would replace its source.
    """
    if len(sources) == 1 and target.suffix and not target.is_dir():
        places = [target]
    else:
        if target.exists() and not target.is_dir():
            raise InputError(f"expected a folder for the copies of {len(sources)} sources; {target} is a file: give a folder with --annotate")
        places = _names_in(target, sources)
    originals = {Path(source).resolve() for source in sources if isinstance(source, str | Path)}
    for place in places:
        if place.resolve() in originals:
            raise InputError(f"{place} is one of the sources: give another place with --annotate")
    if places != [target]:
        target.mkdir(parents=True, exist_ok=True)
    return places


def _names_in(folder: Path, sources: Sequence[Source]) -> list[Path]:
    """A name for each source; a number is added where two sources have the same."""
    taken: set[str] = set()
    places = []
    for source in sources:
        first = Path(source) if isinstance(source, str | Path) else Path("stdin" if isinstance(source, Content) else "source")
        name, number = first.name, 2
        while name in taken:
            name, number = f"{first.stem}-{number}{first.suffix}", number + 1
        taken.add(name)
        places.append(folder / name)
    return places


def fitting(place: Path, kind: str, *, named: bool) -> Path:
    """The place, with an ending that its content can have.

    Args:
        place: Where the copy should go.
        kind: That of its `Media`.
        named: The name was chosen by a person, so it must fit; otherwise an ending is added.

    Raises:
        InputError: A name that a person chose does not fit.
    """
    suffixes, what = (_PICTURES, "a picture") if kind == "picture" else (_MOVIES, "a video")
    if place.suffix.lower() in suffixes:
        return place
    if named:
        raise InputError(f"expected a name ending in {', '.join(suffixes)} for the copy of {what}; got {place}: give another with --annotate")
    return place.with_name(place.name + suffixes[0])


def annotate_picture(place: Path, image: NDArray[np.uint8], reading: Reading, covering: Blur | None = None) -> None:
    """Write a copy of a picture.

    Args:
        place: Where it goes; its ending says what it becomes.
        image: ``(h, w, 3)`` uint8, RGB.
        reading: What was read of it.
        covering: Whose faces are covered.
    """
    if covering is not None:
        image = blur(image, reading.faces.boxes[_covered(covering, reading)], covering.strength)
    save_picture(place, draw(image, reading.faces))


def annotate_recording(place: Path, media: Media, readings: Iterable[Reading], boxes: Iterable[Boxes] | None = None, strength: float = 1.0) -> None:
    """Write a copy of a recording, in a second pass over it; frames that could not be read are left out.

    Args:
        place: Where it goes.
        media: The recording, opened as it was when it was read, so that it gives the same frames.
        readings: What was read of each of them, smoothed or not.
        boxes: For each of them, where faces are covered (`covered_boxes`); None: nowhere.
        strength: How coarsely, as in `mien.blur.blur`.
    """
    nowhere = np.empty((0, 4), np.float32)
    start: float | None = None
    with MovieWriter(place, media.width, media.height) as movie, ReadAhead(media, depth=4) as frames:
        for (frame, reading), where in zip(pick(frames, readings), repeat(nowhere) if boxes is None else boxes, strict=False):
            image = blur(frame.image, where, strength) if len(where) else frame.image
            # Frames before 0 s are hidden in the recording; they were asked for, and the copy would hide them again.
            start = min(frame.time, 0.0) if start is None else start
            movie.write(draw(image, reading.faces), frame.time - start)


def covered_boxes(readings: Iterable[Reading], covering: Blur) -> Iterator[Boxes]:
    """For each reading of a frame in turn, where faces are to be covered; a few seconds of them are in memory.

    Where people were followed, a person who is missed for a moment is covered where they must have been.
    """
    window: deque[Reading] = deque()  # Up to `_GAP` before the next block, the block, and as much after it.
    ahead = 0  # How many of them have not been given out.
    coming = (reading for reading in readings if reading.error is None)
    ended = False
    while True:
        while not ended and (ahead < _BLOCK or (ahead < _MOST and _time(window[-1]) <= _time(window[_BLOCK - ahead - 1]) + _GAP)):
            following = next(coming, None)
            ended = following is None
            if following is not None:
                window.append(following)
                ahead += 1
        block = list(window)[len(window) - ahead :][:_BLOCK]
        if not block:
            return
        yield from _placed(block, window, covering)
        ahead -= len(block)
        while len(window) > ahead and _time(window[0]) < _time(block[-1]) - _GAP:
            window.popleft()


def _placed(block: Sequence[Reading], window: Iterable[Reading], covering: Blur) -> list[Boxes]:
    """Where faces are covered in a block of frames, by what is known around it."""
    if any(len(reading.faces) and reading.faces.tracks is None for reading in block):
        return [reading.faces.boxes[_covered(covering, reading)] for reading in block]
    seen = [(reading, _covered(covering, reading)) for reading in window if len(reading.faces) and reading.faces.tracks is not None]
    tracks = [reading.faces.tracks[chosen] for reading, chosen in seen if reading.faces.tracks is not None]
    times = [reading.faces.times[chosen] for reading, chosen in seen]
    boxes = [reading.faces.boxes[chosen] for reading, chosen in seen]
    frames, _, where = bridged(
        np.concatenate([np.empty(0, np.int64), *tracks]),
        np.concatenate([np.empty(0), *times]),
        np.concatenate([np.empty((0, 4), np.float32), *boxes]),
        [_time(reading) for reading in block],
        gap=_GAP,
    )
    return [where[frames == number] for number in range(len(block))]


def _covered(covering: Blur, reading: Reading) -> NDArray[np.bool_]:
    return covering.covers(reading.faces.tracks, len(reading.faces))


def _time(reading: Reading) -> float:
    return reading.time or 0.0


def pick(frames: Iterable[Frame | BadFrame], readings: Iterable[Reading]) -> Iterator[tuple[Frame, Reading]]:
    """Frames with what was read of them; those that could not be read are left out."""
    for frame, reading in zip(frames, readings, strict=True):
        if isinstance(frame, Frame):
            yield frame, reading
