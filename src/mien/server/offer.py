"""What clients may choose from: models with their heads, and detectors. All of it is named when the service
starts, and opened once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mien.core.errors import InputError
from mien.core.labels import canonical_label
from mien.core.names import nearest, quoted, spelled
from mien.inference.classifier import Classifier
from mien.inference.config import DetectorName, PipelineConfig
from mien.inference.detectors import DETECTORS, Detector, create_detector, detector_name
from mien.inference.onnx_session import Network, open_network
from mien.inference.pipeline import Pipeline
from mien.inference.weights import network_path
from mien.server.errors import APIError

MOST = 16
"""Models and detectors that a service may offer: each one is held in memory."""


class Offer:
    """Models and detectors that clients may name.

    Args:
        config: The default: what reads where a client chooses nothing.
        more: Names of further models (as ``--model`` takes them) and detectors.

    Raises:
        InputError: There is no such model or detector, one name stands for two files, or there are more than `MOST`.
        NetworkError: A model is missing or damaged, or is none for expressions.
        MissingExtraError: A detector needs a package that is not installed.

    >>> offer = Offer(PipelineConfig(), ["nano", "whole"])
    >>> list(offer.models), list(offer.detectors)
    (['small-int8', 'nano'], ['mtcnn', 'whole'])
    """

    def __init__(self, config: PipelineConfig, more: Sequence[str] = ()) -> None:
        if len(more) > MOST:
            raise InputError(
                f"expected at most {MOST} models and detectors to offer; got {len(more)}: offer fewer"
            )
        self.config = config
        self.pipeline = Pipeline.open(config)
        self.models: dict[str, dict[str, Classifier]] = {}
        self.detectors: dict[str, Detector] = {detector_name(self.pipeline.detector): self.pipeline.detector}
        self._paths: dict[str, Path] = {}
        self._add_model(self.pipeline.classifier.network)
        for name in more:
            if name in DETECTORS:
                self._add_detector(name)
            else:
                self._add_model(self._opened(name))

    def _opened(self, name: str) -> Network:
        threads, device = self.config.threads, self.config.device
        return open_network(network_path(name), threads=threads, device=device)

    def _add_model(self, network: Network) -> None:
        name, path = network.card.name, Path(network.path)
        if self._paths.setdefault(name, path).resolve() != path.resolve():
            raise InputError(
                f"expected models of different names to offer; got {spelled(name)} in {self._paths[name]} and in {path}: offer one of them"
            )
        # None stands where there are no heads, to be told so.
        heads: list[str | None] = [*network.card.heads] or [None]
        self.models.setdefault(name, {str(head): self._classifier(network, head) for head in heads})

    def _classifier(self, network: Network, head: str | None) -> Classifier:
        own = self.pipeline.classifier
        if network is own.network and head == own.head:
            return own
        labels = network.card.labels(head) if head else ()
        # Valences are checked against the default's classes; another head has some of them.
        valence = {
            name: value
            for name, value in (self.config.valence or {}).items()
            if canonical_label(name) in labels
        }
        return Classifier(network, head, self.config.min_confidence, self.config.tta, valence or None)

    def _add_detector(self, name: str) -> None:
        if name not in self.detectors:
            threads, device = self.config.threads, self.config.device
            self.detectors[name] = create_detector(
                name, min_face=self.config.min_face, threads=threads, device=device
            )

    def classifier(self, model: str | None, head: str | None) -> Classifier:
        """What a client chose; None stands for the default: of the service, and of a model that was named its first
        head.

        Raises:
            APIError: It is not offered.
        """
        own = self.pipeline.classifier
        own_name = own.network.card.name
        heads = self.models[_one_of("model", model, self.models, own_name)]
        first = own.head if model in (None, own_name) else next(iter(heads))
        return heads[_one_of("head", head, heads, first, f" of {own_name if model is None else model}")]

    def detector(self, name: str | None) -> Detector:
        """The same for a detector."""
        return self.detectors[
            _one_of("detector", name, self.detectors, detector_name(self.pipeline.detector))
        ]

    def chosen(self, model: str | None, head: str | None, detector: str | None) -> PipelineConfig:
        """What a client chose, for another process, which opens it again."""
        classifier = self.classifier(model, head)
        found: Any = detector_name(self.detector(detector))  # One of the names that the configuration knows.
        score = self.config.min_detection_score if found == self.config.detector else None
        return replace(
            self.config,
            model=str(self._paths[classifier.network.card.name]),
            head=classifier.head,
            detector=cast(DetectorName, found),
            min_detection_score=score,
        )

    def facts(self, model: str | None, head: str | None, detector: str | None) -> dict[str, str]:
        """What a client chose, as `facts` tells it."""
        return _facts(self.classifier(model, head), self.detector(detector))


def _one_of(what: str, name: str | None, there: Collection[str], default: str, whose: str = "") -> str:
    if name is None:
        return default
    if name not in there:
        raise APIError(
            422,
            f"expected a {what}{whose} that this service offers: {', '.join(there)}; got {quoted(name)}{nearest(name, there)}: "
            "GET /v1/models lists them",
            "not_offered",
        )
    return name


def facts(pipeline: Pipeline) -> dict[str, str]:
    """What reads, as every answer with results tells it: ``model``, ``digest``, ``head``, ``detector``."""
    return _facts(pipeline.classifier, pipeline.detector)


def _facts(classifier: Classifier, detector: Detector) -> dict[str, str]:
    card = classifier.network.card
    return {
        "model": card.name,
        "digest": card.sha256,
        "head": classifier.head,
        "detector": detector_name(detector),
    }
