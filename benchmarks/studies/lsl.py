"""How whole and how soon a stream of Lab Streaming Layer is received: ``python -m benchmarks.studies.lsl``.

A video of a drawn face, 30 frames a second, is watched by ``mien watch --outlet lsl:...`` in a process of its own, and received here by
pylsl. Told are how many samples came, the longest pause between the stamps of two, and how long after the frame was there its
sample had been received: on the clock that both processes have, so that nothing is estimated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.drawn_face import draw_portrait
from mien.media import VideoWriter

RATE = 30


def film(path: Path, seconds: float) -> None:
    """A face that moves a little."""
    image = np.ascontiguousarray(draw_portrait())
    with VideoWriter(path, image.shape[1], image.shape[0], rate=RATE) as movie:
        for number in range(round(seconds * RATE)):
            movie.write(np.roll(image, number % 8, axis=1), number / RATE)


def received(name: str, process: subprocess.Popen[str]) -> NDArray[np.float64]:
    """Of each sample its stamp and how many seconds later it was here, until the stream ends."""
    import pylsl
    from pylsl.util import LostError

    [info] = pylsl.resolve_byprop("name", name, 1, 60)
    inlet = pylsl.StreamInlet(info, max_buflen=60, recover=False)
    inlet.open_stream(20)
    found: list[tuple[float, float]] = []
    while True:
        try:
            _, stamp = inlet.pull_sample(2.0)
        except LostError:
            break
        if stamp is not None:
            found.append((stamp, pylsl.local_clock() - stamp))
        elif process.poll() is not None:
            break
    return np.array(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what came."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.lsl", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args(arguments).seconds
    name = f"mien-study-{uuid.uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.mp4"
        film(path, seconds)
        command = [
            sys.executable,
            "-m",
            "mien",
            "watch",
            f"live:{path}",
            "--outlet",
            f"lsl:{name}",
            "--format",
            "text",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            samples = received(name, process)
            told = process.communicate()[0]
    print(*told.strip().splitlines()[-4:], sep="\n")
    steps, late = np.diff(samples[:, 0]), 1000 * samples[:, 1]
    print(
        f"{len(samples)} samples in {samples[-1, 0] - samples[0, 0]:.1f} s; longest step {steps.max() * 1000:.0f} ms; "
        f"from frame to receiver median {np.median(late):.1f} ms, 95 in 100 under {np.percentile(late, 95):.1f} ms, "
        f"longest {late.max():.0f} ms"
    )


if __name__ == "__main__":
    main()
