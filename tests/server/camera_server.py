"""A network camera that can be switched off and on, for tests."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

_RATE = 15


class CameraServer(ThreadingHTTPServer):
    """Motion JPEG of one image; while it is off, nobody is answered and whoever is connected is cut off.

    Args:
        image: ``(h, w, 3)`` uint8.
    """

    daemon_threads = True

    def __init__(self, image: np.ndarray) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=90)
        self.image, self.off, self.port = file.getvalue(), False, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # Clients leave in the middle.


class _Answer(BaseHTTPRequestHandler):
    server: CameraServer

    def do_GET(self) -> None:
        if self.server.off:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        data = self.server.image
        while not self.server.off:
            self.wfile.write(
                b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data)
            )
            time.sleep(1 / _RATE)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def camera_server(image: np.ndarray) -> Iterator[CameraServer]:
    """One that runs."""
    with CameraServer(image) as camera:
        thread = threading.Thread(target=camera.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield camera
        camera.off = True
        camera.shutdown()
        thread.join()
