"""What every writer of a run's files has in common. A new format is a class like these in a file of its own,
and a line in `mien.outputs.formats`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, Self, TypeVar

from mien.core.errors import MissingExtraError
from mien.core.labels import Labels
from mien.core.names import titled
from mien.media.blur import Blur
from mien.media.byte_source import name_of
from mien.video.runner import AnalyzedFrame, Source, VideoOptions
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.events.event import Event
    from mien.inference.landmarks import FaceMesh
    from mien.reports.video import Facts

T = TypeVar("T")


class Follow(Protocol):
    """Sees what is done frame by frame, with words for it, such as a progress bar does."""

    def __call__(self, items: Iterable[T], what: str, /) -> Iterator[T]: ...


def not_followed(items: Iterable[T], _: str, /) -> Iterator[T]:
    """Nobody looks."""
    return iter(items)


class Extra(NamedTuple):
    """What must be installed to write a format.

    Args:
        what: The format, as a message calls it.
        extra: Mien's extra, as in ``pip install 'mien[extra]'``.
        module: By which it is known whether the extra is there.
        package: That module's package.
    """

    what: str
    extra: str
    module: str
    package: str

    def require(self) -> None:
        """See whether it is there.

        Raises:
            MissingExtraError: It is not installed.
        """
        if find_spec(self.module) is None:
            raise MissingExtraError(self.what, self.extra, self.package)


@dataclass(frozen=True)
class RunContext:
    """What the files of a run have in common.

    Args:
        sources: All that is read.
        labels: Expressions that the network tells apart.
        video_options: How they are read: a second pass must give the same frames.
        facts: What a report tells of the run; each video's name becomes its title.
        covering: Whose faces are covered in copies and left out of reports.
        thumbnails: Whether reports show faces.
        sound: Whether copies of videos keep their sound.
        mesh: Finds the points of faces for copies; None where landmarks were not asked for.
        transcript: What was said in the video, for its report.
        follow: Sees the frames of a video as they are written, which is after all of them were read.
    """

    sources: Sequence[Source]
    labels: Labels
    video_options: VideoOptions
    facts: Facts
    covering: Blur | None = None
    thumbnails: bool = False
    sound: bool = True
    mesh: FaceMesh | None = None
    transcript: Sequence[Event] = ()
    follow: Follow = not_followed

    @property
    def landmarks(self) -> bool:
        """Whether landmarks were asked for, and so files hold their measures."""
        return self.mesh is not None


class Writer:
    """Writes one kind of file of a run; a context manager. It sees every source from its beginning to its
    end: `begin`, `write` for each frame, `finish`. What a writer does not need it leaves as it is here.

    Args:
        places: Where it writes: one path for all sources, or where ``per_video`` one path for each source by
            its position.
        run: What is read, and how.

    Attributes:
        extra: What must be installed, or None.
        per_video: Whether each video has a file of its own; such a file that cannot be written fails alone,
            while a table that cannot be written ends the run.
        of_parts: Whether it also writes of a video that was not read to its end, and says so in its file.
        written: Files that are there now, in order.
        remarks: What a person should know about them.
        details: What some of them hold, in a few words.
    """

    extra: ClassVar[Extra | None] = None
    per_video: ClassVar[bool] = True
    of_parts: ClassVar[bool] = False

    def __init__(self, places: Sequence[Path], run: RunContext) -> None:
        self.places, self.run = places, run
        self.written: list[Path] = []
        self.remarks: list[str] = []
        self.details: dict[Path, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The run is over; where it ended well (``kind`` is None), all that was begun is there now."""

    def begin(self, source: AnalyzedSource) -> None:
        """A source comes."""

    def write(self, frame: AnalyzedFrame) -> None:
        """A frame of it; those of videos come smoothed and without their image."""

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        """The source is over.

        Args:
            source: The same as in `begin`; its frames can be had again with ``source.again``.
            video: A video in short; None for an image, and for what could not be read.
        """


class PerVideoWriter(Writer):
    """Writes one file for each video, once all of it was read."""

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        if video is not None:
            path = self.places[source.position]
            self.write_video(path, source, video)
            self.written.append(path)

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        """Write the file of one video; it appears whole."""
        raise NotImplementedError


def title(source: Source) -> str:
    """What a source is called in titles: its last folder and its name."""
    name = name_of(source)
    if name == "-":
        return "standard input"
    return titled(source) if isinstance(source, str | Path) else Path(name).name
