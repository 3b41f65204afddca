"""What people see of a run: a table of the faces in images, and a line with a strip of colours for each
video, and for each person in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from rich.text import Text

from mien.cli.console import Console
from mien.cli.strips import Strips, key_line
from mien.cli.table import Table, TableColumn
from mien.core.face import POSE_TITLE
from mien.core.formatting import counted, percent, percents
from mien.core.labels import NOTICE, UNCERTAIN
from mien.outputs.base import RunContext, Writer
from mien.tracking.persons import PersonSummary, ranked
from mien.video.runner import AnalyzedFrame
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview
from mien.video.timeline import Timeline

_MOST_ROWS = 200
_MOST_PEOPLE = 20
_STRIP = 24
_OVER_TIME = "over time"


class Summary(Writer):
    """Takes every frame of a run and shows them at the end.

    Args:
        run: What is read.
    """

    per_video = False

    def __init__(self, run: RunContext) -> None:
        super().__init__((), run)
        self.read = 0
        self.failed = 0
        self._labels = run.labels
        self._images: list[tuple[Text | str, ...]] = []
        self._more = 0
        self._videos: list[Overview] = []

    def write(self, frame: AnalyzedFrame) -> None:
        """Count one frame."""
        bad = frame.result.error is not None
        self.failed += bad
        self.read += not bad
        if not bad and (frame.media is None or frame.media.kind == "image"):
            self._add_image(frame)

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        """Take a video in short."""
        if video is not None:
            self._videos.append(video)

    def _add_image(self, frame: AnalyzedFrame) -> None:
        name = frame.result.source
        rows: list[tuple[Text | str, ...]] = (
            [(name, "", Text("no face", style="dim"))] if not len(frame.result.faces) else []
        )
        for number, face in enumerate(frame.result.faces, 1):
            assert face.probs is not None
            ranked = sorted(face.probs, key=face.probs.__getitem__, reverse=True)
            # Beside "uncertain" stands no number: the best guess has its own.
            then = ranked[0] if face.label == UNCERTAIN else ranked[1]
            rows.append(
                (
                    name if number == 1 else "",
                    str(number),
                    self._named(str(face.label)),
                    "" if face.display_confidence is None else percent(face.display_confidence),
                    f"{then} {percent(face.probs[then])}",
                    " ".join(f"{value:.0f}" for value in face.box),
                    *([face.pose] if self.run.landmarks else []),
                )
            )
        room = max(0, _MOST_ROWS - len(self._images))
        self._images += rows[:room]
        self._more += len(rows[room:])

    def show(self, console: Console) -> None:
        """Print what was counted."""
        if self._images:
            console.print(self._image_table())
        if self._more:
            console.print(
                f"… and {counted(self._more, 'row')} more: -o faces.csv keeps them all", style="dim"
            )
        key: dict[str, str] = {}
        if self._videos:
            key |= self._print(self._video_table, console)
        if series := {video.series for video in self._videos if video.with_face}:
            used = " or ".join(sorted(series, reverse=True))
            console.print(f"of the time: share of the time in view by {used}, all people", style="dim")
        # Of somebody alone the table of videos says all but how often they blink.
        if len(self._videos) == 1 and len(self._videos[0].people) >= (1 if self.run.landmarks else 2):
            key |= self._show_people(self._videos[0], console)
        if key:
            console.print(f"{_OVER_TIME}: {key_line(key)}", style="dim")
        if self._images or self._videos:
            console.print(NOTICE, style="dim")

    def _print(self, made: Callable[[Strips], Table], console: Console) -> dict[str, str]:
        """Print a table; gives the letters that are to be seen in it, by what they stand for."""
        strips = Strips(self._labels, console)
        table = made(strips)
        console.print(table)
        return strips.key if table.shows(_OVER_TIME, console) else {}

    def _image_table(self) -> Table:
        table = Table(
            "image",
            "face",
            TableColumn("expression", "text"),
            "confidence",
            TableColumn("second guess", "text", drop=1),
            TableColumn("box x1 y1 x2 y2", "text", drop=2),
            *([TableColumn(POSE_TITLE, "text", drop=3)] if self.run.landmarks else []),
        )
        short = _shortened([str(row[0]) for row in self._images])
        for name, row in zip(short, self._images, strict=True):
            table.add_row(name, *row[1:])
        return table

    def _video_table(self, strips: Strips) -> Table:
        table = Table(
            "video",
            "frames",
            TableColumn("with a face", drop=1),
            "people",
            TableColumn("of the time", "text"),
            TableColumn(_OVER_TIME, "text", drop=2),
        )
        short = _shortened([overview.source for overview in self._videos])
        for name, overview in zip(short, self._videos, strict=True):
            frames = f"{overview.frames} in {overview.length:.1f} s" + (
                f"\n+{overview.failed} lost" if overview.failed else ""
            )
            share = percent(overview.with_face / max(1, overview.frames))
            people = str(len(overview.people)) if overview.people else ""
            table.add_row(
                name,
                frames,
                share,
                people,
                Text("\n").join(self._shares(overview.shares())),
                self._strip(strips, overview.timeline),
            )
        return table

    def _show_people(self, overview: Overview, console: Console) -> dict[str, str]:
        longest = sorted(overview.people, key=lambda person: -person.seconds)[:_MOST_PEOPLE]
        console.print()
        people = sorted(longest, key=lambda person: person.track)
        key = self._print(partial(self._people_table, overview, people), console)
        if more := len(overview.people) - len(longest):
            which = counted(more, "person", "people")
            console.print(f"… and {which} in view for less time: --persons persons.csv has all", style="dim")
        return key

    def _people_table(self, overview: Overview, people: Sequence[PersonSummary], strips: Strips) -> Table:
        table = Table(
            TableColumn("person"),
            TableColumn("from", drop=2),
            TableColumn("to", drop=1),
            "in view",
            "confidence",
            TableColumn("of the time", "pieces"),
            TableColumn(_OVER_TIME, "text", drop=3),
            *([TableColumn("blinks a minute", drop=4)] if self.run.landmarks else []),
        )
        for person in people:
            times = (f"{value:.1f} s" for value in (person.first, person.end, person.seconds))
            strip = self._strip(strips, overview.timeline, person.track)
            table.add_row(
                str(person.track),
                *times,
                percent(person.confidence),
                self._shares(ranked(person.shares)),
                strip,
                *([person.blink_rate] if self.run.landmarks else []),
            )
        return table

    def _shares(self, shares: dict[str, float]) -> tuple[Text, ...]:
        if not shares:
            return (Text("no face", style="dim"),)
        texts = percents(shares)
        return tuple(self._named(name).append(f" {texts[name]}") for name in shares if texts[name] != "< 1 %")

    def _strip(self, strips: Strips, timeline: Timeline, track: int | None = None) -> Text:
        """The leading expression of each part of the video, a dot where there was no face."""
        strip = Text()
        course, everybody = timeline.course(track, _STRIP), timeline.course(None, _STRIP)
        lead = round((course.start - everybody.start) / everybody.step)
        strip.append(" " * lead)
        for looked, seconds, label in zip(
            everybody.looked[lead:], course.seconds, course.label_ids.tolist(), strict=False
        ):
            if seconds:
                strip.append_text(strips.sign(self._labels.display_name(label)))
            else:
                strip.append("·" if looked else " ", style="dim")
        return strip

    def _named(self, name: str) -> Text:
        return Text.assemble(("● ", self._labels.colour(name)), name)


def _shortened(names: list[str]) -> list[str]:
    """Names without the folder that they all lie in.

    >>> _shortened(["a/b/1.jpg", "", "a/c/2.jpg"]), _shortened(["a/b/1.jpg"])
    (['b/1.jpg', '', 'c/2.jpg'], ['1.jpg'])
    """
    folders = [os.path.dirname(name) for name in names if name]
    shared = (
        os.path.commonpath(folders)
        if folders and len({os.path.isabs(folder) for folder in folders}) == 1
        else ""
    )
    return [os.path.relpath(name, shared) if name and shared else name for name in names]
