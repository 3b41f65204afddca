"""The peer's network alone, mini-Xception, run by the interpreter of its own environment: ``python
read_face_fer.py FACES.npy tflite|hdf5``.

``FACES.npy`` holds faces ``(n, 64, 64)`` from -1 to 1, as its ``detect_emotions`` hands them to the network.
"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from rounds import serve


def main() -> None:
    path, form = sys.argv[1:]
    warnings.simplefilter("ignore")
    import tensorflow
    from fer.fer import FER

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    peer = FER(use_tflite=form == "tflite")

    def classify(face: NDArray[np.float32]) -> int:
        return len(peer._classify_emotions(face[None]))

    serve(np.load(path), classify, {"fer": version("fer"), "tensorflow": version("tensorflow_cpu")})


if __name__ == "__main__":
    main()
