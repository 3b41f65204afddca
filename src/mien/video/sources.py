"""Sources read one after the other, videos smoothed on the way; what was read so far lies in a
checkpoint, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby

from mien.core.errors import MediaError, source_error
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.inference.pipeline import Pipeline
from mien.media import Media
from mien.media.byte_source import name_of
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.talking import mark_talking
from mien.video.checkpoint import CheckpointStore, Chunk, VideoCheckpoint
from mien.video.runner import AnalyzedFrame, ResumePoint, Source, VideoOptions, process_frames

EVERY = 1.0
"""Seconds between two pieces of the checkpoint."""

Follow = Callable[[Iterable[AnalyzedFrame]], Iterator[AnalyzedFrame]]
Group = tuple[int, Iterator[AnalyzedFrame]]


@dataclass(frozen=True, eq=False)
class AnalyzedSource:
    """One source, read.

    Args:
        position: Which of the sources, 0-based.
        source: What it was read from.
        media: The source; None when it could not be opened. That of a video may be closed already.
        frames: Frame by frame, in order; those of videos are smoothed, and come without images.
        stored: Gives the smoothed results of a video anew, from the checkpoint; None where nothing is kept.
        whole: Whether it was read to its end; else the run was stopped on the way.
    """

    position: int
    source: Source
    media: Media | None
    frames: Iterator[AnalyzedFrame]
    stored: Callable[[], Iterator[FrameResult]] | None = None
    whole: bool = True

    @property
    def moves(self) -> bool:
        """Whether it is a video, and not an image or an error."""
        return self.media is not None and self.media.kind != "image"

    @property
    def kept(self) -> bool:
        """Whether all of it was read before its first frame comes, and can be had again."""
        return self.stored is not None

    def again(self) -> Iterator[FrameResult]:
        """The same results once more, for those who need a second pass; only where it is `kept`."""
        assert self.stored is not None, "a second pass needs a checkpoint"
        return self.stored()


def process_sources(
    sources: Sequence[Source],
    pipeline: Pipeline,
    video_options: VideoOptions,
    checkpoints: CheckpointStore | None = None,
    follow: Follow = iter,
) -> Iterator[AnalyzedSource]:
    """Read sources in order; the frames of each must be taken before the next one comes.

    With a checkpoint a video is read to its end first and smoothed from there, so that a run which was
    stopped goes on where it was, to the same result. Without one its results come as they are read, a few
    seconds behind.

    Args:
        sources: What is read.
        pipeline: Detector and classifier.
        video_options: How videos are read.
        checkpoints: Keep what is read of videos.
        follow: Sees the frames of each source as they are read, such as a progress bar does.
    """
    records = [
        None if checkpoints is None else checkpoints.record(position, name_of(source), pipeline.labels)
        for position, source in enumerate(sources)
    ]
    waiting = [position for position, record in enumerate(records) if record is None or not record.done]
    starts = {
        place: ResumePoint(record.count, record.state, EVERY)
        for place, position in enumerate(waiting)
        if (record := records[position]) is not None
    }
    read = process_frames([sources[position] for position in waiting], pipeline, video_options, starts)
    groups = _Groups(replace(frame, position=waiting[frame.position]) for frame in read)
    for position, (source, record) in enumerate(zip(sources, records, strict=True)):
        frames = groups.take(position)
        if frames is not None:
            first = next(frames)
            analyzed = AnalyzedSource(position, source, first.media, follow(chain([first], frames)))
            if analyzed.moves and record is not None:
                _keep(analyzed.frames, record)
                analyzed = _kept(analyzed, record, video_options)
            elif analyzed.moves and video_options.tracking is not None:
                results = (frame.result for frame in analyzed.frames)
                over_time = _over_time(results, video_options, pipeline.labels)
                analyzed = _seen(analyzed, over_time, pipeline.labels)
            yield analyzed
        elif record is not None and record.count:
            # Read to its end by an earlier run, which may have had no time to say so.
            yield _again(position, source, record, video_options)


def kept_videos(
    sources: Sequence[Source], labels: Labels, video_options: VideoOptions, checkpoints: CheckpointStore
) -> Iterator[AnalyzedSource]:
    """Videos as far as a run that was stopped has kept them, in the order of the sources.

    Args:
        sources: What was read.
        labels: Expressions that the network tells apart.
        video_options: How videos were read.
        checkpoints: What was read of them.
    """
    for position, source in enumerate(sources):
        record = checkpoints.record(position, name_of(source), labels)
        if record.count:
            yield replace(_again(position, source, record, video_options), whole=record.done)


def _again(
    position: int, source: Source, record: VideoCheckpoint, video_options: VideoOptions
) -> AnalyzedSource:
    """A video that lies in the checkpoint as a whole."""
    try:
        return _kept(
            AnalyzedSource(position, source, video_options.open(source), iter(())), record, video_options
        )
    except MediaError as error:
        return AnalyzedSource(
            position,
            source,
            None,
            iter([AnalyzedFrame(position, None, None, _unread(record.source, record.labels, error))]),
        )


def _keep(frames: Iterator[AnalyzedFrame], record: VideoCheckpoint) -> None:
    """Write a video down as it is read, a piece whenever the tracker's state is told."""
    results: list[FrameResult] = []
    for frame in frames:
        results.append(frame.result)
        if frame.state is not None:
            record.add(Chunk(results, frame.state))
            results = []
    record.add(Chunk(results, last=True))


