"""How fast and how fair a running service answers streams, and whether it grows: ``python -m
benchmarks.suite.service``.

The service and its clients are processes of their own on the same machine, as with a browser on it: the
clients' share of the two cores is part of what is measured. A frame is 640x480, three faces that move, as
JPEG; the time is from sending it to having its answer.

One image is asked for in both ways that clients have, as the body of a request and in a form, over one connection that is
kept, in turns with the pipeline in this process: the same file, decoded by the same library, the same networks, one thread
for each on both sides. The service decodes it in a process of its own and answers in JSON: that, and the way there and
back, are what it may take more.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import json
import random
import statistics
import struct
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from websockets.asyncio.client import connect

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import IMAGE
from benchmarks.lib.service import ServiceFaultError, running
from mien import Pipeline, Session
from mien.core.drawn_face import draw_portrait
from mien.core.frame import Frame

LIMIT_IMAGE, LIMIT_ONE, LIMIT_EIGHT, LIMIT_GROWTH = 1.2, 0.080, 0.300, 0.05
WAYS = {"raw_ms": "as it is", "form_ms": "in a form"}


def frames(width: int = 640, height: int = 480, faces: int = 3, count: int = 90) -> list[bytes]:
    """A second or three of faces that wander, as JPEG; the end fits the beginning."""
    image = Image.open(IMAGE).convert("RGB") if IMAGE.is_file() else Image.fromarray(draw_portrait())
    side = width // (faces + 1)
    face = image.resize((side, side))
    told = []
    for step in range(count):
        canvas = Image.new("RGB", (width, height), (96, 104, 112))
        for number in range(faces):
            turn = 2 * np.pi * (step / count + number / faces)
            left = round((number + 0.5) * width / faces - side / 2 + 12 * np.sin(turn))
            canvas.paste(face, (left, round((height - side) / 2 + 30 * np.cos(turn))))
        file = io.BytesIO()
        canvas.save(file, "JPEG", quality=85)
        told.append(file.getvalue())
    return told


async def client(
    url: str, sent: list[bytes], rate: float, seconds: float, wait: float = 0.0
) -> list[tuple[str, float, int]]:
    """Send frames at a steady rate after a wait; returns status, seconds to the answer and number of faces of
    each, in order of the answers.
    """
    count = round(rate * seconds)
    started: dict[int, float] = {}
    answers: list[tuple[str, float, int]] = []
    async with connect(f"{url.replace('http', 'ws')}v1/stream", compression=None) as socket:
        await socket.send('{"type": "start", "times": true}')
        await socket.recv()

        async def listen() -> None:
            while len(answers) < count:
                told = json.loads(await socket.recv())
                answers.append(
                    (told["status"], time.perf_counter() - started[told["frame"]], len(told["faces"]))
                )

        listening = asyncio.create_task(listen())
        began = time.perf_counter() + wait
        for index in range(count):
            await asyncio.sleep(max(0.0, began + index / rate - time.perf_counter()))
            started[index] = time.perf_counter()
            await socket.send(struct.pack("<d", index / rate) + sent[index % len(sent)])
        async with asyncio.timeout(60):
            await listening
    return answers


def described(answers: list[tuple[str, float, int]]) -> dict[str, Any]:
    """Times in ms, and how many were read."""
    times = sorted(1000 * seconds for _, seconds, _ in answers)
    return {
        "frames": len(answers),
        "skipped": sum(status == "skipped" for status, _, _ in answers),
        "faces": statistics.mean([faces for status, _, faces in answers if status != "skipped"]),
        "p50_ms": round(times[len(times) // 2], 1),
        "p95_ms": round(times[int(0.95 * len(times))], 1),
        "most_ms": round(times[-1], 1),
    }


def alone(sent: list[bytes], rate: float) -> float:
    """Median ms to read a frame in this process, one after the other, nothing sent: the limit."""
    session = Session(Pipeline(threads=1))
    times = []
    for index in range(3 * len(sent)):
        began = time.perf_counter()
        image: NDArray[np.uint8] = np.asarray(Image.open(io.BytesIO(sent[index % len(sent)])).convert("RGB"))
        session.update([Frame(index, index / rate, image)])
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times[len(sent) :]), 2)


def image_by_image(url: str, sent: list[bytes], count: int = 300) -> dict[str, float]:
    """Median ms of an image over a connection that is kept, as it is and in a form, and of reading the same image here, in
    turns, so that all find the machine equally busy.
    """
    pipeline = Pipeline(threads=1)
    connection = http.client.HTTPConnection(url.split("/")[2])
    times: dict[str, list[float]] = {"own_ms": [], "raw_ms": [], "form_ms": []}
    for index in range(count):
        file = sent[index % len(sent)]
        began = time.perf_counter()
        pipeline(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")))
        times["own_ms"].append(1000 * (time.perf_counter() - began))
        for name, kind, body in (
            ("raw_ms", "image/jpeg", file),
            ("form_ms", "multipart/form-data; boundary=frame", _form(file)),
        ):
            began = time.perf_counter()
            connection.request("POST", "/v1/images", body=body, headers={"Content-Type": kind})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise ServiceFaultError(f"the service answered {answer.status}")
            times[name].append(1000 * (time.perf_counter() - began))
    connection.close()
    return {name: round(statistics.median(taken[count // 10 :]), 2) for name, taken in times.items()}


def _form(file: bytes) -> bytes:
    """A form with the file, as browsers send it."""
    about = b'Content-Disposition: form-data; name="file"; filename="frame.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return b"--frame\r\n" + about + file + b"\r\n--frame--\r\n"


async def crowd(
    url: str, sent: list[bytes], clients: int, rate: float, seconds: float
) -> list[dict[str, Any]]:
    """Several clients at once, each with frames and a beat of its own."""
    chance = random.Random(8)
    runs = [
        client(url, sent[shift:] + sent[:shift], rate, seconds, chance.random() / rate)
        for shift in range(0, 11 * clients, 11)
    ]
    return [described(answers) for answers in await asyncio.gather(*runs)]


async def long_stream(url: str, process: int, sent: list[bytes], count: int) -> list[tuple[int, int]]:
    """Frames as fast as they are answered; returns how many there were and the memory of the service then."""
    samples = []
    async with connect(f"{url.replace('http', 'ws')}v1/stream", compression=None) as socket:
        await socket.send('{"type": "start", "times": true}')
        await socket.recv()
        for index in range(count):
            await socket.send(struct.pack("<d", index / 10) + sent[index % len(sent)])
            await socket.recv()
            if index % max(1, count // 100) == 0:
                samples.append((index, machine.resident(process)))
    return samples


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.service", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement")
    parser.add_argument(
        "--frames", type=int, default=30_000, help="frames for the measurement of memory; 0 leaves it out"
    )
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe()}
    sent = frames()
    with (
        tempfile.TemporaryDirectory(prefix="mien-service-") as folder,
        running(Path(folder)) as (url, process),
    ):
        results["image"] = image_by_image(url, sent)
        results["alone_ms"] = alone(sent, 30)
        asyncio.run(client(url, sent, 30, 2))
        results["one"] = described(asyncio.run(client(url, sent, 30, options.seconds)))
        results["eight"] = asyncio.run(crowd(url, sent, 8, 10, options.seconds))
        if options.frames:
            results["memory"] = asyncio.run(long_stream(url, process, frames(320, 240, 1), options.frames))
    results["machine"]["load_after"] = machine.load()
    show(results)
    write_results(results, figures(results), options.json)


def figures(results: dict[str, Any]) -> list[Figure]:
    """Times under load beside those of a frame that is read alone, and growth."""
    one, alone, slowest = results["one"], results["alone_ms"], max(run["p95_ms"] for run in results["eight"])
    beside = "reading a frame alone, nothing sent"
    image = results["image"]
    found = [
        *(
            Figure(
                f"service, one image {way} over a kept connection: median over that of the pipeline alone",
                image[name] / image["own_ms"],
                "times",
                LIMIT_IMAGE,
                "at most",
                "the pipeline on the same image, in turns",
            )
            for name, way in WAYS.items()
        ),
        Figure(
            "service, one client at 30 frames a second, 95 of 100",
            one["p95_ms"],
            "ms",
            80,
            "at most",
            beside,
            one["p95_ms"] / alone,
        ),
        Figure(
            "service, one client at 30 frames a second: frames not answered",
            one["skipped"],
            f"of {one['frames']}",
            0,
        ),
        Figure(
            "service, slowest of eight clients at 10 frames a second, 95 of 100",
            slowest,
            "ms",
            300,
            "at most",
            beside,
            slowest / alone,
        ),
    ]
    if samples := results.get("memory"):
        early, late = _early_and_late(samples)
        found.append(
            Figure(
                f"growth of the service over {samples[-1][0] + 1:,} frames", 100 * (late / early - 1), "%", 5
            )
        )
    return found


def _early_and_late(samples: list[tuple[int, int]]) -> tuple[float, float]:
    """Bytes after a tenth of the frames and at the end."""
    return statistics.median([size for _, size in samples[5:15]]), statistics.median(
        [size for _, size in samples[-10:]]
    )


def show(results: dict[str, Any]) -> None:
    """Print it, with each figure as a share of its limit."""
    where, one, eight = results["machine"], results["one"], results["eight"]
    print(
        f"machine   {where['cpu']}, {where['cores']} cores; load {where['load']} before, {where['load_after']} after"
    )
    image = results["image"]
    for name, way in WAYS.items():
        ratio = image[name] / image["own_ms"]
        print(
            f"image     {image[name]} ms {way} over a kept connection, {ratio:.2f} times (limit {LIMIT_IMAGE:g}) "
            f"the pipeline's own {image['own_ms']} ms, in turns"
        )
    print(f"alone     {results['alone_ms']} ms a frame in one process on one thread, nothing sent\n")
    print(
        f"{'':<10}{'frames':>7}{'skipped':>9}{'faces':>7}{'p50 ms':>8}{'p95 ms':>8}{'most ms':>9}{'of limit':>10}{'of alone':>10}"
    )

    def line(name: str, run: dict[str, Any], limit: float) -> None:
        shares = f"{run['p95_ms'] / 1000 / limit:>10.2f}{run['p95_ms'] / results['alone_ms']:>10.1f}"
        print(
            f"{name:<10}{run['frames']:>7}{run['skipped']:>9}{run['faces']:>7.2f}{run['p50_ms']:>8}{run['p95_ms']:>8}{run['most_ms']:>9}{shares}"
        )

    line("1 at 30/s", one, LIMIT_ONE)
    for number, run in enumerate(eight, 1):
        line(f"{number} of 8", run, LIMIT_EIGHT)
    p95, read = [run["p95_ms"] for run in eight], [run["frames"] - run["skipped"] for run in eight]
    print(
        f"\nfair      of each of the eight {min(read)} to {max(read)} frames were read; p95 {min(p95)} to {max(p95)} ms"
    )
    if samples := results.get("memory"):
        early, late = _early_and_late(samples)
        sizes = f"{early / 2**20:.1f} MiB after a tenth of {samples[-1][0] + 1:,} frames, {late / 2**20:.1f} at the end"
        print(f"memory    {sizes}: {late / early - 1:+.2%} (limit {LIMIT_GROWTH:.0%})")


if __name__ == "__main__":
    main()
