"""What measuring an audience gives: windows and changes, in which nobody can be found; as rows of tables and as
plain facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mien.audience.options import AudienceOptions
from mien.core.formatting import clock, counted, percent, percents, shortened
from mien.core.labels import NOTICE, Labels
from mien.core.notebook import PNGImage, html_table
from mien.metrics.sentiment import SENTIMENTS

WindowStatus = Literal["reported", "too_few", "blank", "not_looked"]
ChangeStatus = Literal["measured", "too_few", "too_short", "not_reached"]
Shares = Mapping[str, float]


@dataclass(frozen=True)
class Window:
    """What an audience showed for some seconds. Where too few people were read there is no figure of any
    kind.

    Args:
        start: Seconds.
        end: Seconds.
        status: ``reported``; ``too_few`` people, or nobody; ``blank``: the image was of one colour, as when
            a screen is locked; ``not_looked``: the source gave no image.
        samples: How often it was looked at.
        participants: How many people were read, each counted once.
        shares: Mean probability of each expression, each participant with the same weight.
        sentiment: The same as positive, neutral, negative; None, too, where nobody has said how pleasant each class is.
        similarity: How much alike the participants were, 0 to 1 (`mien.audience.similarity`).
        coverage: In which share of the looks the participants were read, 0 to 1.
        key_points: Labels of the key points that fall into it.

    >>> window = Window(0.0, 10.0, "too_few", samples=10)
    >>> window.shares is None  # of three people nothing is told
    True
    """

    start: float
    end: float
    status: WindowStatus
    samples: int
    participants: int | None = None
    shares: Shares | None = None
    sentiment: Shares | None = None
    similarity: float | None = None
    coverage: float | None = None
    key_points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shift:
    """How the share of one expression or sentiment changed.

    Args:
        before: Share before the key point, 0 to 1.
        after: Share after it.
        change: ``after - before``.
        low: Lower end of the interval of the change; all intervals of a measurement hold together at 95 %.
        high: Upper end.
        clear: Whether it is told as a change.

    >>> Shift(before=0.2, after=0.5, change=0.3, low=0.1, high=0.5, clear=True).clear
    True
    """

    before: float
    after: float
    change: float
    low: float
    high: float
    clear: bool


@dataclass(frozen=True)
class Change:
    """What changed at a key point.

    Args:
        time: Seconds of the key point on the clock of the source.
        label: Its words.
        status: ``measured``; ``too_few`` people before or after; ``too_short`` a stretch before or after;
            ``not_reached``: the source ended before.
        participants: The least number of people on either side.
        shifts: For each expression.
        sentiment: For positive, neutral, negative; None, too, where nobody has said how pleasant each class is.

    >>> shift = Shift(before=0.2, after=0.5, change=0.3, low=0.1, high=0.5, clear=True)
    >>> change = Change(90.0, "Prices", "measured", participants=8, shifts={"happy": shift})
    >>> change.clear, change.effect
    (('happy',), 0.3)
    """

    time: float
    label: str
    status: ChangeStatus
    participants: int | None = None
    shifts: Mapping[str, Shift] | None = None
    sentiment: Mapping[str, Shift] | None = None

    @property
    def clear(self) -> tuple[str, ...]:
        """Expressions whose share changed clearly."""
        return tuple(name for name, shift in (self.shifts or {}).items() if shift.clear)

    @property
    def clear_sentiment(self) -> tuple[str, ...]:
        """Sentiments whose share changed clearly."""
        return tuple(name for name, shift in (self.sentiment or {}).items() if shift.clear)

    @property
    def effect(self) -> float:
        """The greatest clear change of an expression or sentiment, 0 to 1; 0 where nothing changed clearly,
        -1 where nothing could be compared."""
        if self.shifts is None:
            return -1.0
        shifts = [*self.shifts.values(), *(self.sentiment or {}).values()]
        return max((abs(shift.change) for shift in shifts if shift.clear), default=0.0)


@dataclass(frozen=True)
class Audience:
    """An audience over time, in aggregate only.

    Args:
        source: Its name.
        labels: The expressions that were told apart.
        options: How it was measured.
        windows: In order of time.
        changes: One per key point, in order of time.
        length: Seconds that were measured.
        finished: False where a video was stopped by hand, or a part of the source could not be read.
        stopped: Whether it was ended by hand.
        remarks: What there is to know besides, a line each.
        reader: What found the faces and what read them.

    >>> from mien.core.labels import EXPRESSIONS
    >>> windows = (Window(0.0, 10.0, "too_few", samples=10), Window(10.0, 20.0, "reported", 10, participants=6))
    >>> audience = Audience("talk.mp4", EXPRESSIONS, AudienceOptions(), windows)
    >>> [window.start for window in audience.reported]
    [10.0]
    """

    source: str
    labels: Labels
    options: AudienceOptions
    windows: tuple[Window, ...]
    changes: tuple[Change, ...] = ()
    length: float = 0.0
    finished: bool = True
    stopped: bool = False
    remarks: tuple[str, ...] = ()
    reader: str = ""

    @property
    def reported(self) -> tuple[Window, ...]:
        """Windows with figures."""
        return tuple(window for window in self.windows if window.status == "reported")

    @property
    def tells_sentiment(self) -> bool:
        """Whether it is known of every expression how pleasant it is."""
        return not self.options.mapping.unknown(self.labels)

    def __repr__(self) -> str:
        counts = f"{counted(len(self.windows), 'window')}, {counted(len(self.changes), 'key point')}"
        return f"Audience({shortened(self.source, 40)}, {self.length:.0f} s, {counts})"

    def _repr_html_(self) -> str:
        named = SENTIMENTS if self.tells_sentiment else self.labels
        titles = ("window", "people", *named, "similarity", "key points")
        rows = (_cells(window, named) for window in self.windows)
        return html_table(titles, rows, len(self.windows), repr(self))

    def plot(self) -> PNGImage:
        """The chart of ``-o FILE.png``: expressions, sentiment and similarity over time. A notebook shows it, and
        ``plot().save(path)`` writes it.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from mien.audience.charts import chart_of

        return chart_of(self)


