"""Moments marked with the keyboard."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mien.core.leftovers import expect, settled

if TYPE_CHECKING:
    from mien.outlets.group import Outlets

_PLAIN = {" ", "\n", "\r"}
"""Keys without a letter: the moment is called ``marker``."""


@contextmanager
def marking(outlets: Outlets, tell: Callable[[str], None]) -> Iterator[None]:
    """Mark a moment for each key that is pressed in the terminal, where there is one and somebody gets the marks.

    Args:
        outlets: Who gets them.
        tell: Called with lines for people.
    """
    if not len(outlets) or not sys.stdin.isatty():
        yield
        return
    if find_spec("termios") is None:  # Windows, whose terminals tell of keys in another way.
        tell("keys of this terminal mark no moments: send markers from another program")
        yield
        return
    tell("press a key to mark a moment: the key is its label, of the space bar it is marker")
    with _keys(lambda key: tell(_marked(outlets, key))):
        yield


def _marked(outlets: Outlets, key: str) -> str:
    marker = outlets.mark("marker" if key in _PLAIN else key)
    return f"{marker.time:.3f} s: {marker.label}"


@contextmanager
def _keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Call a function with each key that is pressed, on a thread of its own, without waiting for Enter."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    woken, wake = os.pipe()

    def listen() -> None:
        while terminal in (ready := select.select([terminal, woken], [], [])[0]) and woken not in ready:
            data = os.read(terminal, 64).decode("utf-8", "ignore")
            if not data:
                return
            if data.isprintable() or data in _PLAIN:  # Arrows and the like are sequences that are none.
                for key in data:
                    pressed(key)

    thread = threading.Thread(target=listen, name="mien-keys", daemon=True)
    # A second stop may cut off the block that does so: the terminal would show nothing that is typed.
    expect(terminal, partial(termios.tcsetattr, terminal, termios.TCSADRAIN, before))
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        thread.start()
        yield
    finally:
        os.write(wake, b"x")
        if thread.ident is not None:
            thread.join()
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        settled(terminal)
        os.close(woken)
        os.close(wake)
