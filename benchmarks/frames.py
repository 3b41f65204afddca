"""Milliseconds per frame of a clip, finding the faces and reading their expressions: mien and the peer fer in one run.

From a fresh clone (Linux or macOS; the first run installs the peer, about 2.7 GB, under benchmarks/.peers):

    make test                                          # or: pip install -e .
    python -m benchmarks.frames [CLIP] [--json FILE]

Fair by construction: the clip is decoded once, before anything is timed, and everyone gets the same arrays; every contender is a process of its own
that has read some frames before the first round; they take turns, one round each, so that what else the machine does hits all alike; everyone has one
thread and the same core. Wall time is what a user waits; the processor's time hardly changes when the machine is busy. A figure is the median over
all frames of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.peers import PeerMissingError, environment, fer_python

HERE = Path(__file__).parent
CLIP = HERE.parent.parent / "shared" / "media" / "one_face.mp4"
MOST_FRAMES = 150


@dataclass
class Contender:
    """A process that reads frames when told to.

    Args:
        name: What the table shows.
        command: Starts it; see `rounds.serve` for what it says.
        env: Its environment.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    rounds: list[dict[str, Any]] = field(default_factory=list)
    hello: dict[str, Any] = field(default_factory=dict)

    def start(self, log: Path) -> None:
        """Start the process and wait until it has warmed up."""
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=self.env, text=True)
        self.hello = self._listen()

    def read_all(self) -> None:
        """One round."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        self.rounds.append(self._listen())

    def stop(self) -> None:
        """End the process."""
        if hasattr(self, "_process"):
            self._process.communicate()

    def _listen(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ROUND "):
                return dict(json.loads(line.removeprefix("ROUND ")))
        last = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        raise PeerMissingError(last[-1] if last else "it ended without a word")

    def result(self) -> dict[str, Any]:
        """Its figures over all rounds."""
        out: dict[str, Any] = {key: _spread([ms for one in self.rounds for ms in one[key]]) for key in ("wall_ms", "cpu_ms")}
        out["rounds_wall_ms"] = [round(statistics.median(one["wall_ms"]), 2) for one in self.rounds]
        faces = self.rounds[0]["faces"]
        out |= {"frames": len(faces), "frames_with_face": sum(count > 0 for count in faces), "frames_with_more": sum(count > 1 for count in faces)}
        if "stand_in_ms" in self.rounds[0]:
            out["stand_in_ms"] = round(statistics.median(one["stand_in_ms"] / len(faces) for one in self.rounds), 2)
            out["note"] = self.rounds[0]["note"]
        return {**out, **self.hello}


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frames", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP, help="a video; by default the one of the shared folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=MOST_FRAMES, help="frames to take from the start of the clip")
    parser.add_argument("--model", help="mien's network: a name or a file")
    parser.add_argument("--peers", nargs="*", choices=("haar", "mtcnn"), default=["haar", "mtcnn"], help="configurations of fer")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)

    if not options.clip.is_file():
        parser.error(f"expected a video; there is no {options.clip}: name one")
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mien-frames-") as folder:
        frames = decoded(options.clip, options.most)
        path = Path(folder) / "frames.npy"
        np.save(path, frames)
        contenders = [*_mien(path, options.model), *_fer(path, options.peers, skipped)]
        facts = machine.describe()
        core = machine.quietest_core()
        machine.pin(core)
        contenders = _started(contenders, Path(folder), skipped)
        try:
            for _ in range(options.rounds):
                for contender in contenders:
                    contender.read_all()
        finally:
            for contender in contenders:
                contender.stop()
    results = {
        "clip": {"name": options.clip.name, "frames": len(frames), "width": frames.shape[2], "height": frames.shape[1]},
        "machine": {**facts, "pinned_to_core": core, "load_after": machine.load()},
        "rounds": options.rounds,
        "contenders": {contender.name: contender.result() for contender in contenders},
        "skipped": skipped,
    }
    _show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def decoded(clip: Path, most: int) -> NDArray[np.uint8]:
    """``(n, h, w, 3)`` the first frames of a clip, RGB."""
    from mien.media import Frame, open_media

    images = []
    with open_media(clip) as media:
        for item in media:
            if isinstance(item, Frame):
                images.append(item.image)
            if len(images) == most:
                break
    return np.stack(images)


def _mien(path: Path, model: str | None) -> list[Contender]:
    # As this process imports mien, so shall they, installed or not.
    env = {**os.environ, **machine.ONE_THREAD, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    script = str(HERE / "read_mien.py")
    return [
        Contender(name, [sys.executable, script, str(path), min_face, *([model] if model else [])], env)
        for name, min_face in (("mien", "0"), ("mien, min_face 20", "20"))
    ]


def _fer(path: Path, detectors: list[str], skipped: dict[str, str]) -> list[Contender]:
    names = {"haar": "fer: FER()", "mtcnn": "fer: FER(mtcnn=True)"}
    contenders = []
    for detector in detectors:
        try:
            command = [str(fer_python(detector)), str(HERE / "read_fer.py"), str(path), detector]
            contenders.append(Contender(names[detector], command, environment()))
        except PeerMissingError as error:
            skipped[names[detector]] = str(error)
    return contenders


def _started(contenders: list[Contender], folder: Path, skipped: dict[str, str]) -> list[Contender]:
    started = []
    for number, contender in enumerate(contenders):
        try:
            contender.start(folder / f"{number}.log")
            started.append(contender)
        except PeerMissingError as error:
            contender.stop()
            if contender.name == "mien":
                raise SystemExit(f"mien does not run: {error}") from None
            skipped[contender.name] = str(error)
    return started


def _spread(values: list[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return {"median": round(float(middle), 2), "p05": round(float(low), 2), "p95": round(float(high), 2)}


def _show(results: dict[str, Any]) -> None:
    clip, where, contenders = results["clip"], results["machine"], results["contenders"]
    print(f"clip      {clip['name']}: {clip['frames']} frames of {clip['width']} x {clip['height']}, {results['rounds']} rounds each, in turns")
    print(f"machine   {where['cpu']}, {where['cores']} cores, all contenders on core {where['pinned_to_core']}, one thread; {where['system']}")
    print(f"load      {where['load']} before, {where['load_after']} after (means over 1, 5, 15 minutes; about 1 of the second is this benchmark)\n")
    print(f"{'per frame, median':<24}{'wall ms':>9}{'cpu ms':>9}{'mien/it wall':>14}{'cpu':>7}{'face found':>13}{'more than 1':>13}")
    mien = contenders["mien"]
    for name, one in contenders.items():
        wall, cpu = (mien[key]["median"] / one[key]["median"] for key in ("wall_ms", "cpu_ms"))
        found = f"{one['frames_with_face']}/{one['frames']}"
        figures = f"{one['wall_ms']['median']:>9.2f}{one['cpu_ms']['median']:>9.2f}{wall:>14.3f}{cpu:>7.3f}"
        print(f"{name:<24}{figures}{found:>13}{one['frames_with_more']:>13}")
    print()
    for name, one in contenders.items():
        print(f"{name}: {', '.join(f'{package} {version}' for package, version in one['versions'].items())}")
        if "note" in one:
            print(f"  {one['note']}; it takes {one['stand_in_ms']} of the ms above.")
    for name, reason in results["skipped"].items():
        print(f"{name}: skipped: {reason}")


if __name__ == "__main__":
    main()
