"""The page behind a reverse proxy that gives it a path of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.page.visiting import Visiting
from tests.server.reverse_proxy import proxied
from tests.server.service import serving


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "passed on"])
def test_the_page_reads_under_a_path_of_its_own(visiting: Visiting, tmp_path: Path, strips: bool) -> None:
    with (
        serving(tmp_path, prefix="/tools/mien") as service,
        proxied(service.port, "/tools/mien", strips) as address,
    ):
        with visiting(address) as visit:
            visit.ready()
            for way in ("device", "server"):
                visit.choose(way)
                visit.page.click("#start")
                visit.wait_for_results(5)
                assert not visit.problems, way
                visit.page.click("#stop")
            asked = [one for one in visit.asked if one.startswith("http")]
            assert all(one.startswith(address) for one in asked), asked
        with visiting(f"{address}docs") as visit:
            assert visit.page.locator("section").count() > 15
            visit.page.click("text=openapi.json")
            assert visit.page.url == f"{address}openapi.json"
            assert not visit.problems
