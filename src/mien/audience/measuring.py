"""The loop over the frames of a video, a live source or anything: faces found, and looked for again where
they were, windows out; what was seen of anybody is forgotten as soon as it has been summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample
from mien.audience.result import Audience, Window
from mien.audience.windows import SampleCollector
from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.frame import BadFrame, Frame
from mien.core.labels import Labels
from mien.inference.detectors import Refiner, detector_name
from mien.inference.pipeline import Pipeline
from mien.media import Sampling, open_media
from mien.media.byte_source import name_of
from mien.video.runner import Source


@dataclass(frozen=True, eq=False)
class Looks:
    """An open source.

    Args:
        name: What tables and messages call it.
        frames: In order of time, as often as asked for.
        live: Whether it goes on until somebody ends it.
        length: Seconds, where it is known.
    """

    name: str
    frames: Iterator[Frame | BadFrame]
    live: bool = False
    length: float | None = None


@contextmanager
def opened(
    source: Source | Iterable[Frame], options: AudienceOptions, tell: Callable[[str], None]
) -> Iterator[Looks]:
    """Open a source, and close it in the end.

    Args:
        source: As `mien.audience.measure` takes it.
        options: How often it is looked at.
        tell: Called with a line when a live source is lost or back, on another thread.

    Raises:
        MediaError: It cannot be opened.
        InputError: It is a single image, or no source at all.
    """
    sampling = Sampling(interval=options.interval, start=options.start, end=options.end)
    if isinstance(source, str) and _is_live(source):
        if sampling.span is not None:
            wanted = "expected a video for a span (--from, --to)"
            raise InputError(f"{source}: {wanted}; got a live source: --duration ends it")
        from mien.media.live import LiveOptions, open_live

        with open_live(source, replace(options.live or LiveOptions(), sampling=sampling), tell) as feed:
            yield Looks(feed.name, iter(feed), live=True)
    elif _is_frames(source):
        yield Looks("<frames>", _sampled(source, sampling))  # type: ignore[arg-type]
    else:
        max_pixels = options.live.max_pixels if options.live else None
        with open_media(source, sampling, max_pixels=max_pixels) as media:  # type: ignore[arg-type]
            if media.kind == "image":
                expected = "expected a video, a camera (camera:0) or the screen (screen:)"
                raise InputError(f"{name_of(source)}: {expected}; got an image: mien analyze reads it")
            yield Looks(media.name, iter(media), length=media.duration)


def _is_live(text: str) -> bool:
    from mien.media.live.address import is_live

    return is_live(text)


def _is_frames(source: object) -> bool:
    return (
        isinstance(source, Iterable)
        and not isinstance(source, str | bytes | Path)
        and not hasattr(source, "read")
        and not hasattr(source, "shape")
    )


def _sampled(frames: Iterable[Frame], sampling: Sampling) -> Iterator[Frame]:
    chooser = sampling.chooser()
    return (frame for frame in frames if chooser.takes(frame.time))


_KEPT = 40.0
"""Seconds for which a place is remembered after a face was last found there."""
_SURE = 0.8
"""Least probability of a face at a place, the same as where faces are searched for.

Measured on rendered meetings of PublicTest faces: of 2,599 looks at places whose face the detector missed, 36
% find it; of 844 at tiles whose camera is off or which are no longer there, none finds one, while at 0.6 20
do.
"""
_SAME = 0.3
"""Boxes that share more than this of the smaller one are one place."""


class StreamFaces:
    """Reads the faces of one stream, those too that the detector finds only when it is told where to look.

    It remembers boxes for a while, and nothing else of anybody. With a detector that cannot confirm faces it
    remembers nothing.

    Args:
        pipeline: Detector and classifier.

    >>> import numpy as np
    >>> places = StreamFaces(Pipeline(detector="whole"))
    >>> len(places.read(Frame(0, 0.0, np.zeros((48, 48, 3), np.uint8))))
    1
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._refiner = pipeline.detector if isinstance(pipeline.detector, Refiner) else None
        self._boxes = np.empty((0, 4), np.float32)
        self._seen = np.empty(0)

    @property
    def labels(self) -> Labels:
        """Names of the columns of ``probs``."""
        return self._pipeline.labels

    def read(self, frame: Frame) -> Faces:
        """The faces of the next frame, with ``probs``."""
        [faces] = self._pipeline([frame])
        if self._refiner is None:
            return faces
        covered = (box_arithmetic.overlap(self._boxes, faces.boxes, over="smaller") > _SAME).any(axis=1)
        kept = (np.abs(frame.time - self._seen) <= _KEPT) & ~covered
        self._boxes, self._seen = self._boxes[kept], self._seen[kept]
        again = self._again(frame, self._refiner)
        both = Faces.concatenate([faces, again])
        # A face that is only confirmed does not move its place, which could wander off from look to look.
        self._boxes = np.concatenate([self._boxes, faces.boxes])
        self._seen = np.concatenate([self._seen, np.full(len(faces), frame.time)])
        return (
            both[box_arithmetic.suppress(both.boxes, both.detection_scores, _SAME, "smaller")]
            if len(again)
            else faces
        )

    def _again(self, frame: Frame, refiner: Refiner) -> Faces:
        """Faces at the places where none was found this time."""
        [looked] = refiner.refine([frame.image], [self._boxes])
        there = looked[looked.detection_scores > _SURE]
        rows = len(there)
        there = there.with_columns(frames=np.full(rows, frame.index), times=np.full(rows, frame.time))
        [read] = self._pipeline.classifier.classify([frame.image], [there])
        return read


