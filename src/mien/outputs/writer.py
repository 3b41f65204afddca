"""The one loop of a run: each source, each frame, each writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.core.errors import MediaError, source_error
from mien.media.byte_source import name_of
from mien.outputs.base import RunContext, Writer, title
from mien.outputs.spec import OutputSpec
from mien.tracking.persons import baseline_remarks
from mien.video.runner import AnalyzedFrame
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview


class RunWriter:
    """Passes the sources of a run to all writers; a context manager. Tables appear when its block ends well,
    all else with each source.

    Args:
        asked: What is written.
        run: What is read, and how.
        others: Further writers, such as one that shows rows.

    Attributes:
        failures: Why a source lacks some of its files; its rows are there all the same.
        remarks: What a person should know about the sources and the files.
        videos: How many of the sources so far are videos.
    """

    def __init__(self, asked: OutputSpec, run: RunContext, others: Sequence[Writer] = ()) -> None:
        self.failures: list[MediaError] = []
        self.videos = 0
        self._run = run
        self._writers = [*asked.writers(run), *others]
        self._remarks: list[str] = []
        self._open = ExitStack()
        self._at_work: tuple[AnalyzedSource, Overview] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for writer in self._writers:
                opening.enter_context(writer)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def written(self) -> list[Path]:
        """What is there so far: tables first, then what is about one source each."""
        ordered = sorted(self._writers, key=lambda writer: writer.per_video)
        return [path for writer in ordered for path in writer.written]

    @property
    def remarks(self) -> list[str]:
        return [*self._remarks, *(remark for writer in self._writers for remark in writer.remarks)]

    @property
    def details(self) -> dict[Path, str]:
        """What some of the files hold, in a few words."""
        return {path: text for writer in self._writers for path, text in writer.details.items()}

    def write(self, sources: Iterable[AnalyzedSource]) -> None:
        """Write sources, each to its end before the next one comes."""
        for source in sources:
            self._remarks += source.media.remarks if source.media else ()
            video = self._overview(source)
            self.videos += video is not None
            self._at_work = None if video is None else (source, video)
            for writer in self._writers:
                with self._isolated(writer, source):
                    writer.begin(source)
            for frame in self._frames(source):
                if video is not None:
                    video.add(frame.result)
                for writer in self._writers:
                    with self._isolated(writer, source):
                        writer.write(frame)
            if video is not None:
                video.end()
                self._remarks += video.remarks()
                if self._run.video_options.smoothing.baseline is not None:
                    self._remarks += baseline_remarks(video.source, video.people)
            for writer in self._writers:
                with self._isolated(writer, source):
                    writer.finish(source, video)

    @property
    def of_parts(self) -> bool:
        """Whether `write_parts` has anything to write."""
        return any(writer.of_parts for writer in self._writers)

    def write_parts(self, kept: Iterable[AnalyzedSource]) -> list[Path]:
        """After a run was stopped, write of videos what tells by itself that it is about a part of one
        (`Writer.of_parts`).

        Args:
            kept: Videos as far as they were read, where a checkpoint keeps them.

        Returns:
            What was written.
        """
        before, writers = self.written, [writer for writer in self._writers if writer.of_parts]
        for writer in writers:
            writer.run = replace(writer.run, thumbnails=False)  # Nobody waits for a second pass any more.
        if self._at_work is not None and not self._at_work[0].kept:
            self._at_work[1].whole = False
            self._write_part(*self._at_work, writers)
        for source in kept if writers else ():
            if (video := self._overview(source)) is not None:
                for result in source.again():
                    video.add(result)
                self._write_part(source, video, writers)
        return [path for path in self.written if path not in before]

    def _write_part(self, source: AnalyzedSource, video: Overview, writers: Sequence[Writer]) -> None:
        video.end()
        for writer in writers:
            if writer.places[source.position] not in writer.written:
                with self._isolated(writer, source):
                    writer.finish(source, video)

    def _overview(self, source: AnalyzedSource) -> Overview | None:
        if not source.moves:
            return None
        duration = source.media.duration if source.media else None
        options = self._run.video_options
        return Overview(
            name_of(source.source),
            self._run.labels,
            duration,
            options.smoothing.gap,
            source.whole,
            options.talking == "skip",
        )

    def _frames(self, source: AnalyzedSource) -> Iterator[AnalyzedFrame]:
        """Its frames; where all of it was read before, their writing is what takes time."""
        if not source.kept:
            return source.frames
        return self._run.follow(source.frames, f"writing {title(source.source)}")

    @contextmanager
    def _isolated(self, writer: Writer, source: AnalyzedSource) -> Iterator[None]:
        """What goes wrong with a file about one source must not take the others with it; rows that cannot be
        written end the run."""
        try:
            yield
        except Exception as error:
            if not writer.per_video:
                raise
            self.failures.append(source_error(name_of(source.source), error))
