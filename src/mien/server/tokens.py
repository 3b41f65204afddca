"""Who may ask: tokens by name, one from the command line or several from a file that is read again when it changes."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mien.core.errors import InputError
from mien.core.formatting import counted

LEAST = 16
"""Characters of the shortest token that is taken."""
MOST = 256
"""Tokens of a file."""
OWN = "token"
"""Name of the one token that is not from a file."""

_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{LEAST},256}}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}")
_MOST_BYTES = 2**17
_EVERY = 1.0  # s between two looks at the file.
_HOW = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


@dataclass(frozen=True)
class Token:
    """A token that is taken.

    Args:
        name: Whose it is, in metrics.
        digest: SHA-256 of it: the token itself is not kept.
    """

    name: str
    digest: bytes = field(repr=False)


def check(token: str) -> None:
    """Whether something may be a token.

    Raises:
        InputError: It is too short or long, or not made of letters, digits and ``-._~``.
    """
    if not _TOKEN.fullmatch(token):
        raise InputError(
            f"expected a token of {LEAST} to 256 letters, digits and -._~; got another one of "
            f"{counted(len(token), 'character')}: make one with {_HOW}"
        )


def read(path: Path) -> list[Token]:
    """The tokens of a file: a name and a token, or ``sha256:`` and its digest in hexadecimal digits, on each line;
    lines that are empty or begin with ``#`` are passed over.

    Raises:
        InputError: The file cannot be read, others may read or change it, or a line is something else; no message
            holds a token.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a file of tokens; it cannot be read: {error.strerror}") from None
    found: dict[str, Token] = {}
    plain = False
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        token = _token(parts, f"{path}, line {number}")
        plain |= not _DIGEST.fullmatch(parts[1])
        same = next((one for one in found.values() if one.digest == token.digest), None)
        if same is not None or token.name in found:
            what = f"the token of {same.name}" if same is not None else f"the name {token.name}"
            raise InputError(f"{path}, line {number}: expected a name and token of its own; got {what} again")
        if token.name == OWN:
            raise InputError(
                f"{path}, line {number}: expected a name of the client's own; got {OWN}, which the one of --token is called"
            )
        found[token.name] = token
    if not found or len(found) > MOST or len(data) > _MOST_BYTES:
        raise InputError(
            f"{path}: expected 1 to {MOST} lines with a name and a token; got {len(found) or 'none'}: make a token with {_HOW}"
        )
    _check_rights(path, mode, plain)
    return list(found.values())


def _token(parts: list[str], where: str) -> Token:
    if len(parts) != 2 or not _NAME.fullmatch(parts[0]):
        raise InputError(
            f"{where}: expected a name of letters, digits and ._-, a space, and a token or sha256:DIGEST; got something else"
        )
    name, given = parts
    if _DIGEST.fullmatch(given):
        return Token(name, bytes.fromhex(given.removeprefix("sha256:")))
    try:
        check(given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Token(name, _digest(given))


def _check_rights(path: Path, mode: int, plain: bool) -> None:
    """Others may not change the file, and not read tokens in it; where there are no such rights, nobody can tell."""
    if os.name != "posix":
        return
    wrong = "change" if mode & (stat.S_IWGRP | stat.S_IWOTH) else ""
    if plain and mode & (stat.S_IRGRP | stat.S_IROTH):
        wrong = "read"
    if wrong:
        raise InputError(
            f"{path}: expected tokens that nobody else can read or change; others can {wrong} them: run chmod 600, or keep digests in it (sha256:...)"
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


class Tokens:
    """The tokens that are taken now.

    Args:
        own: The one of the command line.
        path: A file of more (`read`). When it changes it is read again, within a second; where it can no longer be
            read, the tokens of before stay, and the log says why.
        now: A clock that only grows.

    Raises:
        InputError: The file is not as expected.

    >>> tokens = Tokens("a-token-of-my-own-0123")
    >>> tokens.find("a-token-of-my-own-0123").name, tokens.find("another"), Tokens().needed
    ('token', None, False)
    """

    def __init__(
        self,
        own: str | None = None,
        path: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = [] if own is None else [Token(OWN, _digest(own))]
        self._path, self._now = path, now
        self._stamp = self._stamped()
        self._file = [] if path is None else read(path)
        self._looked = now()

    @property
    def needed(self) -> bool:
        """Whether who asks must know a token."""
        return bool(self._own) or self._path is not None

    def find(self, given: str) -> Token | None:
        """The token that a client has given, in a time that does not tell how much of it is right."""
        digest, found = _digest(given), None
        for token in self._current():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def takes(self, token: Token) -> bool:
        """Whether a token that was taken still is."""
        return token in self._current()

    def _current(self) -> list[Token]:
        if self._path is not None and self._now() - self._looked >= _EVERY:
            self._looked = self._now()
            self._read_again(self._path)
        return self._own + self._file

    def _read_again(self, path: Path) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._file = read(path)
        except InputError as error:
            logging.getLogger("uvicorn.error").error("%s; the tokens of before are kept", error)

    def _stamped(self) -> tuple[int, ...]:
        """What changes with the file."""
        try:
            found = os.stat(self._path or "")
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
