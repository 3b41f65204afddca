"""What MkDocs does besides for the documentation's site: takes the navigation from docs/README.md, follows links that
lead out of docs/, sets formulas, puts the reference of Python in its place.

The pages are plain Markdown, which reads as well where the repository is looked at.
"""

from __future__ import annotations

import posixpath
import re
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SHIM = ROOT / "web" / "node_modules" / "iframe-worker" / "shim" / "index.js"
PROJECT = {
    ROOT / name: f"project/{name}" for name in ("CHANGELOG.md", "CONTRIBUTING.md", "MODELS.md", "SECURITY.md")
} | {ROOT / "benchmarks" / "README.md": "project/benchmarks.md"}
"""Pages outside docs/, and where the site has them."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]*)\)")
_UNNAMED = re.compile(
    r'(<nav class="md-nav" data-md-level="\d+" )aria-labelledby="\w+"([^>]*>\s*<label class="md-nav__title"[^>]*>'
    r"\s*(?:<span[^>]*></span>)?\s*)([^<\n]+)"
)
_FENCED = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)


def navigation(index: Path = DOCS / "README.md") -> list[Any]:
    """The site's navigation: each heading of the index is a section, each link below it a page.

    A link to the README.md of a folder brings the pages along that it links in that folder.

    >>> [name for section in navigation() for name in section][:4]
    ['Overview', 'Start', 'Guides', 'Concepts']
    """
    _, *sections = _divided(index.read_text(encoding="utf-8"), "## ")
    overview: dict[str, Any] = {"Overview": str(uri(index))}
    return [overview] + [{heading: _entries(text, index)} for heading, text in sections]


def _divided(text: str, mark: str) -> list[tuple[str, str]]:
    """What is below each heading, with the heading; first what is above all of them."""
    above, *parts = re.split(rf"^{mark}", text, flags=re.MULTILINE)
    return [
        ("", above),
        *((heading, below) for heading, _, below in (part.partition("\n") for part in parts)),
    ]


def _entries(text: str, index: Path) -> list[Any]:
    (_, above), *groups = _divided(text, "### ")
    pages = [_entry(title, target, index) for _, title, target in _LINK.findall(above)]
    return pages + [{heading: _entries(below, index)} for heading, below in groups]


def _entry(title: str, target: str, index: Path) -> dict[str, Any]:
    page = (index.parent / target).resolve()
    if page.name != "README.md" or page in PROJECT:
        return {title: uri(page)}
    below = [
        {title: uri(page.parent / name)}
        for _, title, name in _LINK.findall(page.read_text(encoding="utf-8"))
        if re.fullmatch(r"[\w.-]+\.md", name)
    ]
    return {title: [uri(page), *below] if below else uri(page)}


def uri(path: Path) -> str | None:
    """Where the site has a file of the repository, as a path in it; None where it has not."""
    if path in PROJECT:
        return PROJECT[path]
    return path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) and path.is_file() else None


def linked(markdown: str, source: Path, at: str) -> str:
    """A page's text with links that lead right in the site; of what the site has not, the words stay.

    Args:
        markdown: The text.
        source: The file that it is from.
        at: Where the site has it.

    >>> linked("[a](../MODELS.md#b), [c](../src/mien), [d](https://e.f)", DOCS / "x.md", "x.md")
    '[a](project/MODELS.md#b), c, [d](https://e.f)'
    """

    def link(match: re.Match[str]) -> str:
        picture, text, target = match.groups()
        path, hash_, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return match.group(0)
        there = uri((source.parent / path).resolve())
        if there is None:
            return text
        return f"{picture}[{text}]({posixpath.relpath(there, posixpath.dirname(at) or '.')}{hash_}{anchor})"

    parts = _FENCED.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.nav = navigation()
    config.theme.static_templates.discard(
        "404.html"
    )  # For servers alone; where files are opened it has no style.
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, at in PROJECT.items():
        files.append(File.generated(config, at, abs_src_path=str(path)))
    files.append(File.generated(config, "assets/iframe-worker.js", abs_src_path=str(SHIM)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    markdown = linked(markdown, Path(str(page.file.abs_src_path)), page.file.src_uri)
    return re.sub(r"^<!-- (::: [\w.]+) -->$", r"\1", markdown, flags=re.MULTILINE)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas as MathML, which browsers show without a script; an empty corner of a table is no heading."""
    html = re.sub(r"<th((?: style=\"[^\"]*\")?)></th>", r"<td\1></td>", html)
    return re.sub(
        r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>',
        lambda match: convert(
            unescape(match.group(2)), display="inline" if match.group(1) == "span" else "block"
        ),
        html,
        flags=re.DOTALL,
    )


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """What the theme leaves without a name that a screen reader could say."""
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)
    return _UNNAMED.sub(r'\1aria-label="Pages of \3"\2\3', output)