def _cells(window: Window, named: Labels) -> tuple[str, ...]:
    """What notebooks say about a window; of one without figures why there are none."""
    span = f"{clock(window.start, 0)} to {clock(window.end, 0)}"
    points = "; ".join(window.key_points)
    shares = window.sentiment if named is SENTIMENTS else window.shares
    if shares is None or window.similarity is None:
        return (span, window.status.replace("_", " "), *("" for _ in named), "", points)
    told = percents(shares)
    return (
        span,
        str(window.participants),
        *(told[name] for name in named),
        percent(window.similarity),
        points,
    )


def by_effect(changes: Sequence[Change]) -> list[tuple[int, Change]]:
    """Key points with their numbers in order of time, the greatest effect first."""
    return sorted(enumerate(changes, 1), key=lambda pair: -pair[1].effect)


LAW = (
    "In the EU it is forbidden to infer emotions of people at work and in education (AI Act, Article 5(1)(f)); "
    "elsewhere, too, everybody has to know and agree first."
)

_FIRST = ("start", "end", "status", "samples", "participants", "coverage", "similarity")
CHANGE_COLUMNS = (
    "time",
    "label",
    "status",
    "participants",
    "of",
    "name",
    "before",
    "after",
    "change",
    "low",
    "high",
    "clear",
)
"""Columns of a table of changes."""


def columns(labels: Labels) -> list[str]:
    """Columns of a table of windows: the expressions bear their names, sentiments begin with
    ``sentiment_``."""
    return [*_FIRST, *labels, *(f"sentiment_{name}" for name in SENTIMENTS), "key_points"]


def window_row(window: Window, labels: Labels) -> dict[str, Any]:
    """One window as plain values, by `columns`; None where there is no figure."""
    shares: Mapping[str, float | None] = window.shares or dict.fromkeys(labels)
    sentiment: Mapping[str, float | None] = window.sentiment or dict.fromkeys(SENTIMENTS)
    return {
        **{name: getattr(window, name) for name in _FIRST},
        **shares,
        **{f"sentiment_{name}": value for name, value in sentiment.items()},
        "key_points": "; ".join(window.key_points) or None,
    }


def change_rows(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """A row for each expression and sentiment of each key point, by `CHANGE_COLUMNS`; one row where nothing
    could be compared."""
    for change in changes:
        lead = {
            "time": change.time,
            "label": change.label,
            "status": change.status,
            "participants": change.participants,
        }
        if change.shifts is None:
            yield {**dict.fromkeys(CHANGE_COLUMNS), **lead}
        for of, shifts in (("expression", change.shifts), ("sentiment", change.sentiment)):
            yield from (
                {**lead, "of": of, "name": name, **asdict(shift)} for name, shift in (shifts or {}).items()
            )


def facts(audience: Audience) -> dict[str, Any]:
    """All of a measurement as plain values, ready for JSON."""
    return {
        "source": audience.source,
        "notice": f"{NOTICE} {LAW}",
        "length": round(audience.length, 3),
        "finished": audience.finished,
        "options": settings(audience.options),
        "reader": audience.reader,
        "windows": [asdict(window) for window in audience.windows],
        "key_points": [_change(change) for change in audience.changes],
        "remarks": list(audience.remarks),
    }


def _change(change: Change) -> dict[str, Any]:
    def plain(shifts: Mapping[str, Shift] | None) -> dict[str, Any] | None:
        return None if shifts is None else {name: asdict(shift) for name, shift in shifts.items()}

    plain_fields = {
        "time": change.time,
        "label": change.label,
        "status": change.status,
        "participants": change.participants,
    }
    return {**plain_fields, "expression": plain(change.shifts), "sentiment": plain(change.sentiment)}


def settings(options: AudienceOptions) -> dict[str, Any]:
    """Options as plain values."""
    names = (
        "interval",
        "window",
        "context",
        "min_group",
        "quorum",
        "offset",
        "duration",
        "start",
        "end",
        "seed",
    )
    return {**{name: getattr(options, name) for name in names}, "mapping": options.mapping.name}
