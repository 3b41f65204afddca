"""Images of moments, saved in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from pydantic import Field

from mien.core.atomic import check_writable, made_folder, translate_os_errors
from mien.core.errors import DeliveryError, InputError
from mien.core.formatting import counted
from mien.rules.actions.base import ActionSettings, Delivery, Mistake, RuleAction, slug

PHOTO_NAME = re.compile(r"\d[\w.+-]{3,160}-[0-9a-f]{6}\.jpg", re.ASCII)
"""Names of the photos that are saved: when, the rule, the beginning of the event's id."""


class PhotoSettings(ActionSettings):
    """Keys of an action of type ``photo``.

    Args:
        folder: Where images go; made if it is not there.
        blur: Cover all faces that were found.
        most_files: So many files may lie in the folder.
        most_bytes: So many bytes may lie in it.
    """

    folder: Path = Field(strict=False)
    blur: bool = False
    most_files: int = Field(1000, ge=1)
    most_bytes: int = Field(1_000_000_000, ge=1)

    def in_words(self) -> str:
        return f"saves a photo in {self.folder}{', with all faces blurred' if self.blur else ''}"

    def obstacles(self) -> Iterator[Mistake]:
        there = next(place for place in (self.folder, *self.folder.absolute().parents) if place.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            yield Mistake(
                ("folder",), f"expected a folder that may be written to; {there} is none: name another one"
            )


class Photo(RuleAction):
    """Saves the image of the moment as a JPEG; when its folder is full, it says so and saves no more. It
    deletes nothing.

    Args:
        settings: Where, and how much.

    Raises:
        InputError: The folder cannot be written to.
    """

    pictured = True
    keep = 8  # Each holds an image.

    def __init__(self, settings: PhotoSettings) -> None:
        self._settings = settings
        with ExitStack() as opening:
            with translate_os_errors(settings.folder):
                opening.enter_context(made_folder(settings.folder))
            check_writable(settings.folder / "photo.jpg")
            self._made = opening.pop_all()

    def close(self) -> None:
        self._made.close()

    def deliver(self, delivery: Delivery) -> None:
        from mien.media import save_image

        if delivery.image is None:
            return
        files, size = self._held()
        folder, settings = self._settings.folder, self._settings
        if files >= settings.most_files or size >= settings.most_bytes:
            full = f"{counted(files, 'file')}, {size / 1e6:,.0f} MB"
            raise DeliveryError(
                f"{folder}: is full ({full}): make room, or allow it more with most_files and most_bytes",
                again=False,
            )
        try:
            save_image(folder / _name(delivery), delivery.image(settings.blur))
        except InputError as error:
            raise DeliveryError(str(error)) from None

    def place(self, delivery: Delivery) -> str:
        return str(self._settings.folder / _name(delivery))

    def _held(self) -> tuple[int, int]:
        """Files and bytes that lie in the folder."""
        try:
            with os.scandir(self._settings.folder) as entries:
                sizes = [entry.stat().st_size for entry in entries if entry.is_file()]
        except OSError as error:
            raise DeliveryError(
                f"{self._settings.folder}: expected a folder; {error.strerror}: make it again"
            ) from None
        return len(sizes), sum(sizes)


def _name(delivery: Delivery) -> str:
    when = f"{delivery.time:010.3f}s" if delivery.at is None else delivery.at.replace(":", "-")
    return f"{when}-{slug(delivery.rule)}-{delivery.id[:6]}.jpg"
