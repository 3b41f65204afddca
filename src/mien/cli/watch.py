"""``mien watch``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live

from mien.cli.console import Console, say_json
from mien.cli.exits import NOTHING_READ, PART_NOT_READ, Interrupted
from mien.cli.marking import marking
from mien.cli.options import (
    NetworkOptions,
    SourceOptions,
    StreamFormat,
    StreamOptions,
    grouped,
)
from mien.cli.outlet_options import OutletOptions
from mien.cli.talking_options import TalkingOptions

if TYPE_CHECKING:
    from mien.cli.watch_view import Board
    from mien.media.live import LiveSource
    from mien.video.live import Watched


@grouped
def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="camera:0, rtsp://..., http://..., screen: (screen:2, screen:x,y,w,h), or live:VIDEO.",
            show_default=False,
        ),
    ],
    over_time: StreamOptions,
    talk: TalkingOptions,
    opening: SourceOptions,
    networks: NetworkOptions,
    handing: OutletOptions,
    seconds: Annotated[
        float | None,
        typer.Option("--duration", metavar="SECONDS", help="Stop after so many seconds.", show_default=False),
    ] = None,
    form: Annotated[
        StreamFormat, typer.Option("--format", help="A view for people, or a JSON object per frame.")
    ] = StreamFormat.text,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No view and no remarks; errors still show.")
    ] = False,
) -> None:
    """Watch a camera, a stream or the screen: the people in view, the expression that each one shows, how
    fast it goes.

    Always the newest frame is read; those that come meanwhile are passed over. A source that is lost is
    opened again until it is back. Nothing is stored or sent, unless --record or --outlet ask for it; then each key that is pressed
    marks the moment. Ctrl-C ends it with a summary. Where standard output is not a terminal, a line is written whenever
    something changes.

    Exit status: 0, 1 when the source cannot be opened or gave no frame, 3 when something could not be handed on or recorded.

    Example: mien watch camera:0 --record evening
    """
    # Here, not above: `mien --help` should not wait for the networks' library.
    from mien.cli.watch_view import Board
    from mien.media.live import Address, open_live
    from mien.outputs.run_info import run_settings
    from mien.tracking.options import Tracking
    from mien.tracking.session import Session
    from mien.video.live import watch as follow

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    screen = Console(quiet=quiet)
    video_options = over_time.video_options()
    options = opening.options(video_options.sampling)
    # One core is the source's: networks that take all of them hold up the thread that takes frames.
    networks = talk.networks(networks)
    networks = replace(networks, threads=networks.threads or max(1, (os.cpu_count() or 2) - 1))
    tracking = Tracking(cuts=Address.parse(source).cuts)
    talking = talk.video_options(video_options).talking
    pipeline = networks.pipeline()
    session = Session(pipeline, tracking, video_options.smoothing, talking)

    def tell(line: str) -> None:
        notes.print(line, style="dim")

    run = run_settings(networks.config(), replace(video_options, tracking=tracking), pipeline)
    with open_live(source, options, tell) as live, handing.opened(live.name, pipeline, run, tell) as outlets:
        board = Board(live, session.labels, networks.landmarks, talking == "skip")
        with (
            _stoppable(),
            marking(outlets, tell),
            _jsonl(live) if form is StreamFormat.jsonl else _view(board, screen) as see,
        ):
            for watched in follow(live, session, seconds, outlets.through):
                outlets.send(watched)
                board.update(watched)
                see(watched)
        board.summary(notes if form is StreamFormat.jsonl else screen)
    if not board.meter.read:
        raise typer.Exit(NOTHING_READ)
    raise typer.Exit(PART_NOT_READ if outlets.failed else 0)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C is how watching ends, not an accident."""
    with suppress(Interrupted):
        yield


@contextmanager
def _view(board: Board, screen: Console) -> Iterator[Callable[[Watched], None]]:
    """A board on a terminal; elsewhere a line whenever something changes."""
    if screen.is_terminal and not screen.quiet:
        with Live(get_renderable=lambda: board, console=screen, refresh_per_second=8, transient=True):
            yield lambda watched: None
    else:
        last: list[object] = [None]

        def see(watched: Watched) -> None:
            if board.shown != last[0]:
                last[0] = board.shown
                screen.print(f"{watched.frame.time:9.2f} s  {board.line}", soft_wrap=True)

        yield see


@contextmanager
def _jsonl(live: LiveSource) -> Iterator[Callable[[Watched], None]]:
    """An object for each frame on standard output."""

    def write(watched: Watched) -> None:
        frame, faces, timing = watched
        row = {
            "source": live.name,
            "frame": frame.index,
            "time": round(frame.time, 6),
            "latency": round(timing.latency, 6),
            "skipped": live.skipped,
            "faces": [face.streamed() for face in faces],
        }
        say_json(row, indent=None)

    yield write
