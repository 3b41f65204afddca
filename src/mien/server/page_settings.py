"""What the page must know of mien to read as mien does: names, colours and constants, from where they are
defined."""

from __future__ import annotations

from typing import Any

import mien
from mien.core.frame_result import ROW_KEYS, flat_keys
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.inference.classifier import Classifier
from mien.inference.detectors.mtcnn import MTCNN
from mien.inference.pipeline import Pipeline
from mien.inference.weights import FOLDER
from mien.metrics.sentiment import PRESETS, SENTIMENTS
from mien.server import page_constants
from mien.server.page_files import device_available


def page_settings(pipeline: Pipeline, mapping: str = "valence") -> dict[str, Any]:
    """All that the page is told, ready for JSON; the service gives it as ``/v1/page``.

    Args:
        pipeline: What the server reads with: the page reads with the same networks.
        mapping: Sentiment mapping, a name out of `PRESETS`.
    """
    classifier, detector = pipeline.classifier, pipeline.detector
    labels = classifier.labels
    return {
        "version": mien.__version__,
        "notice": NOTICE,
        "device": device_available() and isinstance(detector, MTCNN) and _shipped(classifier),
        "labels": list(labels),
        "colours": {**_colours(labels), UNCERTAIN: labels.colour(UNCERTAIN)},
        "uncertain": {"name": UNCERTAIN, "below": labels.min_confidence},
        "sentiment": _sentiment(labels, mapping),
        "model": _model(classifier),
        "detector": _detector(detector),
        "tracking": page_constants.TRACKING,
        "smoothing": page_constants.SMOOTHING,
        "keys": list(ROW_KEYS),
        "columns": flat_keys(labels),
    }


def _colours(labels: Labels) -> dict[str, str]:
    return {name: labels.colour(name) for name in labels}


def _sentiment(labels: Labels, mapping: str) -> dict[str, Any]:
    return {
        "mapping": mapping,
        "names": list(SENTIMENTS),
        "colours": _colours(SENTIMENTS),
        "weights": PRESETS[mapping].matrix(labels).tolist(),
    }


def _model(classifier: Classifier) -> dict[str, Any]:
    card = classifier.network.card
    facts = card.model_dump(include={"name", "version", "summary", "limits", "licence"})
    return {
        **facts,
        "url": f"/networks/{classifier.network.path.name}",
        "head": classifier.head,
        "input": card.input.model_dump(),
        "crop": classifier.crop.model_dump(),
    }


def _detector(detector: object) -> dict[str, Any]:
    own = (
        {name: getattr(detector, name) for name in ("min_face", "factor", "min_detection_score")}
        if isinstance(detector, MTCNN)
        else {}
    )
    thresholds = list(detector.thresholds) if isinstance(detector, MTCNN) else []
    return {
        **page_constants.DETECTOR,
        **own,
        "thresholds": thresholds,
        "networks": ["mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"],
    }


def _shipped(classifier: Classifier) -> bool:
    """Whether a browser can load the network: a file of the user's own stays with the server."""
    return classifier.network.path.parent == FOLDER
