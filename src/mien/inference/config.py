"""What a pipeline is made of, and the one place where its defaults stand: Python, the command line, the service
and batches take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DetectorName = Literal[
    "mtcnn",
    "blaze",
    "auto",
    "haar",
    "whole",
]
"""Detectors, the default first; each is made by ``create`` in the file of its name in `mien.inference.detectors`."""

TtaName = Literal["one", "flip", "ten-crop"]
"""How often a face is looked at: one look; the image and its mirror image; the centre and the four corners, each with its
mirror image."""

DeviceName = Literal["auto", "cpu", "cuda", "tensorrt", "migraphx", "directml", "openvino", "coreml"]
"""What may run networks, as ONNX Runtime has it on a machine; ``auto`` is ``cuda`` where that can be started, else ``cpu``."""


@dataclass(frozen=True)
class PipelineConfig:
    """Arguments of `mien.inference.pipeline.Pipeline`, which says what each one means, as plain values: they
    can be written down, sent to a worker and compared.

    >>> PipelineConfig(model="small").detector
    'mtcnn'
    """

    detector: DetectorName = "mtcnn"
    model: str = "small-int8"
    head: str | None = None
    min_face: int | None = None
    min_detection_score: float | None = None
    largest: bool = False
    min_confidence: float | None = None
    landmarks: bool = False
    valence: Mapping[str, float] | None = None
    tta: TtaName = "one"
    threads: int | None = None
    device: DeviceName = "auto"
