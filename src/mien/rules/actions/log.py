"""Events as lines of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from mien.core.atomic import translate_os_errors
from mien.core.errors import DeliveryError, InputError
from mien.rules.actions.base import ActionSettings, Delivery, Mistake, RuleAction


class LogSettings(ActionSettings):
    """Keys of an action of type ``log``.

    Args:
        file: JSON Lines; events are added at its end.
    """

    file: Path = Field(strict=False)

    def in_words(self) -> str:
        return f"writes a line to {self.file}"

    def obstacles(self) -> Iterator[Mistake]:
        folder = self.file.parent
        if self.file.is_dir():
            yield Mistake(("file",), f"expected a file; {self.file} is a folder: name a file in it")
        elif not os.access(self.file if self.file.exists() else folder, os.W_OK) or not folder.is_dir():
            yield Mistake(
                ("file",),
                f"expected a file that may be written to; {self.file} cannot be: make its folder, or name another file",
            )


class Log(RuleAction):
    """Adds a line of JSON to a file for each event.

    Args:
        settings: Which file.

    Raises:
        InputError: It cannot be written to.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     log = Log(LogSettings(file=f"{folder}/events.jsonl"))
    ...     log.deliver(Delivery("1", "smile", "start", 2.0, None, "camera:0", 60, {}, 2))
    ...     Path(folder, "events.jsonl").read_text()[:43]
    '{"id": "1", "rule": "smile", "kind": "start'
    """

    def __init__(self, settings: LogSettings) -> None:
        self._path = settings.file
        with translate_os_errors(self._path), open(self._path, "ab"):
            pass

    def deliver(self, delivery: Delivery) -> None:
        line = (json.dumps(delivery.payload(), ensure_ascii=False) + "\n").encode()
        try:
            with translate_os_errors(self._path), open(self._path, "ab", buffering=0) as file:
                whole = file.tell()
                try:
                    written = file.write(line)
                    if written != len(line):
                        raise OSError(28, "no space left on device")
                except OSError:
                    file.truncate(whole)  # Half a line would spoil the next one.
                    raise
        except InputError as error:
            raise DeliveryError(str(error)) from None