_MOST = 20


class Remarks:
    """Lines for people: the first ones are kept, the others counted, so that a source that comes and goes for
    hours does not fill a report.

    Args:
        tell: Told every line that is kept, at once.

    >>> remarks = Remarks(print)
    >>> for number in range(30):
    ...     remarks.add("lost") if number else remarks.add("back")
    back
    lost
    >>> list(remarks)
    ['back', 'lost']
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lines: list[str] = []
        self._more = 0

    def __iter__(self) -> Iterator[str]:
        return iter([*self._lines, *([f"{self._more} remarks more"] if self._more else [])])

    def add(self, line: str) -> None:
        """Note a line, once."""
        if line in self._lines:
            return
        if len(self._lines) < _MOST:
            self._lines.append(line)
            self._tell(line)
        else:
            self._more += 1


class AudienceProgress(Protocol):
    """Somebody who follows a measurement.

    >>> class Printed:
    ...     def looked(self, time, windows):
    ...         print(f"{time:.0f} s, windows more: {len(windows)}")
    ...
    ...     def remark(self, line):
    ...         print(line)
    >>> progress: AudienceProgress = Printed()
    >>> progress.looked(10.0, [])
    10 s, windows more: 0
    """

    def looked(self, time: float, windows: Sequence[Window]) -> None:
        """Called after every look: its time in seconds, and the windows that it completed."""

    def remark(self, line: str) -> None:
        """Called with a line for people, such as when a live source is lost or back; that on another
        thread."""


class _Nobody:
    def looked(self, time: float, windows: Sequence[Window]) -> None:
        pass

    def remark(self, line: str) -> None:
        pass


_FLAT = 3.0
"""Standard deviation of grey levels below which an image shows nothing."""


def measure(
    source: Source | Iterable[Frame],
    options: AudienceOptions | None = None,
    key_points: Sequence[KeyPoint] = (),
    *,
    pipeline: Pipeline | None = None,
    watcher: AudienceProgress | None = None,
) -> Audience:
    """Measure what an audience shows: every participant once per window, nothing about anyone alone.

    mien describes a facial expression, not an emotion that a person feels. In the EU it is
    forbidden to infer emotions of people at work and in education (AI Act, Article 5(1)(f)); everywhere the
    people concerned have to know and agree.

    Args:
        source: A video (path, bytes, file object), a live source (``screen:``, ``camera:0``, ...) or
            frames in order of time.
        options: How; one look a second and windows of 10 s by default.
        key_points: Moments of the presentation, in any order.
        pipeline: Detector and classifier; the default ones otherwise.
        watcher: Follows it.

    Returns:
        What was measured. A keyboard interrupt, or a source that is lost for good, ends the measurement and
        is noted in it.

    Raises:
        MediaError: The source cannot be read at all.
        InputError: It is a single image.

    >>> nobody = (Frame(index, float(index), np.zeros((90, 90, 3), np.uint8)) for index in range(12))
    >>> [window.status for window in measure(nobody).windows]
    ['blank', 'blank']
    """
    options, watcher = options or AudienceOptions(), watcher or _Nobody()
    pipeline = pipeline or Pipeline()
    remarks = Remarks(watcher.remark)
    if unknown := options.mapping.unknown(pipeline.labels):
        remarks.add(
            f"nothing is told of positive, neutral, negative: nobody has said how pleasant {', '.join(unknown)} is; "
            "a file for --mapping says it (docs/own-models.md)"
        )
    with opened(source, options, remarks.add) as looks:
        collector = SampleCollector(looks.name, pipeline.labels, options, key_points, looks.length)
        gathering, stopped = collector, False
        try:
            finished = _gather(looks, (gathering, remarks), pipeline, watcher)
        except KeyboardInterrupt:
            finished, stopped = looks.live, True
            remarks.add(f"{looks.name}: stopped by hand at {gathering.end:.0f} s")
        except MediaError as error:
            if not gathering.samples:
                raise
            finished = False
            remarks.add(f"{looks.name}: lost at {gathering.end:.0f} s: {error}")
        closed = gathering.closed
        result = replace(gathering.close(finished, remarks), stopped=stopped, reader=_reader(pipeline))
    watcher.looked(gathering.end, result.windows[closed:])
    return result


def _gather(
    looks: Looks, kept: tuple[SampleCollector, Remarks], pipeline: Pipeline, watcher: AudienceProgress
) -> bool:
    """Look until the end, or for as long as was asked."""
    gathering, remarks = kept
    places = StreamFaces(pipeline)
    complete = True
    for frame in looks.frames:
        if isinstance(frame, BadFrame):
            complete = False
            remarks.add(str(frame.error))
            continue
        if gathering.over(frame.time):
            break
        watcher.looked(frame.time, gathering.add(_look(frame, places)))
    if not gathering.samples:
        raise MediaError(
            next(iter(remarks), f"{looks.name}: expected frames to look at; got none: see whether it plays"),
            "empty",
        )
    return complete


def _reader(pipeline: Pipeline) -> str:
    card = pipeline.classifier.network.card
    return f"detector {detector_name(pipeline.detector)}; model {card.name} {card.version}, head {pipeline.classifier.head}, sha256 {card.sha256}"


def _look(frame: Frame, places: StreamFaces) -> AudienceSample:
    grey = frame.image[::8, ::8].mean(axis=2)
    if float(np.std(grey)) < _FLAT:
        return AudienceSample(frame.time, Faces.empty(places.labels), blank=True)
    return AudienceSample(frame.time, places.read(frame))
