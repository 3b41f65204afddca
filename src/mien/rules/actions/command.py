"""Events as programs that are run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

from pydantic import Field

from mien.core.environment import handed_on
from mien.core.errors import DeliveryError
from mien.rules.actions.base import ActionSettings, Delivery, Mistake, RuleAction, require

_HOME = ("HOME", "USERPROFILE")
_HEARD = 300  # Bytes of what the program last said that a message repeats.


class CommandSettings(ActionSettings):
    """Keys of an action of type ``command``.

    Args:
        command: The program and its arguments; no shell looks at them.
        timeout: Seconds after which it is stopped.
        env: Names of further environment variables that it gets.
    """

    command: list[str] = Field(min_length=1)
    timeout: float = Field(10.0, gt=0, le=3600)
    env: list[str] = Field(default_factory=list)

    def in_words(self) -> str:
        return f"runs {self.command[0]}"

    def obstacles(self) -> Iterator[Mistake]:
        if shutil.which(self.command[0]) is None:
            yield Mistake(
                ("command",),
                f"expected a program and its arguments; there is no program {self.command[0]!r}: check its name, or write its whole path",
            )
        for name in self.env:
            if name not in os.environ:
                yield Mistake(
                    ("env",),
                    f"expected names of environment variables; {name} is not set: set it before the start, or leave it out",
                )


class Command(RuleAction):
    """Runs a program for each event.

    It gets the event as JSON on its standard input, and in the environment variables ``MIEN_ID``,
    ``MIEN_RULE``, ``MIEN_KIND``, ``MIEN_TIME``, ``MIEN_AT``, ``MIEN_SOURCE``, ``MIEN_FACES``
    and ``MIEN_PHOTO``. Of mien's own environment it gets what says where programs, the home folder and temporary files are, the language
    and the time zone, and what its settings name: no passwords of other actions or of anything else. What it
    prints is not shown; it says by its exit status 0 that all went well.

    Args:
        settings: What is run.

    Raises:
        SettingsError: There is no such program here, or a variable that it is to get is not set.
    """

    def __init__(self, settings: CommandSettings) -> None:
        require(settings)
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def deliver(self, delivery: Delivery) -> None:
        payload = delivery.payload()
        named = {
            f"MIEN_{key.upper()}": str(payload[key])
            for key in ("id", "rule", "kind", "time", "source", "faces")
        }
        named |= {"MIEN_AT": delivery.at or "", "MIEN_PHOTO": delivery.photo or ""}
        environment = {**handed_on([*_HOME, *self._settings.env]), **named}
        with TemporaryFile() as said:
            settings: dict[str, Any] = {
                "stdin": subprocess.PIPE,
                "stdout": subprocess.DEVNULL,
                "stderr": said,
                "env": environment,
            }
            try:
                self._process = subprocess.Popen(self._settings.command, start_new_session=True, **settings)
            except OSError as error:
                raise self._error(f"got: {error.strerror}: check the program") from None
            try:
                self._process.communicate(json.dumps(payload).encode(), self._settings.timeout)
            except subprocess.TimeoutExpired:
                self.close()
                self._process.wait()
                raise self._error(
                    f"it was still running after {self._settings.timeout:g} s and was stopped: allow it a longer timeout"
                ) from None
            if self._process.returncode:
                raise self._error(
                    f"it ended with {self._process.returncode}{_last_words(said)}: look at the program"
                )

    def close(self) -> None:
        """Stop the program, with what it has started."""
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()

    def _error(self, what: str) -> DeliveryError:
        return DeliveryError(f"{self._settings.command[0]}: expected a program that ends well; {what}")


def _last_words(said: Any) -> str:
    length = said.seek(0, os.SEEK_END)
    said.seek(max(0, length - _HEARD))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return f" and said {lines[-1]!r}" if lines else ""
