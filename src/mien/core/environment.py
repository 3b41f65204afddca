"""The environment of processes: what programs that mien starts are told, and how libraries are told not to
report to their makers.

ONNX Runtime (1.29 and later) begins when it is imported: it keeps a device id and a store of events under the
home folder and sends them after some seconds. It can only be told before, by a variable of the environment,
which processes that are started from this one inherit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping

RUNNING = frozenset(
    [
        *("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT"),  # Without these nothing runs on Windows.
    ]
)
"""Variables that every program gets, besides ``LC_*``."""

PYTHON = frozenset(
    [
        *(
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONUTF8",
            "PYTHONIOENCODING",
            "PYTHONHASHSEED",
            "PYTHONDONTWRITEBYTECODE",
        ),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    ]
)
"""Variables by which a process of Python's finds mien and its libraries."""


def handed_on(names: Collection[str] = (), own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a program.

    Args:
        names: Variables that it needs besides `RUNNING` and ``LC_*``.
        own: The environment of this process.

    >>> handed_on(["HOME"], {"PATH": "/bin", "LC_ALL": "C", "HOME": "/home/me", "MIEN_TOKEN": "secret"})
    {'PATH': '/bin', 'LC_ALL': 'C', 'HOME': '/home/me'}
    """
    return {
        name: value
        for name, value in own.items()
        if name in RUNNING or name.startswith("LC_") or name in names
    }


ONNX_RUNTIME = "ORT_DISABLE_TELEMETRY"

onnx_runtime_came_first = "onnxruntime" in sys.modules and os.environ.get(ONNX_RUNTIME) != "1"
"""Whether somebody had imported ONNX Runtime before mien, without telling it: then it reports, and nothing
here can stop it."""


def silence() -> None:
    """Tell ONNX Runtime, whatever the environment said before: only ``1`` stops it."""
    os.environ[ONNX_RUNTIME] = "1"
