"""Stretches in which a person shows one expression, on the stream's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.spacing import Spacing
from mien.tracking.evidence import NOT_FOLLOWED, tracks_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """One person showing one label without a break.

    Args:
        track: Id of the person.
        label: Steady label; the most probable expression where nothing was smoothed; ``uncertain`` where that
            is shown (`Faces.label_ids`).
        start: Seconds.
        end: Seconds, when the next frame shows something else; for the last frame before a gap, after as long
            as that frame lasts.
        confidence: Mean of its probability (the smoothed one where there is one), 0 to 1, by duration; also
            where it is shown as uncertain (`Faces.label_confidence`).

    >>> Segment(track=1, label="happy", start=2.0, end=3.5, confidence=0.9).seconds
    1.5
    """

    track: int
    label: str
    start: float
    end: float
    confidence: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, eq=False)
class FrameSpan:
    """One person in one frame, and for how long that stands.

    Args:
        track: Id of the person; None where nobody was followed.
        label: Column of the label shown, -1 for uncertain.
        probs: ``(k,)`` probabilities, smoothed where they were.
        start: Seconds.
        end: Seconds.
        follows: The one before ended where this begins.
        confidence: Probability of the label, also where it is shown as uncertain (`Faces.label_confidence`).
        uncertain: That is low (`Faces.uncertain`).
        momentary: Column of the most probable expression in this frame alone, before smoothing and baseline.
        measures: ``(m,)`` what landmarks measure (`mien.core.measures.MEASURES`), NaN where there is none; None where
            they were not asked for.
        measure_reason: Why there are none: a place in `mien.core.measures.REASONS`.
        talking: Whether they talk; None where that is not known.
    """

    track: int | None
    label: int
    probs: Floats
    start: float
    end: float
    follows: bool
    confidence: float
    uncertain: bool
    momentary: int
    measures: Floats | None = None
    measure_reason: int = 0
    talking: bool | None = None

    @property
    def weight(self) -> float:
        """Seconds that it counts in sums: a single frame has no length and yet a result."""
        return max(self.end - self.start, 1e-9)


class FrameSpans:
    """Turns frames into times: each face stands for the time up to the same person's next, or for as long as
    its frame lasts; where nobody was followed, always for as long as its frame lasts.

    Args:
        gap: Seconds; a person not seen for longer was away. Where frames are far apart it takes two without
            them (`mien.core.spacing`).
    """

    def __init__(self, gap: float = 1.0) -> None:
        self.gap = gap
        self._spacing = Spacing(gap)
        # By track, or by row where nobody was followed.
        self._open: dict[int, FrameSpan] = {}  # Each ends with its frame, once the next frame has come.

    @property
    def patience(self) -> float:
        """Seconds without a sight of a person after which they are away, by now."""
        return self._spacing.patience

    def update(self, result: FrameResult) -> list[FrameSpan]:
        """Take in the next result; gives what is now over, in order of time. What could not be read says
        nothing."""
        time, before = result.time, self._spacing.time
        if time is None or result.error is not None:
            return []
        done = self.close() if before is not None and time < before else []
        lasting = 0.0 if before is None else self._spacing.lasting(time - before)
        self._spacing.take(time)
        self._open = {
            track: replace(last, end=last.start + lasting) if last.start == before else last
            for track, last in self._open.items()
        }
        away = [
            key for key, last in self._open.items() if last.track is None or time - last.start > self.patience
        ]
        done += [self._open.pop(key) for key in away]
        if len(result.faces) and result.faces.probs is not None:
            done += self._shown(result.faces, time)
        return sorted(done, key=lambda span: span.start)

    def close(self) -> list[FrameSpan]:
        """Nothing follows."""
        now, usual = self._spacing.time, self._spacing.usual
        done = [
            replace(last, end=last.start + usual) if last.start == now else last
            for last in self._open.values()
        ]
        self._open = {}
        return sorted(done, key=lambda span: span.start)

    def _shown(self, faces: Faces, time: float) -> list[FrameSpan]:
        done = []
        probs = np.asarray(faces.probs if faces.smoothed_probs is None else faces.smoothed_probs, np.float64)
        shown, confidence, uncertain = faces.label_ids, faces.label_confidence, faces.uncertain
        assert shown is not None
        assert confidence is not None
        assert uncertain is not None
        momentary = (probs if faces.probs is None else faces.probs).argmax(axis=1)
        followed = faces.tracks is not None
        for row, key in enumerate(tracks_of(faces) if followed else range(len(faces))):
            before = self._open.get(key)
            if before is not None:
                done.append(replace(before, end=time))
            self._open[key] = FrameSpan(
                key if followed else None,
                int(shown[row]),
                probs[row],
                time,
                time,
                before is not None,
                float(confidence[row]),
                bool(uncertain[row]),
                int(momentary[row]),
                None if faces.measures is None else faces.measures[row].astype(np.float64),
                0 if faces.measure_reasons is None else int(faces.measure_reasons[row]),
                None if faces.talking is None or faces.talking[row] < 0 else bool(faces.talking[row]),
            )
        return done


class Segmenter:
    """Joins what was read into segments, as it comes; memory does not grow with the length.

    Args:
        gap: Seconds; a person not seen for longer was away, which ends a segment.
        skip_talking: Whether talk ends a segment as well, and is in none.

    >>> from mien.core.faces import Faces
    >>> from mien.core.labels import Labels
    >>> segmenter = Segmenter()
    >>> for index, happy in enumerate([0.9, 0.8, 0.1]):
    ...     faces = Faces([[0, 0, 40, 50]], [1], [index], [index / 5], tracks=[1], probs=[[1 - happy, happy]], labels=Labels(("sad", "happy")))
    ...     done = segmenter.update(FrameResult("talk.mp4", index, index / 5, faces))
    >>> [(segment.label, segment.start) for segment in [*done, *segmenter.close()]]
    [('happy', 0.0), ('sad', 0.4)]
    """

    def __init__(self, gap: float = 1.0, skip_talking: bool = False) -> None:
        self._spans = FrameSpans(gap)
        self._skip_talking = skip_talking
        self._open: dict[int, _Stretch] = {}
        self._labels: Labels | None = None

    def update(self, result: FrameResult) -> list[Segment]:
        """Take in the next result; gives the segments that are now over."""
        if result.faces.labels is not None:
            self._labels = result.faces.labels
        done = self._joined(self._spans.update(result))
        time, patience = result.time, self._spans.patience
        if time is not None and result.error is None:
            away = [
                track
                for track, stretch in self._open.items()
                if time - stretch.end > patience or time < stretch.start
            ]
            done += [self._segment(self._open.pop(track)) for track in away]
        return done

    def close(self) -> list[Segment]:
        """Nothing follows: the segments that were still open."""
        done = self._joined(self._spans.close())
        done += [
            self._segment(stretch)
            for stretch in sorted(self._open.values(), key=lambda stretch: stretch.start)
        ]
        self._open = {}
        return done

    def _joined(self, spans: list[FrameSpan]) -> list[Segment]:
        done = []
        for span in spans:
            if span.track is None:
                raise InputError(NOT_FOLLOWED)
            skipped = self._skip_talking and span.talking is True
            stretch = self._open.get(span.track)
            if stretch is not None and (skipped or not span.follows or stretch.label != span.label):
                done.append(self._segment(self._open.pop(span.track)))
                stretch = None
            if skipped:
                continue
            if stretch is None:
                stretch = self._open[span.track] = _Stretch(span.track, span.label, span.start, span.start)
            stretch.end = span.end
            stretch.total += span.weight
            stretch.sum += span.weight * span.confidence
        return done

    def _segment(self, stretch: _Stretch) -> Segment:
        assert self._labels is not None
        return Segment(
            stretch.track,
            self._labels.display_name(stretch.label),
            stretch.start,
            stretch.end,
            stretch.sum / stretch.total,
        )


@dataclass
class _Stretch:
    """A segment that is still growing."""

    track: int
    label: int
    start: float
    end: float
    sum: float = 0.0
    total: float = 0.0


def segments(results: Iterable[FrameResult], gap: float = 1.0) -> Iterator[Segment]:
    """Stretches of one label per person, each as soon as it is over.

    Args:
        results: Of one source, in order of time, with ``tracks`` and ``probs``.
        gap: Seconds; a person not seen for longer was away, which ends a segment.

    Raises:
        InputError: The faces have no tracks.

    >>> from mien.core.labels import Labels
    >>> labels = Labels(("sad", "happy"))
    >>> def result(time, happy):
    ...     faces = Faces([[0, 0, 40, 50]], [1], [0], [time], tracks=[1], probs=[[1 - happy, happy]], labels=labels)
    ...     return FrameResult("a.mp4", 0, time, faces)
    >>> for segment in segments([result(0.0, 0.75), result(0.5, 0.75), result(1.0, 0.25)]):
    ...     print(segment)
    Segment(track=1, label='happy', start=0.0, end=1.0, confidence=0.75)
    Segment(track=1, label='sad', start=1.0, end=1.5, confidence=0.75)
    """
    segmenter = Segmenter(gap)
    for result in results:
        yield from segmenter.update(result)
    yield from segmenter.close()
