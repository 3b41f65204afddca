"""Files elsewhere, which fsspec reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.core.errors import InputError, MediaError, MissingExtraError
from mien.core.masking import masked


@dataclass(frozen=True)
class RemoteFile:
    """A file as its store tells of it.

    Args:
        name: Its path from the folder that was listed.
        address: By which it is fetched.
        facts: Size, times and digests, by the names that the file system has for them.
    """

    name: str
    address: str
    facts: Mapping[str, Any]


def require_fsspec() -> None:
    """See whether fsspec is there.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import fsspec  # noqa: F401
    except ImportError:
        raise MissingExtraError("Remote files", "ray", "fsspec") from None


def listed(address: str) -> list[RemoteFile]:
    """All files in a folder and those in it.

    Raises:
        InputError: It cannot be listed.
    """
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address)
        found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
    except Exception as error:  # Every file system of fsspec has errors of its own.
        raise InputError(
            f"{address}: expected a folder that fsspec can list; got: {_reason(error, address)}: check the address"
        ) from None
    return [
        RemoteFile(os.path.relpath(name, root), system.unstrip_protocol(name), facts)
        for name, facts in found.items()
    ]


def facts_of(address: str) -> Mapping[str, Any] | None:
    """What a store tells of a file; None where it tells nothing."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
        facts: Mapping[str, Any] = system.info(path)
    except Exception:  # Whoever reads it will say what is wrong.
        return None
    return facts


def fetched(address: str) -> bytes:
    """The bytes behind an address.

    Raises:
        MediaError: They cannot be had.
    """
    import fsspec

    try:
        with fsspec.open(address, "rb") as file:
            return bytes(file.read())
    except Exception as error:  # Every file system of fsspec has errors of its own.
        kind = (
            "missing"
            if isinstance(error, FileNotFoundError)
            else "permission"
            if isinstance(error, PermissionError)
            else "unreadable"
        )
        raise MediaError(
            f"{address}: expected a file that fsspec can read; got: {_reason(error, address)}: check the address",
            kind,
        ) from None


def _reason(error: Exception, address: str) -> str:
    """What a file system says; only of which kind it is, where it may repeat a secret of the address in words
    of its own."""
    words = " ".join(str(error).split())
    return words if words and masked(address) == address else type(error).__name__
