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
        "tta": chosen.tta,
        "landmarks": chosen.landmarks,
        "interval": video_options.sampling.interval,
        "fps": video_options.sampling.fps,
        "hidden-frames": video_options.sampling.hidden_frames,
        "from": video_options.sampling.start,
        "to": video_options.sampling.end,
        "max-pixels": video_options.max_pixels,
        "decode-seconds": video_options.decode_seconds,
        "tracking": None if video_options.tracking is None else asdict(video_options.tracking),
        "version of mien": __version__,
    }


def run_facts(settings: dict[str, Any], video_options: VideoOptions, pipeline: Pipeline) -> Facts:
    """What a report tells of a run with these `run_settings`."""
    from mien.reports.video import Facts

    rate, smoothing = video_options.sampling.rate, video_options.smoothing
    hidden = ", also those that players leave out" if video_options.sampling.hidden_frames else ""
    shown = [
        ("Frames", ("all" if rate is None else f"{rate:g} a second at most") + hidden),
        *([] if (span := video_options.sampling.span) is None else [("Span", f"{span} of the recording")]),
        ("Faces", _faces(settings)),
        (
            "People",
            "followed from frame to frame by position; nobody is recognised"
            if video_options.tracking
            else "not followed",
        ),
        (
            "Smoothing",
            f"over about {smoothing.tau:g} s before and after each moment"
            if video_options.tracking
            else "none",
        ),
        *([] if smoothing.baseline is None else [("Neutral face", _baseline(smoothing.baseline))]),
        *([] if settings["tta"] == "one" else [("Views of each face", f"{settings['tta']}, averaged")]),
    ]
    return Facts("", shown, pipeline.classifier.network.card, pipeline.classifier.head, __version__)


def _faces(settings: dict[str, Any]) -> str:
    """Which faces were read, in plain words."""
    which = "the largest of each frame" if settings["largest"] else "all"
    least, sure = settings["min-face"], settings["min-detection-score"]
    high = "" if least is None else f", at least {least} px high"
    certain = "" if sure is None else f", with a detection score of at least {sure:g}"
    return f"{which} that the detector {settings['detector']} found{high}{certain}"


def _baseline(baseline: str | float) -> str:
    return f"of each person: {'the median of the video' if baseline == 'median' else f'the first {baseline:g} s'}"
