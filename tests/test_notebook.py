"""The notebook for learners runs as it stands, and its page shows the same cells."""

from __future__ import annotations

from pathlib import Path

import nbformat
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


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("default")  # the kernel's own
def test_the_notebook_runs(shared_fer2013: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
    monkeypatch.setenv("MIEN_FER2013", str(shared_fer2013.resolve()))
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
