"""What all pages have in common: one template, one stylesheet, one way to fill and write them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import MissingExtraError
from mien.core.formatting import counted, precise
from mien.core.labels import NOTICE

if TYPE_CHECKING:
    import jinja2


def require_jinja2(extra: str = "report") -> jinja2.Environment:
    """What fills pages in; values are escaped, and a missing one is an error.

    Args:
        extra: What brings it along, for the remedy.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError:
        raise MissingExtraError("Reports", extra, "jinja2") from None
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["percent"] = _percent
    environment.filters["counted"] = counted
    return environment


def render(template: str, content: Mapping[str, Any]) -> str:
    """A page as text.

    Args:
        template: Its file beside this one; it fills in the blocks of ``base.html``.
        content: By the names that the template asks for.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    environment = require_jinja2()
    from markupsafe import Markup

    from mien import __version__

    # Ours, and nothing in it comes from outside.
    shared = {"notice": NOTICE, "version": __version__, "style": Markup(stylesheet())}
    return environment.get_template(template).render({**shared, **content})


def write_page(path: Path, template: str, content: Mapping[str, Any]) -> None:
    """Write a page that loads nothing from anywhere; it appears whole.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    text = render(template, content)
    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_text(text, encoding="utf-8", newline="\n")


def stylesheet() -> str:
    """The stylesheet of all reports, those of the service's page included."""
    return _part("base.css")


def data_address(content: bytes, kind: str = "image/png") -> str:
    """Bytes as an address that a page can show without loading anything."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def script(name: str) -> Any:
    """A script beside this file, to be put into a page as it is."""
    from markupsafe import Markup

    return Markup(_part(name))


def _part(name: str) -> str:
    return resources.files("mien.reports").joinpath(name).read_text(encoding="utf-8")


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else precise(share, digits)