def _kept(analyzed: AnalyzedSource, record: VideoCheckpoint, video_options: VideoOptions) -> AnalyzedSource:
    """A video as it lies in the checkpoint."""
    again = partial(_smooth, record, video_options)
    return _seen(replace(analyzed, stored=again), again(), record.labels)


def _smooth(record: VideoCheckpoint, video_options: VideoOptions) -> Iterator[FrameResult]:
    if video_options.tracking is None:
        yield from record.results()
        return
    # What a person usually shows is known only after a first pass.
    skip = video_options.talking == "skip"
    neutral = (
        NeutralBaseline.learn(mark_talking(record.results()) if skip else record.results(), record.labels)
        if video_options.smoothing.baseline == "median"
        else None
    )
    yield from _over_time(record.results(), video_options, record.labels, neutral)


def _over_time(
    results: Iterable[FrameResult],
    video_options: VideoOptions,
    labels: Labels,
    neutral: NeutralBaseline | None = None,
) -> Iterator[FrameResult]:
    """Results smoothed, and talk told: first, where it is left out, so that it does not bear on what is around it."""
    if video_options.talking == "skip":
        return smooth_offline(mark_talking(results), video_options.smoothing, labels, neutral)
    return mark_talking(smooth_offline(results, video_options.smoothing, labels, neutral))


def _seen(analyzed: AnalyzedSource, results: Iterator[FrameResult], labels: Labels) -> AnalyzedSource:
    accounted = _accounted(results, name_of(analyzed.source), labels)
    return replace(
        analyzed,
        frames=(AnalyzedFrame(analyzed.position, analyzed.media, None, result) for result in accounted),
    )


def _accounted(results: Iterator[FrameResult], name: str, labels: Labels) -> Iterator[FrameResult]:
    """The results; an exception in place of one becomes the result that the rest could not be made."""
    try:
        yield from results
    except Exception as error:
        yield _unread(name, labels, source_error(name, error))


def _unread(name: str, labels: Labels, error: MediaError) -> FrameResult:
    return FrameResult(name, None, None, Faces.empty(labels), error)


class _Groups:
    """The frames of each source in turn.

    Args:
        frames: Of all sources, in order; a source may have none.
    """

    def __init__(self, frames: Iterable[AnalyzedFrame]) -> None:
        self._groups = groupby(frames, key=lambda frame: frame.position)
        self._next: Group | None = None

    def take(self, position: int) -> Iterator[AnalyzedFrame] | None:
        """Those of one source; None where it has none."""
        if self._next is None:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != position:
            return None
        (_, group), self._next = self._next, None
        return group
