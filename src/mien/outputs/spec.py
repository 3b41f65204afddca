"""What a person asks a run to write, checked before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from mien.core.atomic import check_writable, remove_partials
from mien.core.errors import InputError, MediaError
from mien.core.output_names import is_pattern, refuse_sources
from mien.events import read_events
from mien.media import open_media
from mien.media.blur import Blur
from mien.outputs.annotate import AnnotatedCopies
from mien.outputs.base import RunContext, Writer
from mien.outputs.charts import CHARTS, Charts
from mien.outputs.formats import FORMATS, beside, ending_of, writer_of
from mien.outputs.places import OutputFiles, fitting
from mien.outputs.tables import TEXT_FORMATS
from mien.outputs.tables.writers import PersonsTable
from mien.video.runner import Source

_PERSONS = tuple(f".{form}" for form in TEXT_FORMATS)


@dataclass(frozen=True)
class OutputSpec:
    """What a run writes.

    Args:
        files: Tables of rows, subtitles, ELAN files, reports: what each one is, its ending says. In the name
            of what is about one video (subtitles, ELAN, report), ``{name}`` stands for the video's
            name and ``{parent}`` for that of its folder, as `mien.core.output_names` says.
        persons: Table of people, a row per person; None: not written.
        annotate: Copies with boxes and labels: a file for one source, a folder for several.
        plots: Folder for charts as PNG; for several sources a folder in it for each video.
        thumbnails: Show faces in reports.
        covering: Whose faces are covered in copies and left out of reports; such copies are without sound.
        sound: Copies of videos keep their sound.
        transcript: What was said in the one video, for its report: a file of events, such as WebVTT.

    Raises:
        InputError: Two files are the same, or an ending is unknown.
    """

    files: tuple[Path, ...] = ()
    persons: Path | None = None
    annotate: Path | None = None
    plots: Path | None = None
    thumbnails: bool = False
    covering: Blur | None = None
    sound: bool = True
    transcript: Path | None = None

    def __post_init__(self) -> None:
        for path in self.files:
            if ending_of(path) is None:
                raise InputError(
                    f"expected files ending in {', '.join(FORMATS)}; got {path}: give another name with -o"
                )
        if self.persons is not None and self.persons.suffix.lower() not in _PERSONS:
            raise InputError(
                f"expected a table of people ending in {', '.join(_PERSONS)}; got {self.persons}: give another name with --persons"
            )
        for number, path in enumerate(named := [*self._named(), *_beside(self.files)]):
            if path.absolute() in [other.absolute() for other in named[:number]]:
                raise InputError(
                    f"expected a file for each output; {path} is asked for twice: give another name"
                )
        if self.covering is not None and self.annotate is None:
            raise InputError("expected a copy to cover faces in; got --blur alone: add --annotate FILE")
        if not self.sound and self.annotate is None:
            raise InputError("expected a copy without sound; got --no-audio alone: add --annotate FILE")
        if self.thumbnails and not any(path.suffix.lower() == ".html" for path in self.files):
            raise InputError("expected a report to show faces in; got --thumbnails alone: add -o FILE.html")

    @property
    def patterns(self) -> list[Path]:
        """Files that each video has one of."""
        return [path for path in self.files if _format(path).per_video]

    def of_one_video(self, sources: Sequence[Source]) -> list[Path]:
        """What can only be there if there is a video: files without a place for names, and the charts of a single source."""
        named = [path for path in self.patterns if not is_pattern(path)]
        return named if self.plots is None or len(sources) != 1 else [*named, self.plots]

    @property
    def tables(self) -> list[Path]:
        """Files of rows of all sources."""
        return [path for path in self.files if not _format(path).per_video]

    @property
    def first(self) -> Path | None:
        """What a person named first; None where nothing is written."""
        return next(self._named(), None)

    @property
    def checkpoint(self) -> Path | None:
        """Where the checkpoint of the run lies: beside what a person named first; None where nothing is written.

        >>> OutputSpec((Path("out/{parent}/{name}.html"),)).checkpoint
        PosixPath('out/{parent}-{name}.html.checkpoint')
        """
        first = self.first
        if first is None:
            return None
        fixed = Path(*takewhile(lambda part: not is_pattern(Path(part)), first.parts[:-1]))
        return fixed / f"{'-'.join(first.relative_to(fixed).parts)}.checkpoint"

    def placed(self, sources: Sequence[Source]) -> OutputFiles:
        """Where everything goes that is about one source each."""
        return OutputFiles.find(self, sources)

    def writers(self, run: RunContext) -> list[Writer]:
        """What writes all of it, tables first."""
        run = replace(
            run,
            covering=self.covering,
            thumbnails=self.thumbnails,
            sound=self.sound and self.covering is None,
            transcript=() if self.transcript is None else read_events(self.transcript)[0],
        )
        places = self.placed(run.sources)
        found = [_format(path)([path], run) for path in self.tables]
        if self.persons is not None:
            found.append(PersonsTable([self.persons], run))
        for column, pattern in enumerate(self.patterns):
            found.append(_format(pattern)([paths[column] for paths in places.about], run))
        if places.plots is not None:
            found.append(Charts(places.plots, run))
        if places.copies is not None:
            named = places.copies == [self.annotate]
            found.append(AnnotatedCopies(places.copies, run, named=named))
        return found

    def remove_partials(self, sources: Sequence[Source]) -> None:
        """Delete what a run that was killed left half-written; not while another one may be at work."""
        places = self.placed(sources)
        copies = [] if places.copies is None else places.copies
        for place in [
            *self.tables,
            *self._people(),
            *places.named,
            *copies,
            *(copy.with_name(f"{copy.name}.mp4") for copy in copies),
            *_beside([*self.tables, *places.named]),
        ]:
            remove_partials(place)
        for folder in places.plots or ():
            for name in CHARTS:
                remove_partials(folder / name)

    def check(self, sources: Sequence[Source]) -> None:
        """See whether all of it can be written, before hours of work that end in it.

        Raises:
            InputError: A place is one of the sources or cannot be written to, or several videos would get
                one file.
            MissingExtraError: What a file needs is not installed.
        """
        self._check_transcript(sources)
        places = self.placed(sources)
        self._refuse_twice(places)
        written = [*self.tables, *self._people(), *places.named]
        read = [*sources, self.transcript]
        refuse_sources([*written, *_beside(written)], read, "-o")
        if places.copies is not None:
            refuse_sources(places.copies, read, "--annotate")
        tried = [*self.tables, *self._people(), *places.tried]
        for place in [*tried, *_beside(tried)]:
            check_writable(place)
        self._check_copy(sources)
        self._check_packages()

    def _refuse_twice(self, places: OutputFiles) -> None:
        """Names without and with places for names may come to the same."""
        columns = [[path] for path in [*self.tables, *self._people()]] + [
            list(column) for column in zip(*places.about, strict=True)
        ]
        taken: set[Path] = set()
        for column in columns:
            own = {path.absolute() for path in [*column, *_beside(column)]}
            if both := taken & own:
                raise InputError(
                    f"expected a file for each output; {min(both)} is asked for twice: give another name"
                )
            taken |= own

    def _check_copy(self, sources: Sequence[Source]) -> None:
        if self.annotate is None or len(sources) > 1 or not self.annotate.suffix or self.annotate.is_dir():
            return
        check_writable(self.annotate)
        with suppress(MediaError), open_media(sources[0]) as media:
            fitting(self.annotate, media.kind, named=True)

    def remarks(self) -> list[str]:
        """What was amiss with files that outputs take, a line each."""
        return [] if self.transcript is None else read_events(self.transcript)[1]

    def _check_transcript(self, sources: Sequence[Source]) -> None:
        if self.transcript is None:
            return
        if len(sources) > 1:
            raise InputError(
                f"expected one video with --transcript; got {len(sources)}: analyze them one by one"
            )
        if not any(path.suffix.lower() == ".html" for path in self.files):
            raise InputError("expected a report for --transcript; got none: add -o FILE.html")
        read_events(self.transcript)

    def _people(self) -> list[Path]:
        return [] if self.persons is None else [self.persons]

    def _check_packages(self) -> None:
        formats: list[type[Writer]] = [
            *dict.fromkeys(map(_format, self.files)),
            *([Charts] if self.plots else []),
        ]
        for writer in formats:
            if writer.extra is not None:
                writer.extra.require()

    def _named(self) -> Iterator[Path]:
        yield from self.files
        yield from (path for path in (self.persons, self.annotate, self.plots) if path is not None)


def _beside(paths: Iterable[Path]) -> list[Path]:
    """Further files that are written with some."""
    return [more for path in paths if (more := beside(path)) is not None]


def _format(path: Path) -> type[Writer]:
    """What writes a file whose ending has been checked."""
    writer = writer_of(path)
    assert writer is not None
    return writer
