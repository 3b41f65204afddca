"""Frames on their way through: decoded on one thread, faces found on a second, expressions read on the
caller's."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.errors import InputError, MediaError, source_error
from mien.core.faces import Faces
from mien.core.frame import BadFrame, Frame
from mien.core.frame_result import FrameResult, Row
from mien.inference.pipeline import Pipeline
from mien.media import Media, Prefetcher, Sampling, open_media
from mien.media.byte_source import name_of
from mien.media.decoder import DECODE_SECONDS
from mien.media.source import Source as Source
from mien.tracking.options import Smoothing, Tracking
from mien.tracking.session import Session

_BATCH_FRAMES = 8
_BATCH_PIXELS = 4_000_000
# Batches that lie ready between two stages: looking for faces anew takes ten times as long as following them.
_AHEAD = 3


@dataclass(frozen=True)
class VideoOptions:
    """How sources are read.

    Args:
        sampling: Which frames of a video are looked at.
        tracking: How people are followed in videos; None: every frame stands alone, and nothing is
            smoothed.
        smoothing: How the results of a person are smoothed over time.
        max_pixels: Images and frames with more are refused; None: the limits of `open_media`.
        decode_seconds: Longest time, on one core, that decoding one image may take.
        talking: Whether stretches in which somebody talks, which landmarks tell, are marked only (``mark``), or left out
            of shares, means and segments as well (``skip``).

    Raises:
        InputError: A limit is not positive, or ``talking`` is something else.
    """

    sampling: Sampling = field(default_factory=Sampling)
    tracking: Tracking | None = field(default_factory=Tracking)
    smoothing: Smoothing = field(default_factory=Smoothing)
    max_pixels: int | None = None
    decode_seconds: float = DECODE_SECONDS
    talking: Literal["mark", "skip"] = "mark"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_pixels is not None and self.max_pixels < 1:
            raise InputError(f"max_pixels: expected 1 or more; got {self.max_pixels}")
        if not self.decode_seconds > 0:
            raise InputError(f"decode_seconds: expected more than 0; got {self.decode_seconds}")

    def open(self, source: Source) -> Media:
        """Open a source as planned.

        Raises:
            MediaError: It cannot be read.
        """
        return open_media(
            source, self.sampling, max_pixels=self.max_pixels, decode_seconds=self.decode_seconds
        )


@dataclass(frozen=True, eq=False)
class AnalyzedFrame:
    """A result together with what it was read from, for those who draw.

    Args:
        position: Which of the sources, 0-based.
        media: The source; None when it could not be opened.
        image: ``(h, w, 3)`` RGB; None when the frame could not be read.
        result: What came out; nothing in it is smoothed.
        state: What the tracker remembers after this frame, ready for JSON; given now and then, where it was
            asked for.
        lasting: Seconds up to the next frame of the video that is looked at; None where that is not
            known.
    """

    position: int
    media: Media | None
    image: NDArray[np.uint8] | None
    result: FrameResult
    state: Any = None
    lasting: float | None = None

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of its result (`FrameResult.rows`), made once however many write them."""
        return list(self.result.rows())


@dataclass(frozen=True)
class ResumePoint:
    """Where the analysis of a video goes on.

    Args:
        count: How many of its results are there already.
        state: What the tracker remembered after the last of them; None at the beginning.
        every: Seconds after which its state is given again.
    """

    count: int = 0
    state: Any = None
    every: float = math.inf


@dataclass(frozen=True, eq=False)
class _Batch:
    """Frames of one video, or images, that go through the networks together."""

    frames: list[AnalyzedFrame]
    session: Session | None


def process_frames(
    sources: Sequence[Source],
    pipeline: Pipeline,
    video_options: VideoOptions | None = None,
    starts: Mapping[int, ResumePoint] | None = None,
) -> Iterator[AnalyzedFrame]:
    """Read sources frame by frame, in order; memory does not grow with their length.

    Three threads share the work. Every sampled frame comes out once; a source or a stretch that cannot be
    decoded comes out as a result with an error, and the rest goes on. In videos people are followed,
    unless the options say otherwise.

    Args:
        sources: What is read.
        pipeline: Detector and classifier.
        video_options: How videos are read.
        starts: Videos, by their position, that go on from somewhere, and whose state is given on the way.
            Their frames up to there are decoded and passed over.
    """
    video_options = video_options or VideoOptions()
    decoded = _lasting(_decode(sources, video_options, Faces.empty(pipeline.labels), starts or {}))
    # The inner thread is stopped by closing the outer one, which closes the generator that it runs.
    with Prefetcher(
        _locate(decoded, pipeline, video_options, starts or {}), _AHEAD, lambda batch: _bytes(batch.frames)
    ) as batches:
        for batch in batches:
            for frame in _read(batch, pipeline):
                yield frame if batch.session is None else _with_movement(frame, batch.session)


def _decode(
    sources: Sequence[Source], video_options: VideoOptions, blank: Faces, starts: Mapping[int, ResumePoint]
) -> Iterator[AnalyzedFrame]:
    for position, source in enumerate(sources):
        try:
            media = video_options.open(source)
        except MediaError as error:
            yield AnalyzedFrame(position, None, None, FrameResult(name_of(source), None, None, blank, error))
            continue
        with media:
            for item in islice(media, starts.get(position, ResumePoint()).count, None):
                if isinstance(item, BadFrame):
                    yield AnalyzedFrame(
                        position,
                        media,
                        None,
                        FrameResult(media.name, item.index, item.time, blank, item.error),
                    )
                else:
                    yield AnalyzedFrame(
                        position, media, item.image, FrameResult(media.name, item.index, item.time, blank)
                    )


