"""``mien agree`` and its files, and the page as people see it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from mien.core.labels import NOTICE
from tests.agreement.test_raters import EXACT, coded, film, many
from tests.clips.making_rows import write_table
from tests.commands import run_mien
from tests.pages import DESK, PHONE, browser, opened, violations

__all__ = ["browser"]


@pytest.mark.integration
def test_everything_is_written_and_told(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    rows = write_table(tmp_path / "rows.csv", many(5, tmp_path / "anna", late=0.7))
    many(5, tmp_path / "ben", late=0.1)
    files = [tmp_path / f"out.{ending}" for ending in ("json", "csv", "html", "png")]
    done = run_mien(
        "agree", rows, tmp_path / "anna", tmp_path / "ben", *(part for file in files for part in ("-o", file))
    )
    assert done.returncode == 0, done.stderr
    assert "mien, anna" in done.stdout
    assert NOTICE in done.stdout
    assert "--offset 'anna=-0.7'" in done.stderr
    facts = json.loads(files[0].read_text(encoding="utf-8"))
    assert facts["raters"] == ["mien", "anna", "ben"]
    with open(files[1], encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    kappa = next(row for row in table if (row["raters"], row["measure"]) == ("mien, ben", "kappa"))
    assert float(kappa["value"]) == pytest.approx(facts["pairs"][1]["kappa"]["value"], abs=1e-6)
    assert float(kappa["low"]) < float(kappa["value"]) < float(kappa["high"])
    page = files[2].read_text(encoding="utf-8")
    assert NOTICE in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    with Image.open(files[3]) as image:
        assert image.width > 1000


@pytest.mark.integration
def test_a_file_that_cannot_be_used_ends_with_3_and_names_it(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "rows.csv", film())
    coded(tmp_path / "anna.csv", EXACT)
    done = run_mien("agree", rows, tmp_path / "anna.csv", tmp_path / "gone.csv", "--format", "json")
    assert done.returncode == 3
    assert "gone.csv is not there" in done.stderr
    assert json.loads(done.stdout)["pairs"][0]["kappa"]["value"] == 1
    for options in (
        ["--scale", "9"],
        ["--offset", "soon"],
        ["--map", "nowhere.txt"],
        ["-o", "a.doc"],
        ["--step", "0"],
    ):
        failed = run_mien("agree", rows, tmp_path / "anna.csv", *options)
        assert failed.returncode == 2
        assert failed.stderr.count("\n") == 1
        assert "expected" in failed.stderr


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mien.agreement import compare_raters, write_agreement

    folder = tmp_path_factory.mktemp("agreement")
    videos = many(4, folder / "anna", late=0.7)
    coded(folder / "ben" / "r0.csv", EXACT)
    path = folder / "page.html"
    write_agreement(path, compare_raters(videos, [folder / "anna", folder / "ben"]))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing_wrong(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    with opened(browser, page_file, width, scheme) as page:
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.integration
def test_neither_rows_nor_coders_are_overwritten(tmp_path: Path) -> None:
    rows, anna = write_table(tmp_path / "rows.csv", film()), tmp_path / "anna.csv"
    coded(anna, EXACT)
    before = rows.read_bytes(), anna.read_bytes()
    for place in (rows, anna):
        done = run_mien("agree", rows, anna, "-o", place)
        assert done.returncode == 2, place
        assert "is one of the sources: give another place" in done.stderr
    assert (rows.read_bytes(), anna.read_bytes()) == before
