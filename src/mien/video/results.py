"""What was read from sources: all of one, and all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, MediaError, MissingExtraError
from mien.core.faces import Faces
from mien.core.formatting import counted, shortened
from mien.core.frame_result import FrameResult, Row, flat_keys, flat_row
from mien.core.labels import Labels
from mien.core.notebook import PNGImages, html_table

if TYPE_CHECKING:
    import pandas

    from mien.tracking.persons import PersonSummaries
    from mien.tracking.segments import Segment
    from mien.video.summary import Overview


@dataclass(frozen=True, eq=False)
class VideoResult:
    """All that was read from one source.

    Args:
        source: Name of the source.
        faces: Every face of every sampled frame.
        frames: ``(n,)`` int64 index of each sampled frame that could be read, also of those without a face.
        times: ``(n,)`` float64 seconds of each of them.
        failures: Results of what could not be read, in their place in time.
        gap: Seconds; a person not seen for longer was away.
        skip_talking: Whether people, segments and charts leave out stretches in which somebody talks.
        remarks: What a person should know about where it comes from, a line each.
        names: What people are called whom somebody has named (`mien.people`), by track.

    >>> from mien.core.drawn_face import draw_portrait
    >>> from mien.video.analyze import analyze
    >>> [video] = analyze(draw_portrait())
    >>> video.frames.tolist(), video.faces.emotions
    ([0], ['happy'])
    """

    source: str
    faces: Faces
    frames: NDArray[np.int64]
    times: NDArray[np.float64]
    failures: tuple[FrameResult, ...] = ()
    gap: float = 1.0
    skip_talking: bool = False
    remarks: tuple[str, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)

    @staticmethod
    def collect(
        source: str,
        results: Iterable[FrameResult],
        labels: Labels,
        gap: float = 1.0,
        skip_talking: bool = False,
    ) -> VideoResult:
        """Put the results of one source together."""
        parts, frames, times, failures = [Faces.empty(labels)], [], [], []
        for result in results:
            if result.error is None:
                parts.append(result.faces)
                frames.append(result.frame)
                times.append(result.time)
            else:
                failures.append(result)
        return VideoResult(
            source,
            Faces.concatenate(parts),
            np.array(frames, np.int64),
            np.array(times, np.float64),
            tuple(failures),
            gap,
            skip_talking,
        )

    def results(self) -> Iterator[FrameResult]:
        """Frame by frame, in order; what could not be read stands where it was met."""
        starts = np.searchsorted(self.faces.frames, self.frames, "left")
        ends = np.searchsorted(self.faces.frames, self.frames, "right")
        failures = list(self.failures)
        for frame, time, start, end in zip(self.frames, self.times, starts, ends, strict=True):
            while failures and failures[0].frame is not None and failures[0].frame <= frame:
                yield failures.pop(0)
            yield FrameResult(self.source, int(frame), float(time), self.faces[start:end])
        yield from failures

    def rows(self) -> Iterator[Row]:
        """One plain dict per face, per frame without any and per failure."""
        return (row for result in self.results() for row in result.rows())

    def overview(self) -> Overview:
        """The video in short: who was there, what was shown when, where nobody was seen; what charts and
        reports are made of.

        Raises:
            InputError: The faces were not classified.
        """
        from mien.video.summary import Overview

        if self.faces.labels is None:
            raise InputError(f"{self.source}: expected faces whose expressions were read; got none")
        overview = Overview(self.source, self.faces.labels, gap=self.gap, skip_talking=self.skip_talking)
        for result in self.results():
            overview.add(result)
        overview.end()
        return overview

    def __repr__(self) -> str:
        lost = f", {len(self.failures)} not read" if self.failures else ""
        name = shortened(self.source, 40)
        return f"VideoResult({name}, {counted(len(self.frames), 'frame')}{lost}, {counted(len(self.faces), 'face')})"

    def _repr_html_(self) -> str:
        people = self.people()
        shown = people._repr_html_() if people else self.faces._repr_html_()
        return f"<p>{escape(repr(self))}</p>{shown}"

    def plot(self) -> PNGImages:
        """Charts of a video over time and of its people; of an image its faces. A notebook shows them, and
        ``plot()[0].save(path)`` writes one.

        Raises:
            MissingExtraError: matplotlib is not installed.
            InputError: Nobody has classified its faces.
        """
        from mien.video.charts import charts_of

        return charts_of(self)

    def people(self) -> PersonSummaries:
        """Each person in numbers, in order of ids: when they were seen, what they showed, for how long.
        Nobody where nobody was followed."""
        from mien.tracking.persons import PersonSummaries

        return PersonSummaries(self.overview().people if self._followed else [])

    def segments(self) -> list[Segment]:
        """Stretches in which a person shows one expression, in order of time. None where nobody was
        followed."""
        return self.overview().segments if self._followed else []

    @property
    def _followed(self) -> bool:
        return self.faces.tracks is not None and self.faces.labels is not None


class Results(Sequence[VideoResult]):
    """What `mien.analyze` gives: a sequence of one `VideoResult` per source.

    Args:
        videos: In the order of the sources.
        labels: Names of the columns of ``probs``.

    >>> from mien.core.drawn_face import draw_portrait
    >>> from mien.video.analyze import analyze
    >>> results = analyze([draw_portrait(), np.zeros((90, 90, 3), np.uint8)])
    >>> len(results), results.faces.emotions, [row["status"] for row in results.rows()]
    (2, ['happy'], ['face', 'no_face'])
    """

    def __init__(self, videos: Iterable[VideoResult], labels: Labels) -> None:
        self._videos = tuple(videos)
        self.labels = labels

    def __len__(self) -> int:
        return len(self._videos)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._videos[index]

    def __repr__(self) -> str:
        frames = counted(sum(len(video.frames) for video in self), "frame")
        return f"Results({counted(len(self), 'source')}, {frames}, {counted(len(self.faces), 'face')})"

    def _repr_html_(self) -> str:
        titles = ("source", "frames", "faces", "people", "not read")
        return html_table(titles, map(_cells, self), len(self), repr(self))

    def plot(self) -> PNGImages:
        """The charts of every source (`VideoResult.plot`), one below the other.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return PNGImages(image for video in self if len(video.frames) for image in video.plot())

    @property
    def faces(self) -> Faces:
        """The faces of all sources, one after the other. Of images and videos together they have what both have:
        who is who, and smoothing, only in `VideoResult.faces` of each video."""
        return Faces.concatenate(Faces.alike([Faces.empty(self.labels), *(video.faces for video in self)]))

    @property
    def errors(self) -> list[MediaError]:
        """What could not be read, in order."""
        return [failure.error for video in self for failure in video.failures if failure.error is not None]

    def rows(self) -> list[Row]:
        """Plain dicts, ready for JSON: one per face, per frame without any and per failure (keys:
        `ROW_KEYS`)."""
        return [row for video in self for row in video.rows()]

    def to_pandas(self) -> pandas.DataFrame:
        """A table of the rows, with the corners of the box and the probabilities in columns of their own as
        well.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("data frames", "pandas", "pandas") from None
        landmarks = any(video.faces.measures is not None for video in self)
        return pandas.DataFrame(
            [flat_row(row, self.labels, landmarks) for row in self.rows()],
            columns=flat_keys(self.labels, landmarks),
        )


def _cells(video: VideoResult) -> tuple[object, ...]:
    people, lost = len(video.people()), len(video.failures)
    return shortened(video.source, 60), len(video.frames), len(video.faces), people or "", lost or ""
