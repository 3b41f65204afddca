"""Writes what a run was asked for, source by source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar

from mien.core.errors import MediaError, source_error
from mien.core.labels import Labels
from mien.core.names import spelled
from mien.media.byte_source import name_of
from mien.outputs.annotate import annotate_image, annotate_video, covered_boxes, pick
from mien.outputs.places import fitting
from mien.outputs.spec import OutputSpec
from mien.outputs.tables import Write, open_people, open_table, person_row
from mien.video.runner import FrameWork, Source, VideoOptions
from mien.video.sources import SourceWork
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.reports.video import Facts, Thumbnail

T = TypeVar("T")


class Follow(Protocol):
    """Sees what is done frame by frame, with words for it, such as a progress bar does."""

    def __call__(self, items: Iterable[T], what: str, /) -> Iterator[T]: ...


def _unseen(items: Iterable[T], _: str, /) -> Iterator[T]:
    return iter(items)


@dataclass(frozen=True)
class RunContext:
    """What the files of a run have in common.

    Args:
        sources: All that is read.
        labels: Expressions that the network tells apart.
        plan: How they are read: a second pass must give the same frames.
        facts: What a report tells of the run; each video's name becomes its title.
    """

    sources: Sequence[Source]
    labels: Labels
    plan: VideoOptions
    facts: Facts


class Writer:
    """Takes the sources of a run one by one; a context manager. Tables appear when its block ends well, all
    else with each source.

    Args:
        asked: What is written.
        run: What is read, and how.
        follow: Sees the frames of a video as they are written, which is after all of them were read.

    Attributes:
        written: What was written so far, in order.
        failures: Why a source lacks some of its files; its rows are there all the same.
        remarks: What a person should know about it.
    """

    def __init__(self, asked: OutputSpec, run: RunContext, follow: Follow = _unseen) -> None:
        self.asked, self.run = asked, run
        self.written: list[Path] = []
        self.failures: list[MediaError] = []
        self.remarks: list[str] = []
        self._follow = follow
        self._places = asked.placed(run.sources)
        self._tables = ExitStack()
        self._rows: list[Write] = []
        self._people: Write | None = None

    def __enter__(self) -> Writer:
        for path in self.asked.tables:
            self._rows.append(
                self._tables.enter_context(open_table(path, path.suffix.lower()[1:], self.run.labels))
            )
        if (people := self.asked.people) is not None:
            self._people = self._tables.enter_context(
                open_people(people, people.suffix.lower()[1:], self.run.labels)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tables.__exit__(kind, error, trace)
        if kind is None:
            self.written[:0] = [*self.asked.tables, *([self.asked.people] if self.asked.people else [])]

    def take(self, take: SourceWork, see: Callable[[FrameWork], None]) -> Overview | None:
        """Write one source, to its end.

        Args:
            take: What was read of it.
            see: Gets each frame as well.

        Returns:
            A video in short; None for an image.
        """
        name = name_of(take.source)
        self.remarks += take.media.remarks if take.media else ()
        overview = (
            Overview(
                name,
                self.run.labels,
                take.media.duration if take.media else None,
                self.run.plan.smoothing.gap,
            )
            if take.moves
            else None
        )
        for frame in (
            take.frames if take.again is None else self._follow(take.frames, f"writing {_title(take.source)}")
        ):
            see(frame)
            rows = list(frame.result.rows()) if self._rows else []
            for write in self._rows:
                write(rows)
            if overview is not None:
                overview.add(frame.result)
            else:
                with self._isolated(name):
                    self._copy_image(frame)
        if overview is not None:
            overview.end()
            self._about(take, overview)
        return overview

    def _about(self, take: SourceWork, overview: Overview) -> None:
        """What is about one video."""
        if self._people is not None:
            self._people(person_row(overview.source, person, self.run.labels) for person in overview.people)
        for path in self._places.about[take.position]:
            with self._isolated(overview.source):
                self._write(path, take, overview)
                self.written.append(path)
        if self._places.plots is not None:
            from mien.reports.plots import write_charts

            with self._isolated(overview.source):
                self.written += write_charts(self._places.plots[take.position], overview, _title(take.source))
        with self._isolated(overview.source):
            self._copy_video(take, overview)

    @contextmanager
    def _isolated(self, name: str) -> Iterator[None]:
        """What goes wrong with a file about one source must not take the others with it."""
        try:
            yield
        except Exception as error:
            self.failures.append(source_error(name, error))

    def _write(self, path: Path, take: SourceWork, overview: Overview) -> None:
        match path.suffix.lower():
            case ".html":
                from mien.reports.video import write_report

                remarks = [("Remark", remark) for remark in (take.media.remarks if take.media else ())]
                facts = replace(
                    self.run.facts, title=_title(take.source), settings=[*self.run.facts.settings, *remarks]
                )
                write_report(
                    path, overview, facts, self._thumbnails(take, overview) if self.asked.thumbnails else ()
                )
            case ".eaf":
                from mien.outputs.elan import write_elan

                write_elan(
                    path,
                    overview.segments,
                    self.run.labels,
                    Path(take.source) if isinstance(take.source, str | Path) else None,
                )
            case _:
                from mien.outputs.subtitles import cues, write_subtitles

                write_subtitles(path, cues(overview.segments, overview.start + overview.length))

    def _thumbnails(self, take: SourceWork, overview: Overview) -> list[Thumbnail]:
        from mien.reports.thumbnails import thumbnails

        assert take.again is not None, "a second pass needs a journal"
        with self.run.plan.open(take.source) as media:
            return thumbnails(
                overview,
                pick(media, self._follow(take.again(), f"faces of {_title(take.source)}")),
                self.asked.covering,
            )

    def _copy_image(self, frame: FrameWork) -> None:
        if self._places.copies is None or frame.media is None or frame.image is None:
            return
        place = self._place(frame.position, frame.media.kind)
        annotate_image(place, frame.image, frame.result, self.asked.covering)
        self.written.append(place)

    def _copy_video(self, take: SourceWork, overview: Overview) -> None:
        if self._places.copies is None or take.media is None:
            return
        assert take.again is not None, "a second pass needs a journal"
        place = self._place(take.position, take.media.kind)
        covering = self.asked.covering
        boxes = None if covering is None else covered_boxes(take.again(), covering)
        drawn = self._follow(take.again(), f"drawing {_title(take.source)}")
        with self.run.plan.open(take.source) as media:
            annotate_video(place, media, drawn, boxes, 1.0 if covering is None else covering.strength)
        self.written.append(place)
        if covering is not None and (unseen := covering.unseen(overview.timeline.people)):
            self.remarks.append(
                f"{name_of(take.source)}: nobody has the number {', '.join(map(str, unseen))}: look at the copy and its numbers"
            )

    def _place(self, position: int, kind: str) -> Path:
        assert self._places.copies is not None
        return fitting(
            self._places.copies[position], kind, named=self._places.copies == [self.asked.annotate]
        )


def _title(source: Source) -> str:
    name = name_of(source)
    return (
        "standard input"
        if name == "-"
        else spelled(Path(source).name)
        if isinstance(source, str | Path)
        else Path(name).name
    )
