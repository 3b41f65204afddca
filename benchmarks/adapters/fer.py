"""The peer ``fer`` as a subject, run by the interpreter of its own environment: ``python -m
benchmarks.adapters.fer TASK ...``.

=============================  ==============================================================================
frames ITEMS haar|mtcnn        every frame or image by ``detect_emotions``. ITEMS is an array of frames (.npy),
                               or a folder of images, which are then opened and decoded, by OpenCV, each time
                               they are read.
network FACES tflite|hdf5      the network alone, a mini-Xception: faces ``(n, 64, 64)`` from -1 to 1, as
                               ``detect_emotions`` hands them to it
clips FRAMES OUT DETECTOR       the label of ``box0`` in each frame of an array, as the paper of Yin, Jiang and Li
                               takes it: JSON, null where no face is found
leaderboard FOLDER OUT FORM    see `benchmarks.lib.answers.answer`. On crops it does what ``detect_emotions``
                               does with a face that is cropped already: OpenCV's resize to 64x64, its own
                               scaling to -1 to 1, its own network.
=============================  ==============================================================================
"""

from __future__ import annotations

import json
import sys
import time
import types
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.answers import answer, install_bytes
from benchmarks.lib.timing import image_files, in_place, serve

NMS_NOTE = "torchvision's non-maximum suppression is replaced by one in numpy: torchvision does not import on CPU builds of torch from every index"
_WEIGHTS = {"tflite": "emotion_model_quantized.tflite", "hdf5": "emotion_model.hdf5"}
_PACKAGES = (
    "fer",
    "tensorflow-cpu",
    "setuptools",
    "opencv-contrib-python-headless",
    "pandas",
    "pillow",
    "requests",
    "tqdm",
)


class NMS:
    """Greedy non-maximum suppression in the place of ``torchvision.ops.boxes.batched_nms``; it knows how long
    it took.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, boxes: Any, scores: Any, groups: Any, limit: float) -> Any:
        import torch

        at = time.perf_counter()
        # So that boxes of other images never overlap.
        xyxy = boxes.numpy() + (groups.numpy() * (boxes.numpy().max(initial=0) + 1))[:, None]
        area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
        order, kept = np.argsort(-scores.numpy(), kind="stable"), []
        while order.size:
            best, order = order[0], order[1:]
            kept.append(int(best))
            sides = np.clip(
                np.minimum(xyxy[best, 2:], xyxy[order, 2:]) - np.maximum(xyxy[best, :2], xyxy[order, :2]),
                0,
                None,
            )
            shared = sides[:, 0] * sides[:, 1]
            order = order[shared <= limit * (area[best] + area[order] - shared)]
        self.seconds += time.perf_counter() - at
        return torch.tensor(kept, dtype=torch.int64)


def replace_torchvision() -> NMS | None:
    """Where torchvision does not import, a module with the two names that ``facenet_pytorch`` asks it for."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return None
    nms = NMS()
    for name in ("", ".transforms", ".transforms.functional", ".ops", ".ops.boxes"):
        sys.modules[f"torchvision{name}"] = types.ModuleType(f"torchvision{name}")
    functional = sys.modules["torchvision.transforms.functional"]
    vars(sys.modules["torchvision.transforms"])["functional"] = functional
    vars(sys.modules["torchvision.ops.boxes"])["batched_nms"] = nms
    return nms


def open_peer(**options: bool) -> Any:
    """``FER(...)`` on one thread."""
    warnings.simplefilter("ignore")
    import cv2
    import tensorflow
    from fer.fer import FER

    cv2.setNumThreads(1)
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    return FER(**options)


def frames(items: str, detector: str) -> None:
    """Time ``detect_emotions``."""
    import cv2

    nms, packages = None, ["fer", "numpy", "opencv-contrib-python-headless", "tensorflow_cpu"]
    if detector == "mtcnn":
        import torch

        torch.set_num_threads(1)
        nms = replace_torchvision()
        packages += ["facenet-pytorch", "torch"]
    peer = open_peer(mtcnn=detector == "mtcnn")

    def read(frame: NDArray[np.uint8]) -> int:
        return len(peer.detect_emotions(frame))

    def read_image(file: str) -> int:
        boxes = (one["box"] for one in peer.detect_emotions(cv2.imread(file)))
        return in_place(file, ((x, y, x + width, y + height) for x, y, width, height in boxes))

    def facts() -> dict[str, Any]:
        if nms is None:
            return {}
        spent, nms.seconds = nms.seconds, 0.0
        return {"stand_in_ms": spent * 1000, "note": NMS_NOTE}

    versions = {name: version(name) for name in packages}
    if Path(items).is_dir():
        serve(image_files(items), read_image, versions, facts)
    else:  # Blue, green, red, as OpenCV would have decoded them.
        serve(list(np.ascontiguousarray(np.load(items)[..., ::-1])), read, versions, facts)


def clips(items: str, target: str, detector: str) -> None:
    """Answer with the expression of the first face of each frame."""
    if detector == "mtcnn":
        import torch

        torch.set_num_threads(1)
        replace_torchvision()
    peer = open_peer(mtcnn=detector == "mtcnn")
    answers: list[str | None] = []
    for frame in np.load(items, mmap_mode="r"):
        found = peer.detect_emotions(np.ascontiguousarray(frame[..., ::-1]))
        answers.append(max(found[0]["emotions"], key=found[0]["emotions"].__getitem__) if found else None)
    Path(target).write_text(json.dumps(answers), encoding="utf-8")


def network(faces: str, form: str) -> None:
    """Time the network alone, face by face."""
    peer = open_peer(use_tflite=form == "tflite")

    def classify(face: NDArray[np.float32]) -> int:
        return len(peer._classify_emotions(face[None]))

    serve(np.load(faces), classify, {"fer": version("fer"), "tensorflow": version("tensorflow_cpu")})


def leaderboard(source: str, target: str, form: str) -> None:
    """Answer with one form of the network."""
    import cv2
    import fer

    peer = open_peer(use_tflite=form == "tflite")
    labels = peer._get_labels()

    def classify(crop: NDArray[np.uint8]) -> dict[str, str]:
        face = peer._FER__preprocess_input(cv2.resize(crop, (64, 64)), True)
        return {"": labels[int(np.argmax(peer._classify_emotions(face[None])[0]))]}

    def read(image: NDArray[np.uint8]) -> dict[str, str | None]:
        found = peer.detect_emotions(np.repeat(image[..., None], 3, axis=2))
        if not found:
            return {"": None}
        largest = max(found, key=lambda face: face["box"][2] * face["box"][3])["emotions"]
        return {"": max(largest, key=largest.__getitem__)}

    facts = {
        "fer": version("fer"),
        "tensorflow": version("tensorflow_cpu"),
        "weights_bytes": (Path(fer.__file__).parent / "data" / _WEIGHTS[form]).stat().st_size,
        "install_bytes": install_bytes(*_PACKAGES),
    }
    answer(Path(source), Path(target), classify, read, facts)


if __name__ == "__main__":
    tasks: tuple[Callable[..., None], ...] = (frames, clips, network, leaderboard)
    {task.__name__: task for task in tasks}[sys.argv[1]](*sys.argv[2:])
