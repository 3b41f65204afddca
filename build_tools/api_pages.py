"""``python -m build_tools.api_pages``: the pages of docs/api, one for each package with a list of public names.

What is read there in the repository is a table of names; the site has the docstrings below it (mkdocstrings).
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "docs" / "api"


class Examples(griffe.Extension):
    """Examples that docstrings have amid their text, as programs: Markdown takes ``>>>`` for quotes."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = fenced(inspect.cleandoc(obj.docstring.value))


def fenced(docstring: str) -> str:
    r"""A docstring whose examples are fenced.

    >>> fenced("Adds.\n\n>>> 1 + 1\n2")
    'Adds.\n\n```pycon\n>>> 1 + 1\n2\n```'
    """
    return re.sub(
        r"^( *)>>> .*(?:\n(?! *$).*)*",
        lambda match: f"{match[1]}```pycon\n{match[0]}\n{match[1]}```",
        docstring,
        flags=re.MULTILINE,
    )


def public_modules() -> dict[str, griffe.Module]:
    """The packages that list public names, by their dotted names; the command line's has pages of its own."""
    mien = griffe.load("mien", search_paths=[ROOT / "src"], resolve_aliases=True)
    assert isinstance(mien, griffe.Module)
    inner = [mien, *(module for _, module in sorted(mien.modules.items()))]
    return {each.path: each for each in inner if each.exports and each.path != "mien.cli"}


def summary(of: griffe.Object | griffe.Alias) -> str:
    """The first sentence of a docstring, on one line."""
    text = of.docstring.value if of.docstring else ""
    first = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z`])", first)[0].rstrip(":").replace("``", "`").replace("|", "\\|")


def names(module: griffe.Module) -> list[str]:
    return [str(getattr(name, "name", name)) for name in module.exports or ()]


def page(module: griffe.Module) -> str:
    """A module's page."""
    rows = "\n".join(f"| `{name}` | {summary(module.members[name])} |" for name in names(module))
    return f"""# {module.path}

What you get: the public names of `{module.path}`. {summary(module)}

| name | what it is |
|---|---|
{rows}

The site of the documentation (`make docs`) has each of them in full here; `help` prints the same.

<!-- ::: {module.path} -->
"""


def index(modules: dict[str, griffe.Module]) -> str:
    lines = "\n".join(f"- [{path}]({path}.md): {summary(module)}" for path, module in modules.items())
    return f"""# Python, name by name

What you get: every public name with its arguments, shapes, units, errors and an example, from the docstrings. An overview to begin with:
[Python](../python.md).

{lines}

A name that is in none of these lists may change without notice.
"""


def pages() -> dict[Path, str]:
    """All pages, by their files."""
    modules = public_modules()
    return {API / "README.md": index(modules)} | {
        API / f"{path}.md": page(module) for path, module in modules.items()
    }


if __name__ == "__main__":
    API.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
