"""``mien web``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.console import say
from mien.cli.serve import check_packages
from mien.core.formatting import counted
from mien.inference.config import PipelineConfig


def web(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A new folder of the site, such as public/mien.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help=f"A network; give it again for more, of which pages choose. {PipelineConfig.model} by default.",
            show_default=False,
        ),
    ] = None,
    landmarks: Annotated[bool, typer.Option(help="With the networks for landmarks, 2.3 MB.")] = True,
) -> None:
    """Write what a web site needs to read faces in its visitors' browsers: a JavaScript module and <mien-camera>.

    The folder holds everything and is served as it is; no image leaves the visitor's device. docs/element.md says how pages use it.

    Example: mien web public/mien
    """
    check_packages()
    from mien.server.site import write_site

    written = write_site(folder, model or [PipelineConfig.model], landmarks)
    say(
        f"wrote {folder}: {', '.join(written.models)}, {counted(written.files, 'file')}, {written.size / 1e6:.1f} MB"
    )
