"""The peer ``fer`` as a contender, run by the interpreter of its own environment: ``python read_fer.py FRAMES
haar|mtcnn``.

FRAMES is an array of decoded frames (.npy), or a folder of pictures, which are then opened and decoded, by
OpenCV, each time they are read.
"""

from __future__ import annotations

import sys
import time
import types
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rounds import in_place, pictures, serve

NMS_NOTE = "torchvision's non-maximum suppression is replaced by one in numpy: torchvision does not import on CPU builds of torch from every index"


class NMS:
    """Greedy non-maximum suppression in the place of ``torchvision.ops.boxes.batched_nms``; it knows how long
    it took.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, boxes: Any, scores: Any, groups: Any, limit: float) -> Any:
        import torch

        at = time.perf_counter()
        xyxy = (
            boxes.numpy() + (groups.numpy() * (boxes.numpy().max(initial=0) + 1))[:, None]
        )  # So that boxes of other pictures never overlap.
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


def install_torchvision_stand_in() -> NMS | None:
    """Where torchvision does not import, a module with the two names that ``facenet_pytorch`` asks it for."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return None
    nms = NMS()
    for name in (
        "torchvision",
        "torchvision.transforms",
        "torchvision.transforms.functional",
        "torchvision.ops",
        "torchvision.ops.boxes",
    ):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]  # type: ignore[attr-defined]
    sys.modules["torchvision.ops.boxes"].batched_nms = nms  # type: ignore[attr-defined]
    return nms


def main() -> None:
    path, detector = sys.argv[1:]
    import cv2

    cv2.setNumThreads(1)
    nms, packages = None, ["fer", "numpy", "opencv-contrib-python-headless", "tensorflow_cpu"]
    if detector == "mtcnn":
        import torch

        torch.set_num_threads(1)
        nms = install_torchvision_stand_in()
        packages += ["facenet-pytorch", "torch"]
    warnings.simplefilter("ignore")
    import tensorflow
    from fer.fer import FER

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    peer = FER(mtcnn=detector == "mtcnn")

    def read(frame: NDArray[np.uint8]) -> int:
        return len(peer.detect_emotions(frame))

    def read_picture(file: str) -> int:
        boxes = (one["box"] for one in peer.detect_emotions(cv2.imread(file)))
        return in_place(file, ((x, y, x + width, y + height) for x, y, width, height in boxes))

    def facts() -> dict[str, Any]:
        if nms is None:
            return {}
        spent, nms.seconds = nms.seconds, 0.0
        return {"stand_in_ms": spent * 1000, "note": NMS_NOTE}

    versions = {name: version(name) for name in packages}
    if Path(path).is_dir():
        serve(pictures(path), read_picture, versions, facts)
        return
    frames = np.ascontiguousarray(
        np.load(path)[..., ::-1]
    )  # Blue, green, red, as OpenCV would have decoded them.
    serve(frames, read, versions, facts)


if __name__ == "__main__":
    main()
