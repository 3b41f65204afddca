"""Many images through the workers of ``mien batch``: beside ONNX Runtime alone, beside the peer fer, by
workers, by engine; and its memory.

    python -m benchmarks.suite.batch [--quick] [--json FILE]

Rates are those of running workers, from the first shard that is done to the last, so that starting them
counts apart. Everything compared is measured in turns in one run. "On one core" means that the worker, with
its threads, may run on one core only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.adapters.start import FER, fer_detectors
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import DATA, write_face_images
from mien.batch import BatchSettings, open_input
from mien.batch.inputs import Input
from mien.batch.isolation import ShardReader
from mien.batch.job import BatchJob, ShardRunner
from mien.batch.layout import laid_out
from mien.batch.output import write_shard
from mien.batch.pool import WorkerPool
from mien.batch.shard import FilePart, Shard
from mien.inference.config import DetectorName, PipelineConfig

FACES = 35_887
OF_RUNTIME, OF_FER, TWO_WORKERS, OF_LOCAL = 0.85, 3.0, 1.9, 0.75
MEMORY, GROWTH, FIRST_ROW, WHOLE_SET = 500.0, 0.05, 2.0, 60.0
MODEL = "small"
PARTS = ("runtime", "fer", "rates", "start", "memory")


def beside_runtime(folder: Path, rounds: int, faces: int) -> dict[str, Any]:
    """Face crops from file to shard by one worker with one thread for the network, beside the network alone
    on the same batches.
    """
    settings = BatchSettings(PipelineConfig(detector="whole", model=MODEL, threads=1))
    shard = laid_out({}, open_input(str(DATA)).portions(faces), faces).shards[0]
    pipeline = settings.pipeline()
    reader, network = ShardReader(pipeline, settings.video_options), pipeline.classifier.network
    images = [reader_image(item) for item in shard.items()]
    crops = np.concatenate(
        [
            pipeline.classifier.crop_faces(image, found)
            for image, found in zip(images, pipeline.detector.detect(images), strict=True)
        ]
    )
    name, spec = network.card.input.name, network.card.input

    def alone() -> None:
        for start in range(0, len(crops), 64):
            network.run({name: spec.fed(crops[start : start + 64])})

    ways: dict[str, Callable[[], object]] = {
        "alone": alone,
        "arrays": lambda: [pipeline(images[start : start + 64]) for start in range(0, len(images), 64)],
        "shard": lambda: write_shard(folder / "crops.parquet", reader, shard),
    }
    return {
        way: dict(zip(("wall_us", "cpu_us"), values, strict=True))
        for way, values in in_turns(ways, rounds, faces).items()
    }


def reader_image(item: Any) -> Any:
    """The pixels of one item."""
    from mien.media import Frame, open_media

    with open_media(item.open()) as media:
        return next(frame.image for frame in media if isinstance(frame, Frame))


def in_turns(
    ways: dict[str, Callable[[], object]], rounds: int, count: int
) -> dict[str, tuple[float, float]]:
    """Median microseconds an item, by the clock and of the processor."""
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, work in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            work()
            if turn:  # The first one warms up.
                took[way].append((time.perf_counter() - clock, time.process_time() - processor))
    spent = {way: tuple(zip(*each, strict=True)) for way, each in took.items()}
    return {
        way: (round(1e6 * median(wall) / count, 1), round(1e6 * median(cpu) / count, 1))
        for way, (wall, cpu) in spent.items()
    }


def beside_fer(folder: Path, most: int, rounds: int) -> dict[str, Any]:
    """Images of about 600x340 with one face each, from file to shard on one core, beside fer reading the
    same files on that core.
    """
    shown = folder / "shown"
    shown.mkdir()
    count = sum(write_face_images(shown, most).values())
    skipped: dict[str, str] = {}
    core, cores = machine.quietest_core(), os.sched_getaffinity(0)
    machine.pin(core)
    peers = fer_detectors(shown, ["haar"], skipped)
    for peer in peers:
        peer.start(folder / "fer.log")
    settings = BatchSettings(PipelineConfig(threads=1))
    reader = ShardReader(settings.pipeline(), settings.video_options)
    sources = [str(path) for path in sorted(shown.iterdir())]
    shard = Shard(0, tuple(enumerate(FilePart(source, source) for source in sources)))
    mine, found = [], 0
    for turn in range(rounds + 1):
        began = time.perf_counter()
        found = write_shard(folder / "shown.parquet", reader, shard)["faces"]
        if turn:
            mine.append(1000 * (time.perf_counter() - began) / count)
        for peer in peers:
            peer.read_all()
    told_ = {"count": count, "mien_ms": round(median(mine), 2), "mien_faces": found, "skipped": skipped}
    for peer in peers:
        told_ |= {
            "fer_ms": round(float(np.mean(peer.result()["wall_ms"]["median"])), 2),
            "fer_faces": sum(count > 0 for count in peer.rounds[0]["faces"]),
        }
        peer.stop()
    os.sched_setaffinity(0, cores)
    return told_


def rate(engine: ShardRunner, run: BatchJob) -> tuple[float, float]:
    """Items a second, and the workers' processor time for each in microseconds, from the first shard that is
    done to the last.
    """
    moments: list[tuple[float, int, float]] = []
    for done in run.work(engine, "benchmark"):
        if done:
            moments.append(
                (time.perf_counter(), run.items, sum(map(processor_seconds, children(os.getpid()))))
            )
    (first, before, spent), (last, after, at_last) = moments[0], moments[-1]
    return (after - before) / (last - first), 1e6 * (at_last - spent) / (after - before)


def processor_seconds(process: int) -> float:
    """What a process has had of the processors so far, 0 where it is gone."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """So many cores for what is started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:count]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def by_workers(folder: Path, found: Input, size: int, rounds: int) -> dict[str, Any]:
    """Rates of one worker on one core, one on all, two, and two on Ray: the best of the rounds, as whatever
    else runs can only slow them down.
    """
    settings = BatchSettings(PipelineConfig(detector="whole", model=MODEL, threads=1)).known()
    taken: dict[str, list[tuple[float, float]]] = {
        "one on one core": [],
        "two": [],
        "one": [],
        "two on Ray": [],
    }
    for turn in range(rounds):
        for way, each in taken.items():
            if way == "two on Ray" and turn > 1:
                continue  # Starting it takes long.
            out = folder / "out"
            workers, cores = (1 if way.startswith("one") else 2), (1 if way == "one on one core" else 2)
            with (
                BatchJob(found, settings, out, size) as run,
                on_cores(cores),
                crew(way, settings, out, workers) as engine,
            ):
                each.append(rate(engine, run))
            shutil.rmtree(out)
            print(
                f"  {way}: {each[-1][0]:,.0f} a second, {each[-1][1]:,.0f} us of a processor each",
                flush=True,
            )
    rates: dict[str, Any] = {way: round(max(each)[0], 1) for way, each in taken.items()}
    return rates | {
        "cpu_us": {way: round(median(spent for _, spent in each), 1) for way, each in taken.items()}
    }


