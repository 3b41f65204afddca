"""Files of rules to begin with: one for each of a few usual wishes, which work as they are."""

from __future__ import annotations

from importlib.resources import files

from mien.core.errors import InputError
from mien.core.names import nearest


def template_names() -> list[str]:
    """Names of the templates.

    >>> template_names()
    ['doorbell', 'light', 'message', 'open-eyes', 'photo-booth']
    """
    return sorted(
        file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml")
    )


def template(name: str) -> str:
    """The text of a template, TOML.

    Raises:
        InputError: There is none of this name.

    >>> template("photobooth")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: photobooth: expected doorbell, light, message, open-eyes, photo-booth: did you mean photo-booth?
    """
    names = template_names()
    if name not in names:
        raise InputError(f"{name}: expected {', '.join(names)}{nearest(name, names)}")
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")


def about(name: str) -> str:
    """What a template is for, in one line.

    >>> about("photo-booth")
    'A photo when everybody smiles.'
    """
    return template(name).splitlines()[0].removeprefix("# ")
