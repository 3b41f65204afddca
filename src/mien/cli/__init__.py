"""The command ``mien``."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command (`mien.cli.app.main`). Its parts are loaded only now, so that a stop meanwhile is a line, too."""
    try:
        from mien.cli.app import main as run
    except KeyboardInterrupt:
        from mien.cli.console import complain
        from mien.cli.exits import INTERRUPTED

        complain("mien: interrupted: nothing half-written was left behind\n")
        sys.exit(INTERRUPTED)
    run()


__all__ = ["main"]
