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


def run_settings(chosen: PipelineConfig, video_options: VideoOptions, pipeline: Pipeline) -> dict[str, Any]:
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
        "interval": video_options.sampling.interval,
        "fps": video_options.sampling.fps,
        "hidden-frames": video_options.sampling.hidden_frames,
        "max-pixels": video_options.max_pixels,
        "decode-seconds": video_options.decode_seconds,
        "tracking": None if video_options.tracking is None else asdict(video_options.tracking),
        "version of mien": __version__,
    }


def run_facts(settings: dict[str, Any], video_options: VideoOptions, pipeline: Pipeline) -> Facts:
    """What a report tells of a run with these `run_settings`."""
    from mien.reports.video import Facts

    least = (
        "faces from its own least height"
        if settings["min-face"] is None
        else f"faces from {settings['min-face']} px"
    )
    sure = settings["min-detection-score"]
    least += "" if sure is None else f" with a score of {sure:g} or more"
    rate, smoothing = video_options.sampling.rate, video_options.smoothing
    hidden = ", hidden ones as well" if video_options.sampling.hidden_frames else ""
    calibrated = ""
    if smoothing.baseline is not None:
        calibrated = f", neutral by {'the usual result' if smoothing.baseline == 'median' else f'the first {smoothing.baseline:g} s'} of each person"
    shown = [
        ("Detector", f"{settings['detector']}, {least}"),
        ("Faces", "the biggest of each frame" if settings["largest"] else "all of each frame"),
        ("Frames", ("every one" if rate is None else f"{rate:g} a second at most") + hidden),
        (
            "People",
            "followed by position; no identity is computed" if video_options.tracking else "not followed",
        ),
        ("Smoothing", f"time constant {smoothing.tau:g} s{calibrated}" if video_options.tracking else "none"),
        ("Network", settings["network"]),
        *([] if settings["views"] == "one" else [("Views of each face", f"{settings['views']}, averaged")]),
    ]
    return Facts("", shown, pipeline.classifier.network.card, pipeline.classifier.head, __version__)
