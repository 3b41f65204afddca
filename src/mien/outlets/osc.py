"""Open Sound Control 1.0 over UDP, for programs that make sound, light and images."""

from __future__ import annotations

import math
import socket
from typing import Any
from urllib.parse import urlsplit

from mien.core.errors import InputError, MissingExtraError
from mien.core.face import Face
from mien.outlets.base import Marker, Outlet, StreamFacts
from mien.outlets.people import values_of
from mien.video.live import Watched


class OscOutlet(Outlet):
    """A message with who is in view for each frame, and a bundle of messages for each person.

    ``/mien/people``: time in seconds, then the numbers of those in view. For person 3: ``/mien/person/3/label`` (text),
    ``/mien/person/3/box`` (x1, y1, x2, y2 in px), and one number each under ``/mien/person/3/happy`` and the other names of
    `mien.outlets.base.StreamFacts.values`; what is not known is not sent. ``/mien/marker``: time and text.

    Args:
        address: What follows ``osc:``, such as ``//127.0.0.1:9000``; without a host this machine.
        facts: Of what is watched.

    Raises:
        InputError: The address is none, or its host is not known.
        MissingExtraError: python-osc is not installed.
    """

    def __init__(self, address: str, facts: StreamFacts) -> None:
        host, port = _place(address)
        try:
            from pythonosc.udp_client import UDPClient
        except ImportError:
            raise MissingExtraError("Messages of OSC", "lab", "python-osc") from None
        self._facts = facts
        try:
            # Looked up once: each message would ask for the name again, and wait for the answer.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            self._client = UDPClient(str(found[0][4][0]), port)
        except OSError as error:
            raise InputError(
                f"osc://{host}:{port}: expected a host that is known; {error}: check the name"
            ) from None
        self.about = (
            f"osc://{host}:{port}: numbers, labels and boxes of each person and marked moments, no images"
        )

    def send(self, watched: Watched) -> None:
        faces = [face for face in watched.faces if face.label is not None and face.track is not None]
        tracks = [int(face.track or 0) for face in faces]
        self._client.send(_message("/mien/people", float(watched.frame.time), *tracks))
        for face in faces:
            self._client.send(self._bundle(face))

    def mark(self, marker: Marker) -> None:
        self._client.send(_message("/mien/marker", float(marker.time), marker.label))

    def close(self) -> None:
        self._client.close()

    def _bundle(self, face: Face) -> Any:
        """All of one person, in one datagram."""
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder

        bundle: Any = OscBundleBuilder(IMMEDIATELY)
        base = f"/mien/person/{face.track}"
        bundle.add_content(_message(f"{base}/label", str(face.label)))
        bundle.add_content(_message(f"{base}/box", *map(float, face.box)))
        for (name, _), value in zip(self._facts.values, values_of(face, self._facts), strict=True):
            if name != "person" and not math.isnan(value):
                bundle.add_content(_message(f"{base}/{name}", value))
        return bundle.build()


def _message(address: str, *values: float | str) -> Any:
    from pythonosc.osc_message_builder import OscMessageBuilder

    message = OscMessageBuilder(address)
    for value in values:
        message.add_arg(value)
    return message.build()


def _place(address: str) -> tuple[str, int]:
    """Host and port.

    >>> _place("//127.0.0.1:9000"), _place("//:9000"), _place("//[::1]:7400")
    (('127.0.0.1', 9000), ('127.0.0.1', 9000), ('::1', 7400))
    """
    try:
        parts = urlsplit(f"osc:{address}")
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        port = None
    if not port or not address.startswith("//") or parts.path or parts.query:
        raise InputError(f"expected osc://HOST:PORT, such as osc://127.0.0.1:9000; got 'osc:{address}'")
    return host, port
