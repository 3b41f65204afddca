"""The signals that ask a command to end."""

from __future__ import annotations

import signal


def stops() -> list[signal.Signals]:
    """Ctrl-C, a request to end, and the end of the terminal, unless whoever started this command has it go on after that
    (``nohup``).

    >>> [stop.name for stop in stops()][:2]
    ['SIGINT', 'SIGTERM']
    """
    hang_up = [stop for stop in signal.Signals if stop.name == "SIGHUP"]  # Not on Windows.
    heeded = [stop for stop in hang_up if signal.getsignal(stop) is not signal.SIG_IGN]
    return [signal.SIGINT, signal.SIGTERM, *heeded]
