"""What was read from sources: one frame, one source, all of them; and the rows that tables are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import MediaError, MissingExtraError
from mien.faces import Face, Faces
from mien.labels import Labels
from mien.names import printable

if TYPE_CHECKING:
    import pandas

    from mien.smooth import Person, Segment

Status = Literal["face", "no_face", "error"]
Row = dict[str, Any]

ROW_KEYS = ("source", "frame", "time", "status", "track", "box", "score", "emotion", "confidence", "probs", "steady", "smooth", "shown", "error")
"""Keys of every row, in order: the same in JSON, CSV, pandas and everywhere else."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One sampled frame accounted for: its faces, that it has none, or why it could not be read.

    Args:
        source: Name of the source, spelled as `mien.names.spelled` says.
        frame: Index of the frame in its source; None when the source could not be opened at all.
        time: Seconds; None when unknown.
        faces: Faces of the frame.
        error: What went wrong, or None.

    >>> [row["status"] for row in Reading("a.jpg", 0, 0.0, Faces.empty()).rows()]
    ['no_face']
    """

    source: str
    frame: int | None
    time: float | None
    faces: Faces
    error: MediaError | None = None

    @property
    def status(self) -> Status:
        if self.error is not None:
            return "error"
        return "face" if len(self.faces) else "no_face"

    def rows(self) -> Iterator[Row]:
        """One plain dict per face, or one for a frame without any; the keys are `ROW_KEYS`."""
        faces: Iterable[Face | None] = self.faces if self.status == "face" else (None,)
        for face in faces:
            yield {
                "source": self.source,
                "frame": self.frame,
                "time": None if self.time is None else round(self.time, 6),
                "status": self.status,
                "track": face and face.track,
                "box": face and list(face.box),
                "score": face and face.score,
                "emotion": face and face.emotion,
                "confidence": face and face.confidence,
                "probs": face and face.probs,
                "steady": face and face.steady,
                "smooth": face and face.smooth,
                "shown": face and face.shown,
                "error": None if self.error is None else printable(str(self.error)),
            }


@dataclass(frozen=True, eq=False)
class Recording:
    """All that was read from one source.

    Args:
        source: Name of the source.
        faces: Every face of every sampled frame.
        frames: ``(n,)`` int64 index of each sampled frame that could be read, also of those without a face.
        times: ``(n,)`` float64 seconds of each of them.
        failures: Readings of what could not be read, in their place in time.
        gap: Seconds; a person not seen for longer was away.
    """

    source: str
    faces: Faces
    frames: NDArray[np.int64]
    times: NDArray[np.float64]
    failures: tuple[Reading, ...] = ()
    gap: float = 1.0

    @staticmethod
    def collect(source: str, readings: Iterable[Reading], labels: Labels, gap: float = 1.0) -> Recording:
        """Put the readings of one source together."""
        parts, frames, times, failures = [Faces.empty(labels)], [], [], []
        for reading in readings:
            if reading.error is None:
                parts.append(reading.faces)
                frames.append(reading.frame)
                times.append(reading.time)
            else:
                failures.append(reading)
        return Recording(source, Faces.concatenate(parts), np.array(frames, np.int64), np.array(times, np.float64), tuple(failures), gap)

    def readings(self) -> Iterator[Reading]:
        """Frame by frame, in order; what could not be read stands where it was met."""
        starts = np.searchsorted(self.faces.frames, self.frames, "left")
        ends = np.searchsorted(self.faces.frames, self.frames, "right")
        failures = list(self.failures)
        for frame, time, start, end in zip(self.frames, self.times, starts, ends, strict=True):
            while failures and failures[0].frame is not None and failures[0].frame <= frame:
                yield failures.pop(0)
            yield Reading(self.source, int(frame), float(time), self.faces[start:end])
        yield from failures

    def rows(self) -> Iterator[Row]:
        """One plain dict per face, per frame without any and per failure."""
        return (row for reading in self.readings() for row in reading.rows())

    def people(self) -> list[Person]:
        """Each person in numbers, in order of ids: when they were seen, what they showed, for how long. Nobody where nobody was followed."""
        from mien.smooth import People

        if self.faces.tracks is None or self.faces.labels is None:
            return []
        people = People(self.faces.labels, self.gap)
        for reading in self.readings():
            people.add(reading)
        return people.close()

    def segments(self) -> list[Segment]:
        """Stretches in which a person shows one expression, in order of time. None where nobody was followed."""
        from mien.smooth import segments

        if self.faces.tracks is None:
            return []
        return sorted(segments(self.readings(), self.gap), key=lambda segment: (segment.start, segment.track))


class Results(Sequence[Recording]):
    """What `mien.analyze` gives: a sequence of one `Recording` per source.

    Args:
        recordings: In the order of the sources.
        labels: Names of the columns of ``probs``.
    """

    def __init__(self, recordings: Iterable[Recording], labels: Labels) -> None:
        self._recordings = tuple(recordings)
        self.labels = labels

    def __len__(self) -> int:
        return len(self._recordings)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._recordings[index]

    def __repr__(self) -> str:
        return f"Results({len(self)} sources, {sum(len(recording.frames) for recording in self)} frames, {len(self.faces)} faces)"

    @property
    def faces(self) -> Faces:
        """The faces of all sources, one after the other."""
        return Faces.concatenate([Faces.empty(self.labels), *(recording.faces for recording in self)])

    @property
    def errors(self) -> list[MediaError]:
        """What could not be read, in order."""
        return [failure.error for recording in self for failure in recording.failures if failure.error is not None]

    def rows(self) -> list[Row]:
        """Plain dicts, ready for JSON: one per face, per frame without any and per failure (keys: `ROW_KEYS`)."""
        return [row for recording in self for row in recording.rows()]

    def to_pandas(self) -> pandas.DataFrame:
        """A table of the rows, with the corners of the box and the probabilities in columns of their own as well.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("data frames", "pandas", "pandas") from None
        return pandas.DataFrame([flat_row(row, self.labels) for row in self.rows()], columns=flat_keys(self.labels))


_CORNERS = ("x1", "y1", "x2", "y2")


def flat_keys(labels: Labels) -> list[str]:
    """Columns of a flat table: `ROW_KEYS`, the corners of the box, every expression, every expression smoothed (``smooth_happy``), and, as it is
    long and seldom there, ``error`` at the end."""
    return [*(key for key in ROW_KEYS if key != "error"), *_CORNERS, *labels, *(f"smooth_{name}" for name in labels), "error"]


def flat_row(row: Row, labels: Labels) -> Row:
    """A row with the corners of its box and its probabilities in keys of their own as well."""
    corners = dict(zip(_CORNERS, row["box"] or [None] * 4, strict=True))
    smooth = {f"smooth_{name}": value for name, value in (row["smooth"] or dict.fromkeys(labels)).items()}
    return {**row, **corners, **(row["probs"] or dict.fromkeys(labels)), **smooth}
