"""The one loop of a run: each source, each frame, each writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    """

    def __init__(self, asked: OutputSpec, run: RunContext, others: Sequence[Writer] = ()) -> None:
        self.failures: list[MediaError] = []
        self._run = run
        self._writers = [*asked.writers(run), *others]
        self._remarks: list[str] = []
        self._open = ExitStack()

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
                if self._run.video_options.smoothing.baseline is not None:
                    self._remarks += baseline_remarks(video.source, video.people)
            for writer in self._writers:
                with self._isolated(writer, source):
                    writer.finish(source, video)

    def _overview(self, source: AnalyzedSource) -> Overview | None:
        if not source.moves:
            return None
        duration = source.media.duration if source.media else None
        return Overview(
            name_of(source.source), self._run.labels, duration, self._run.video_options.smoothing.gap
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
