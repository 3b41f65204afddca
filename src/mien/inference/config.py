"""What a pipeline is made of, and the one place where its defaults stand: Python, the command line, the service
and batches take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PipelineConfig:
    """Arguments of `mien.inference.pipeline.Pipeline`, which says what each one means, as plain values: they
    can be written down, sent to a worker and compared.

    >>> PipelineConfig(model="small").detector
    'mtcnn'
    """

    detector: str = "mtcnn"
    model: str = "small-int8"
    head: str | None = None
    min_face: int | None = None
    min_detection_score: float | None = None
    largest: bool = False
    min_confidence: float | None = None
    landmarks: bool = False
    valence: Mapping[str, float] | None = None
    views: str = "one"
    threads: int | None = None
    device: str = "auto"
