"""What people see while a live source is watched, and at its end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from mien.cli.console import Console
from mien.cli.table import Table, TableColumn
from mien.core.face import POSE_TITLE, Face
from mien.core.formatting import counted, percent, percents
from mien.core.frame_result import FrameResult
from mien.core.labels import NOTICE, Labels
from mien.core.spacing import length_of
from mien.media.live import LiveSource, State
from mien.tracking.blinks import Blinks
from mien.tracking.persons import People, talking_remarks
from mien.tracking.segments import FrameSpans
from mien.video.live import Holding, Meter, Rates, Watched

_LANDMARKS = (
    TableColumn("blinks", drop=2),
    TableColumn(POSE_TITLE, "text", drop=3),
    TableColumn("mouth opening", drop=4),
)
_STATES = {State.live: "green", State.retrying: "bold red", State.opening: "yellow", State.ended: "dim"}


class Board:
    """The people in view, how fast it goes, how the source is.

    Args:
        source: What is watched.
        labels: Expressions that the model tells apart.
        landmarks: Whether they were asked for, and so are shown.
        skip_talking: Whether the summary leaves out stretches in which somebody talks.

    Attributes:
        meter: What counts the frames.
    """

    def __init__(
        self, source: LiveSource, labels: Labels, landmarks: bool = False, skip_talking: bool = False
    ) -> None:
        self.meter = Meter(source)
        self._source, self._labels, self._landmarks = source, labels, landmarks
        self._blinks = Blinks()
        self._holding = Holding()
        self._people: Sequence[tuple[Face, float]] = ()
        self._time = 0.0
        self._spans, self._everybody = FrameSpans(), People(labels, skip_talking)
        self._tracks: set[int] = set()

    def update(self, watched: Watched) -> None:
        """Take the next frame."""
        self.meter.count(watched.timing)
        faces, now = [face for face in watched.faces if face.label is not None], watched.frame.time
        held = self._holding.update(faces, now)
        self._time = now
        self._blinks.update(watched.faces)
        self._everybody.add(
            self._spans.update(FrameResult(self._source.name, watched.frame.index, now, watched.faces))
        )
        # Handed over in one piece: it is drawn on another thread.
        self._people = sorted(
            ((face, held.get(face.track or 0, 0.0)) for face in faces), key=lambda pair: pair[0].track or 0
        )
        for face in faces:
            self._tracks |= set() if face.track is None else {face.track}

    def __rich__(self) -> RenderableType:
        """The board as it is now."""
        return Group(self._state(), self._table(), self._rates(), _note())

    @property
    def line(self) -> str:
        """The people in view in one line."""
        return ", ".join(f"person {face.track}: {face.label}" for face, _ in self._people) or "nobody"

    @property
    def shown(self) -> tuple[tuple[int | None, str | None], ...]:
        """Who shows what; what a line is printed for when it changes."""
        return tuple((face.track, face.label) for face, _ in self._people)

    def summary(self, console: Console) -> None:
        """Print what was seen, and in how much of the stream's time."""
        source, rates = self._source, self.meter.rates()
        seconds = length_of(0.0, self._time, self.meter.read)
        came = f"{counted(source.captured, 'frame')} came, {self.meter.read:,} read, {source.skipped:,} passed over"
        console.print(Text(f"{source.name}: {seconds:.1f} s, {came}"), soft_wrap=True)
        if rates.median is not None:
            console.print(Text(_latency(rates)), soft_wrap=True)
        console.print(self._seen(), soft_wrap=True)
        for remark in talking_remarks(source.name, self._everybody):
            console.print(Text(remark), soft_wrap=True)
        console.print(_note(), soft_wrap=True)

    def _seen(self) -> Text:
        """Who was in view, and what was shown for how much of the time."""
        if not self._tracks:
            return Text("nobody was in view")
        self._everybody.add(self._spans.close())
        people = counted(len(self._tracks), "person", "people")
        shares = [
            self._named(name).append(f" {text}")
            for name, text in percents(self._everybody.shares()).items()
            if text != "< 1 %"
        ]
        return Text(f"{people}: ").append(Text(", ").join(shares)).append(" of the time in view")

    def _state(self) -> Text:
        source = self._source
        text = Text.assemble(
            (source.name, "bold"), "  ", (f"{source.state}", _STATES[source.state]), f"  {self._time:.1f} s"
        )
        if source.trouble is not None:
            text.append(f"\n{source.trouble}", "red")
        return text

    def _table(self) -> RenderableType:
        if not self._people:
            return Text("nobody in view", style="dim")
        table = Table(
            TableColumn("person"),
            TableColumn("expression", "text"),
            TableColumn("", "text", drop=1),
            "probability",
            "for",
            *(_LANDMARKS if self._landmarks else ()),
        )
        for face, held in self._people:
            chance, colour = face.display_confidence, self._labels.colour(str(face.label))
            bar = ProgressBar(1.0, chance or 0.0, width=24, complete_style=colour, finished_style=colour)
            text = "" if chance is None else percent(chance)
            moved = self._movements(face) if self._landmarks else ()
            table.add_row(str(face.track), self._named(str(face.label)), bar, text, f"{held:.1f} s", *moved)
        return table

    def _movements(self, face: Face) -> tuple[str, ...]:
        """What stands under `_LANDMARKS`; nothing is told of blinks in frames that are too far apart for them."""
        opening, track = (face.measures or {}).get("mouth_opening"), face.track or 0
        known = self._blinks.per_minute(track) is not None
        blinks = str(self._blinks.counts[track]) if known else "-"
        return blinks, face.pose, "" if opening is None else f"{opening:.2f}"

    def _rates(self) -> Text:
        rates = self.meter.rates()
        text = f"{rates.captured:.1f} frames a second come, {rates.read:.1f} are read, {rates.skipped:.1f} passed over"
        return Text(text if rates.median is None else f"{text}; {_latency(rates)}", style="dim")

    def _named(self, name: str) -> Text:
        return Text.assemble(("● ", self._labels.colour(name)), name)


def _latency(rates: Rates) -> str:
    median, slow = ((value or 0.0) * 1000 for value in (rates.median, rates.slow))
    return f"from frame to result: half within {median:.0f} ms, 95 in 100 within {slow:.0f} ms"


def _note() -> Text:
    return Text(NOTICE, style="dim")
