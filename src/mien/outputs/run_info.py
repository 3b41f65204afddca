"""What decides a run's results, by the names of the options; and what a report tells of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mien import __version__

if TYPE_CHECKING:
    from mien.inference.config import PipelineConfig
    from mien.inference.pipeline import Pipeline
    from mien.reports.video import Facts
    from mien.video.runner import VideoOptions


def run_settings(chosen: PipelineConfig, plan: VideoOptions, pipeline: Pipeline) -> dict[str, Any]:
    """What decides the results, by the names of the options; ready for JSON and for a
    `mien.video.checkpoint.CheckpointStore`."""
    card = pipeline.classifier.network.card
    return {
        "detector": chosen.detector,
        "min-face": chosen.min_face,
        "min-detection-score": chosen.min_detection_score,
        "largest": chosen.largest,
        "network": f"{card.name} {card.version}, sha256 {card.sha256}",
        "head": pipeline.classifier.head,
        "views": chosen.views,
        "interval": plan.sampling.interval,
        "fps": plan.sampling.fps,
        "hidden-frames": plan.sampling.hidden_frames,
        "max-pixels": plan.max_pixels,
        "decode-seconds": plan.decode_seconds,
        "tracking": None if plan.tracking is None else asdict(plan.tracking),
        "version of mien": __version__,
    }


def run_facts(settings: dict[str, Any], plan: VideoOptions, pipeline: Pipeline) -> Facts:
    """What a report tells of a run with these `run_settings`."""
    from mien.reports.video import Facts

    least = (
        "faces from its own least height"
        if settings["min-face"] is None
        else f"faces from {settings['min-face']} px"
    )
    sure = settings["min-detection-score"]
    least += "" if sure is None else f" with a score of {sure:g} or more"
    rate, smoothing = plan.sampling.rate, plan.smoothing
    hidden = ", hidden ones as well" if plan.sampling.hidden_frames else ""
    calibrated = ""
    if smoothing.baseline is not None:
        calibrated = f", neutral by {'the usual result' if smoothing.baseline == 'median' else f'the first {smoothing.baseline:g} s'} of each person"
    shown = [
        ("Detector", f"{settings['detector']}, {least}"),
        ("Faces", "the biggest of each frame" if settings["largest"] else "all of each frame"),
        ("Frames", ("every one" if rate is None else f"{rate:g} a second at most") + hidden),
        ("People", "followed by position; no identity is computed" if plan.tracking else "not followed"),
        ("Smoothing", f"time constant {smoothing.tau:g} s{calibrated}" if plan.tracking else "none"),
        ("Network", settings["network"]),
        *([] if settings["views"] == "one" else [("Views of each face", f"{settings['views']}, averaged")]),
    ]
    return Facts("", shown, pipeline.classifier.network.card, pipeline.classifier.head, __version__)
