"""Everything that mien raises on purpose, on one screen; and whatever reading a source raises, as an error of
that source.

Each message says what was expected, what came and what to do, in one line that can be shown to a person as it
is.

    MienError
    ├── InputError          something the caller handed in cannot be used
    │   ├── MediaError      a file or stream cannot be read as an image or a video
    │   │   └── LostError   a live source is not there, or not any more
    │   ├── RecordError     columns of a record do not fit together
    │   └── RuleError       a rule or an action cannot be used
    ├── DeliveryError       an event could not be delivered
    ├── ServiceError        a service of mien refused, or is not there
    ├── NetworkError        a network file is missing, damaged or not what its card says
    └── MissingExtraError   a part needs a package that is not installed
"""

from __future__ import annotations

import logging
from typing import Any

from mien.core.formatting import shortened
from mien.core.masking import Masks, masked_text

_LONGEST = 2000
"""Characters of a message: what came may be of any length, and is repeated in it."""


class MienError(Exception):
    """The root of mien's own errors.

    Args:
        message: What was expected, what came and what to do. Addresses in it are masked (`mien.core.masking`); one of more
            than 2,000 characters, as what came may be of any length, loses its middle.

    >>> str(MienError("rtsp://anna:secret@door.local/1: expected a stream"))
    'rtsp://***@door.local/1: expected a stream'
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(masked_text(message), _LONGEST))

    def __reduce__(self) -> tuple[Any, ...]:
        # As Python does it, an error whose class takes other arguments than a message could not come back from a process.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[MienError], args: tuple[Any, ...], state: dict[str, Any]) -> MienError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(MienError, ValueError):
    """Something the caller handed in cannot be used.

    >>> try:
    ...     raise InputError("expected a threshold of 0 to 1; got 2: give a smaller one")
    ... except ValueError as error:  # as of any wrong value
    ...     print(error)
    expected a threshold of 0 to 1; got 2: give a smaller one
    """


class MediaError(InputError):
    """A file or stream cannot be read as an image or a video.

    Args:
        message: What was expected, what came and what to do.
        kind: A short stable word for tables: ``missing``, ``permission``, ``empty``, ``unreadable``,
            ``truncated``, ``too_large``, ``too_complex`` (takes too long), ``broken``, ``no_video``,
            ``empty_span`` or ``unsupported``.

    >>> from mien.media import open_media
    >>> try:
    ...     open_media("not-there.jpg")
    ... except MediaError as error:
    ...     print(error.kind)
    missing
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class LostError(MediaError):
    """A live source is not there, or not any more.

    Args:
        message: What was expected, what came and what to do.
        kind: As in `MediaError`.
        final: Whether it is no use to try again, as with a password that was refused.
    """

    def __init__(self, message: str, kind: str = "unreadable", *, final: bool = False) -> None:
        super().__init__(message, kind)
        self.final = final


class ServiceError(MienError):
    """A service of mien, asked by `mien.client`, did not do what it was asked for, or is not there.

    Args:
        message: The service's own line; where none came, what was expected, what came and what to do.
        kind: The service's short word for it; where none came, ``unreachable``, ``broken_off``, ``redirected``,
            ``not_mien`` or ``other_version``.
        status: HTTP status; None where no answer came.

    >>> error = ServiceError("the disk is full: try again later", "disk_full", 507)
    >>> error.kind, error.status
    ('disk_full', 507)
    """

    def __init__(self, message: str, kind: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


class RecordError(InputError):
    """Columns of a record do not fit together.

    >>> from mien.core.faces import Faces
    >>> Faces([[0, 0, 40, 50]], [0.9, 0.8], [0], [0.0])
    Traceback (most recent call last):
    ...
    mien.core.errors.RecordError: detection_scores: expected shape (1,); got (2,)
    """


class RuleError(InputError):
    """A rule or an action cannot be used.

    Args:
        message: What was expected, what came and what to do.
        offset: Where in the text of a condition, in characters from 0; None where it is not about one place
            in a text.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class DeliveryError(MienError):
    """An event could not be delivered.

    Args:
        message: What was expected, what came and what to do.
        again: Whether it is of use to try again.
    """

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


class NetworkError(MienError):
    """A network file is missing, damaged or not what its card says.

    >>> from mien.inference.pipeline import Pipeline
    >>> try:
    ...     Pipeline(model="not-there.onnx")
    ... except NetworkError as error:
    ...     print("no such network")
    no such network
    """


class MissingExtraError(MienError, ImportError):
    """A part needs a package that is not installed; the message has the command that installs it.

    >>> str(MissingExtraError("Haar cascades", "haar", "opencv-python-headless"))  # doctest: +ELLIPSIS
    "Haar cascades need opencv-python-headless, which is not installed: pip install '...[haar]'"
    """

    def __init__(self, part: str, extra: str, package: str) -> None:
        from mien.core.installation import install_command

        super().__init__(f"{part} need {package}, which is not installed: {install_command(extra)}")
        self.extra = extra


class UntoldError(InputError):
    """Something is needed that nobody has said and nothing else tells.

    Args:
        option: The option that tells it.
        question: What somebody is asked who can answer.
        why: Why it is not known.

    >>> str(UntoldError("size", "how many px a side have its images", "the graph leaves it open"))
    'expected --size: the graph leaves it open: how many px a side have its images?'
    """

    def __init__(self, option: str, question: str, why: str) -> None:
        super().__init__(f"expected --{option}: {why}: {question}?")
        self.option, self.question = option, question


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
