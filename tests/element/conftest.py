"""Fixtures of a site, and of both browsers that visit it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.server.site import write_site
from tests.element.browsers import NAMES, Tab, opened
from tests.element.serving import POLICY, Site, served

PHOTOGRAPH = Path(__file__).parents[2] / "docs" / "images" / "astronaut.jpg"


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with what ``mien web`` writes in ``mien/`` and a photograph."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder / "mien", ["small-int8", "small"])
    (folder / "astronaut.jpg").write_bytes(PHOTOGRAPH.read_bytes())
    (folder / "favicon.ico").touch()  # Browsers ask for it.
    with served(folder) as site:
        yield site


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The same, as it is at first."""
    whole_site.headers = {"Content-Security-Policy": POLICY}
    whole_site.asked.clear()
    return whole_site


@pytest.fixture(scope="module", params=NAMES)
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab in each browser; one for all tests of a file."""
    with opened(request.param, tmp_path_factory.mktemp("browser")) as tab:
        yield tab
