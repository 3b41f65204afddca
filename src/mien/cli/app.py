"""The command ``mien`` and what its subcommands share: consoles, exit statuses, errors in one line."""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import signal
import sys
import traceback
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer
from rich.text import Text

from mien import __version__
from mien.cli.agree import agree
from mien.cli.analyze import analyze
from mien.cli.audience import audience
from mien.cli.batch import batch
from mien.cli.console import Console, complain, prepare_streams, say
from mien.cli.data import data
from mien.cli.doctor import doctor
from mien.cli.evaluate import evaluate
from mien.cli.exits import BROKEN, INTERRUPTED, NOTHING_READ, USAGE, Interrupted
from mien.cli.explain import explain
from mien.cli.mcp import mcp
from mien.cli.models import models
from mien.cli.people import people
from mien.cli.reproduce import reproduce
from mien.cli.rules import rules
from mien.cli.score import score
from mien.cli.serve import serve
from mien.cli.study import study
from mien.cli.train import train
from mien.cli.watch import watch
from mien.cli.web import web
from mien.core.atomic import made_folder
from mien.core.errors import InputError, MediaError, MienError
from mien.core.labels import NOTICE
from mien.core.leftovers import tidy_up
from mien.core.masking import Masks, masked_text
from mien.core.names import printable
from mien.core.scratch import scratch_folder
from mien.core.stops import stops

app = typer.Typer(
    name="mien",
    help=f"Reads the facial expressions that images and videos show, on this machine. {NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_REFUSAL: type[Any] = next(
    kind for kind in reversed(typer.BadParameter.__mro__) if hasattr(kind, "format_message")
)
"""What Typer raises for a command line that it cannot read: `typer.TyperException` since 0.28, Click's before."""

ANALYZE = "Analyze, such as: mien analyze talk.mp4 -o rows.csv -o report.html"
LIVE = "Live, such as: mien watch camera:0"
JUDGE = "Judge, such as: mien evaluate small faces/"
TRAIN = "Train, such as: mien train faces/ --preset small --run runs/mine"
MAINTAIN = "Maintain, such as: mien models list"
"""Headings of ``mien --help``, each with an example."""

app.command(rich_help_panel=ANALYZE)(analyze)
app.command(rich_help_panel=ANALYZE)(batch)
app.command(rich_help_panel=ANALYZE)(audience)
app.add_typer(study, name="study", rich_help_panel=ANALYZE)
app.command(rich_help_panel=ANALYZE)(people)
app.command(rich_help_panel=LIVE)(watch)
app.command(rich_help_panel=LIVE)(serve)
app.command(rich_help_panel=LIVE)(mcp)
app.command(rich_help_panel=LIVE)(web)
app.add_typer(rules, name="rules", rich_help_panel=LIVE)
app.command(rich_help_panel=JUDGE)(evaluate)
app.command(rich_help_panel=JUDGE)(score)
app.command(rich_help_panel=JUDGE)(agree)
app.command(rich_help_panel=JUDGE)(explain)
app.command(rich_help_panel=TRAIN)(train)
app.add_typer(data, name="data", rich_help_panel=TRAIN)
app.command(rich_help_panel=TRAIN)(reproduce)
app.add_typer(models, name="models", rich_help_panel=MAINTAIN)
app.command(rich_help_panel=MAINTAIN)(doctor)


def _describe(group: typer.Typer) -> None:
    """Docstrings become help, each paragraph on one line: the terminal breaks it where it has to."""
    for command in group.registered_commands:
        lines = inspect.getdoc(command.callback) or ""
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in lines.split("\n\n"))
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _describe(inner.typer_instance)


_describe(app)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Add to this file what went wrong inside mien, with tracebacks.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """What stands before the name of a command."""
    if log is not None:
        _keep_log(log)


def _keep_log(path: Path) -> None:
    with made_folder(path.parent):
        keeper = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    keeper.setFormatter(_Dated("%(asctime)s %(levelname)s %(message)s"))
    keeper.addFilter(Masks())  # Libraries name addresses as they are.
    logging.getLogger("mien").addHandler(keeper)


