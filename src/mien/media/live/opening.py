"""One door for every live source."""

from __future__ import annotations

from collections.abc import Callable

from mien.media.live.address import Address
from mien.media.live.capture import CaptureDevice
from mien.media.live.options import LiveOptions
from mien.media.live.source import LiveSource


def open_live(
    source: str, options: LiveOptions | None = None, tell: Callable[[str], None] | None = None
) -> LiveSource:
    """Open a live source.

    Args:
        source: ``camera:0`` or ``camera:/dev/video2`` (or ``/dev/video2``), ``rtsp://...``, ``http://...``,
            ``screen:`` (the first monitor), ``screen:2`` (the second), ``screen:x,y,w,h`` (a part of the
            desktop, px), or ``live:PATH``, a video at the pace of its own clock. No other computer is
            asked than the one that is named here, but for those that a playlist (HLS) on it names.
        options: How it is opened, and opened again.
        tell: Called with a line for people when the source is lost and when it is back, on a thread of its
            own.

    Returns:
        The source, open; to be closed, or used as a context manager.

    Raises:
        InputError: The text names no live source.
        MediaError: It cannot be opened: what is there, and what to do.
        MissingExtraError: It needs a package that is not installed.
    """
    address, options = Address.parse(source), options or LiveOptions()
    return LiveSource(address.name, _feed(address, options), options, tell).start()


def _feed(address: Address, options: LiveOptions) -> CaptureDevice:
    if address.kind == "screen":
        from mien.media.live.screen import Screen

        return Screen(address, options)
    if address.kind == "file":
        from mien.media.live.file import FileCapture

        return FileCapture(address.place, options)
    if address.kind == "camera":
        from mien.media.live.camera import Camera

        return Camera(address, options)
    from mien.media.live.network import NetworkStream

    return NetworkStream(address, options)
