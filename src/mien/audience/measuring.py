"""The loop: frames in, windows out; what was seen of anybody is forgotten as soon as it has been summed
up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from mien.audience.gathering import SampleCollector
from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample
from mien.audience.places import StreamFaces
from mien.audience.remarks import Remarks
from mien.audience.result import Audience, Window
from mien.audience.sources import Looks, opened
from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.core.frame import BadFrame, Frame
from mien.inference.pipeline import Pipeline
from mien.video.runner import Source


class AudienceProgress(Protocol):
    """Somebody who follows a measurement."""

    def looked(self, time: float, windows: Sequence[Window]) -> None:
        """Called after every look: its time in seconds, and the windows that it completed."""

    def told(self, line: str) -> None:
        """Called with a line for people, such as when a live source is lost or back; that on another
        thread."""


class _Nobody:
    def looked(self, time: float, windows: Sequence[Window]) -> None:
        pass

    def told(self, line: str) -> None:
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
    """
    options, watcher = options or AudienceOptions(), watcher or _Nobody()
    pipeline = pipeline or Pipeline()
    remarks = Remarks(watcher.told)
    with opened(source, options, remarks.add) as looks:
        gathering, stopped = SampleCollector(looks.name, pipeline.labels, options, key_points), False
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
        told = gathering.told
        result = replace(gathering.close(finished, remarks), stopped=stopped, reader=_reader(pipeline))
    watcher.looked(gathering.end, result.windows[told:])
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
    return f"detector {pipeline.detector.name}; network {card.name} {card.version}, head {pipeline.classifier.head}, sha256 {card.sha256}"


def _look(frame: Frame, places: StreamFaces) -> AudienceSample:
    grey = frame.image[::8, ::8].mean(axis=2)
    if float(np.std(grey)) < _FLAT:
        return AudienceSample(frame.time, Faces.empty(places.labels), blank=True)
    return AudienceSample(frame.time, places.read(frame))
