"""mien with its memory of a stream as a contender: ``python read_tracked.py FRAMES.npy``."""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from rounds import serve

from mien.inference.pipeline import Pipeline
from mien.media import Frame
from mien.tracking.session import Session

RATE = 30.0


def main() -> None:
    session = Session(Pipeline(threads=1))
    count = 0

    def read(image: NDArray[np.uint8]) -> int:
        nonlocal count
        [faces] = session.update([Frame(count, count / RATE, image)])
        count += 1
        return len(faces)

    card = session.pipeline.classifier.network.card
    packages = {name: version(name) for name in ("numpy", "onnxruntime", "pillow")}
    serve(np.load(sys.argv[1]), read, {**packages, "network": f"{card.name} {card.version}"})


if __name__ == "__main__":
    main()
