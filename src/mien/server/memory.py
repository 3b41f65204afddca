"""How memory that is not used any more goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # As glibc's malloc.h numbers it.


def give_back(large: int) -> None:
    """Have blocks of so many bytes or more go back as soon as they are free.

    Otherwise the C library, once a large block was freed, keeps the next ones of its size.
    """
    with suppress(OSError, AttributeError, TypeError):  # The C library of another system.
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, large)
