"""A real mosquitto, started and stopped by tests, and somebody who listens to everything."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Message(NamedTuple):
    topic: str
    payload: str
    retained: bool


class Broker:
    """A broker on a port of its own; keeps nothing over a restart."""

    def __init__(self, folder: Path, *lines: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        access = [] if any("password_file" in line for line in lines) else ["allow_anonymous true"]
        settings = [f"listener {self.port} 127.0.0.1", *access, "user root", *lines]
        self._config.write_text("\n".join(settings) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._listens)

    def kill(self) -> None:
        """As if the power had gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Hears everything that is published, and finds the broker again when it was away."""

    def __init__(self, port: int) -> None:
        self.heard: list[Message] = []
        self.connected = False
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._lost
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_until(lambda: self.connected)

    def payloads(self, topic: str) -> list[str]:
        return [message.payload for message in list(self.heard) if message.topic == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, client: Client, *_: Any) -> None:
        client.on_subscribe = self._subscribed
        client.subscribe("#", qos=1)

    def _subscribed(self, *_: Any) -> None:
        self.connected = True

    def _lost(self, *_: Any) -> None:
        self.connected = False

    def _hear(self, client: Client, user: Any, message: Any) -> None:
        self.heard.append(Message(message.topic, message.payload.decode(), message.retain))


def wait_until(ready: Any, seconds: float = 30.0) -> None:
    """Wait for something that happens on another thread or in another process."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
