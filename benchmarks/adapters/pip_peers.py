"""Peers whose weights come in their packages from PyPI, on the leaderboard alone; run by the interpreter of
`environments.pip_python`: ``python -m benchmarks.adapters.pip_peers PACKAGE FOLDER OUT``.

==========================  =================================================================================
facex                       ``EmotionClassifier``: OpenCV's Haar cascade, a network in TFLite over 200x200 px
facial-emotion-recognition  a network of PyTorch over 48x48 px. Its weights are a pickle: only tensors are read
                            out of it. Its own class asks torchvision, which does not import beside CPU builds
                            of torch from every index, for one resize and one scaling: they are done here, by
                            Pillow as there. Its detector is facenet-pytorch's MTCNN.
==========================  =================================================================================

On crops each does what it does with a face that its detector has cut out.
"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.adapters.fer import replace_torchvision
from benchmarks.lib.answers import answer, install_bytes


def facex(source: str, target: str) -> None:
    """Answer with facex."""
    import cv2
    import facex.core as package
    import tensorflow

    cv2.setNumThreads(1)
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    weights = Path(package.__file__).parent / "assets" / "model_optimized.tflite"
    peer = package.EmotionClassifier(str(weights))

    def classify(crop: NDArray[np.uint8]) -> dict[str, str]:
        return {"": _likeliest(peer.detect_emotion(crop))}

    def read(image: NDArray[np.uint8]) -> dict[str, str | None]:
        found = peer.predict(np.repeat(image[..., None], 3, axis=2))
        if not found:
            return {"": None}
        return {"": _likeliest(max(found, key=lambda face: face["bbox"][2] * face["bbox"][3])["emot"])}

    facts = {
        "facex": version("facex"),
        "tensorflow": version("tensorflow_cpu"),
        "weights_bytes": weights.stat().st_size,
        "install_bytes": install_bytes("facex", "tensorflow-cpu", "opencv-contrib-python-headless"),
    }
    answer(Path(source), Path(target), classify, read, facts)


def _likeliest(scores: dict[str, Any]) -> str:
    name = max(scores, key=lambda word: float(scores[word]))
    return {"surprised": "surprise"}.get(name, name)


def facial_emotion_recognition(source: str, target: str) -> None:
    """Answer with facial-emotion-recognition."""
    import torch
    from PIL import Image

    torch.set_num_threads(1)
    replace_torchvision()
    from facenet_pytorch import MTCNN

    folder = Path(next(iter(_package_files("facial-emotion-recognition", "networks.py")))).parent
    weights = folder / "model" / "model.pkl"
    network = _module(folder / "networks.py").NetworkV2(in_c=1, nl=32, out_f=7)
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu")["network"])
    network.eval()
    names = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    detector = MTCNN(keep_all=True, device="cpu")

    def named(face: NDArray[np.uint8]) -> str:
        small = np.asarray(Image.fromarray(face).resize((48, 48), Image.Resampling.BILINEAR), np.float32)
        with torch.no_grad():
            scores = network(torch.from_numpy(small / 127.5 - 1)[None, None])
        return names[int(scores.argmax())]

    def read(image: NDArray[np.uint8]) -> dict[str, str | None]:
        boxes, _ = detector.detect(np.repeat(image[..., None], 3, axis=2))
        if boxes is None:
            return {"": None}
        x1, y1, x2, y2 = max(np.asarray(boxes, float).round().astype(int).clip(0).tolist(), key=_area)
        return {"": named(image[y1:y2, x1:x2])}

    facts = {
        "facial-emotion-recognition": version("facial-emotion-recognition"),
        "torch": version("torch"),
        "weights_bytes": weights.stat().st_size,
        "install_bytes": install_bytes(
            "facial-emotion-recognition", "torch", "opencv-contrib-python-headless"
        ),
    }
    answer(Path(source), Path(target), lambda crop: {"": named(crop)}, read, facts)


def _area(box: list[int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _package_files(package: str, name: str) -> list[str]:
    from importlib.metadata import files

    return [str(file.locate()) for file in files(package) or () if file.name == name]


def _module(path: Path) -> Any:
    """One file of a package whose own ``__init__`` imports what is not here."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"facex": facex, "facial-emotion-recognition": facial_emotion_recognition}[sys.argv[1]](*sys.argv[2:])
