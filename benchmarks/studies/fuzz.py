"""Broken images and videos sent to a running service, for as long as asked: ``python -m benchmarks.studies.fuzz
--minutes 10``.

Every answer must be a success or a refusal in the one shape (4xx), in time; between them the service must
stay well, its memory and its open files bounded, and nothing may be left on disk. What breaks that is kept as
a file, and told.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.lib import machine
from benchmarks.lib.service import running
from mien.core.drawn_face import draw_portrait
from mien.media import VideoWriter

IMAGES = {
    "JPEG": {},
    "PNG": {},
    "GIF": {},
    "WEBP": {},
    "AVIF": {},
    "TIFF": {"compression": "tiff_lzw"},
    "BMP": {},
    "JPEG2000": {},
    "PPM": {},
    "ICO": {},
}
LONGEST = 60.0  # Seconds for an answer.


class Finding(Exception):  # noqa: N818 - what a fuzzer finds.
    """Something that must not happen."""


def seeds(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Whole images and videos of many kinds, small, by name."""
    portrait = draw_portrait()[::2, ::2].copy()
    images = {}
    for form, options in IMAGES.items():
        file = io.BytesIO()
        Image.fromarray(portrait).save(file, form, **options)
        images[form.lower()] = file.getvalue()
    animation = io.BytesIO()
    frames = [Image.fromarray(np.roll(portrait, 8 * step, axis=1)) for step in range(4)]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:], duration=100)
    videos = {"animation.gif": animation.getvalue()}
    for suffix in ("mp4", "webm"):
        path = folder / f"seed.{suffix}"
        try:
            with VideoWriter(path, 120, 120, rate=10) as writer:
                for step in range(6):
                    writer.write(np.roll(portrait, step, axis=1), step / 10)
        except ValueError:
            continue  # A container that mien does not write.
        videos[path.name] = path.read_bytes()
    return images, videos


