"""What decides the rows of a run; small, so that it can be sent to workers anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mien import __version__
from mien.core.errors import NetworkError
from mien.core.labels import Labels
from mien.inference.card import read_card
from mien.inference.config import PipelineConfig
from mien.inference.pipeline import Pipeline
from mien.inference.weights import network_path, part_path
from mien.video.runner import VideoOptions

FORMS = ("parquet", "csv", "jsonl")
"""What shards can be written as."""

_MACHINE = ("threads", "device")
"""What may differ between the machines of one run."""

_MTCNN = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")
_PARTS = {"mtcnn": _MTCNN, "blaze": ("blazeface",), "auto": (*_MTCNN, "blazeface")}


@dataclass(frozen=True)
class BatchSettings:
    """Everything a worker must know.

    Args:
        networks: What the pipeline is made of; without ``threads``, as many as leave every worker its share of
            the cores.
        video_options: How videos are read.
        form: One of `FORMS`.
        labelled: Whether rows have a column ``reference``.
        checksums: Digest of each network file by its name; a worker whose networks are others refuses to
            work. See `known`.
    """

    networks: PipelineConfig = field(default_factory=PipelineConfig)
    video_options: VideoOptions = field(default_factory=VideoOptions)
    form: str = "parquet"
    labelled: bool = False
    checksums: Mapping[str, str] = field(default_factory=dict)

    def known(self) -> BatchSettings:
        """The same with the digests of the networks as they are here.

        Raises:
            NetworkError: A network is missing or damaged.
        """
        return replace(self, checksums=_checksums(self.networks))

    def pipeline(self) -> Pipeline:
        """Open the networks.

        Raises:
            NetworkError: They are missing, damaged or others than where the run began.
            InputError: An option is impossible.
        """
        here = _checksums(self.networks)
        if self.checksums and here != self.checksums:
            other = next(name for name in self.checksums if here.get(name) != self.checksums[name])
            raise NetworkError(
                f"{other}: expected the network that the run began with; this machine has another one: install the same mien on both"
            )
        return Pipeline.open(self.networks)

    def labels(self) -> Labels:
        """Expressions that the network tells apart, without opening it."""
        return labels_of(self.networks)

    def facts(self) -> dict[str, Any]:
        """What must stay the same for a run to go on, by the names of the options; ready for JSON."""
        video_options = self.video_options
        return {
            **{
                name.replace("_", "-"): value
                for name, value in vars(self.networks).items()
                if name not in _MACHINE
            },
            "networks": dict(self.checksums),
            "interval": video_options.sampling.interval,
            "fps": video_options.sampling.fps,
            "hidden-frames": video_options.sampling.hidden_frames,
            "from": video_options.sampling.start,
            "to": video_options.sampling.end,
            "max-pixels": video_options.max_pixels,
            "decode-seconds": video_options.decode_seconds,
            "tracking": None if video_options.tracking is None else asdict(video_options.tracking),
            "smoothing": asdict(video_options.smoothing),
            "format": self.form,
            "labels": self.labelled,
            "version of mien": __version__,
        }


def _checksums(networks: PipelineConfig) -> dict[str, str]:
    model, parts = networks.model, _PARTS.get(networks.detector, ())
    if networks.landmarks:
        parts = (*parts, "facemesh", "facemesh-eyes")
    paths: dict[str, Path] = {model: network_path(model), **{part: part_path(part) for part in parts}}
    return {name: f"sha256 {read_card(path).sha256}" for name, path in paths.items()}


def labels_of(networks: PipelineConfig) -> Labels:
    """Expressions that the network of a configuration tells apart, without opening it."""
    card = read_card(network_path(networks.model))
    head = networks.head or next(iter(card.heads))
    return card.labels(head, valence=networks.valence)
