"""People over time: frames per second beside the peer fer, ids against known truth, flicker and delay of
labels.

    python -m benchmarks.suite.tracking [CLIP] [--only speed hd ids labels] [--json FILE]

Everything but the clip is rendered by `crowds` and `expressions` from seeds that were not looked at while
mien was made (those from 0 on were).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapters.start import FER, fer_detectors, mien
from benchmarks.lib import crowds, expressions, machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, DATA, decode_frames
from benchmarks.lib.identities import identities
from benchmarks.lib.subjects import Subject, take_turns

SEEDS = 100
RATE = 30.0
LEAN = 2_500_000  # Bits per second that meetings and streams send at 720p.


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parts = {"speed": speed, "hd": hd, "ids": ids, "labels": labels}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.tracking", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "clip",
        nargs="?",
        type=Path,
        default=CLIP,
        help="a video for the comparison with fer; by default that of the shared folder",
    )
    parser.add_argument("--only", nargs="*", choices=parts, default=list(parts), help="parts to run")
    parser.add_argument("--rounds", type=int, default=3, help="how often the clip is read")
    parser.add_argument(
        "--clips", type=int, default=8, help="rendered clips of each kind, and three times as many scenes"
    )
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe()}
    for name in options.only:
        results[name] = parts[name](options)
        print(f"{name}: {json.dumps(results[name], indent=1)}", flush=True)
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results), options.json)


def figures(results: dict[str, Any]) -> list[Figure]:
    """What was promised of people over time."""
    found = []
    if "per_frame" in results.get("speed", {}):
        table, chart = (
            results["speed"]["per_frame"],
            "Frames of a clip in which people are followed, one core",
        )
        mine = table["mien, tracked"]["wall_ms"]
        for name, one in table.items():
            beside = (
                {} if name == "mien, tracked" else {"beside": "mien, tracked", "ratio": one["wall_ms"] / mine}
            )
            found.append(Figure(name, one["wall_ms"], "ms a frame", chart=chart, **beside))
        if FER["haar"] in table:
            found.append(
                Figure(
                    "video, one face: times as fast as fer",
                    table[FER["haar"]]["wall_ms"] / mine,
                    "times",
                    10,
                    "at least",
                    FER["haar"],
                )
            )
    for one in results.get("hd", {}).values():
        what = f"1280x720 at {one['megabits_per_s']} Mbit/s, four faces, decoding included, one thread"
        found.append(Figure(what, one["times_real_time"], "times real time", 4, "at least"))
    for kind, most, least in (("easy", 0, None), ("hard", None, 0.9)):
        if "ids" in results:
            one = results["ids"][kind]
            found.append(Figure(f"switches of ids, {kind} set", one["switches"], "", most))
            found.append(Figure(f"IDF1, {kind} set", one["idf1"], "", least, "at least"))
    if "labels" in results:
        live = results["labels"]["live"]
        found.append(
            Figure(
                "false changes of the label, live: times fewer",
                live["times_fewer"],
                "times",
                5,
                "at least",
                "single frames",
            )
        )
        found.append(Figure("longest delay of a change, live", live["delay_s"]["max"], "s", 0.4))
    return found


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds per frame of a clip that is read again and again, one thread on one core, in turns;
    decoding apart.
    """
    if not options.clip.is_file():
        return {"skipped": f"there is no {options.clip}"}
    with tempfile.TemporaryDirectory(prefix="mien-tracking-") as folder:
        decode_frames(options.clip, 150)
        at = time.process_time()
        frames = decode_frames(options.clip, 150)
        decoding = (time.process_time() - at) * 1000 / len(frames)
        path = Path(folder) / "frames.npy"
        np.save(path, frames)
        skipped: dict[str, str] = {}
        subjects = [
            mien("mien, tracked", "tracked", path),
            mien("mien, every frame anew", "frames", path, 0),
            *fer_detectors(path, ["haar"], skipped),
        ]
        subjects = take_turns(subjects, options.rounds, Path(folder), skipped)
    # Of a tracked stream the mean counts: most frames are cheap and some are not.
    table = {subject.name: _means(subject) for subject in subjects}
    ratios = {
        key: {
            name: round(one[key] / table["mien, tracked"][key], 2)
            for name, one in table.items()
            if name != "mien, tracked"
        }
        for key in ("wall_ms", "cpu_ms")
    }
    return {
        "frames": len(frames),
        "decoding_cpu_ms": round(decoding, 2),
        "per_frame": table,
        "times_as_fast": ratios,
        "skipped": skipped,
    }


def _means(subject: Subject) -> dict[str, float]:
    rounds = {key: [float(np.mean(one[key])) for one in subject.rounds] for key in ("wall_ms", "cpu_ms")}
    return {
        **{key: round(float(np.median(values)), 3) for key, values in rounds.items()},
        "faces": float(np.mean(subject.rounds[0]["faces"])),
    }


