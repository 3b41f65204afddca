"""The notebooks run as they stand and leave nothing behind, and their pages show the same cells."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

import polars
import pytest

from build_tools.notebook_pages import DATA, NOTEBOOKS, page, read, run, sources
from mien.core.labels import NOTICE
from tests.empty_home import new_world

EACH = pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
RENEW = "make notebooks renews it"


@EACH
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    cells = read(path).cells
    assert len(cells) > 10
    for cell in cells:
        assert not cell.get("outputs"), cell.source
        assert cell.get("execution_count") is None, cell.source


@EACH
def test_a_notebook_says_what_is_measured(path: Path) -> None:
    words = " ".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert NOTICE in " ".join(words.split())
    assert "pip install -e '.[notebook]'" in words


@EACH
def test_a_page_has_the_cells_of_its_notebook_and_no_other(path: Path) -> None:
    rest = path.with_suffix(".md").read_text(encoding="utf-8")
    for source in sources(read(path)):
        between, found, rest = rest.partition(source)
        assert found, f"{path.stem}: the page lacks a cell ({RENEW}): {source[:60]!r}"
        assert not re.search(r"^```(python|sh)$", between, re.MULTILINE), f"{path.stem}: {RENEW}"
    assert not re.search(r"^```(python|sh)$", rest, re.MULTILINE)


@EACH
def test_pictures_of_a_page_are_small_and_told_in_words(path: Path) -> None:
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    shown = re.findall(rf"^!\[([^\]]*)\]\({path.stem}_files/([^)]+)\)$", text, re.MULTILINE)
    assert len(shown) > 1
    assert all(len(alt.split()) > 2 for alt, _ in shown), shown
    assert len({alt for alt, _ in shown}) == len(shown), "one word for two pictures"
    files = path.with_name(f"{path.stem}_files")
    assert sorted(name for _, name in shown) == sorted(file.name for file in files.iterdir())
    assert sum(file.stat().st_size for file in files.iterdir()) < 400_000


def write_a_twelfth(data: Path, part: Path) -> None:
    """A twelfth of the images; of those that are copies of each other all or none, so that there are copies still."""
    table = polars.read_parquet(data)
    table.filter([crc32(image["bytes"]) % 12 == 0 for image in table["image"]]).write_parquet(part)


def shape(text: str) -> list[str]:
    """What a page shows, in its order: programs, texts, pictures, tables."""
    return re.findall(r"^```\w+|^!\[.*\)$|<table>", text, re.MULTILINE)


@EACH
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("default")  # the kernel's own
def test_a_notebook_runs_and_leaves_nothing_elsewhere(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What its cells assert holds, and what comes out has the shape of its page. Data are a part of those of the page, whose figures are
    not looked at here.
    """
    for package in ("captum", "lightning", "matplotlib", "pandas", "skimage"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'mien[notebook]'")
    # IPython and matplotlib keep things of their own, here as everywhere.
    told = {"IPYTHONDIR": str(tmp_path / "ipython"), "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    if path.stem in DATA:
        told[DATA[path.stem]] = str(tmp_path / "part.parquet")
        write_a_twelfth(request.getfixturevalue("shared_fer2013"), tmp_path / "part.parquet")
    folder = tmp_path / "empty"
    folder.mkdir()
    with new_world(folder) as world:
        notebook = run(path, folder, HOME=str(world.home), TMPDIR=str(world.temporary), **told)
        assert world.left() == []
    assert [file.name for file in folder.iterdir()] == ["out"]
    text, _ = page(notebook, path.stem)
    assert shape(text) == shape(path.with_suffix(".md").read_text(encoding="utf-8")), RENEW