class _Dated(logging.Formatter):
    """Lines whose times are told as all that mien writes."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        from mien.core.formatting import date_time

        return date_time(record.created, "milliseconds")


def main() -> NoReturn:
    """Run the command; every error of mien's own ends as one line on stderr and an exit status."""
    sys.excepthook = _tell_mistake
    try:
        for stop in stops():
            signal.signal(stop, _interrupt)
        prepare_streams()
        _spare_home()
        atexit.register(tidy_up)  # A command that a stop ends in good order may have been stopped twice.
        atexit.register(_end_unstopped)
        status: Any = app(standalone_mode=False)
    except (Interrupted, KeyboardInterrupt, typer.Abort) as error:
        # The last is raised at a question, at the end of the answers.
        _end_stopped(error)
    except (MienError, OSError, _REFUSAL) as error:
        # What was being read is closed with this: threads inside of ONNX Runtime or FFmpeg would break the end of Python.
        traceback.clear_frames(error.__traceback__)
        message, status = _told(error)
        _complain(message)
    sys.exit(status or 0)


def _told(error: Any) -> tuple[str, int]:
    """What is said of an error, if anything, and the exit status."""
    match error:
        case MediaError():
            return str(error), NOTHING_READ
        case InputError():
            return str(error), USAGE
        case MienError():
            return str(error), BROKEN
        case BrokenPipeError():
            # The reader of our output has gone (``mien ... | head``): leave quietly, and keep Python from
            # complaining too.
            sys.stderr.close()
            return "", 0
        case OSError():
            where = error.filename or "output"
            return f"{where}: {error.strerror or error}: make room or give another place", USAGE
    # Without a word it was `mien` alone, which has shown its help already.
    context = getattr(error, "ctx", None)
    command = "mien" if context is None else context.command_path
    # What Typer's types raise comes in the words of the library that calls them: "Value error, 'xml' is not one of ...".
    error.message = error.message.removeprefix("Value error, ")
    message = error.format_message()
    return f"{message} ({command} --help says more)" if message else "", error.exit_code


def _spare_home() -> None:
    """Let torch keep what it compiles, and matplotlib its list of fonts where it has left none yet, for this
    run alone, not in the user's folders."""
    held = ExitStack()
    try:
        folder = held.enter_context(scratch_folder())
    except OSError:
        return  # A disk that is full or cannot be written to: most commands need no such folder.
    atexit.register(held.close)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "torch"))
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if not (caches / "matplotlib").is_dir():
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))


def _interrupt(*_: object) -> NoReturn:
    decoder = sys.modules.get("mien.media.decoder")
    if decoder is not None:
        # The thread that reads ahead may wait for an image, and all for that thread.
        decoder.end_own_decoders()
    raise Interrupted


def _end_unstopped() -> None:
    """What is left to do takes milliseconds: a stop would only cut it off, with a traceback, or, where Python has already
    taken back our handlers, with a status that says nothing of how the command went."""
    for stop in stops():
        signal.signal(stop, signal.SIG_IGN)


def _end_stopped(stop: BaseException) -> NoReturn:
    """End a run that was stopped, and say what it leaves. A second stop may have cut short what the first one began."""
    _end_unstopped()
    remarks = tidy_up(stop)
    with suppress(OSError):  # Where the terminal's end is what stopped it, nobody is there to be told.
        Console(stderr=True).show_cursor()  # What moves on a terminal hides it.
        _complain(f"interrupted: {'; '.join(remarks) or 'nothing half-written was left behind'}")
    # Without Python's own end, which breaks where threads are still at work inside of ONNX Runtime or FFmpeg: nobody may have
    # waited for them.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # A pipe that nobody reads any more; a stream that was closed.
            stream.flush()
    os._exit(INTERRUPTED)


def _tell_mistake(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A mistake of mien's own, with its traceback, in which libraries name addresses as they are; or a stop that came while
    the command was ending already."""
    if issubclass(kind, Interrupted | KeyboardInterrupt):
        _end_stopped(error)
    complain(masked_text("".join(traceback.format_exception(kind, error, trace))))
    traceback.clear_frames(trace)


def _complain(message: str) -> None:
    if message:
        Console(stderr=True, soft_wrap=True).print(
            Text.assemble(("mien:", "bold red"), f" {printable(masked_text(message))}")
        )