def _lasting(frames: Iterator[AnalyzedFrame]) -> Iterator[AnalyzedFrame]:
    """The same with how long each frame lasts, which the next one tells."""
    held: AnalyzedFrame | None = None
    for frame in frames:
        if held is not None:
            yield replace(held, lasting=_between(held, frame))
        held = frame
    if held is not None:
        yield held


def _between(first: AnalyzedFrame, second: AnalyzedFrame) -> float | None:
    """Seconds between two frames of a video; None where something is missing in between, or one of
    them."""
    times = first.result.time, second.result.time
    if first.position != second.position or first.image is None or second.image is None or None in times:
        return None
    return max(0.0, times[1] - times[0])  # type: ignore[operator]


def _locate(
    decoded: Iterator[AnalyzedFrame],
    pipeline: Pipeline,
    video_options: VideoOptions,
    starts: Mapping[int, ResumePoint],
) -> Iterator[_Batch]:
    """Find faces: people who are followed in videos, of whom a session has the memory."""
    session, at, saved = None, -1, time.monotonic()
    with Prefetcher(_batches(decoded), _AHEAD, _bytes) as batches:
        for batch in batches:
            position, start = batch[0].position, starts.get(batch[0].position)
            if position != at:
                session, at, saved = (
                    _session(batch[0], pipeline, video_options, start),
                    position,
                    time.monotonic(),
                )
            frames = batch if session is None else [_located(frame, session) for frame in batch]
            if start is not None and time.monotonic() - saved >= start.every:
                state = {} if session is None else session.state()
                frames[-1], saved = replace(frames[-1], state=state), time.monotonic()
            yield _Batch(frames, session)


def _session(
    first: AnalyzedFrame, pipeline: Pipeline, video_options: VideoOptions, start: ResumePoint | None
) -> Session | None:
    """The memory of a video; None where nobody is followed."""
    if not _moves(first) or video_options.tracking is None:
        return None
    session = Session(pipeline, video_options.tracking, video_options.smoothing)
    if start is not None and start.state is not None:
        session.restore(start.state)
    return session


def _located(frame: AnalyzedFrame, session: Session) -> AnalyzedFrame:
    try:
        return _found([frame], iter(session.locate(_frames([frame]))))[0]
    except Exception as error:
        return _failed(frame, error)


def _read(batch: _Batch, pipeline: Pipeline) -> list[AnalyzedFrame]:
    """Read the expressions of what was found; together, or one by one where together they fail."""
    try:
        return _found(batch.frames, iter(_faces(batch, pipeline)))
    except Exception as error:
        if len(batch.frames) == 1:
            return [_failed(batch.frames[0], error)]
        return [read for frame in batch.frames for read in _read(_Batch([frame], batch.session), pipeline)]


def _with_movement(frame: AnalyzedFrame, session: Session) -> AnalyzedFrame:
    """A frame of a video with how its faces moved, which is told in order of time, after all else; without their
    points, which would fill the memory."""
    faces = session.movement.update(frame.result.faces)
    if faces.mesh is not None:
        faces = faces.with_columns(mesh=None)
    state = frame.state and {**frame.state, "movement": session.movement.state()}
    return replace(frame, result=replace(frame.result, faces=faces), state=state)


def _faces(batch: _Batch, pipeline: Pipeline) -> list[Faces]:
    if batch.session is None:
        return pipeline(_frames(batch.frames))
    with_image = [frame for frame in batch.frames if frame.image is not None]
    images = [frame.image for frame in with_image if frame.image is not None]
    return batch.session.read(images, [frame.result.faces for frame in with_image])


def _failed(frame: AnalyzedFrame, error: Exception) -> AnalyzedFrame:
    """A frame that could be decoded but not read."""
    result = frame.result
    return replace(
        frame,
        image=None,
        result=replace(result, faces=result.faces[:0], error=source_error(result.source, error)),
    )


def _found(frames: Sequence[AnalyzedFrame], faces: Iterator[Faces]) -> list[AnalyzedFrame]:
    """The same with what was found in those that have an image."""
    return [
        frame if frame.image is None else replace(frame, result=replace(frame.result, faces=next(faces)))
        for frame in frames
    ]


def _frames(frames: Sequence[AnalyzedFrame]) -> list[Frame]:
    return [
        Frame(
            frame.result.frame or 0,
            frame.result.time or 0.0,
            frame.image,
            lasting=frame.lasting,
        )
        for frame in frames
        if frame.image is not None
    ]


def _moves(frame: AnalyzedFrame) -> bool:
    return frame.media is not None and frame.media.kind != "image"


def _bytes(frames: Sequence[AnalyzedFrame]) -> int:
    """What their images take in memory."""
    return sum(0 if frame.image is None else frame.image.nbytes for frame in frames)


def _batches(frames: Iterator[AnalyzedFrame]) -> Iterator[list[AnalyzedFrame]]:
    """Groups of a few frames, fewer when they are large, so that a batch of photographs stays small in
    memory.

    Images go together, and the frames of one video.
    """
    batch: list[AnalyzedFrame] = []
    pixels = 0
    for frame in frames:
        apart = bool(batch) and (_moves(frame) or _moves(batch[0])) and frame.position != batch[0].position
        if apart or len(batch) == _BATCH_FRAMES or pixels >= _BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
        batch.append(frame)
        pixels += 0 if frame.image is None else frame.image.shape[0] * frame.image.shape[1]
    if batch:
        yield batch
