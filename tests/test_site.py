"""The site of the documentation: it is built without a complaint, fetches nothing, opens from the file system, and is searched there."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import griffe
import pytest
from playwright.sync_api import Browser

from build_tools import api_pages, documentation
from tests.pages import browser, opened, violations

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


class Assets(HTMLParser):
    """Addresses that a browser asks for by itself when it shows a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in FETCHED:
            self.found += [named.get(FETCHED[tag]) or "", *re.split(r"[, ]+", named.get("srcset") or "")]
        if tag == "link" and named.get("rel") not in {"canonical", "next", "prev"}:
            self.found.append(named.get("href") or "")


def test_examples_of_the_tools_are_true() -> None:
    for module in (api_pages, documentation):
        assert doctest.testmod(module).failed == 0


@pytest.mark.integration  # griffe asks git where the repository begins.
def test_the_pages_of_python_are_those_of_the_docstrings() -> None:
    for path, text in api_pages.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make reference`"


@pytest.mark.integration
def test_every_public_name_says_what_it_is_and_classes_and_functions_show_it() -> None:
    """Examples run as tests where they stand. Answers of the service have theirs in its OpenAPI document, whose descriptions their docstrings are."""
    lacking = [
        f"{path}.{name}"
        for path, module in api_pages.public_modules().items()
        for name in api_pages.names(module)
        if not api_pages.summary(module.members[name])
        or ((module.members[name].is_class or module.members[name].is_function) and not shown(module, name))
    ]
    assert lacking == []


def shown(module: griffe.Module, name: str) -> bool:
    member = module.members[name]
    answer = member.is_alias and member.final_target.path.startswith("mien.server.schemas.")
    return answer or (member.docstring is not None and ">>> " in member.docstring.value)


@pytest.mark.integration
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 80
    for page in pages:
        assets = Assets(page.read_text(encoding="utf-8")).found
        assert [asset for asset in assets if asset.endswith(".css")], page
        assert not [asset for asset in assets if re.match(r"(\w+:)?//", asset)], page
    for sheet in site.rglob("*.css"):
        assert not re.findall(
            r"(?:@import|url\()[\s\"']*(?:https?:)?//", sheet.read_text(encoding="utf-8")
        ), sheet


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


@pytest.mark.parametrize("name", ["index", "start/first-image", "networks", "studies", "api/mien"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everybody(site: Path, browser: Browser, name: str, scheme: str) -> None:
    with opened(browser, site / f"{name}.html", scheme=scheme) as page:
        assert violations(page) == []
