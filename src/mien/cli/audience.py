"""``mien audience``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.console import Console
from mien.cli.exits import INTERRUPTED, PART_NOT_READ, Interrupted
from mien.cli.options import ModelOptions, SourceOptions, grouped
from mien.cli.span_options import SpanOptions
from mien.core.names import quoted
from mien.core.stops import stops

if TYPE_CHECKING:
    from mien.audience.options import AudienceOptions
    from mien.audience.outputs import AudienceOutputSpec
    from mien.audience.result import Audience
    from mien.media.live import LiveOptions

_MEASURING, _OUTPUT = "Measuring", "Output"


@dataclass(frozen=True)
class MeasuringOptions:
    """How an audience is measured."""

    interval: Annotated[
        float, typer.Option(help="Seconds between two looks.", rich_help_panel=_MEASURING)
    ] = 1.0
    window: Annotated[
        float, typer.Option(help="Seconds for which there is one set of figures.", rich_help_panel=_MEASURING)
    ] = 10.0
    min_group: Annotated[
        int, typer.Option(help="Tell nothing about fewer people; 4 at least.", rich_help_panel=_MEASURING)
    ] = 4
    quorum: Annotated[
        str | None,
        typer.Option(
            metavar="N|P%",
            help="Tell nothing unless so many are read, or such a share of the most that were.",
            show_default=False,
            rich_help_panel=_MEASURING,
        ),
    ] = None
    context: Annotated[
        float,
        typer.Option(
            help="Seconds before and after a key point that are compared.", rich_help_panel=_MEASURING
        ),
    ] = 30.0
    offset: Annotated[
        float,
        typer.Option(
            help="When the presentation began: added to the times of key points.", rich_help_panel=_MEASURING
        ),
    ] = 0.0
    mapping: Annotated[
        str,
        typer.Option(
            help="What counts as positive, neutral, negative: valence, yin, or a .toml or .json file.",
            rich_help_panel=_MEASURING,
        ),
    ] = "valence"
    seconds: Annotated[
        float | None,
        typer.Option(
            "--duration",
            metavar="SECONDS",
            help="Stop after so many seconds.",
            show_default=False,
            rich_help_panel=_MEASURING,
        ),
    ] = None
    seed: Annotated[int, typer.Option(help="Of the intervals.", min=0, rich_help_panel=_MEASURING)] = 0

    def options(self, live: LiveOptions) -> AudienceOptions:
        """How an audience is measured.

        Raises:
            InputError: A value is impossible.
        """
        from mien.audience.options import AudienceOptions
        from mien.metrics.sentiment import open_mapping

        times = (self.interval, self.window, self.context)
        return AudienceOptions(
            *times,
            self.min_group,
            self._quorum(),
            open_mapping(self.mapping),
            self.offset,
            self.seconds,
            self.seed,
            live,
        )

    def _quorum(self) -> float | int | None:
        from mien.core.errors import InputError

        text = self.quorum
        try:
            if text is None:
                return None
            return float(text[:-1]) / 100 if text.endswith("%") else int(text)
        except ValueError:
            raise InputError(
                f"expected --quorum as a number of people or a share such as 50%; got {quoted(text)}"
            ) from None


@dataclass(frozen=True)
class ResultOptions:
    """What is shown and written."""

    form: Annotated[
        Literal["table", "csv", "json"],
        typer.Option("--format", help="What goes to standard output.", rich_help_panel=_OUTPUT),
    ] = "table"
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write a file; give it again for more. Windows: .csv; everything: .json; report: .html; chart: .png.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    changes: Annotated[
        Path | None,
        typer.Option(
            help="Write the changes at key points as .csv.", show_default=False, rich_help_panel=_OUTPUT
        ),
    ] = None

    def asked(self, sources: Sequence[object]) -> AudienceOutputSpec:
        """What is written.

        Raises:
            InputError: A file cannot be written, or would be written over what is read.
            MissingExtraError: What a file needs is not installed.
        """
        from mien.audience.outputs import AudienceOutputSpec

        asked = AudienceOutputSpec(tuple(self.output or ()), self.changes)
        asked.check(sources)
        return asked

    def show(self, result: Audience) -> None:
        """Fill standard output."""
        from mien.audience.outputs import write_rows
        from mien.cli.audience_view import summarise

        if self.form == "table":
            summarise(result, Console())
        else:
            write_rows(sys.stdout, result, self.form)


@grouped
def audience(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A video; screen: (screen:2, screen:x,y,w,h); camera:0; rtsp://..., http://...; live:VIDEO.",
            show_default=False,
        ),
    ],
    measuring: MeasuringOptions,
    span: SpanOptions,
    opening: SourceOptions,
    networks: ModelOptions,
    wanted: ResultOptions,
    consented: Annotated[
        bool,
        typer.Option(
            "--consented",
            help="Everybody who can be seen knows of this and agrees, and the law allows it. Needed.",
        ),
    ] = False,
    key_points: Annotated[
        Path | None,
        typer.Option(
            help="Key points of the presentation: CSV (time,label) or WebVTT.",
            show_default=False,
            rich_help_panel=_MEASURING,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No view and no remarks; errors still show.")
    ] = False,
) -> None:
    """Measure what an audience shows over time and at key points, as a group: nothing about one person is
    shown or written.

    Everybody counts once in each window of time, however often read. Nothing is told about fewer than four
    people, and no image is kept. mien describes a facial expression, not an emotion that a person feels.
    In the EU it is forbidden to infer emotions of people at work and in education (AI Act, Article 5(1)(f)),
    whether they agree or not: docs/audience.md.

    Ctrl-C ends a measurement; what was measured is written. Exit status: 0, 3 when a part could not be
    read, 130 when a video was stopped half-way.

    Example: mien audience talk.mp4 --consented -o audience.html
    """
    # Here, not above: `mien --help` should not wait for the networks' library.
    from mien.audience.keypoints import read_key_points
    from mien.audience.measuring import measure
    from mien.audience.outputs import PartialResultWriter
    from mien.cli.audience_view import Follower
    from mien.media import Sampling

    _agreed(consented)
    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    start, end = span.span()
    options = replace(measuring.options(opening.options(Sampling())), start=start, end=end)
    asked = wanted.asked([source, key_points, measuring.mapping])
    points, amiss = ([], []) if key_points is None else read_key_points(key_points)
    for remark in amiss:
        notes.print(remark)
    pipeline = networks.pipeline()
    with PartialResultWriter(asked.partial, pipeline.labels) as keeper:
        with _ended_by_hand(), Follower(source, options, pipeline.labels, (keeper.add, notes)) as follower:
            result = measure(source, options, points, pipeline=pipeline, watcher=follower)
        written = asked.write(result) if result.windows else []
    wanted.show(result)
    for path in written:
        notes.print(f"wrote {path}")
    raise typer.Exit(_status(result))


def _agreed(consented: bool) -> None:
    from mien.core.errors import InputError

    if not consented:
        raise InputError(
            "expected --consented: say with it that everybody who can be seen knows of this measurement and agrees to it, and that the law allows "
            "it; in the EU it is forbidden to infer emotions of people at work and in education, whether they agree or not (AI Act, Article "
            "5(1)(f)): docs/audience.md"
        )


@contextmanager
def _ended_by_hand() -> Iterator[None]:
    """Ctrl-C, or a request to end, is how measuring ends, and no accident; before it has begun, or once more, it ends the
    command."""
    before = {stop: signal.signal(stop, signal.default_int_handler) for stop in stops()}
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted from None
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


def _status(result: Audience) -> int:
    if result.finished:
        return 0
    return INTERRUPTED if result.stopped else PART_NOT_READ
