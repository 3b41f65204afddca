"""Audiences of rendered meetings, measured against their script: ``python -m benchmarks.studies.audience
[shares|screen ...]``.

``shares``: meetings of 4 to 25 tiles (`benchmarks.lib.meetings`, faces of PrivateTest) are measured by
`mien.audience.measure`. Each window's shares are held against what the same classifier says of the same faces
cropped perfectly, each participant once; each key point against whether anything changed there. ``screen``:
the same meeting played by ffplay on a screen of Xvfb and captured from there, beside the video itself (needs
``apt-get install xvfb ffmpeg``). Meetings are kept in the folder ``--work`` and rendered once.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib import machine
from benchmarks.lib.fixtures import DATA
from benchmarks.lib.meetings import Cast, Meeting, Point, cast_of, scripted
from mien.audience.keypoints import KeyPoint
from mien.audience.measuring import measure
from mien.audience.options import AudienceOptions
from mien.audience.result import Audience, Change, Window
from mien.data import open_dataset
from mien.inference.pipeline import Pipeline
from mien.media import Frame, open_media

Floats = NDArray[np.float64]

TILES = (4, 9, 16, 25)
LIMIT = 0.1
"""Most that a share may be off."""
SEEN = 0.2
"""Share of a window in which a camera must be on for its participant to count, as `mien.audience` has it."""


class Perfect:
    """What the classifier says of the images themselves, where no detector could miss or misplace a face.

    Args:
        cast: The faces.
    """

    def __init__(self, cast: Cast) -> None:
        self._images = cast.images
        self._pipeline = Pipeline(detector="whole", threads=1)
        self._known: dict[int, Floats] = {}
        self.labels = self._pipeline.labels

    def _read(self, position: int) -> Floats:
        if position not in self._known:
            [faces] = self._pipeline([np.repeat(self._images[position][..., None], 3, axis=2)])
            assert faces.probs is not None
            self._known[position] = np.asarray(faces.probs[0], np.float64)
        return self._known[position]

    def people(self, meeting: Meeting, start: float, end: float) -> Floats:
        """``(n, k)`` mean probabilities of everybody whose camera was on for `SEEN` of a stretch, looked at
        once a second.
        """
        seconds = range(math.ceil(start), math.ceil(min(end, meeting.seconds)))
        shown = [meeting.shown(second) for second in seconds]
        seen = ([state for state in states if isinstance(state, int)] for states in zip(*shown, strict=True))
        rows = [
            np.mean([self._read(state) for state in states], axis=0)
            for states in seen
            if states and len(states) >= SEEN * len(seconds)
        ]
        return np.array(rows).reshape(-1, len(self.labels))


@dataclass(frozen=True, eq=False)
class Judged:
    """One meeting: what was measured, and what is true.

    Args:
        meeting: With its script.
        audience: What `measure` gave.
        off: ``(windows, k)`` estimated less true shares, of the windows with figures.
        unreported: Windows without figures although cameras enough were on.
        told: Windows with figures although too few cameras were on.
    """

    meeting: Meeting
    audience: Audience
    off: Floats
    unreported: int
    told: int


def judge(meeting: Meeting, audience: Audience, perfect: Perfect, offset: float = 0.0) -> Judged:
    """Hold what was measured against the script; ``offset`` is the meeting's time at second 0 of the
    measurement.
    """
    off, unreported, told = [], 0, 0
    for window in audience.windows:
        people = perfect.people(meeting, window.start + offset, window.end + offset)
        if window.shares is None:
            unreported += len(people) >= audience.options.min_group
            continue
        told += len(people) < audience.options.min_group
        off.append(_shares(window, perfect) - people.mean(axis=0))
    return Judged(meeting, audience, np.array(off).reshape(-1, len(perfect.labels)), unreported, told)


def _shares(window: Window, perfect: Perfect) -> Floats:
    assert window.shares is not None
    return np.array([window.shares[name] for name in perfect.labels])


def found(point: Point, change: Change) -> bool:
    """Whether a scripted change was told: one of its two expressions changed clearly, in its direction."""
    if point.change is None or change.shifts is None:
        return False
    before, after, _ = point.change
    return (before in change.clear and change.shifts[before].change < 0) or (
        after in change.clear and change.shifts[after].change > 0
    )


def true_change(point: Point, meeting: Meeting, perfect: Perfect, span: float) -> float:
    """By how much the share of the scripted expressions changes for the classifier on perfect images, the
    larger of the two.
    """
    assert point.change is not None
    sides = [perfect.people(meeting, start, start + span) for start in (point.time - span, point.time)]
    change = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    return float(max(abs(change[perfect.labels.names.index(name)]) for name in point.change[:2]))


# --- shares and changes


def shares(cast: Cast, work: Path, tiles: Sequence[int], seeds: int) -> list[dict[str, Any]]:
    """Meetings of several sizes, several of each."""
    perfect, pipeline, results = Perfect(cast), Pipeline(threads=1), []
    print(
        "| tiles | windows with figures | largest difference | mean difference | within 0.1 | changes found | seen as 0.3 and found | invented |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for count in tiles:
        judged = [
            _judged(scripted(cast, count, seed), work / f"{count}-{seed}", pipeline, perfect)
            for seed in range(seeds)
        ]
        results.append(_row(count, judged, perfect))
        print(_line(results[-1]), flush=True)
    return results


def _judged(meeting: Meeting, folder: Path, pipeline: Pipeline, perfect: Perfect) -> Judged:
    path = meeting.write(folder)
    points = [KeyPoint(point.time, point.name) for point in meeting.points]
    return judge(meeting, measure(path, AudienceOptions(), points, pipeline=pipeline), perfect)


def _row(tiles: int, judged: Sequence[Judged], perfect: Perfect) -> dict[str, Any]:
    off = np.concatenate([np.abs(one.off) for one in judged])
    pairs = [
        (one, point, change)
        for one in judged
        for point, change in zip(one.meeting.points, one.audience.changes, strict=True)
    ]
    scripted_ones = [
        (
            found(point, change),
            true_change(point, one.meeting, perfect, one.audience.options.context),
            change.status,
        )
        for one, point, change in pairs
        if point.change is not None
    ]
    calm = [change for _, point, change in pairs if point.change is None]
    return {
        "tiles": tiles,
        "meetings": len(judged),
        "windows": sum(len(one.audience.windows) for one in judged),
        "reported": len(off),
        "unreported": sum(one.unreported for one in judged),
        "told_of_too_few": sum(one.told for one in judged),
        "largest": float(off.max(initial=0)),
        "mean": float(off.mean()) if off.size else None,
        "within": float((off.max(axis=1) <= LIMIT).mean()) if off.size else None,
        "by_class": dict(zip(perfect.labels, off.max(axis=0).tolist(), strict=True)) if off.size else None,
        "changes": len(scripted_ones),
        "found": sum(was for was, _, _ in scripted_ones),
        "large": sum(true >= 0.3 for _, true, _ in scripted_ones),
        "large_found": sum(was and true >= 0.3 for was, true, _ in scripted_ones),
        "missed": [round(true, 3) for was, true, _ in scripted_ones if not was],
        "unmeasured": [change.status for _, _, change in pairs if change.status != "measured"],
        "calm": len(calm),
        "invented": sum(bool(change.clear) for change in calm),
    }


def _line(row: dict[str, Any]) -> str:
    windows = f"{row['reported']} of {row['windows']} ({row['unreported']} of the others had people enough)"
    told = (
        [f"{row['largest']:.3f}", f"{row['mean']:.3f}", f"{row['within']:.1%}"]
        if row["reported"]
        else ["-"] * 3
    )
    changes = [
        f"{row['found']} of {row['changes']}",
        f"{row['large_found']} of {row['large']}",
        f"{row['invented']} of {row['calm']}",
    ]
    return f"| {row['tiles']} | {windows} | {' | '.join((*told, *changes))} |"


# --- a real screen


def screen(cast: Cast, work: Path, seconds: float) -> dict[str, Any]:
    """A meeting on a screen, captured, beside the video of the same stretch."""
    meeting = scripted(cast, 9, 0)
    path = meeting.write(work / "9-0")
    pipeline, perfect = Pipeline(threads=1), Perfect(cast)
    with _displayed(meeting.size) as display, _played(path, display) as clock:
        began = clock()
        points = [KeyPoint(point.time - began, point.name) for point in meeting.points]
        captured = measure("screen:", AudienceOptions(duration=seconds), points, pipeline=pipeline)
        lasted = clock() - began
    judged = judge(meeting, captured, perfect, began)
    recorded = measure(_from(path, began, began + seconds), AudienceOptions(), pipeline=pipeline)
    both = [
        (one, other)
        for one, other in zip(captured.windows, recorded.windows, strict=False)
        if one.shares and other.shares
    ]
    apart = np.abs([_shares(one, perfect) - _shares(other, perfect) for one, other in both])
    print(
        f"screen    {meeting.size[0]} x {meeting.size[1]} in Xvfb, {captured.length:.0f} s from {began:.1f} s on, {lasted:.0f} s played meanwhile"
    )
    print(
        f"          {len(both)} windows: largest difference from the video {apart.max():.3f}, mean {apart.mean():.3f}"
    )
    off = np.abs(judged.off)
    print(f"          from perfect images {off.max():.3f}, mean {off.mean():.3f} (limit {LIMIT})")
    told = [
        (point.name, bool(change.clear) if point.change is None else found(point, change), change.status)
        for point, change in zip(meeting.points, captured.changes, strict=True)
    ]
    for name, clear, status in told:
        if status != "not_reached":
            print(f"          {name}: {'told' if clear else 'not told'} ({status})")
    figures = {
        "apart": float(apart.max()),
        "apart_mean": float(apart.mean()),
        "off": float(off.max()),
        "off_mean": float(off.mean()),
    }
    return {"began": began, "windows": len(both), "points": told, **figures}


@contextmanager
def _displayed(size: tuple[int, int]) -> Iterator[str]:
    """A screen of Xvfb, which this process then looks at."""
    read, write = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        f"{size[0]}x{size[1]}x24",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    before = os.environ.get("DISPLAY")
    try:
        with os.fdopen(read) as told:
            display = f":{told.readline().strip()}"
        os.environ["DISPLAY"] = display
        yield display
    finally:
        os.environ.pop("DISPLAY")
        if before is not None:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait()


class _Clock:
    """What a player says of where it is.

    Args:
        player: ffplay with ``-stats``.
    """

    def __init__(self, player: subprocess.Popen[bytes]) -> None:
        self._player = player
        self._read: tuple[float, float] | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._player.stderr is not None
        while part := self._player.stderr.read1(256):  # type: ignore[attr-defined]
            for match in re.finditer(rb"(\d+\.\d+) M-V", part):
                self._read = (float(match[1]), time.monotonic())

    def __call__(self) -> float:
        """Seconds of the video that is on the screen now; waits until it plays."""
        until = time.monotonic() + 20
        while self._read is None:
            if time.monotonic() > until or self._player.poll() is not None:
                raise SystemExit("expected ffplay to play the meeting; it does not: try it by hand")
            time.sleep(0.05)
        return self._read[0] + time.monotonic() - self._read[1]


@contextmanager
def _played(path: Path, display: str) -> Iterator[_Clock]:
    """The meeting, played over the whole screen."""
    command = ["ffplay", "-hide_banner", "-stats", "-fs", "-an", "-autoexit", str(path)]
    env = {**os.environ, "DISPLAY": display, "SDL_VIDEODRIVER": "x11"}
    player = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        clock = _Clock(player)
        clock()
        time.sleep(2)  # The first image is there, the window as large as the screen.
        yield clock
    finally:
        player.terminate()
        player.wait()


def _from(path: Path, start: float, end: float) -> Iterator[Frame]:
    """What is on the screen once a second from a moment on, with times from 0 s."""
    with open_media(path) as media:
        frames = [frame for frame in media if isinstance(frame, Frame) and start - 1 < frame.time < end]
    for second in range(math.ceil(end - start)):
        shown = [frame for frame in frames if frame.time <= start + second]
        if shown:
            yield Frame(second, float(second), shown[-1].image)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print tables, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.audience", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("what", nargs="*", choices=("shares", "screen", []), help="both by default")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--usage",
        default="PrivateTest",
        choices=("PublicTest", "PrivateTest"),
        help="PublicTest for anything that is then chosen",
    )
    parser.add_argument("--tiles", type=int, nargs="+", default=TILES)
    parser.add_argument("--seeds", type=int, default=3, help="meetings of each size")
    parser.add_argument("--seconds", type=float, default=150.0, help="on the screen")
    parser.add_argument("--work", type=Path, default=Path("out/audience"))
    parser.add_argument("--json", type=Path, help="write the results here")
    asked = parser.parse_args(arguments)
    what = asked.what or ["shares", "screen"]
    cast, work = cast_of(open_dataset(asked.data), asked.usage), asked.work / asked.usage
    results: dict[str, Any] = {"machine": machine.describe(), "usage": asked.usage}
    print(f"machine   {machine.summary(results['machine'])}; faces of {asked.usage}")
    if "shares" in what:
        results["shares"] = shares(cast, work, asked.tiles, asked.seeds)
    if "screen" in what:
        results["screen"] = screen(cast, work, asked.seconds)
    results["load_after"] = machine.load()
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
