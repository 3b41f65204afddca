"""The loop: frames in, windows out; what was seen of anybody is forgotten as soon as it has been summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mien.aggregate import Sample
from mien.audience.gathering import Gathering
from mien.audience.options import Options
from mien.audience.places import Places
from mien.audience.result import Audience, Window
from mien.audience.sources import Looks, opened
from mien.errors import InputError, MediaError
from mien.faces import Faces
from mien.keypoints import KeyPoint
from mien.media.frame import BadFrame, Frame
from mien.pipeline import Pipeline
from mien.sighting import Source

Watch = Callable[[float, Sequence[Window]], None]

_FLAT = 3.0
"""Standard deviation of grey levels below which a picture shows nothing."""
_MOST_REMARKS = 5


def measure(
    source: Source | Iterable[Frame],
    options: Options | None = None,
    key_points: Sequence[KeyPoint] = (),
    *,
    pipeline: Pipeline | None = None,
    watch: Watch | None = None,
) -> Audience:
    """Measure what an audience shows: every participant once per window, nothing about anyone alone.

    What a network reads is the expression that a face shows, not what a person feels. In the EU it is forbidden to infer emotions of people at
    work and in education (AI Act, Article 5(1)(f)); everywhere the people concerned have to know and agree.

    Args:
        source: A recording (path, bytes, file object), a live source (``screen:``, ``camera:0``, ...) or frames in order of time.
        options: How; one look a second and windows of 10 s by default.
        key_points: Moments of the presentation, in any order.
        pipeline: Detector and classifier; the default ones otherwise.
        watch: Told after every look: its time, and the windows that it completed.

    Returns:
        What was measured. A keyboard interrupt, or a source that is lost, ends the measurement and is noted in it.

    Raises:
        MediaError: The source cannot be read at all.
        InputError: It is a single picture.
    """
    options = options or Options()
    pipeline = pipeline or Pipeline()
    with opened(source, options) as looks:
        gathering = Gathering(looks.name, pipeline.labels, options, key_points)
        try:
            finished = _gather(looks, gathering, pipeline, watch or _nobody)
        except KeyboardInterrupt:
            finished = looks.live
            gathering.remark(f"stopped at {gathering.end:.0f} s")
        except MediaError as error:
            if not gathering.samples:
                raise
            finished = False
            gathering.remark(f"the source was lost at {gathering.end:.0f} s: {error}")
        result = gathering.close(finished)
        if watch is not None:
            watch(gathering.end, result.windows[gathering.told :])
        return result


def _nobody(time: float, windows: Sequence[Window]) -> None:
    pass


def _gather(looks: Looks, gathering: Gathering, pipeline: Pipeline, watch: Watch) -> bool:
    """Look until the end, or for as long as was asked."""
    places, lost = Places(pipeline), 0
    for frame in looks.frames:
        if isinstance(frame, BadFrame):
            lost += 1
            if lost <= _MOST_REMARKS:
                gathering.remark(str(frame.error))
            continue
        if gathering.over(frame.time):
            break
        watch(frame.time, gathering.add(_look(frame, places)))
    if lost > _MOST_REMARKS:
        gathering.remark(f"{lost - _MOST_REMARKS} more stretches could not be read")
    if not gathering.samples:
        raise InputError(f"{looks.name}: expected frames to look at; got none: see whether it plays")
    return True


def _look(frame: Frame, places: Places) -> Sample:
    grey = frame.image[::8, ::8].mean(axis=2)
    if float(np.std(grey)) < _FLAT:
        return Sample(frame.time, Faces.empty(places.labels), blank=True)
    return Sample(frame.time, places.read(frame))
