"""What programs that mien starts are told of its environment: what they need to run, and no token, key or
password of anything."""

from __future__ import annotations

import os
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
