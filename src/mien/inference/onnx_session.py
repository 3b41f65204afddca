"""Networks run by ONNX Runtime: the only file that imports it, at one place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_threads
from mien.core.environment import silence
from mien.core.errors import InputError, NetworkError
from mien.core.names import nearest, quoted
from mien.inference.card import Card, read_card, read_network
from mien.inference.config import DeviceName

SCOPES = "pkg.torch.onnx.name_scopes"
"""Remark of PyTorch's exporter at each node of a file: the modules that it came from, outermost first."""
_LARGE = 4_000_000
"""Bytes of input beyond which a run gives its memory back: of an image's largest levels, not of the crops of
faces."""


class Network:
    """One network, ready to run. It may be shared by threads, and copies of it are the same one. Made by `open_network`.

    Where it is sent to another process, that one opens the file anew, which must be the same.

    Attributes:
        card: What the network is.
        path: Where it came from.
        providers: What runs it, such as ``CPUExecutionProvider``.
    """

    file_options: tuple[int | None, str] | None = None
    """Threads and device with which `open_network` opened a file; None of what was changed in memory."""

    def __init__(self, session: Any, card: Card, path: Path) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self.card = card
        self.path = path
        self.providers: tuple[str, ...] = tuple(session.get_providers())

    def __repr__(self) -> str:
        return f"Network({self.card.name!r}, {str(self.path)!r}, {', '.join(self.providers)})"

    @property
    def device(self) -> str:
        """What runs it, as one of `DEVICES`."""
        return next(
            (name for name, provider in DEVICES.items() if provider == self.providers[0]), self.providers[0]
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs in the order of the graph."""
        return tuple(self._outputs)

    def __copy__(self) -> Network:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        if self.file_options is None:
            raise TypeError(
                f"{self.path}: expected a network as it lies in a file; got one that was changed in memory, which cannot be pickled"
            )
        return _reopened, (*_place(self.path), *self.file_options, _seal(self.card))

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
            values = self._session.run(self._outputs, dict(feeds), _releasing() if _is_large(feeds) else None)
        except (
            Exception
        ) as error:  # ONNX Runtime's own classes and ValueError have no root in common but this.
            shapes = ", ".join(
                f"{name} {np.asarray(value).dtype} {np.shape(value)}" for name, value in feeds.items()
            )
            raise NetworkError(f"{self.path}: cannot be run on {shapes}: {_line(error)}") from None
        return dict(zip(self._outputs, values, strict=True))


def _is_large(feeds: Mapping[str, NDArray[Any]]) -> bool:
    return sum(np.asarray(value).nbytes for value in feeds.values()) > _LARGE


@lru_cache(maxsize=1)
def _releasing() -> Any:
    """What makes a run give back what it took: ONNX Runtime keeps the most that it ever needed, half a
    gigabyte after one large image."""
    options = onnx_runtime().RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


DEVICES: dict[DeviceName, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
"""Words for ONNX Runtime's execution providers."""


def open_network(path: str | os.PathLike[str], *, threads: int | None = None, device: str = "cpu") -> Network:
    """Open a network file and check it against its card.

    Args:
        path: ONNX file with a card (`mien.inference.card`).
        threads: How many threads one run may use; None leaves it to ONNX Runtime, which takes all physical
            cores.
        device: What runs it: ``auto`` or one of `DEVICES`. `Network.device` says what it got.

    Raises:
        NetworkError: The file is missing, damaged, has no card or cannot be run here.
        InputError: There is no such device, it cannot be used here, or there cannot be so many threads.
    """
    path = Path(path)
    data = read_network(path)  # Once, so that what is checked is what runs.
    network = _opened(data, read_card(data, name=str(path)), path, threads, device)
    network.file_options = threads, device
    return network


@lru_cache(maxsize=16)
def _reopened(place: str, ours: bool, threads: int | None, device: str, seal: str) -> Network:
    """A network that another process has sent, opened once however often it comes."""
    network = open_network(_PACKAGE / place if ours else place, threads=threads, device=device)
    if _seal(network.card) != seal:
        raise NetworkError(
            f"{network.path}: expected the network that was pickled; got another of this name: pickle it anew, or put that one back"
        )
    return network


_PACKAGE = Path(__file__).parents[1]


def _place(path: Path) -> tuple[str, bool]:
    """Where a network lies, and whether that is inside of mien, which may lie elsewhere on another machine."""
    path = path.absolute()
    ours = path.is_relative_to(_PACKAGE)
    return (path.relative_to(_PACKAGE).as_posix() if ours else str(path)), ours


def _seal(card: Card) -> str:
    """What tells a network from all others: its card holds the digest of the rest."""
    return hashlib.sha256(card.model_dump_json().encode()).hexdigest()


def open_graph(data: bytes, card: Card, path: Path) -> Network:
    """Open a graph that was changed in memory, so that no card's digest fits: the file with inner values as
    outputs, say.

    Args:
        data: The changed ONNX file.
        card: That of the file which it was made from.
        path: What messages name.

    Raises:
        NetworkError: It cannot be run here.
    """
    return _opened(data, card, path, None, "cpu")


def onnx_runtime(part: str = "") -> Any:
    """ONNX Runtime, or a part of it such as ``quantization``, told to report nothing to anybody before it is
    imported.

    >>> onnx_runtime("quantization").__name__
    'onnxruntime.quantization'
    """
    silence()
    return import_module(f"onnxruntime.{part}" if part else "onnxruntime")


def _opened(data: bytes, card: Card, path: Path, threads: int | None, device: str) -> Network:
    check_threads(threads)
    wanted = _providers(device)
    network = Network(open_session(data, path, threads, wanted), card, path)
    if device != "auto" and network.providers[0] != wanted[0]:
        # A driver or a library of the device is missing, of which ONNX Runtime says nothing.
        raise InputError(
            f"{wanted[0]} is installed, but does not start here: see to the driver and its libraries, or give --device cpu"
        )
    return network


def open_session(
    data: bytes, path: Path, threads: int | None = None, providers: Sequence[str] = (DEVICES["cpu"],)
) -> Any:
    """ONNX Runtime's own session of a graph, of which nothing is known yet.

    Raises:
        NetworkError: It cannot be run here.
    """
    try:
        return _session(data, threads, providers)
    except Exception as error:
        raise NetworkError(
            f"{path}: ONNX Runtime {onnx_runtime().__version__} cannot open it: {_line(error)}"
        ) from None


def _session(data: bytes, threads: int | None, providers: Sequence[str]) -> Any:
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # Everything that matters comes as an exception.
    options.inter_op_num_threads = 1
    # Threads that wait by spinning take whole cores from decoding and from the other networks: a 720p video
    # took 1.4 times as long with them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    # Images come in many sizes, and CUDA's own choice is to measure every algorithm for each of them.
    settings = [
        {"cudnn_conv_algo_search": "HEURISTIC"} if name == DEVICES["cuda"] else {} for name in providers
    ]
    # Where it fails, ONNX Runtime tries the CPU, and prints that to standard output.
    other = int(list(providers) != [DEVICES["cpu"]])
    return runtime.InferenceSession(
        data, options, providers=list(providers), provider_options=settings, enable_fallback=other
    )


def _providers(device: str) -> list[str]:
    """ONNX Runtime's providers for a device, the CPU last, for what the device cannot do."""
    there = onnx_runtime().get_available_providers()
    known = get_args(DeviceName)
    if device not in known:
        raise InputError(
            f"expected a device out of {', '.join(known)}; got {quoted(device)}{nearest(device, known)}"
        )
    if device != "auto" and DEVICES[cast(DeviceName, device)] not in there:
        found = ", ".join(name for name, provider in DEVICES.items() if provider in there)
        remedy = (
            "install onnxruntime-gpu in place of onnxruntime"
            if device in ("cuda", "tensorrt")
            else "install an ONNX Runtime that has it"
        )
        raise InputError(
            f"expected a device out of auto, {found}, which this ONNX Runtime has; got {device}: {remedy}, or give --device cpu"
        )
    first = DEVICES["cuda"] if device == "auto" else DEVICES[cast(DeviceName, device)]
    return [name for name in dict.fromkeys((first, DEVICES["cpu"])) if name in there]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
