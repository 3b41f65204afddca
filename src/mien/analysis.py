"""From sources to readings: open, read ahead, batch, find faces, read expressions, lose nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from mien.errors import MediaError
from mien.faces import Faces
from mien.media import Media, ReadAhead, Sampling, find_sources, open_media
from mien.media.frame import BadFrame, Frame
from mien.pipeline import Pipeline
from mien.reading import Reading, Recording, Results

Source = str | Path | bytes | BinaryIO | NDArray[np.uint8]

_BATCH_FRAMES = 8
_BATCH_PIXELS = 16_000_000


@dataclass(frozen=True, eq=False)
class Sighting:
    """A reading together with what it was read from, for those who draw.

    Args:
        position: Which of the sources, 0-based.
        media: The opened source; None when it could not be opened.
        image: ``(h, w, 3)`` RGB; None when the frame could not be read.
        reading: What came out.
    """

    position: int
    media: Media | None
    image: NDArray[np.uint8] | None
    reading: Reading


def analyze(
    source: Source | Sequence[Source],
    *,
    pipeline: Pipeline | None = None,
    every: float | None = None,
    per_second: float | None = None,
    **options: Any,
) -> Results:
    """Find the faces in pictures and videos, and read the expression that each one shows.

    What a network reads is the expression on a face, not what the person feels.

    Args:
        source: A picture or video as a path, bytes, binary file object or ``(h, w, 3)`` RGB array; a folder; or a
            list of those.
        pipeline: A `Pipeline` to use again; without one, ``options`` (``detector``, ``model``, ``min_face``, ...)
            build one as `Pipeline` does.
        every: Seconds between the frames that are looked at; every frame by default.
        per_second: At most so many frames a second; every frame by default.
        options: Arguments of `Pipeline`.

    Returns:
        A `Results`: ``.faces``, ``.rows()``, ``.to_pandas()``, and a `Recording` per source. Among several sources, one
        that cannot be read becomes a row with the status ``error``.

    Raises:
        MediaError: The only source given cannot be read at all.
        InputError: An option is impossible.

    >>> import numpy as np
    >>> results = analyze(np.full((96, 96, 3), 128, np.uint8))
    >>> [row["status"] for row in results.rows()]
    ['no_face']
    """
    pipeline = Pipeline(**options) if pipeline is None else pipeline
    sampling = Sampling(every=every, per_second=per_second)
    alone = not isinstance(source, list | tuple)
    given = [cast(Source, source)] if alone else list(cast(Sequence[Source], source))
    sources = [found for item in given for found in _expand(item)]
    recordings = []
    for _, sightings in groupby(sight(sources, pipeline, sampling), key=lambda sighting: sighting.position):
        first = next(sightings)
        if alone and len(sources) == 1 and first.media is None and first.reading.error is not None:
            raise first.reading.error
        readings = (sighting.reading for sighting in (first, *sightings))
        recordings.append(Recording.collect(first.reading.source, readings, pipeline.labels))
    return Results(recordings, pipeline.labels)


def sight(sources: Sequence[Source], pipeline: Pipeline, sampling: Sampling) -> Iterator[Sighting]:
    """Read sources frame by frame, in order; memory does not grow with their length.

    Frames are decoded on a thread of their own while earlier ones are read. Every sampled frame comes out once; a source
    or a stretch that cannot be decoded comes out as a reading with an error, and the rest goes on.
    """
    blank = Faces.empty(pipeline.labels)
    with ReadAhead(_decode(sources, sampling, blank), depth=4) as sightings:
        for batch in _batches(sightings):
            images = [_frame(sighting) for sighting in batch if sighting.image is not None]
            found = iter(pipeline(images))
            for sighting in batch:
                if sighting.image is not None:
                    sighting = replace(sighting, reading=replace(sighting.reading, faces=next(found)))
                yield sighting


def _expand(source: Source) -> list[Source]:
    if not isinstance(source, str | Path):
        return [source]
    found = find_sources([source])
    return [*found.sources, *found.unreadable]


def _decode(sources: Sequence[Source], sampling: Sampling, blank: Faces) -> Iterator[Sighting]:
    for position, source in enumerate(sources):
        try:
            media = open_media(source, sampling)
        except MediaError as error:
            yield Sighting(position, None, None, Reading(_name(source), None, None, blank, error))
            continue
        with media:
            for item in media:
                if isinstance(item, BadFrame):
                    yield Sighting(position, media, None, Reading(media.name, item.index, item.time, blank, item.error))
                else:
                    yield Sighting(position, media, item.image, Reading(media.name, item.index, item.time, blank))


def _name(source: Source) -> str:
    if isinstance(source, str | Path):
        return str(source)
    return "<bytes>" if isinstance(source, bytes) else f"<{type(source).__name__}>"


def _frame(sighting: Sighting) -> Frame:
    reading = sighting.reading
    assert sighting.image is not None
    return Frame(reading.frame or 0, reading.time or 0.0, sighting.image)


def _batches(sightings: Iterator[Sighting]) -> Iterator[list[Sighting]]:
    """Groups of a few frames, fewer when they are large, so that a batch of photographs stays small in memory."""
    batch: list[Sighting] = []
    pixels = 0
    for sighting in sightings:
        batch.append(sighting)
        pixels += 0 if sighting.image is None else sighting.image.shape[0] * sighting.image.shape[1]
        if len(batch) == _BATCH_FRAMES or pixels >= _BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch
