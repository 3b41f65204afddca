"""``mien mcp``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import ModelOptions, grouped
from mien.core.errors import InputError

_LIMITS = "Limits of one call"


@grouped
def mcp(
    networks: ModelOptions,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder whose files may be read, with all inside; give it again for more. The working folder by default.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            help="Seconds after which a call ends with what was read until then; hosts give up after a minute or so.",
            min=1,
            rich_help_panel=_LIMITS,
        ),
    ] = 50,
    max_pixels: Annotated[
        int, typer.Option(help="Most pixels of an image or frame.", min=1, rich_help_panel=_LIMITS)
    ] = 50_000_000,
) -> None:
    """Serve tools of the Model Context Protocol (MCP) over standard input and output, for assistants.

    The host of an assistant starts this command; docs/mcp.md has its configuration. The tools read the expressions in an
    image, a folder of images and a video, on this machine; files outside of --root are refused, and images are given to the
    assistant only where it asks for them. mien describes a facial expression, not an emotion that a person feels.

    Example: mien mcp --root photos
    """
    from mien.mcp.reading import CallLimits, ToolReader
    from mien.mcp.roots import Roots

    try:
        from mien.mcp.stdio import serve_stdio
    except ModuleNotFoundError as error:
        from mien.core.errors import MissingExtraError

        if error.name is not None and error.name.startswith("mien"):
            raise
        raise MissingExtraError("tools for assistants", "mcp", "mcp") from None
    try:
        roots = Roots(root or [Path.cwd()])
    except FileNotFoundError:
        raise InputError("expected a working folder; it is gone: name one with --root") from None
    serve_stdio(ToolReader(roots, networks.config(), CallLimits(seconds, max_pixels)))
