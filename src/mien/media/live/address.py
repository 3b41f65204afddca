"""What a text says of a live source: which kind it is, and which one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mien.core.errors import InputError
from mien.core.masking import MASK, masked, origin
from mien.core.names import spelled

Kind = Literal["camera", "screen", "rtsp", "http", "file"]

_SCHEMES: dict[str, Kind] = {
    "camera": "camera",
    "screen": "screen",
    "live": "file",
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
}
_DEVICE = re.compile(r"/dev/video\d+")


@dataclass(frozen=True)
class Address:
    """Where frames come from.

    Args:
        kind: ``camera``, ``screen``, ``rtsp``, ``http`` or ``file``.
        place: What is opened: a camera's number or name, a part of the screen, an address of the network, a
            path.

    >>> Address.parse("camera:/dev/video2")
    Address(kind='camera', place='/dev/video2')
    >>> Address.parse("rtsp://anna:secret@door.local/stream").name
    'rtsp://***@door.local/stream'
    """

    kind: Kind
    place: str

    @property
    def name(self) -> str:
        """What messages and tables call it; what opens it is not shown (`mien.core.masking`)."""
        place = spelled(masked(self.place))
        return (
            place
            if self.kind in ("rtsp", "http")
            else f"{'live' if self.kind == 'file' else self.kind}:{place}"
        )

    @property
    def cuts(self) -> bool:
        """Whether it may cut from one scene to another, which a camera does not.

        >>> Address.parse("camera:0").cuts, Address.parse("screen:").cuts
        (False, True)
        """
        return self.kind not in ("camera", "rtsp")

    @property
    def host(self) -> str | None:
        """The computer that it names, if it is one of the network."""
        return urlsplit(self.place).hostname if self.kind in ("rtsp", "http") else None

    @property
    def shown_host(self) -> str:
        """The computer as messages name it: what is taken for one may be the beginning of a password that was
        not written with percent signs."""
        host = self.host or ""
        return host if host in origin(self.place).lower() else MASK

    @staticmethod
    def parse(text: str) -> Address:
        """Read a text such as ``camera:0``, ``rtsp://...``, ``screen:2``, ``live:clip.mp4``.

        Raises:
            InputError: It names no live source.
        """
        if _DEVICE.fullmatch(text):
            return Address("camera", text)
        scheme, colon, rest = text.partition(":")
        kind = _SCHEMES.get(scheme.lower()) if colon else None
        if kind in ("rtsp", "http"):
            if not _has_host(text):
                shown, wanted = masked(text, meant=True), f"{scheme.lower()}://camera.local/stream"
                raise InputError(
                    f"{shown}: expected an address such as {wanted}; got one without a computer's name"
                )
            return Address(kind, text)
        if kind is None:
            shown = masked(text, meant=True)
            raise InputError(
                f"{shown}: expected camera:0, rtsp://..., http://..., screen: or live:VIDEO; got something else: for a file write live:{shown}"
            )
        if kind == "file" and not rest:
            raise InputError("live:: expected the path of a video after live:; got none")
        return Address(kind, rest or ("0" if kind == "camera" else ""))


def is_live(text: str) -> bool:
    """Whether a text names a live source, and not a file.

    >>> [is_live(text) for text in ("camera:0", "/dev/video0", "RTSP://door.local/1", "screen:", "live:clip.mp4")]
    [True, True, True, True, True]
    >>> is_live("clip.mp4"), is_live("C:/clip.mp4"), is_live("-")
    (False, False, False)
    """
    scheme, colon, rest = text.partition(":")
    kind = _SCHEMES.get(scheme.lower()) if colon else None
    return bool(_DEVICE.fullmatch(text)) or (
        kind is not None and (kind not in ("rtsp", "http") or rest.startswith("//"))
    )


def _has_host(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
