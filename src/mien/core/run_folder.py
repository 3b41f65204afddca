"""What folders of runs that can be stopped and gone on with have in common: a lock, and the settings that an
earlier run had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from mien.core.atomic import exclusive_lock, made_folder, translate_os_errors
from mien.core.errors import InputError

LOCK = "lock"
"""Name of the file whose lock keeps other runs out."""

_LONGEST = 120


class ChangedSetting(NamedTuple):
    """A setting that has changed since an earlier run, each value as JSON, cut where it is long.

    Args:
        name: Which.
        before: What it was.
        now: What it is.
    """

    name: str
    before: str
    now: str


def lock_folder(folder: Path) -> IO[str]:
    """Make a folder, and keep other runs out of it.

    Returns:
        The file that is locked until it is closed or this process ends, however that comes.

    Raises:
        InputError: Another run is at work on the folder, or it cannot be written to.
    """
    file: IO[str] | None = None
    try:
        with translate_os_errors(folder), made_folder(folder):
            file = open(folder / LOCK, "a", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by the caller
        exclusive_lock(file)
        return file
    except BaseException as error:  # Whoever is stopped here would keep itself out.
        if file is not None:
            file.close()
        if isinstance(error, OSError):
            raise InputError(
                f"{folder}: another run is at work on it: wait for its end, or give another output"
            ) from None
        raise


def is_bare_lock(path: Path) -> bool:
    """Whether it is what a run leaves that was killed right after `lock_folder`, and nobody's content."""
    return path.name == LOCK and path.is_file() and not path.is_symlink() and path.stat().st_size == 0


def changed_setting(before: Mapping[str, Any], now: Mapping[str, Any]) -> ChangedSetting | None:
    """The first setting that is another one than before; None where all are the same.

    Args:
        before: As they were read back from JSON.
        now: Ready for JSON.

    >>> changed_setting({"detector": "mtcnn", "fps": 5}, {"detector": "mtcnn"})
    ChangedSetting(name='fps', before='5', now='null')
    """
    now = json.loads(json.dumps(dict(now)))  # As it will be read back.
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            return ChangedSetting(name, _short(before.get(name)), _short(now.get(name)))
    return None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
