"""The same workers on a cluster, by Ray Data: it says where, and asks again where a machine is lost.
Shards are written by the workers themselves."""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import socket
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from mien.batch.messages import Done
from mien.batch.pool import Progress, WorkerPool
from mien.batch.settings import BatchSettings
from mien.batch.shard import Shard
from mien.core.errors import InputError, MienError, MissingExtraError

_STOP = "stop"
"""A file in the output that tells workers, wherever they are, to begin no shard more."""
_MOST_BLOCKS = 5000
_PATIENCE = 10.0
"""Seconds to wait for a cluster to answer."""
_STORE_BYTES = 200 * 2**20
_COUNTS = ("items", "rows", "faces", "errors")


class RayWorker:
    """What runs in an actor: a crew of one, so that an image that kills its reader is found here as well.

    Args:
        settings: What to do.
        folder: Where shards go; every machine must see it by this path.
        here: Where the run was started, from which relative paths count.
    """

    def __init__(self, settings: BatchSettings, folder: str, here: str) -> None:
        if Path(here).is_dir():
            os.chdir(here)
        self._folder = Path(folder)
        self._crew = WorkerPool(settings, self._folder, 1)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read and write a shard; gives its counts, or why nobody can."""
        shard: Shard = pickle.loads(row["shard"])
        report: dict[str, Any] = {
            "number": shard.number,
            **dict.fromkeys(_COUNTS, 0),
            "done": False,
            "failed": "",
            "device": "",
        }
        if (self._folder / _STOP).exists():
            return report
        try:
            for done in self._crew.run([shard]):
                for one in done:
                    report |= {**one.counts, "done": True}
        except MienError as error:
            report["failed"] = str(error)
        return {**report, "device": self._crew.progress.device or ""}


class RayPool:
    """Workers wherever Ray has room for them; a context manager with the face of
    `mien.batch.pool.WorkerPool`.

    Args:
        settings: What the workers do.
        folder: Where shards go: a disk that all machines see by the same path.
        workers: How many; None: one for each core of the cluster, or for each GPU where the device is one.
        address: A running cluster (``auto``, ``host:6379``, ``ray://host:10001``); None starts one on this
            machine.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: There is no cluster at the address.
    """

    deaths = 0

    def __init__(
        self, settings: BatchSettings, folder: Path, workers: int | None, address: str | None = None
    ) -> None:
        self.settings, self.folder = settings, folder.absolute()
        self.progress = Progress()
        self._own: TemporaryDirectory[str] | None = None
        if address:
            self._ray = _connected(address)
        else:
            self._ray, self._own = _started()
        self._gpu = settings.networks.device in ("cuda", "tensorrt", "migraphx")
        there = self._ray.cluster_resources()
        self.workers = workers or max(1, int(there.get("GPU" if self._gpu else "CPU", 1)))
        (self.folder / _STOP).unlink(missing_ok=True)

    def run(self, shards: Iterable[Shard]) -> Iterator[list[Done]]:
        """Have shards read and written; gives those done as they come.

        Raises:
            MienError: A worker cannot go on, and others could not either.
        """
        rows = [{"shard": pickle.dumps(shard)} for shard in shards]
        if not rows:
            return
        data = self._ray.data
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.execution_options.preserve_order = False
        # An actor that is lost is replaced, and its shard read again: that is what Ray Data does of itself.
        found = data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS)).map(
            RayWorker,
            fn_constructor_args=(self.settings, str(self.folder), str(Path.cwd())),
            compute=data.ActorPoolStrategy(
                size=min(self.workers, len(rows)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=self.settings.networks.threads or 1,
            num_gpus=1 if self._gpu else None,
        )
        for row in found.iter_rows():
            if row["failed"]:
                raise MienError(row["failed"])
            self.progress.device = row["device"] or self.progress.device
            yield [Done(row["number"], {name: row[name] for name in _COUNTS})] if row["done"] else []

    def stop(self) -> None:
        """Finish the shards at hand and begin no other."""
        (self.folder / _STOP).touch()

    def close(self) -> None:
        """Let go of the cluster; one that was started here ends."""
        (self.folder / _STOP).unlink(missing_ok=True)
        self._ray.shutdown()
        if self._own:
            self._own.cleanup()

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connected(address: str) -> Any:
    """Ray, connected to a cluster of somebody's."""
    _require_cluster(address)
    return _initialised(_imported(), address, address)


def _started() -> tuple[Any, TemporaryDirectory[str]]:
    """Ray, with a cluster of its own on this machine, which listens to this machine alone; and the folder for
    what it keeps while it runs."""
    # On Linux, a cluster would listen to the network too; and Ray would leave a token of its own under the
    # home folder.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray = _imported()
    from ray._private.node import Node

    Node.start_api_server = _without_reports
    folder = _short_folder()
    return _initialised(
        ray,
        "local",
        "this machine",
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        _temp_dir=folder.name,
    ), folder


def _without_reports(self: Any, **_: Any) -> None:
    """In place of the only service without a dashboard, that of the usage report: told to report nothing, it
    still asks the hosts of clouds."""
    self._webui_url = ""


def _imported() -> Any:
    """Ray; nothing is reported to anybody, whatever the environment said before."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for name, value in {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("Runs on a cluster", "ray", "ray") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


def _initialised(ray: Any, address: str, where: str, **local: Any) -> Any:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"expected a Ray cluster at {where}; got: {reason}: start one with ray start --head"
        ) from None
    return ray


def _short_folder() -> TemporaryDirectory[str]:
    """A temporary folder, where paths of sockets fit into the 107 bytes that they may have: Ray adds 65."""
    place = tempfile.gettempdir()
    return TemporaryDirectory(
        prefix="ray-", dir=place if len(os.fsencode(place)) <= 27 else "/tmp", ignore_cleanup_errors=True
    )


def _require_cluster(address: str) -> None:
    """See whether somebody answers: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise InputError(
            f"expected a Ray cluster at {address}; got: {error.strerror or error}: start one with ray start --head"
        ) from None