def crew(way: str, settings: BatchSettings, out: Path, workers: int) -> Any:
    """The engine of that name."""
    if way.endswith("Ray"):
        from mien.batch.ray_pool import RayPool

        return RayPool(settings, out, workers)
    return WorkerPool(settings, out, workers)


def first_row(folder: Path, rounds: int) -> float:
    """Seconds from the start of the command to a row on the disk."""
    source = folder / "one.png"
    if not source.exists():
        from PIL import Image

        from mien.core.drawn_face import draw_portrait

        Image.fromarray(draw_portrait()).save(source)
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        process = command(source, folder / "first")
        while not list((folder / "first").glob("shard-*")):
            time.sleep(0.01)
        took.append(time.perf_counter() - began)
        process.wait()
        shutil.rmtree(folder / "first")
    return round(median(took), 2)


def command(source: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """``mien batch`` as users start it."""
    words = [sys.executable, "-m", "mien", "batch", str(source), "-o", str(out), *more]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole_set(folder: Path) -> float:
    """Seconds for all of FER-2013 with labels, matrix and predictions on two workers."""
    began = time.perf_counter()
    process = command(DATA, folder / "fer2013", "--detector", "whole", "--model", MODEL, "--workers", "2")
    assert process.wait() == 0
    took = time.perf_counter() - began
    assert len((folder / "fer2013" / "predictions.csv").read_text().splitlines()) == FACES + 1
    return round(took, 1)


def memory(folder: Path, found: Input, detector: DetectorName) -> dict[str, Any]:
    """Most resident memory of a worker over a run, in MB, and how much more that is in the second half than
    in the first.
    """
    settings, out = (
        BatchSettings(PipelineConfig(detector=detector, model=MODEL, threads=1)).known(),
        folder / "memory",
    )
    samples: list[tuple[int, int]] = []
    with BatchJob(found, settings, out, 500) as run, WorkerPool(settings, out, 2) as engine:
        for _ in run.work(engine, "benchmark"):
            samples.append(
                (
                    run.items + engine.progress.items,
                    max(map(machine.resident, children(os.getpid())), default=0),
                )
            )
    shutil.rmtree(out)
    total = found.count
    early = max(size for items, size in samples if items <= total / 2)
    late = max(size for items, size in samples if items > total / 2)
    return {
        "images": total,
        "most_mb": round(max(size for _, size in samples) / 1e6),
        "growth": round(late / early - 1, 4),
    }


def children(process: int) -> list[int]:
    """Processes that one has started."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:  # A thread that has ended meanwhile.
            continue
    return found


def figures(results: dict[str, Any]) -> list[Figure]:
    """Everything that was measured, with its limit."""
    found: list[Figure] = []
    if (runtime := results.get("runtime")) is not None:
        network: dict[str, Any] = {"limit": OF_RUNTIME, "bound": "at least", "beside": "the network alone"}
        found += [
            Figure(
                "face crops from arrays, of ONNX Runtime's own rate",
                _of(runtime, "arrays", "cpu_us"),
                **network,
            ),
            Figure(
                "face crops from file to shard, by the clock", _of(runtime, "shard", "wall_us"), **network
            ),
            Figure(
                "face crops from file to shard, by the processor's time",
                _of(runtime, "shard", "cpu_us"),
                beside="the network alone",
            ),
        ]
    if (shown := results.get("fer")) is not None:
        found.append(Figure("images of about 600x340, one core", shown["mien_ms"], "ms an image"))
        if "fer_ms" in shown:
            ratio, more = shown["fer_ms"] / shown["mien_ms"], shown["mien_faces"] - shown["fer_faces"]
            found.append(
                Figure(
                    "images a second per core, times fer's", ratio, "times", OF_FER, "at least", FER["haar"]
                )
            )
            found.append(
                Figure("images with a face less those of fer", more, f"of {shown['count']}", 0, "at least")
            )
    if (rates := results.get("rates")) is not None:
        found += [
            Figure("faces per second, two workers", rates["two"], "a second"),
            Figure(
                "two workers, of one that has one core",
                rates["two"] / rates["one on one core"],
                "times",
                TWO_WORKERS,
                "at least",
            ),
            Figure(
                "processor time of a face with one worker, of that with two",
                rates["cpu_us"]["one on one core"] / rates["cpu_us"]["two"],
                "times",
            ),
            Figure("two workers, of one that has both cores", rates["two"] / rates["one"], "times"),
            Figure("Ray, of local", rates["two on Ray"] / rates["two"], "times", OF_LOCAL, "at least"),
        ]
    if "first_row" in results:
        found.append(Figure("start to first row", results["first_row"], "s", FIRST_ROW))
        found.append(
            Figure(
                "FER-2013 with labels, matrix and predictions, two workers",
                results["whole_set"],
                "s",
                WHOLE_SET,
            )
        )
    for kind, taken in results.get("memory", {}).items():
        found.append(
            Figure(f"memory of a worker, {taken['images']:,} {kind}", taken["most_mb"], "MB", MEMORY)
        )
        found.append(
            Figure(
                f"more of it in the second half of the run than in the first, {kind}",
                taken["growth"],
                "of it",
                GROWTH,
            )
        )
    return found


def _of(runtime: dict[str, Any], way: str, which: str) -> float:
    return float(runtime["alone"][which] / runtime[way][which])


def measured(part: str, folder: Path, quick: bool) -> dict[str, Any]:
    """The results of one of `PARTS`."""
    rounds = 1 if quick else 4
    some = folder / f"{part}.parquet"
    if part == "runtime":
        return {"runtime": beside_runtime(folder, rounds + 1, 640 if quick else 2560)}
    if part == "fer":
        return {"fer": beside_fer(folder, 10 if quick else 60, rounds)}
    if part == "rates":
        repeated(some, 2000 if quick else 10_000)
        return {"rates": by_workers(folder, open_input(str(some)), 100 if quick else 500, rounds)}
    if part == "start":
        return {"first_row": first_row(folder, rounds + 1), "whole_set": whole_set(folder)}
    repeated(some, 4000 if quick else 3 * FACES)
    shown = folder / "many"
    shown.mkdir()
    write_face_images(shown, 10 if quick else 60)
    sources = [str(path) for path in sorted(shown.iterdir())] * (10 if quick else 80)
    whole = memory(folder, open_input(str(some)), "whole")
    return {
        "memory": {
            "face crops": whole,
            "whole images": memory(
                folder, Input(str(shown), "list", [FilePart(source, source) for source in sources]), "mtcnn"
            ),
        }
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.batch", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="a trial of a minute or two")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="some of the parts")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    if not DATA.is_file():
        raise SystemExit(f"expected {DATA}; it is not there")
    results: dict[str, Any] = {"machine": machine.describe()}
    print(machine.summary(results["machine"]))
    with tempfile.TemporaryDirectory(prefix="mien-batch-") as name:
        for part in options.only:
            print(f"{part} ...", flush=True)
            results |= measured(part, Path(name), options.quick)
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results), options.json)


def repeated(place: Path, count: int) -> None:
    """FER-2013 as often as it takes for so many rows."""
    import polars

    table = polars.read_parquet(DATA, columns=["row", "image", "label"])
    polars.concat([table] * -(-count // table.height)).head(count).write_parquet(place, row_group_size=2000)


if __name__ == "__main__":
    main()
