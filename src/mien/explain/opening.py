"""Open a network file, or the folder of a training run, to look into."""

from __future__ import annotations

from pathlib import Path

from mien.core.errors import MissingExtraError, NetworkError
from mien.explain.base import ExplainableModel
from mien.explain.onnx_model import OnnxModel
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path


def open_explained(model: str | Path = "small", head: str | None = None) -> ExplainableModel:
    """Open a network to look into.

    Args:
        model: A network that mien ships, an ONNX file with a card, or the folder of a finished run of ``mien
            train``.
        head: Which of its outputs; the first one by default.

    Raises:
        NetworkError: There is no such network, it is damaged, or it has no card.
        InputError: There is no such head, or the run is not finished.
        MissingExtraError: A run needs PyTorch and Lightning.

    >>> open_explained("small").classifier.labels.names[3]
    'happy'
    """
    folder = Path(model)
    if folder.is_dir():
        return _open_run(folder, head)
    try:
        path = network_path(model)
    except NetworkError as error:
        raise NetworkError(f"{error}: a folder of mien train will do too") from None
    return OnnxModel(path, Classifier(open_network(path), head))


def _open_run(folder: Path, head: str | None) -> ExplainableModel:
    try:
        from mien.explain.torch_model import TorchModel
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("torch", "lightning", "torchmetrics", "onnx", "onnxscript", "matplotlib"):
            raise
        raise MissingExtraError("Runs of mien train", "train", package) from None
    return TorchModel(folder, head)
