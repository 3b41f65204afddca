"""``mien explain``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.console import Console, say
from mien.cli.option_values import comma_list
from mien.core.errors import InputError
from mien.core.names import quoted, spelled

_KINDS = ("kernels", "features", "gradcam", "guided", "occlusion")


def explain(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A model by name (mien models list), an ONNX file that mien wrote, or the folder of a training run.",
        ),
    ],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A face crop, or an image with faces.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the sheets go.")],
    what: Annotated[
        str | None,
        typer.Option(help=f"Out of {','.join(_KINDS)}; all that can be drawn here.", show_default=False),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer for features and gradcam; a wrong name lists them all.", show_default=False),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Expression to explain; each face's most probable one.", show_default=False),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Which output head to use (mien models list).", show_default=False),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="mtcnn, blaze, auto, haar (mien\\[haar]), or whole; whole up to 64 px, else mtcnn.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No remarks; errors still show.")] = False,
) -> None:
    """Show which parts of a face a model relies on, and what its layers see, as PNG images.

    kernels: what the first layer looks for. features: what layers make of the face. gradcam: the region that
    speaks for the expression. guided: the lines that the score depends on. occlusion: what covering a place
    does to the probability; it alone needs no extra. The path of each sheet goes to standard output.
    docs/explain.md says how to read them.

    Example: mien explain small photo.jpg -o seen
    """
    from mien.explain import ExplainOptions, drawable, open_explained
    from mien.explain import explain as explain_image

    notes = Console(stderr=True, soft_wrap=True)
    kinds = _wanted(what)
    subject = open_explained(model, head)
    if what is None:
        kinds, remark = drawable(subject)
        if remark and not quiet:
            notes.print(remark, style="dim")
    with notes.status("looking", spinner="dots") if notes.is_terminal and not quiet else nullcontext():
        for sheet in explain_image(subject, image, output, kinds, ExplainOptions(target, layer, detector)):
            say(spelled(sheet.path))


def _wanted(what: str | None) -> tuple[str, ...]:
    kinds = tuple(comma_list(what))
    if what is not None and (not kinds or set(kinds) - set(_KINDS)):
        raise InputError(f"expected --what out of {','.join(_KINDS)}; got {quoted(what)}")
    return kinds
