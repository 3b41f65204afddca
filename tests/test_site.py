"""The site of the documentation: it is built without a complaint, fetches nothing, opens from the file system, and is searched there."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import griffe
import pytest
from playwright.sync_api import Browser

from build_tools import api_pages, cli_pages, documentation
from tests.command_lines import understood
from tests.pages import DESK, PHONE, browser, opened, violations

__all__ = ["browser"]

ROOT = Path(__file__).parents[1]
FETCHED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "script": "src",
    "source": "src",
    "video": "src",
}


ELSEWHERE = re.compile(r"(\w+:)?//|(data|mailto):")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it. Every warning, such as of a link or an anchor that leads nowhere, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Shown(HTMLParser):
    """What a page asks for by itself when a browser shows it, where its links lead, and what they can lead to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors.add(named.get("id") or named.get("name") or "")
        if tag in FETCHED:
            self.fetched += [named.get(FETCHED[tag]) or "", *re.split(r"[, ]+", named.get("srcset") or "")]
        if tag == "link" and named.get("rel") not in {"canonical", "next", "prev"}:
            self.fetched.append(named.get("href") or "")
        if tag == "a" and named.get("href") is not None:
            self.links.append(named["href"] or "")


@pytest.fixture(scope="module")
def shown(site: Path) -> dict[Path, Shown]:
    """Every page of the site."""
    return {path: Shown(path) for path in sorted(site.rglob("*.html"))}


def test_examples_of_the_tools_are_true() -> None:
    for module in (api_pages, cli_pages, documentation):
        assert doctest.testmod(module).failed == 0


@pytest.mark.integration  # griffe asks git where the repository begins.
def test_the_pages_of_python_are_those_of_the_docstrings() -> None:
    for path, text in api_pages.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make reference`"


@pytest.mark.integration  # As the Typer that is tested with puts it.
def test_the_pages_of_the_command_line_are_those_of_the_program() -> None:
    made = cli_pages.pages()
    assert set(made) == set(cli_pages.CLI.glob("*.md"))
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make reference`"


def test_every_command_has_an_example_of_its_own() -> None:
    """That each is understood, and no option wrong in it, tests/test_docs.py sees."""
    for path, text in cli_pages.pages().items():
        lines = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        wanted = re.findall(r"^##? (mien .*)$", text, re.MULTILINE)
        assert [" ".join(understood(line)) for line in lines] == (wanted[1:] or wanted), path


@pytest.mark.integration
def test_every_public_name_says_what_it_is_and_classes_and_functions_show_it() -> None:
    """Examples run as tests where they stand. Answers of the service have theirs in its OpenAPI document, whose descriptions their docstrings are."""
    lacking = [
        f"{path}.{name}"
        for path, module in api_pages.public_modules().items()
        for name in api_pages.names(module)
        if not api_pages.summary(module.members[name])
        or (
            (module.members[name].is_class or module.members[name].is_function)
            and not exemplified(module, name)
        )
    ]
    assert lacking == []


def exemplified(module: griffe.Module, name: str) -> bool:
    member = module.members[name]
    answer = member.is_alias and member.final_target.path.startswith("mien.server.schemas.")
    return answer or (member.docstring is not None and ">>> " in member.docstring.value)


@pytest.mark.integration
def test_the_site_fetches_nothing_from_elsewhere(site: Path, shown: dict[Path, Shown]) -> None:
    assert len(shown) > 100
    for path, page in shown.items():
        assert [asset for asset in page.fetched if asset.endswith(".css")], path
        assert not [asset for asset in page.fetched if ELSEWHERE.match(asset)], path
    for sheet in site.rglob("*.css"):
        assert not re.findall(
            r"(?:@import|url\()[\s\"']*(?:https?:)?//", sheet.read_text(encoding="utf-8")
        ), sheet


@pytest.mark.integration
def test_no_link_is_dead(site: Path, shown: dict[Path, Shown]) -> None:
    """Pages, anchors in them, images, and files to be had; addresses of others are not asked for."""
    dead = {
        (str(path.relative_to(site)), target)
        for path, page in shown.items()
        for target in {*page.links, *page.fetched}
        if target and not ELSEWHERE.match(target) and not leads_somewhere(path, target, shown)
    }
    assert dead == set()


def leads_somewhere(path: Path, target: str, shown: dict[Path, Shown]) -> bool:
    name, _, anchor = target.partition("#")
    there = Path(os.path.normpath(path.parent / unquote(name.partition("?")[0]))) if name else path
    there = there / "index.html" if there.is_dir() else there
    if there not in shown:
        return there.is_file() and not anchor
    return not anchor or unquote(anchor) in shown[there].anchors


def test_pages_open_from_the_file_system_and_are_searched_there(site: Path, browser: Browser) -> None:
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="Your first image").first.click()
    page.wait_for_url("**/start/first-image.html")
    assert page.get_by_role("heading", level=1).inner_text().startswith("Your first image")
    page.get_by_role("textbox", name="Search").first.fill("photo booth")
    page.locator(".md-search-result__link", has_text="A photo booth").first.click()
    page.wait_for_url("**/guides/photo-booth.html**")
    context.close()
    assert asked
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]


WHOLE = ("index", "cli/analyze", "api/mien", "networks", "studies")
"""Pages that are opened whole. `make docs-check` opens all of them, which takes minutes."""


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", DESK), ("dark", PHONE)], ids=["light", "dark on a phone"]
)
def test_whole_pages_can_be_used_by_everybody(site: Path, browser: Browser, scheme: str, width: int) -> None:
    paths = [site / f"{name}.html" for name in WHOLE]
    if os.environ.get("MIEN_EVERY_PAGE"):
        paths = sorted(site.rglob("*.html"))
    found = {}
    for path in paths:
        with opened(browser, path, width, scheme) as page:
            found[str(path.relative_to(site))] = violations(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


PUT = """text => {
    const article = new DOMParser().parseFromString(text, "text/html").querySelector("article");
    document.querySelector("article").replaceWith(article);
    for (const frame of document.querySelectorAll(".md-sidebar, .md-header, .md-tabs, .md-footer")) frame.remove();
}"""
OF_THE_FRAME = {"region", "scrollable-region-focusable"}
"""Rules about what is around a page's text, and about what a script adds to it: whole pages are held to them."""


def test_what_every_page_says_can_be_read_by_everybody(site: Path, browser: Browser) -> None:
    """The text of each page of the site, one after the other in one page: starting each anew takes most of the time."""
    found = {}
    with opened(browser, site / "index.html") as page:
        for path in sorted(site.rglob("*.html")):
            page.evaluate(PUT, path.read_text(encoding="utf-8"))
            found[str(path.relative_to(site))] = [
                wrong for wrong in violations(page) if wrong[0] not in OF_THE_FRAME
            ]
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
