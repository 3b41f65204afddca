"""What a measurement was made on, and how one thread is forced on everything."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}
"""Environment of the processes that are measured."""

PACKAGES = ("mien", "onnxruntime", "numpy", "pillow", "av")
"""Those whose versions decide about times."""


def describe() -> dict[str, Any]:
    """Processor, cores, system, versions, and how busy the machine is right now."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "versions": versions(),
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "load": load(),
    }


def versions() -> dict[str, str]:
    """Of Python and of what mien runs on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def summary(facts: dict[str, Any]) -> str:
    """What `describe` found, as a line."""
    names = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return f"{facts['cpu']}, {facts['cores']} cores; {facts['system']}; {names}; load {facts['load']}"


def load() -> list[float]:
    """Mean number of running processes over the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def busy(seconds: float = 1.0) -> float | None:
    """How many cores other work keeps busy in a moment of watching; None where the system does not tell."""
    if not Path("/proc/stat").is_file():
        return None
    before, at = _idle(), time.monotonic()
    time.sleep(seconds)
    idle = sum(_idle().values()) - sum(before.values())
    return round(max(0.0, len(before) - idle / os.sysconf("SC_CLK_TCK") / (time.monotonic() - at)), 2)


def quietest_core(seconds: float = 1.0) -> int | None:
    """The core that was idle the longest in a moment of watching; None where the system does not tell."""
    if not hasattr(os, "sched_getaffinity") or not Path("/proc/stat").is_file():
        return None
    before = _idle()
    time.sleep(seconds)
    after = _idle()
    return max(sorted(os.sched_getaffinity(0)), key=lambda core: after.get(core, 0) - before.get(core, 0))


def resident(process: int) -> int:
    """Bytes of memory that a process holds, 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def pin(core: int | None) -> None:
    """Let this process and those that it starts run on one core only, where the system can do that."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _idle() -> dict[int, int]:
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    return {
        int(words[0][3:]): int(words[4])
        for words in lines
        if words[0].startswith("cpu") and words[0] != "cpu"
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
