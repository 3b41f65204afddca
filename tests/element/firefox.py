"""Firefox as Debian has it, driven over WebDriver BiDi, the protocol that it speaks itself: https://w3c.github.io/webdriver-bidi/."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PREFERENCES = {
    "media.navigator.permission.disabled": True,  # Nobody is there to be asked for the camera,
    "media.navigator.streams.fake": True,  # which is a pattern that moves.
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


@contextmanager
def firefox(program: str, folder: Path) -> Iterator[Connection]:
    """A Firefox without a window, with a profile of its own in ``folder``; it has ended when the block ends."""
    profile, log = folder / "profile", folder / "firefox.log"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [
        program,
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port",
        "0",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "about:blank"],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_CRASHREPORTER_DISABLE": "1"},
        )
    try:
        with connect(f"{_address(process, log)}/session", max_size=None, open_timeout=60) as socket:
            connection = Connection(socket)
            connection.ask("session.new", capabilities={})
            connection.ask("session.subscribe", events=["log.entryAdded"])
            yield connection
            connection.ask("browser.close")
    finally:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(900):
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", text):
            return found[1]
        if process.poll() is not None:
            raise RuntimeError(f"Firefox ended: {text[-500:]}")
        time.sleep(0.1)
    raise RuntimeError(f"Firefox does not listen: {text[-500:]}")


class Connection:
    """Commands out, answers and events in."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._count = socket, 0
        self.said: list[dict[str, Any]] = []
        """What pages wrote to the console, and errors that nobody caught."""

    def ask(self, method: str, timeout: float = 60, **params: Any) -> dict[str, Any]:
        """Send a command, and wait for its answer.

        Raises:
            RuntimeError: Firefox refused it.
        """
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv(timeout=timeout))
            if told.get("method") == "log.entryAdded":
                self.said.append(told["params"])
            elif told.get("id") == self._count:
                if told["type"] == "error":
                    raise RuntimeError(f"{method}: {told['error']}: {told['message']}")
                return dict(told["result"])
