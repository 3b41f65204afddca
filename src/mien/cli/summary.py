"""What people see of a run: a table of the faces in pictures, and a line with a strip of colours for each video."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mien.analysis import Sighting
from mien.draw import NOTE
from mien.labels import Labels

_MOST_ROWS = 200
_STRIP = 24


@dataclass
class _Video:
    """Counts of one video; nothing here grows with its length."""

    name: str
    duration: float | None
    sums: np.ndarray
    slices: np.ndarray
    frames: int = 0
    with_face: int = 0
    failed: int = 0
    last: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


class Summary:
    """Takes every sighting of a run and shows them at the end.

    Args:
        labels: Expressions that the network tells apart.
    """

    def __init__(self, labels: Labels) -> None:
        self.read = 0
        self.failed = 0
        self._labels = labels
        self._pictures: list[tuple[Text | str, ...]] = []
        self._more = 0
        self._videos: dict[int, _Video] = {}

    def add(self, sighting: Sighting) -> None:
        """Count one frame."""
        bad = sighting.reading.error is not None
        self.failed += bad
        self.read += not bad
        if sighting.media is not None and sighting.media.kind != "picture":
            self._add_frame(sighting)
        elif not bad:
            self._add_picture(sighting)

    def _add_picture(self, sighting: Sighting) -> None:
        name = sighting.reading.source
        rows: list[tuple[Text | str, ...]] = [(name, "", Text("no face", style="dim"), "", "", "")] if not len(sighting.reading.faces) else []
        for number, face in enumerate(sighting.reading.faces, 1):
            assert face.probs is not None
            best, second = sorted(face.probs, key=face.probs.__getitem__, reverse=True)[:2]
            box = " ".join(f"{value:.0f}" for value in face.box)
            chance = f"{face.probs[best]:.2f}"
            rows.append((name if number == 1 else "", str(number), self._named(best), chance, f"{second} {face.probs[second]:.2f}", box))
        room = max(0, _MOST_ROWS - len(self._pictures))
        self._pictures += rows[:room]
        self._more += len(rows[room:])

    def _add_frame(self, sighting: Sighting) -> None:
        video = self._videos.get(sighting.position)
        if video is None:
            assert sighting.media is not None
            slices = np.zeros((_STRIP, 2 + len(self._labels)))
            video = _Video(sighting.reading.source, sighting.media.duration, np.zeros(len(self._labels)), slices)
            self._videos[sighting.position] = video
        reading = sighting.reading
        if reading.error is not None:
            video.failed += 1
            return
        video.frames += 1
        video.last = reading.time or 0.0
        faces = reading.faces
        video.with_face += len(faces) > 0
        for name in faces.emotions or []:
            video.counts[name] = video.counts.get(name, 0) + 1
        if video.duration:
            part = min(_STRIP - 1, max(0, int(video.last / video.duration * _STRIP)))
            video.slices[part, 0] += 1
            if len(faces) and faces.probs is not None:
                video.slices[part, 1] += len(faces)
                video.slices[part, 2:] += faces.probs.sum(axis=0)

    def show(self, console: Console) -> None:
        """Print what was counted."""
        if self._pictures:
            console.print(self._picture_table())
        if self._more:
            console.print(f"… and {self._more} rows more: -o faces.csv keeps them all", style="dim")
        if self._videos:
            console.print(self._video_table())
        if self._pictures or self._videos:
            console.print(f"{NOTE[0].upper()}{NOTE[1:]}.", style="dim")

    def _picture_table(self) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("picture", overflow="fold")
        for name in ("face", "expression", "confidence", "second guess", "box x1 y1 x2 y2"):
            table.add_column(name, no_wrap=True, justify="right" if name in ("face", "confidence") else "left")
        short = _shortened([str(row[0]) for row in self._pictures])
        for name, row in zip(short, self._pictures, strict=True):
            table.add_row(name, *row[1:])
        return table

    def _video_table(self) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("video", overflow="fold", min_width=12)
        for name in ("frames", "with a face", "of the faces", "over time"):
            table.add_column(name, no_wrap=True, justify="right" if name in ("frames", "with a face") else "left")
        short = _shortened([video.name for video in self._videos.values()])
        for name, video in zip(short, self._videos.values(), strict=True):
            length = video.last if video.duration is None else video.duration
            frames = f"{video.frames} in {length:.1f} s" + (f"\n+{video.failed} lost" if video.failed else "")
            share = f"{video.with_face} ({video.with_face / max(1, video.frames):.0%})"
            table.add_row(name, frames, share, self._shares(video), self._strip(video))
        return table

    def _shares(self, video: _Video) -> Text:
        total = sum(video.counts.values())
        if not total:
            return Text("no face", style="dim")
        ranked = sorted(video.counts.items(), key=lambda item: -item[1])
        return Text("\n").join(self._named(name).append(f" {count / total:.0%}") for name, count in ranked)

    def _strip(self, video: _Video) -> Text:
        """The leading expression of each fortieth of the video as a coloured block, a dot where there was no face."""
        strip = Text()
        for looked, faces, *probs in video.slices:
            if not looked:
                strip.append(" ")
            elif not faces:
                strip.append("·", style="dim")
            else:
                strip.append("█", style=self._labels.colour(self._labels[int(np.argmax(probs))]))
        return strip

    def _named(self, name: str) -> Text:
        return Text.assemble(("● ", self._labels.colour(name)), name)


def _shortened(names: list[str]) -> list[str]:
    """Names without the folder that they all lie in.

    >>> _shortened(["a/b/1.jpg", "", "a/c/2.jpg"]), _shortened(["a/b/1.jpg"])
    (['b/1.jpg', '', 'c/2.jpg'], ['1.jpg'])
    """
    folders = [os.path.dirname(name) for name in names if name]
    shared = os.path.commonpath(folders) if folders and len({os.path.isabs(folder) for folder in folders}) == 1 else ""
    return [os.path.relpath(name, shared) if name and shared else name for name in names]
