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
from mien.inference.pipeline import DEFAULT_DETECTOR, DEFAULT_MODEL, Pipeline
from mien.inference.weights import detector_path, network_path
from mien.video.runner import VideoOptions

FORMS = ("parquet", "csv", "jsonl")
"""What shards can be written as."""

_PARTS = {"mtcnn": ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")}


@dataclass(frozen=True)
class BatchSettings:
    """Everything a worker must know.

    Args:
        networks: Arguments of `mien.inference.pipeline.Pipeline`, but for threads and device.
        plan: How videos are read.
        form: One of `FORMS`.
        labelled: Whether rows have a column ``reference``.
        threads: Threads for each network; None: as many as leave every worker its share of the cores.
        device: What runs the networks.
        checksums: Digest of each network file by its name; a worker whose networks are others refuses to
            work. See `known`.
    """

    networks: Mapping[str, Any] = field(default_factory=dict)
    plan: VideoOptions = field(default_factory=VideoOptions)
    form: str = "parquet"
    labelled: bool = False
    threads: int | None = None
    device: str = "auto"
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
        return Pipeline(**self.networks, threads=self.threads, device=self.device)

    def labels(self) -> Labels:
        """Expressions that the network tells apart, without opening it."""
        card = read_card(network_path(self.networks.get("model", DEFAULT_MODEL)))
        head = self.networks.get("head") or next(iter(card.heads))
        return Labels(card.heads[head])

    def facts(self) -> dict[str, Any]:
        """What must stay the same for a run to go on, by the names of the options; ready for JSON."""
        plan = self.plan
        return {
            **{name.replace("_", "-"): value for name, value in self.networks.items()},
            "networks": dict(self.checksums),
            "interval": plan.sampling.interval,
            "fps": plan.sampling.fps,
            "hidden-frames": plan.sampling.hidden_frames,
            "max-pixels": plan.max_pixels,
            "decode-seconds": plan.decode_seconds,
            "tracking": None if plan.tracking is None else asdict(plan.tracking),
            "smoothing": asdict(plan.smoothing),
            "format": self.form,
            "labels": self.labelled,
            "version of mien": __version__,
        }


def _checksums(networks: Mapping[str, Any]) -> dict[str, str]:
    model = str(networks.get("model", DEFAULT_MODEL))
    parts = _PARTS.get(str(networks.get("detector", DEFAULT_DETECTOR)), ())
    paths: dict[str, Path] = {model: network_path(model), **{part: detector_path(part) for part in parts}}
    return {name: f"sha256 {read_card(path).sha256}" for name, path in paths.items()}
