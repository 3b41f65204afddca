"""From sources to results, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

from mien.core.errors import InputError
from mien.core.scratch import scratch_folder
from mien.inference.pipeline import Pipeline
from mien.media import Sampling, find_sources
from mien.media.decoder import DECODE_SECONDS
from mien.tracking.options import Smoothing, Tracking
from mien.video.checkpoint import CheckpointStore
from mien.video.results import Results, VideoResult
from mien.video.runner import AnalyzedFrame as AnalyzedFrame
from mien.video.runner import Source as Source
from mien.video.runner import VideoOptions as VideoOptions
from mien.video.runner import process_frames as process_frames
from mien.video.sources import process_sources


def analyze(
    source: Source | Sequence[Source],
    *,
    pipeline: Pipeline | None = None,
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
    **options: Any,
) -> Results:
    """Find the faces in images and videos, and read the expression that each one shows.

    mien describes a facial expression, not an emotion that a person feels. In videos people are
    followed from frame to frame (``track``), and what is read of them is smoothed (``smoothed_probs``) and made into
    a label that does not flicker (``smoothed_emotion``), both beside the raw values.

    Args:
        source: An image or video as a path, bytes, binary file object or ``(h, w, 3)`` RGB array; a folder;
            or a list of those.
        pipeline: A `Pipeline` to use again; without one, ``options`` build one.
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
        InputError: An option is impossible.

    >>> import numpy as np
    >>> results = analyze(np.full((96, 96, 3), 128, np.uint8))
    >>> [row["status"] for row in results.rows()]
    ['no_face']
    """
    if pipeline is None:
        pipeline = Pipeline(
            **{**options, "landmarks": options.get("landmarks", False) or talking is not None}
        )
    if talking is not None and pipeline.mesh is None:
        raise InputError(f"talking={talking!r}: expected a pipeline with landmarks=True; got one without")
    followed = Tracking() if tracking is True else tracking or None
    video_options = VideoOptions(
        Sampling(interval, fps, hidden_frames, start, end),
        followed,
        smoothing or Smoothing(),
        max_pixels,
        decode_seconds,
        talking or "mark",
    )
    alone = not isinstance(source, list | tuple)
    given = [cast(Source, source)] if alone else list(cast(Sequence[Source], source))
    sources = [found for item in given for found in _expand(item)]
    videos = []
    with kept_aside(video_options) as checkpoints:
        for analyzed in process_sources(sources, pipeline, video_options, checkpoints):
            first = next(analyzed.frames)
            if alone and len(sources) == 1 and analyzed.media is None and first.result.error is not None:
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
    return Results(videos, pipeline.labels)


@contextmanager
def kept_aside(video_options: VideoOptions) -> Iterator[CheckpointStore | None]:
    """A checkpoint in a temporary folder where the options need two passes over a video, else None."""
    if video_options.tracking is None or video_options.smoothing.baseline != "median":
        yield None
        return
    with scratch_folder() as folder, CheckpointStore(folder / "checkpoint", {}) as checkpoints:
        yield checkpoints


def _expand(source: Source) -> list[Source]:
    if not isinstance(source, str | Path):
        return [source]
    found = find_sources([source])
    return [*found.sources, *found.unreadable]
