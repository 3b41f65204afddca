"""mien as a contender: ``python read_mien.py FRAMES MIN_FACE [MODEL]``; MIN_FACE 0 leaves it to mien.

FRAMES is an array of decoded frames (.npy), or a folder of pictures, which are then opened and decoded each
time they are read.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rounds import in_place, pictures, serve

from mien.inference.pipeline import DEFAULT_MODEL, Pipeline
from mien.media import open_media


def main() -> None:
    frames, min_face, *model = sys.argv[1:]
    pipeline = Pipeline(model=model[0] if model else DEFAULT_MODEL, min_face=int(min_face) or None, threads=1)

    def read(frame: NDArray[np.uint8]) -> int:
        [faces] = pipeline([frame])
        return len(faces)

    def read_picture(path: str) -> int:
        with open_media(path) as media:
            return in_place(
                path, (box for frame in media for faces in pipeline([frame]) for box in faces.boxes.tolist())
            )

    card = pipeline.classifier.network.card
    packages = {name: version(name) for name in ("numpy", "onnxruntime", "pillow")}
    versions = {**packages, "network": f"{card.name} {card.version}"}
    if Path(frames).is_dir():
        serve(pictures(frames), read_picture, versions)
    else:
        serve(np.load(frames), read, versions)


if __name__ == "__main__":
    main()
