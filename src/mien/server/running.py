"""The service on a socket, until it is told to end."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn

from mien.core.errors import InputError
from mien.core.masking import Masks
from mien.server.app import create_app
from mien.server.connections import protocols
from mien.server.memory import give_back
from mien.server.settings import ServerSettings

_MASKS = Masks()
_LARGE = 2**22
"""Bytes of a block of memory that goes back when it is free: large images and what is made of them; frames
of streams are smaller."""


def listening(settings: ServerSettings) -> socket.socket:
    """The socket that the service listens on.

    Raises:
        InputError: The address is not one of this machine's, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        told = f"expected an address and port to listen on; got {settings.host}, {settings.port}: {error.strerror or error}"
        raise InputError(f"{told}: give others with --host and --port") from None


def server(settings: ServerSettings) -> uvicorn.Server:
    """The service, ready to run on a socket (`listening`)."""
    limits = settings.limits
    connection, stream = protocols(limits)
    for name in ("uvicorn.error", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)  # What clients do wrong is told to them.
    logging.getLogger("uvicorn.error").addFilter(_MASKS)
    config = uvicorn.Config(
        create_app(settings),
        http=connection,
        ws=stream,
        ws_max_size=limits.frame_bytes,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # It is to end within 5 s, whoever still watches a video or waits for an image.
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def address(settings: ServerSettings, listener: socket.socket) -> str:
    """Where a browser finds the page."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run(settings: ServerSettings, started: Callable[[str], None]) -> None:
    """Listen and answer until SIGINT or SIGTERM.

    Args:
        settings: Where and for whom.
        started: Is told the address.

    Raises:
        InputError: The address cannot be listened on.
    """
    give_back(_LARGE)
    with listening(settings) as listener:
        ready = server(settings)
        started(address(settings, listener))
        ready.run(sockets=[listener])
    if any(thread.name.startswith("mien-") for thread in threading.enumerate() if not thread.daemon):
        # An image is being looked at, which cannot be stopped; all that is kept has been closed.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
