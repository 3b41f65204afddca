"""``python -m build_tools.notebook_pages [NAME...]``: the notebooks of docs/notebooks, run, as pages beside them (``make notebooks``).

A notebook is kept without outputs; its page has every cell and what came out of it. Pictures become WebP in a folder beside the page.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
DATA = {"judging": "MIEN_FER2013"}
"""Notebooks that need data which is not in the repository, and what says where it is."""

_WIDEST = 1000
"""px of a picture on a page."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_INLINE = re.compile(r'alt="([^"]*)"[^>]*src="data:image/\w+;base64,([^"]+)"')
_PANDAS = re.compile(r"<style scoped>.*?</style>\s*| (?:border|class)=\"(?:1|dataframe)\"", re.DOTALL)
"""What tables of pandas bring along for Jupyter's own pages."""
_BAR = "━"
"""Of a progress bar, which tells how busy the machine was."""
_OTHER = re.compile(r"\]\(([\w-]+)\.ipynb\)")
"""A link to another notebook, where a page leads to its page."""


def read(path: Path) -> Any:
    """A notebook, as nbformat has it."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run(path: Path, folder: Path, **environment: str) -> Any:
    """A notebook after a run in a kernel of its own.

    Args:
        path: Its file.
        folder: What the kernel works in.
        environment: Variables that the kernel gets besides those of this process.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    notebook = read(path)
    found = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # Cells may call mien itself.
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        startup_timeout=300,  # However busy the machine is.
    )
    client.execute(env={**os.environ, "PATH": found, **environment})
    return notebook


def sources(notebook: Any) -> list[str]:
    """The cells of a notebook as a page has them, without what came out of them."""
    return [_source(cell) for cell in notebook.cells]


def page(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook that was run as Markdown, and its pictures.

    Args:
        notebook: The notebook.
        name: Of its file, without the ending.

    Returns:
        The text, and the files of the folder ``NAME_files`` by their names.
    """
    pictures: dict[str, bytes] = {}
    parts = []
    for cell in notebook.cells:
        told = cell.metadata.get("alt", "")
        alt = told if isinstance(told, list) else [told]
        parts += [_source(cell), *_outputs(cell.get("outputs", ()), _Pictures(name, alt, pictures))]
    parts.append(
        f"*This page is a run of a notebook: [{name}.ipynb]({name}.ipynb). Change it, and run it yourself.*"
    )
    return "\n\n".join(part.strip("\n") for part in parts) + "\n", pictures


class _Pictures:
    """Takes the pictures of a cell, and gives what shows them.

    Args:
        name: Of the notebook.
        alt: What they show, in words: of one after the other; the last is that of all further ones.
        files: Of the folder of the page; gets them.
    """

    def __init__(self, name: str, alt: list[str], files: dict[str, bytes]) -> None:
        self._name, self._alt, self._files = name, list(alt), files

    def shown(self, image: bytes, alt: str = "", width: int = _WIDEST) -> str:
        """One picture; its own ``alt`` stands for it where the cell has none."""
        name = f"{len(self._files) + 1:02}.webp"
        with Image.open(BytesIO(image)) as picture:
            small = picture.convert("RGB")
        small.thumbnail((min(_WIDEST, 2 * width), 10 * _WIDEST))
        file = BytesIO()
        small.save(file, "WEBP", quality=80, method=6)
        self._files[name] = file.getvalue()
        told = self._alt.pop(0) if len(self._alt) > 1 else self._alt[0]
        return f"![{told or alt}]({self._name}_files/{name})"


def _source(cell: Any) -> str:
    if cell.cell_type == "markdown":
        return _OTHER.sub(r"](\1.md)", cell.source)
    first, _, rest = cell.source.partition("\n")
    if first == "%%sh":
        return f"```sh\n{rest}\n```"
    return f"```{'text' if first.startswith('%%') else 'python'}\n{cell.source}\n```"


def _outputs(outputs: Any, pictures: _Pictures) -> Iterator[str]:
    for streamed, some in groupby(outputs, key=lambda output: output.output_type == "stream"):
        if streamed:
            yield _text("".join(output.text for output in some))
        else:
            yield from (_shown(output.data, output.metadata, pictures) for output in some)


def _shown(data: Mapping[str, Any], metadata: Mapping[str, Any], pictures: _Pictures) -> str:
    """The best form that an output has: pictures, then a table, then text."""
    html = data.get("text/html", "")
    if images := _INLINE.findall(html):
        return "\n\n".join(pictures.shown(b64decode(image), alt) for alt, image in images)
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return pictures.shown(b64decode(data[kind]), width=metadata.get(kind, {}).get("width", _WIDEST))
    if html:
        return re.sub(r"\n\s*", "\n", _PANDAS.sub("", html))  # An indented line would be a program.
    return str(data["text/markdown"]) if "text/markdown" in data else _text(data["text/plain"])


def _text(text: str) -> str:
    lines = [line.rpartition("\r")[2].rstrip() for line in _ANSI.sub("", text).rstrip().split("\n")]
    return "\n".join(["```text", *(line for line in lines if _BAR not in line), "```"])


def write(path: Path) -> None:
    """Run a notebook, and write its page."""
    with TemporaryDirectory() as folder:
        text, pictures = page(run(path, Path(folder)), path.stem)
    shutil.rmtree(path.with_name(f"{path.stem}_files"), ignore_errors=True)
    for name, image in pictures.items():
        place = path.with_name(f"{path.stem}_files") / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(image)
    path.with_suffix(".md").write_text(text, encoding="utf-8")


def main(names: list[str]) -> None:
    """Write the pages of these notebooks, or of all."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        data = DATA.get(path.stem)
        if data is not None and not Path(os.environ.get(data, "")).is_file():
            print(f"{path.stem}: its page stays as it is: {data} names no file")
            continue
        print(path.stem, flush=True)
        write(path)


if __name__ == "__main__":
    main(sys.argv[1:])
