"""Memory over a video of 20,000 frames: whether it stays flat, and what keeping the frames would have cost.

From a fresh clone (Linux: it reads /proc):

    make test                                          # or: pip install -e .
    python -m benchmarks.suite.memory [CLIP] [--frames 20000] [--detector mtcnn] [--json FILE]

The clip is repeated into one long file without encoding it anew. Three ways through mien are measured, each
in a process of its own, on one thread, with people followed and every frame decoded and read:
``python``, `mien.video.runner.process_frames`, whose results are dropped as they come; ``cli``, the command ``mien analyze
LONG.mp4 -o ROWS.jsonl``; and ``all``, the same with Parquet, a table of people, subtitles, an ELAN file and a
report besides. Memory is the resident set of the process (VmRSS), looked at every half second. "Start" is its
median between 5 and 15 % of the time, "middle" between 45 and 55 %, "end" over the last 10 %: what has
settled by the middle is no leak.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, repeat_clip
from benchmarks.lib.subjects import own_environment

MIB = 1 << 20
WAYS = {
    "python": "results dropped as they come",
    "cli": "mien analyze",
    "all": "mien analyze with every kind of file",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.memory", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "clip", nargs="?", type=Path, default=CLIP, help="a video; by default the one of the shared folder"
    )
    parser.add_argument("--frames", type=int, default=20_000, help="length of the long video")
    parser.add_argument("--detector", default="mtcnn", help="mtcnn, haar, or whole, which is quicker")
    parser.add_argument("--model", default="small", help="mien's network: a name or a file")
    parser.add_argument(
        "--fps", type=float, default=0, help="read this many frames a second; every frame by default"
    )
    parser.add_argument("--ways", nargs="*", choices=tuple(WAYS), default=["python", "all"])
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)

    if not options.clip.is_file():
        parser.error(f"expected a video; there is no {options.clip}: name one")
    if not Path("/proc/self/statm").is_file():
        parser.error("expected Linux: memory is read from /proc")
    results: dict[str, Any] = {"machine": machine.describe()}
    core = machine.quietest_core()
    machine.pin(core)
    with tempfile.TemporaryDirectory(prefix="mien-memory-") as folder:
        long = Path(folder) / "long.mp4"
        count = repeat_clip(options.clip, long, options.frames)
        results["video"] = {
            "clip": options.clip.name,
            "frames": count,
            "bytes": long.stat().st_size,
            "frame_bytes": _frame_bytes(long),
        }
        results["options"] = {
            "detector": options.detector,
            "model": options.model,
            "fps": options.fps,
            "core": core,
        }
        results["ways"] = {
            way: _measure(_command(way, long, Path(folder), options), Path(folder)) for way in options.ways
        }
    results["machine"]["load_after"] = machine.load()
    _show(results)
    write_results(results, figures(results), options.json)


def figures(results: dict[str, Any]) -> list[Figure]:
    """Growth, beside a loop that keeps every frame, and what the process takes."""
    found, chart = [], f"Resident memory over {results['video']['frames']:,} frames"
    for way, one in results["ways"].items():
        name = WAYS[way]
        kept = results["video"]["frame_bytes"] * one["frames"]
        grown = max(0, one["end_bytes"] - one["start_bytes"]) / kept
        found.append(
            Figure(
                f"growth of memory, {name}",
                100 * one["growth"],
                "%",
                5,
                "at most",
                "keeping every decoded frame",
                grown,
            )
        )
        found += [
            Figure(f"{name}: {when}", one[f"{when}_bytes"] / MIB, "MiB", chart=chart)
            for when in ("start", "middle", "end")
        ]
    return found


def _command(way: str, long: Path, folder: Path, options: argparse.Namespace) -> list[str]:
    if way == "python":
        arguments = ("video", long, options.detector, options.model, options.fps)
        return [sys.executable, "-m", "benchmarks.adapters.mien", *map(str, arguments)]
    chosen = [
        "--detector",
        options.detector,
        "--model",
        options.model,
        *(["--fps", str(options.fps)] if options.fps else []),
    ]
    files = [
        option for name in ("a.parquet", "a.vtt", "a.eaf", "a.html") for option in ("-o", str(folder / name))
    ]
    more = [*files, "--persons", str(folder / "persons.csv")] if way == "all" else []
    return [
        sys.executable,
        "-m",
        "mien",
        "analyze",
        str(long),
        "-o",
        str(folder / "rows.jsonl"),
        "--threads",
        "1",
        "--quiet",
        *chosen,
        *more,
    ]


def _frame_bytes(path: Path) -> int:
    """Bytes of one decoded frame."""
    from mien.media import open_media

    with open_media(path) as media:
        return int(media.width * media.height * 3)


def _measure(command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command to its end and watch its memory."""
    samples: list[tuple[float, int]] = []
    with (folder / "log.txt").open("w+") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=own_environment(), text=True
        )
        while process.poll() is None:
            samples.append((time.perf_counter() - began, machine.resident(process.pid)))
            time.sleep(0.5)
        seconds = time.perf_counter() - began
        log.seek(0)
        if process.returncode:
            raise SystemExit(
                f"{' '.join(command[:4])} ... ended with {process.returncode}: {log.read()[-2000:]}"
            )
    assert process.stdout is not None
    said = process.stdout.read()
    rows = folder / "rows.jsonl"
    counts = json.loads(said) if said else _count(rows)
    start = statistics.median(_between(samples, 0.05 * seconds, 0.15 * seconds))
    middle = statistics.median(_between(samples, 0.45 * seconds, 0.55 * seconds))
    end = statistics.median(_between(samples, 0.9 * seconds, seconds))
    return {
        **counts,
        "seconds": round(seconds, 1),
        "frames_per_second": round(counts["frames"] / seconds, 1),
        "start_bytes": start,
        "middle_bytes": middle,
        "end_bytes": end,
        "most_bytes": max(resident for _, resident in samples),
        "growth": round(end / start - 1, 5),
        "rows_bytes": rows.stat().st_size if rows.exists() else None,
        "samples": [(round(at, 1), resident) for at, resident in samples[:: max(1, len(samples) // 100)]],
    }


def _between(samples: list[tuple[float, int]], since: float, until: float) -> list[int]:
    """Memory in a stretch of time; the nearest sample where there is none."""
    inside = [resident for at, resident in samples if since <= at <= until and resident]
    return inside or [min(samples, key=lambda sample: abs(sample[0] - since))[1]]


def _count(rows: Path) -> dict[str, int]:
    frames, faces, errors = set(), 0, 0
    with rows.open() as lines:
        for line in lines:
            row = json.loads(line)
            frames.add(row["frame"])
            faces += row["status"] == "face"
            errors += row["status"] == "error"
    return {"frames": len(frames), "faces": faces, "errors": errors}


def _show(results: dict[str, Any]) -> None:
    video, where, chosen = results["video"], results["machine"], results["options"]
    print(
        f"video     {video['clip']} repeated to {video['frames']:,} frames, {video['bytes'] / MIB:.0f} MiB; detector {chosen['detector']}"
    )
    print(
        f"machine   {where['cpu']}, {where['cores']} cores, on core {chosen['core']}, one thread; {where['system']}"
    )
    print(
        f"load      {where['load']} before, {where['load_after']} after (means over 1, 5, 15 minutes; about 1 of the second is this benchmark)\n"
    )
    print(
        f"{'MiB resident':<14}{'start':>8}{'middle':>8}{'end':>8}{'most':>8}{'growth':>9}{'frames':>9}{'faces':>8}{'errors':>8}{'frames/s':>10}"
    )
    for way, one in results["ways"].items():
        sizes = "".join(
            f"{one[key] / MIB:>8.1f}" for key in ("start_bytes", "middle_bytes", "end_bytes", "most_bytes")
        )
        print(
            f"{way:<14}{sizes}{one['growth']:>9.2%}{one['frames']:>9,}{one['faces']:>8,}{one['errors']:>8}{one['frames_per_second']:>10.1f}"
        )
    print()
    for way, one in results["ways"].items():
        kept = video["frame_bytes"] * one["frames"]
        grown = max(0, one["end_bytes"] - one["start_bytes"])
        each = f"keeping every decoded frame ({video['frame_bytes'] / MIB:.2f} MiB each) would have taken {kept / MIB:,.0f} MiB"
        print(f"{way}: {each}; it took {grown / MIB:.1f} MiB more, {grown / kept:.2e} of that.")


if __name__ == "__main__":
    main()