def hd(options: argparse.Namespace) -> dict[str, Any]:
    """A 720p MP4 with four faces from file to smoothed emotions, on one thread of one core: as mien writes it,
    and at the bit rate of a meeting.
    """
    from mien.inference.pipeline import Pipeline
    from mien.tracking.session import Session

    clip = crowds.easy(SEEDS, faces=4, size=(1280, 720), seconds=6.0)
    session = Session(Pipeline(threads=1))
    with tempfile.TemporaryDirectory(prefix="mien-tracking-") as folder:
        path, lean = Path(folder) / "four.mp4", Path(folder) / "lean.mp4"
        clip.write(path)
        _encoded(path, lean, LEAN)
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        machine.pin(machine.quietest_core())
        try:
            return {
                name: _timed(session, source, options.rounds)
                for name, source in (("as written", path), ("lean", lean))
            }
        finally:
            if allowed is not None:
                os.sched_setaffinity(0, allowed)


def _timed(session: Any, path: Path, rounds: int) -> dict[str, Any]:
    _read(session, path)
    walls, cpus = [], []
    for _ in range(rounds):
        session.reset()
        at, worked = time.perf_counter(), time.process_time()
        counts = _read(session, path)
        walls.append(time.perf_counter() - at)
        cpus.append(time.process_time() - worked)
    real, wall, cpu = len(counts) / RATE, float(np.median(walls)), float(np.median(cpus))
    return {
        "frames": len(counts),
        "megabits_per_s": round(path.stat().st_size * 8e-6 / real, 1),
        "faces_per_frame": round(float(np.mean(counts)), 2),
        "wall_ms": round(wall * 1000 / len(counts), 2),
        "cpu_ms": round(cpu * 1000 / len(counts), 2),
        "times_real_time": round(real / wall, 2),
        "times_real_time_by_cpu": round(real / cpu, 2),
    }


def _encoded(source: Path, target: Path, rate: int) -> None:
    """The same images at another bit rate."""
    import av

    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream("libx264", rate=int(RATE), options={"preset": "medium"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
            given.streams.video[0].width,
            given.streams.video[0].height,
            "yuv420p",
            rate,
        )
        for frame in given.decode(video=0):
            frame.pict_type = av.video.frame.PictureType.NONE
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))


def _read(session: Any, path: Path) -> list[int]:
    from mien.media import Frame, open_media

    counts: list[int] = []
    with open_media(path) as media:
        batch: list[Frame] = []
        for item in media:
            if isinstance(item, Frame):
                batch.append(item)
            if len(batch) == 8:
                counts += [len(faces) for faces in session.update(batch)]
                batch = []
        counts += [len(faces) for faces in session.update(batch)] if batch else []
    return counts


def ids(options: argparse.Namespace) -> dict[str, Any]:
    """Ids against known truth, on clips written as MP4 and read back."""
    return {kind: asdict(identities(_tracked(kind, options.clips))) for kind in ("easy", "hard")}


def _tracked(kind: str, count: int) -> Iterator[list[Any]]:
    from mien.inference.detectors import create_detector
    from mien.media import Frame, open_media
    from mien.tracking.tracker import Tracker

    tracker = Tracker(create_detector(threads=1))
    for seed in range(SEEDS, SEEDS + count):
        with tempfile.TemporaryDirectory(prefix="mien-tracking-") as folder:
            path = Path(folder) / "crowd.mp4"
            truths = (crowds.easy(seed) if kind == "easy" else crowds.hard(seed)).write(path)
            tracker.reset()
            with open_media(path) as media:
                yield [
                    (tracker.update(item), truths[item.index]) for item in media if isinstance(item, Frame)
                ]


def labels(options: argparse.Namespace) -> dict[str, Any]:
    """How often labels flicker and how late they follow, live and in a video, beside those of single
    frames.
    """
    from mien.tracking.options import Smoothing
    from mien.tracking.smoothing_offline import smooth_offline
    from mien.tracking.smoothing_online import OnlineSmoother

    scenes = expressions.scenes(range(SEEDS, SEEDS + 3 * options.clips))

    def live(scene: expressions.Scene) -> Any:
        smoother = OnlineSmoother(scene.labels)
        return np.array([int(_steady(smoother.update(result.faces))) for result in scene.results()])

    def recorded(scene: expressions.Scene) -> Any:
        return np.array(
            [
                int(_steady(result.faces))
                for result in smooth_offline(scene.results(), Smoothing(), scene.labels)
            ]
        )

    ways = {"single frames": lambda scene: scene.probs.argmax(axis=1), "live": live, "recorded": recorded}
    return {
        "scenes": len(scenes),
        "faces": "FER-2013 PublicTest" if DATA.is_file() else "drawn",
        **{name: _judged(scenes, way) for name, way in ways.items()},
    }


def _steady(faces: Any) -> int:
    return int(faces.smoothed_emotion_ids[0])


def _judged(scenes: list[expressions.Scene], way: Any) -> dict[str, Any]:
    found = expressions.steadiness(scenes, way)
    delays = np.array(found.delays)
    spread = {"median": np.median(delays), "p95": np.percentile(delays, 95), "max": delays.max()}
    return {
        "false_changes_per_s": round(found.steady, 3),
        "times_fewer": round(found.times_fewer, 1),
        "changes": len(delays) + found.unseen,
        "unseen": found.unseen,
        "later_than_0.4_s": int((delays > 0.4 + 1e-6).sum()),
        "delay_s": {name: round(float(value), 3) for name, value in spread.items()},
        "right": round(found.agreement, 3),
    }


if __name__ == "__main__":
    main()
