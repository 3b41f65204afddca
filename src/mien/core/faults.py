"""What goes wrong with one source is that source's error: also what nobody has foreseen."""

from __future__ import annotations

import logging

from mien.core.errors import MediaError, MienError
from mien.core.masking import Masks

LOG = logging.getLogger("mien")
"""Where the tracebacks of unforeseen errors go; silent unless somebody listens (``mien --log FILE``)."""
LOG.addHandler(logging.NullHandler())
LOG.addFilter(Masks())


def source_error(name: str, error: Exception) -> MediaError:
    """An exception that opening, decoding or reading a source has raised, as an error of that source.

    One that nobody has foreseen is a fault in mien, or in a library that it reads with: its traceback goes to
    the log.

    Args:
        name: What tables call the source.
        error: The exception; to be called while it is handled.

    Raises:
        MienError: The error itself, where it is not about this source alone: an impossible option, a missing
            package, a full disk.

    >>> print(source_error("a.jpg", PermissionError(13, "Permission denied")))
    a.jpg: expected a file that may be read; got no permission: check its access rights
    """
    if isinstance(error, MediaError):
        return error
    if isinstance(error, MienError):
        raise error
    if isinstance(error, MemoryError):
        return MediaError(
            f"{name}: expected a source that fits in memory; there is not enough: scale it down, or close other programs",
            "too_large",
        )
    reason = getattr(error, "strerror", None)  # FFmpeg's errors have one as well as the system's.
    if isinstance(error, OSError) or reason:
        return _refused(name, error, str(reason or error))
    LOG.error("unforeseen error while reading %s", name, exc_info=error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return MediaError(
        f"{name}: a fault in mien or a library of its ({what}): please report it, with what mien --log FILE keeps",
        "fault",
    )


def _refused(name: str, error: Exception, reason: str) -> MediaError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return MediaError(f"{name}: expected a file; there is none of this name: check the path", "missing")
    if isinstance(error, PermissionError):
        return MediaError(
            f"{name}: expected a file that may be read; got no permission: check its access rights",
            "permission",
        )
    return MediaError(
        f"{name}: expected a file that can be read; got: {reason}: get it again, or check where it lies",
        "unreadable",
    )
