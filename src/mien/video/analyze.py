"""From sources to results, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Literal, Unpack, cast

import numpy as np

from mien.core.arguments import checked
from mien.core.errors import InputError
from mien.core.scratch import scratch_folder
from mien.inference.pipeline import Pipeline, PipelineOptions
from mien.media import Sampling, find_sources
from mien.media.decoder import DECODE_SECONDS
from mien.media.pixels import Channels, array_to_rgb, require_channels
from mien.media.source import is_several
from mien.tracking.options import Smoothing, Tracking
from mien.video.checkpoint import CheckpointStore
from mien.video.results import Results, VideoResult
from mien.video.runner import AnalyzedFrame as AnalyzedFrame
from mien.video.runner import Source as Source
from mien.video.runner import VideoOptions as VideoOptions
from mien.video.runner import process_frames as process_frames
from mien.video.sources import process_sources

_AT_ONCE = 16
"""Sources that are taken from an iterator before they are read."""


@checked
def analyze(
    source: Source | Iterable[Source],
    *,
    pipeline: Pipeline | None = None,
    channels: Channels = "rgb",
    interval: float | None = None,
    fps: float | None = None,
    tracking: Tracking | bool = True,
    smoothing: Smoothing | None = None,
    hidden_frames: bool = False,
    max_pixels: int | None = None,
    decode_seconds: float = DECODE_SECONDS,
    talking: Literal["mark", "skip"] | None = None,
    start: float | None = None,
    end: float | None = None,
    **options: Unpack[PipelineOptions],
) -> Results:
    """Find the faces in images and videos, and read the expression that each one shows.

    mien describes a facial expression, not an emotion that a person feels. In videos people are
    followed from frame to frame (``track``), and what is read of them is smoothed (``smoothed_probs``) and made into
    a label that does not flicker (``smoothed_emotion``), both beside the raw values.

    Args:
        source: An image or video as a path (``~`` is your home), the bytes of a file or a binary file object; an image of
            Pillow's; an image as an array, uint8, ``(h, w, 3)`` or ``(h, w, 4)`` in the order of ``channels``, or
            ``(h, w)`` gray; a folder; a pattern such as ``photos/*.jpg`` or ``photos/**/*.jpg``. Or several of them,
            in a list or another collection; a generator is asked for a few at a time. Addresses are refused:
            nothing is fetched.
        pipeline: A `Pipeline` to use again; without one, ``options`` build one.
        channels: ``bgr`` for arrays of OpenCV's. Files and Pillow's images know theirs.
        interval: Seconds between the frames that are looked at; every frame by default.
        fps: At most so many frames a second; every frame by default.
        tracking: How people are followed; False: every frame stands alone, and nothing is smoothed.
        smoothing: How their results are smoothed.
        hidden_frames: Whether to read also what the edit list of an MP4 or MOV hides from players.
        max_pixels: Images and frames with more are refused; by default 128 megapixels of an image, and of
            a frame 4096 x 4096.
        decode_seconds: Longest time, on one core, that decoding one image may take.
        talking: ``mark`` tells where somebody talks (`Face.talking`), ``skip`` leaves that out of people, segments and
            charts too; both need landmarks, and find them where no ``pipeline`` is given.
        start: Seconds from which on videos are read, their first frame at or after it; times stay those of the
            recording.
        end: Seconds up to which videos are read, their last frame before it.
        options: Arguments of `Pipeline`: ``detector``, ``model``, ``min_face``, ...

    Returns:
        A `Results`: ``.faces``, ``.rows()``, ``.to_pandas()``, and a `VideoResult` per source (``.people()``
        and ``.segments()`` say who showed what for how long). Among several sources, one that cannot be read
        becomes a row with the status ``error``.

    Raises:
        MediaError: The only source given cannot be read at all.
        InputError: An option is impossible, or a source nothing that holds an image.

    >>> import numpy as np
    >>> results = analyze(np.full((96, 96, 3), 128, np.uint8))
    >>> [row["status"] for row in results.rows()]
    ['no_face']
    """
    require_channels(channels)
    if pipeline is None:
        if talking is not None:
            options["landmarks"] = True
        pipeline = Pipeline(**options)
    if talking is not None and pipeline.mesh is None:
        raise InputError(f"talking={talking!r}: expected a pipeline with landmarks=True; got one without")
    video_options = VideoOptions(
        Sampling(interval, fps, hidden_frames, start, end),
        Tracking() if tracking is True else tracking or None,
        smoothing or Smoothing(),
        max_pixels,
        decode_seconds,
        talking or "mark",
    )
    if not is_several(source):
        sources = _expand(cast(Source, source), channels)
        videos = _read(sources, pipeline, video_options, strict=len(sources) == 1)
    else:
        given = cast(Iterable[Source], source)
        found = (one for item in given for one in _expand(item, channels))
        videos = [
            video
            for some in _in_turn(found, None if isinstance(source, Sequence) else _AT_ONCE)
            for video in _read(some, pipeline, video_options)
        ]
    return Results(videos, pipeline.labels)


def _in_turn(sources: Iterator[Source], count: int | None) -> Iterator[list[Source]]:
    """Sources, so many at once; None: all."""
    while some := list(islice(sources, count)):
        yield some


def _read(
    sources: Sequence[Source], pipeline: Pipeline, video_options: VideoOptions, *, strict: bool = False
) -> list[VideoResult]:
    """All that is in some sources.

    Raises:
        MediaError: ``strict``, and the first of them cannot be read at all.
    """
    videos = []
    with kept_aside(video_options) as checkpoints:
        for analyzed in process_sources(sources, pipeline, video_options, checkpoints):
            first = next(analyzed.frames)
            if strict and analyzed.media is None and first.result.error is not None:
                raise first.result.error
            results = (frame.result for frame in (first, *analyzed.frames))
            videos.append(
                VideoResult.collect(
                    first.result.source,
                    results,
                    pipeline.labels,
                    video_options.smoothing.gap,
                    video_options.talking == "skip",
                )
            )
    return videos


@contextmanager
def kept_aside(video_options: VideoOptions) -> Iterator[CheckpointStore | None]:
    """A checkpoint in a temporary folder where the options need two passes over a video, else None."""
    if video_options.tracking is None or video_options.smoothing.baseline != "median":
        yield None
        return
    with scratch_folder() as folder, CheckpointStore(folder / "checkpoint", {}) as checkpoints:
        yield checkpoints


def _expand(source: Source, channels: Channels) -> list[Source]:
    """What a source stands for: the files of a folder or pattern, an array in RGB."""
    if isinstance(source, np.ndarray):
        return [array_to_rgb(source, channels)]
    if not isinstance(source, str | os.PathLike):
        return [source]
    found = find_sources([source])
    return [*found.sources, *found.unreadable]
