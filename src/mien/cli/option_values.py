"""What options say that hold more than one value."""

from __future__ import annotations

from mien.core.errors import InputError


def comma_list(text: str | None) -> list[str]:
    """What an option says that takes several words with commas between them.

    >>> comma_list("happy, valence"), comma_list(None)
    (['happy', 'valence'], [])
    """
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def valences(text: str | None) -> dict[str, float] | None:
    """What ``--valence`` says, by name; `InputError` where it is something else."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        found = {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise InputError(
            f"--valence: expected names and numbers from -1 to 1, such as happy=1,sad=-0.8; got {text}"
        ) from None
    if len(found) < len(pairs):
        raise InputError(f"--valence: expected each name once; got {text}")
    return found
