"""What people see of an audience while it is measured, and at the end: figures about the group, of windows
that are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from mien.audience.options import AudienceOptions
from mien.audience.report import WORDS, points
from mien.audience.result import LAW, Audience, Shift, Window, by_effect
from mien.audience.timeline import overall, pieces
from mien.cli.console import Console
from mien.cli.strips import Strips, key_line
from mien.cli.table import Table, TableColumn
from mien.core.formatting import clock, counted, lasting, percent, percents
from mien.core.labels import NOTICE, Labels
from mien.metrics.sentiment import SENTIMENTS

_BAR, _STRIP = 32, 48
_MOST_POINTS = 30

_ROUNDED = "shares are rounded, more coarsely the fewer people there are, and need not add up to 100 %"


class Follower:
    """Shows a measurement on a terminal, and hands every window on.

    Args:
        source: What is measured.
        options: How.
        labels: Expressions that are told apart.
        hands: Who is given the windows; where remarks and the view go.
    """

    def __init__(
        self,
        source: str,
        options: AudienceOptions,
        labels: Labels,
        hands: tuple[Callable[[Sequence[Window]], None], Console],
    ) -> None:
        self._source, self._options, self._labels = source, options, labels
        self._keep, self._console = hands
        self._time = 0.0
        self._window: Window | None = None
        self._strip: list[Window] = []
        shown = self._console.is_terminal and not self._console.quiet
        self._live = (
            Live(get_renderable=lambda: self, console=self._console, refresh_per_second=4, transient=True)
            if shown
            else None
        )

    def __enter__(self) -> Follower:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def looked(self, time: float, windows: Sequence[Window]) -> None:
        """Take note of a look, and of the windows that are over."""
        self._keep(windows)
        self._time = time
        if windows:
            self._window = windows[-1]
            self._strip = [*self._strip, *windows][-_STRIP:]

    def remark(self, line: str) -> None:
        """Show a line for people."""
        self._console.print(line, style="dim")

    def __rich__(self) -> RenderableType:
        """The board as it is now."""
        head = Text.assemble((self._source, "bold"), f"  {clock(self._time, 0)}")
        return Group(
            head,
            *self._figures(),
            _over_time(self._strip, self._labels, self._console),
            _wrapped(f"{NOTICE} {LAW}", "dim"),
        )

    def _figures(self) -> list[RenderableType]:
        window = self._window
        if window is None:
            return [_wrapped(f"the first figures come after {lasting(self._options.window)}", "dim")]
        span = f"{clock(window.start, 0)} to {clock(window.end, 0)}"
        if window.shares is None:
            return [_wrapped(f"{span}: {_nothing(window, self._options)}", "dim")]
        similarity, coverage = percent(window.similarity or 0), percent(window.coverage or 0)
        line = f"{span}: {counted(window.participants or 0, 'person', 'people')}, similarity {similarity}, read in {coverage} of the looks"
        return [_wrapped(line), *_all_bars(window.shares, window.sentiment, self._labels)]


def summarise(audience: Audience, console: Console) -> None:
    """Print a measurement in short."""
    line = f"{len(audience.reported)} of {counted(len(audience.windows), 'window')} of {lasting(audience.options.window)} with figures"
    console.print(
        Text.assemble((audience.source, "bold"), f"  {lasting(audience.length)}, {line}"), soft_wrap=True
    )
    whole = overall(audience)
    if whole is None:
        nothing = {_nothing(window, audience.options): None for window in audience.windows}
        console.print(Text(f"no figures: {'; '.join(nothing) or 'no window was completed'}"), soft_wrap=True)
    elif whole.shares:
        people = counted(whole.participants or 0, "person", "people")
        most = f"up to {people}, each counted once in a window; similarity {percent(whole.similarity or 0)}"
        console.print(Text(most), soft_wrap=True)
        for bars in _all_bars(whole.shares, whole.sentiment, audience.labels):
            console.print(bars)
        console.print(_wrapped(_ROUNDED, "dim"))
        console.print(_over_time(audience.windows, audience.labels, console), soft_wrap=True)
    if audience.changes:
        console.print()
        console.print(_changes(audience))
        if len(audience.changes) > _MOST_POINTS:
            console.print(
                Text(
                    f"… and {len(audience.changes) - _MOST_POINTS} more: --changes FILE.csv keeps them all",
                    style="dim",
                )
            )
    console.print(Text(f"{NOTICE} {LAW}", style="dim"), soft_wrap=True)


def _wrapped(text: str, style: str = "") -> Text:
    """A line of the board; remarks go to the same console, which leaves lines long, and would cut these."""
    return Text(text, style, no_wrap=False, overflow="fold")


def _nothing(window: Window, options: AudienceOptions) -> str:
    if window.status == "too_few":
        asked = "" if options.quorum is None else ", or than --quorum asks for,"
        return f"fewer people than {options.min_group}{asked} were read"
    return WORDS[window.status]


def _all_bars(
    shares: Mapping[str, float], sentiment: Mapping[str, float] | None, labels: Labels
) -> list[RenderableType]:
    """Of expressions, and of sentiments where they are known."""
    return [_bars(shares, labels), *([_bars(sentiment, SENTIMENTS)] if sentiment else [])]


def _bars(shares: Mapping[str, float], classes: Labels) -> Table:
    table = Table(TableColumn(kind="text"), TableColumn(kind="text", drop=1), TableColumn())
    texts = percents(shares)
    for name, share in shares.items():
        colour = classes.colour(name)
        bar = ProgressBar(1.0, share, width=_BAR, complete_style=colour, finished_style=colour)
        table.add_row(Text.assemble(("● ", colour), name), bar, texts[name])
    return table


def _over_time(windows: Sequence[Window], labels: Labels, console: Console) -> Text:
    """What was shown most in each window, a dot where nothing is told; and what letters stand for."""
    strips, strip = Strips(labels, console), Text("over time  ")
    joined = -(-len(windows) // _STRIP) if windows else 1
    for first in range(0, len(windows), joined):
        shares = next((window.shares for window in windows[first : first + joined] if window.shares), None)
        if shares is None:
            strip.append("·", style="dim")
        else:
            best = max(pieces(shares), key=lambda piece: piece[2])[0]
            strip.append_text(strips.sign(best))
    return strip.append(f"  {key_line(strips.key)}" if strips.key else "", style="dim")


def _changes(audience: Audience) -> Table:
    """The greatest effect first; numbers are those of the report and the chart."""
    table = Table(
        TableColumn("no."),
        TableColumn("time"),
        TableColumn("key point", "name"),
        TableColumn("changed clearly, in points of a hundred (interval)", "pieces"),
    )
    for number, change in by_effect(audience.changes)[:_MOST_POINTS]:
        expressions, sentiment = (
            _told(change.shifts, change.clear),
            _told(change.sentiment, change.clear_sentiment),
        )
        clear = (*expressions, *(f"sentiment: {told}" for told in sentiment))
        words = clear or Text(WORDS[change.status] or "nothing", style="dim")
        table.add_row(str(number), clock(change.time, 0), Text(change.label), words)
    return table


def _told(shifts: Mapping[str, Shift] | None, clear: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{name} {points(shifts[name].change)} ({points(shifts[name].low)} to {points(shifts[name].high)})"
        for name in clear
        if shifts is not None
    )
