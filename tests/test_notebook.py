"""The notebook for learners runs as it stands, and its page shows the same cells."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import nbformat
import polars
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOK = DOCS / "judging.ipynb"


def test_the_page_has_every_cell_of_the_notebook() -> None:
    page = (DOCS / "judging.md").read_text(encoding="utf-8")
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert len(cells) > 10
    for cell in cells:
        assert cell.source in page, (
            f"docs/judging.md lacks a cell of the notebook (make notebook renews it): {cell.source[:60]!r}"
        )


def write_a_sixth(data: Path, part: Path) -> None:
    """A sixth of the images; of those that are copies of each other all or none, so that there are copies still."""
    table = polars.read_parquet(data)
    table.filter([crc32(image["bytes"]) % 6 == 0 for image in table["image"]]).write_parquet(part)


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("default")  # the kernel's own
def test_the_notebook_runs(shared_fer2013: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a part of the data, as no figure is looked at here: those of the page are of all of it."""
    pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
    write_a_sixth(shared_fer2013, tmp_path / "part.parquet")
    monkeypatch.setenv("MIEN_FER2013", str(tmp_path / "part.parquet"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(DOCS)}}
    ).execute()
    images = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(images) == 4
