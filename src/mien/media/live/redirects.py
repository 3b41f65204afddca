"""Where a server sends those who ask for a stream: FFmpeg would go there without a word, and tell whoever
listens there that it was asked."""

from __future__ import annotations

import base64
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from mien.core.errors import LostError

MOST = 8
"""Redirects in a row that are followed."""


def redirected(place: str, name: str, timeout: float) -> str | None:
    """Where an address leads, on the same computer; None where it leads nowhere else.

    Args:
        place: An address of HTTP.
        name: What messages call it.
        timeout: Seconds to wait.

    Raises:
        LostError: It leads to another computer, or from an encrypted connection to one that is not.
    """
    here = urlsplit(place)
    location = _location(here, timeout)
    if location is None:
        return None
    there = urlsplit(urljoin(place, location))
    if (
        there.hostname != here.hostname
        or there.scheme not in ("http", "https")
        or (here.scheme, there.scheme) == ("https", "http")
    ):
        told = f"{name}: expected a stream; the server sends on to {there.scheme}://{there.hostname}, where nobody asked to go"
        raise LostError(f"{told}: name that address if you trust it", "unsupported", final=True)
    user, at, _ = here.netloc.rpartition("@")
    return there._replace(netloc=f"{user}{at}{there.netloc.rpartition('@')[2]}").geturl()


def _location(place: SplitResult, timeout: float) -> str | None:
    """What a server names instead of answering."""
    connection = _connection(place, timeout)
    headers = {}
    if place.username is not None:
        pair = f"{unquote(place.username)}:{unquote(place.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    try:
        connection.request(
            "GET", place._replace(scheme="", netloc="", fragment="").geturl() or "/", headers=headers
        )
        answer = connection.getresponse()
        return answer.getheader("Location") if answer.status in (301, 302, 303, 307, 308) else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _connection(place: SplitResult, timeout: float) -> HTTPConnection:
    if place.scheme != "https":
        return HTTPConnection(place.hostname or "", place.port, timeout=timeout)
    lenient = ssl.create_default_context()  # As FFmpeg: cameras have certificates of their own making.
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(place.hostname or "", place.port, timeout=timeout, context=lenient)