def broken(data: bytes, chance: random.Random) -> bytes:
    """One of many ways to break a file."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(max(1, len(out)))
        match chance.randrange(9):
            case 0:  # A bit.
                if out:
                    out[at] ^= 1 << chance.randrange(8)
            case 1:  # A number, at its limits.
                out[at : at + 4] = struct.pack(
                    chance.choice("<>") + "I",
                    chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(out))),
                )
            case 2:  # The end.
                del out[at:]
            case 3:  # A stretch.
                del out[at : at + chance.randrange(1, 64)]
            case 4:  # A stretch again.
                out[at:at] = out[at : at + chance.randrange(1, 256)]
            case 5:  # Noise.
                out[at : at + 16] = chance.randbytes(16)
            case 6:  # Nothing.
                out[at : at + 32] = bytes(32)
            case 7:  # The head, where sizes are.
                head = chance.randrange(min(64, max(1, len(out))))
                if out:
                    out[head] = chance.randrange(256)
            case _:  # Something behind.
                out += chance.randbytes(chance.randrange(200))
    return bytes(out)


def check(answer: httpx.Response) -> str:
    """The answer's status and kind, if it is one that may be given.

    Raises:
        Finding: It is not.
    """
    if answer.status_code in (200, 202, 204):
        return str(answer.status_code)
    told = answer.json()
    if not (
        400 <= answer.status_code < 500
        and set(told) == {"error"}
        and set(told["error"]) == {"status", "kind", "message"}
    ):
        raise Finding(f"{answer.status_code}: {answer.text[:300]}")
    return f"{answer.status_code} {told['error']['kind']}"


async def send_image(url: str, files: list[bytes], counts: Counter[str], chance: random.Random) -> bytes:
    """Send one broken image; returns what was sent."""
    sent = broken(chance.choice(files), chance)
    return await _sent(url, "/v1/images", sent, counts)


async def send_video(url: str, files: list[bytes], counts: Counter[str], chance: random.Random) -> bytes:
    """Send one broken video, let it be read, and delete it."""
    sent = broken(chance.choice(files), chance)
    return await _sent(url, "/v1/videos", sent, counts)


async def _sent(url: str, path: str, sent: bytes, counts: Counter[str]) -> bytes:
    try:
        async with httpx.AsyncClient(base_url=url, timeout=LONGEST) as client:
            answer = await client.post(
                path,
                files={"file": ("a", sent)},
                data={"results": "result.csv,result.vtt"} if path == "/v1/videos" else None,
            )
            counts[f"{path} {check(answer)}"] += 1
            if answer.status_code == 202:
                place = answer.headers["location"]
                kind = [
                    line
                    for line in (await client.get(f"{place}/events")).text.splitlines()
                    if line.startswith("event:")
                ][-1]
                counts[f"{path} {kind}"] += 1
                if kind not in ("event: done", "event: failed"):
                    raise Finding(f"a video ended with {kind}")
                video = (await client.get(place)).json()
                if video["error"] is not None and video["error"]["kind"] == "broken":
                    counts[f"{path} a broken process"] += 1
                check(await client.delete(place))
    except (httpx.HTTPError, Finding, ValueError) as error:
        raise Finding(f"{path}: {error!r}; {keep(sent)}") from error
    return sent


async def send_frames(url: str, files: list[bytes], counts: Counter[str], chance: random.Random) -> bytes:
    """Send some broken frames over a stream, a whole one last; every frame must be answered."""
    frames = [broken(chance.choice(files), chance) for _ in range(5)]
    try:
        async with asyncio.timeout(LONGEST), connect(f"{url.replace('http', 'ws')}v1/stream") as socket:
            await socket.send('{"type": "start"}')
            await socket.recv()
            for frame in [*frames, files[0]]:
                await socket.send(frame)
                told = json.loads(await socket.recv())
                counts[f"/v1/stream {told['status']}"] += 1
            if told["status"] not in ("face", "no_face"):
                raise Finding(f"a whole frame got {told}")
    except (ConnectionClosed, TimeoutError, OSError, Finding, ValueError) as error:
        raise Finding(f"/v1/stream: {error!r}; {' '.join(map(keep, frames))}") from error
    return b""


def keep(sent: bytes) -> str:
    """Keep what was found; returns its place."""
    folder = Path("out/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{abs(hash(sent)):x}"
    place.write_bytes(sent)
    return str(place)


async def fuzz(url: str, process: int, folder: Path, seconds: float, seed: int) -> Counter[str]:
    """All doors at once, for so long.

    Raises:
        Finding: Something that must not happen has.
    """
    images, videos = seeds(folder)
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    first = None

    async def knock(door, files: dict[str, bytes], number: int) -> None:  # type: ignore[no-untyped-def]
        chance = random.Random(seed * 100 + number)
        while time.monotonic() < end:
            await door(url, list(files.values()), counts, chance)

    async def watch() -> None:
        nonlocal first
        async with httpx.AsyncClient(base_url=url, timeout=LONGEST) as client:
            while time.monotonic() < end:
                began = time.monotonic()
                (await client.get("/healthz")).raise_for_status()
                if time.monotonic() - began > 5:
                    raise Finding(f"/healthz took {time.monotonic() - began:.1f} s")
                await asyncio.sleep(1)
                if first is None and time.monotonic() > end - seconds * 0.8:
                    first = machine.resident(process)

    doors = [
        (send_image, images),
        (send_image, images),
        (send_frames, images),
        (send_video, videos),
        (send_video, videos),
    ]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        for number, (door, files) in enumerate(doors):
            tasks.create_task(knock(door, files, number))
    await asyncio.sleep(0.5)
    left = [path.name for path in (folder / "kept" / "videos").iterdir()]
    if left:
        raise Finding(f"left behind: {left}")
    open_files = len(os.listdir(f"/proc/{process}/fd"))
    if open_files > 60:
        raise Finding(f"{open_files} open files")
    counts["MiB resident after a fifth"] = (first or 0) // 2**20
    counts["MiB resident at the end"] = machine.resident(process) // 2**20
    return counts


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.fuzz", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="for the same files again"
    )
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="mien-fuzz-") as folder, running(Path(folder)) as (url, process):
        counts = asyncio.run(fuzz(url, process, Path(folder), 60 * options.minutes, options.seed))
    for name, count in sorted(counts.items()):
        print(f"{count:>8,}  {name}")
    print("nothing found")


if __name__ == "__main__":
    main()
