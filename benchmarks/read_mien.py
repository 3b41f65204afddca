"""mien as a contender: ``python read_mien.py FRAMES.npy MIN_FACE [MODEL]``; MIN_FACE 0 leaves it to mien."""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from rounds import serve

from mien.pipeline import DEFAULT_MODEL, Pipeline


def main() -> None:
    frames, min_face, *model = sys.argv[1:]
    pipeline = Pipeline(model=model[0] if model else DEFAULT_MODEL, min_face=int(min_face) or None, threads=1)

    def read(frame: NDArray[np.uint8]) -> int:
        [faces] = pipeline([frame])
        return len(faces)

    card = pipeline.classifier.network.card
    packages = {name: version(name) for name in ("numpy", "onnxruntime", "pillow")}
    serve(np.load(frames), read, {**packages, "network": f"{card.name} {card.version}"})


if __name__ == "__main__":
    main()
