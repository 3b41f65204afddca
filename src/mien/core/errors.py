"""Everything that mien raises on purpose, on one screen.

Each message says what was expected, what came and what to do, in one line that can be shown to a person as it
is.

    MienError
    ├── InputError          something the caller handed in cannot be used
    │   ├── MediaError      a file or stream cannot be read as an image or a video
    │   │   └── LostError   a live source is not there, or not any more
    │   ├── RecordError     columns of a record do not fit together
    │   └── RuleError       a rule or an action cannot be used
    ├── DeliveryError       an event could not be delivered
    ├── NetworkError        a network file is missing, damaged or not what its card says
    └── MissingExtraError   a part needs a package that is not installed
"""

from mien.core.masking import masked_text


class MienError(Exception):
    """The root of mien's own errors.

    Args:
        message: What was expected, what came and what to do. Addresses in it are masked
            (`mien.core.masking`).

    >>> str(MienError("rtsp://anna:secret@door.local/1: expected a stream"))
    'rtsp://***@door.local/1: expected a stream'
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(masked_text(message))


class InputError(MienError, ValueError):
    """Something the caller handed in cannot be used."""


class MediaError(InputError):
    """A file or stream cannot be read as an image or a video.

    Args:
        message: What was expected, what came and what to do.
        kind: A short stable word for tables: ``missing``, ``permission``, ``empty``, ``unreadable``,
            ``truncated``, ``too_large``, ``too_complex`` (takes too long), ``broken``, ``no_video`` or
            ``unsupported``.
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


class RecordError(InputError):
    """Columns of a record do not fit together."""


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
    """A network file is missing, damaged or not what its card says."""


class MissingExtraError(MienError, ImportError):
    """A part needs a package that is not installed.

    >>> str(MissingExtraError("Haar cascades", "haar", "opencv-python-headless"))
    "Haar cascades need opencv-python-headless, which is not installed: pip install 'mien[haar]'"
    """

    def __init__(self, part: str, extra: str, package: str) -> None:
        super().__init__(f"{part} need {package}, which is not installed: pip install 'mien[{extra}]'")
        self.extra = extra
