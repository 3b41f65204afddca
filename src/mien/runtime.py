"""Networks run by ONNX Runtime: the only file that imports it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.card import Card, read_card, read_network
from mien.errors import NetworkError


class Network:
    """One network, ready to run. It may be shared by threads. Made by `open_network`.

    Attributes:
        card: What the network is.
        path: Where it came from.
        providers: What runs it, such as ``CPUExecutionProvider``.
    """

    def __init__(self, session: Any, card: Card, path: Path) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self.card = card
        self.path = path
        self.providers: tuple[str, ...] = tuple(session.get_providers())

    def __repr__(self) -> str:
        return f"Network({self.card.name!r}, {str(self.path)!r}, {', '.join(self.providers)})"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs in the order of the graph."""
        return tuple(self._outputs)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Args:
            feeds: Arrays by name of input. How many rows fit into memory at once is the caller's business.

        Returns:
            Arrays by name of output.

        Raises:
            NetworkError: A name, type or shape is not what the network takes.
        """
        try:
            values = self._session.run(self._outputs, dict(feeds))
        except Exception as error:  # ONNX Runtime's own classes and ValueError have no root in common but this.
            shapes = ", ".join(f"{name} {np.asarray(value).dtype} {np.shape(value)}" for name, value in feeds.items())
            raise NetworkError(f"{self.path}: cannot be run on {shapes}: {_line(error)}") from None
        return dict(zip(self._outputs, values, strict=True))


def open_network(path: str | os.PathLike[str], *, threads: int | None = None, providers: Sequence[str] | None = None) -> Network:
    """Open a network file and check it against its card.

    Args:
        path: ONNX file with a card (`mien.card`).
        threads: How many threads one run may use; None leaves it to ONNX Runtime, which takes all physical cores.
        providers: ONNX Runtime's execution providers in order of preference; None is the CPU.

    Raises:
        NetworkError: The file is missing, damaged, has no card or cannot be run here; or a provider is not installed.
    """
    path = Path(path)
    data = read_network(path)  # Once, so that what is checked is what runs.
    return _opened(data, read_card(data, name=str(path)), path, threads, providers)


def open_graph(data: bytes, card: Card, path: Path) -> Network:
    """Open a graph that was changed in memory, so that no card's digest fits: the file with inner values as outputs, say.

    Args:
        data: The changed ONNX file.
        card: That of the file which it was made from.
        path: What messages name.

    Raises:
        NetworkError: It cannot be run here.
    """
    return _opened(data, card, path, None, None)


def _opened(data: bytes, card: Card, path: Path, threads: int | None, providers: Sequence[str] | None) -> Network:
    import onnxruntime

    wanted = list(providers or ["CPUExecutionProvider"])
    missing = set(wanted) - set(onnxruntime.get_available_providers())
    if missing:
        raise NetworkError(f"expected providers among {', '.join(onnxruntime.get_available_providers())}; got {', '.join(sorted(missing))}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # Everything that matters comes as an exception.
    options.inter_op_num_threads = 1
    if threads is not None:
        if threads < 1:
            raise NetworkError(f"expected 1 thread or more; got {threads}")
        options.intra_op_num_threads = threads
    try:
        return Network(onnxruntime.InferenceSession(data, options, providers=wanted), card, path)
    except Exception as error:
        raise NetworkError(f"{path}: ONNX Runtime {onnxruntime.__version__} cannot open it: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
