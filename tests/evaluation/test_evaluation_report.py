"""The images and the page."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from mien import InputError
from mien.cli.console import Console
from mien.cli.evaluate_tables import show_evaluation
from mien.core.labels import NOTICE
from mien.evaluation import EvaluateOptions, Evaluation, evaluate
from mien.evaluation.charts import _title, write_plots
from mien.evaluation.error_gallery import confidently_wrong, most_uncertain
from mien.evaluation.report import render, write_report
from mien.plotting.evaluation import draw_confusion
from tests.evaluation.small_faces import half_right, marked_faces, told
from tests.pages import A4, DESK, PHONE, browser, opened, violations

__all__ = ["browser"]


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return evaluate(half_right, marked_faces(copies=5), EvaluateOptions(data="<faces> & more.parquet"))


class _Page(HTMLParser):
    """Tags that were opened, addresses, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")
        ]
        if tag == "img":
            self.images.append(values)
        if tag not in ("img", "meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_everything_itself(found: Evaluation) -> None:
    page = render(found)
    read = _Page(page)
    assert read.open == [], "every tag is closed"
    assert read.addresses
    assert all(address.startswith("data:image/png;base64,") for address in read.addresses)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "url(" not in page
    assert all(image.get("alt") for image in read.images)
    assert page.startswith("<!doctype html>")


def test_the_page_says_what_was_found(found: Evaluation) -> None:
    text = " ".join(_Page(render(found)).text.split())
    assert NOTICE in text
    assert f"{found.whole.accuracy:.1%}".replace("%", " %") in text
    assert found.leak_free is not None
    assert f"{found.leak_free.accuracy:.2%}".replace("%", " %") in text
    assert "<faces> & more.parquet" in text, "a name is text, not markup"
    assert "1 against the rest" in text
    assert "one view of each image" in text
    assert "its 7 columns are taken for" in text


def test_a_face_bears_the_name_of_its_file_or_else_its_row(found: Evaluation) -> None:
    rows = [str(row) for row in found.faces.rows]
    assert re.search(rf'class="row file" dir="auto">row ({"|".join(rows)})\b', render(found))
    names = np.array([f"sad/<{row}>.png" for row in rows])
    named = render(replace(found, faces=replace(found.faces, paths=names)))
    shown = re.findall(r'class="row file" dir="auto">sad/&lt;(\d+)&gt;\.png', named)
    tiles = [*confidently_wrong(found), *most_uncertain(found)]
    assert [int(row) for row in shown] == [tile.row for tile in tiles]


def test_the_matrix_of_the_page_is_the_one_that_was_counted(found: Evaluation) -> None:
    table = re.search(r'<table class="matrix">.*?</table>', render(found), re.DOTALL)[0]
    cells = re.findall(r'<td class="(right)?" style="--share: ([\d.]+)"[^>]*>([\d,·]+)</td>', table)
    counts = np.array([0 if text == "·" else int(text) for _, _, text in cells]).reshape(
        found.confusion.shape
    )
    assert (counts == found.confusion).all()
    shares = np.array([float(share) for _, share, _ in cells]).reshape(counts.shape)
    assert shares.sum(axis=1) == pytest.approx((counts.sum(axis=1) > 0).astype(float), abs=0.01)
    framed = np.array([bool(right) for right, _, _ in cells]).reshape(counts.shape)
    assert (framed == np.eye(len(counts), dtype=bool)).all()


def test_bars_of_reliability_are_as_high_as_it_is(found: Evaluation) -> None:
    page = render(found)
    heights = re.findall(r'<i style="left: ([\d.]+)%; width: [\d.]+%; height: ([\d.]+)%" title', page)
    filled = [part for part in found.reliability if part.n]
    assert [(float(left), float(height)) for left, height in heights] == [
        (pytest.approx(part.low * 100), pytest.approx(part.accuracy * 100)) for part in filled
    ]


def test_the_page_says_first_how_often_it_was_right(found: Evaluation) -> None:
    note = render(found).split("</header>")[0]
    right = f"{found.whole.accuracy:.0%}".replace("%", " %")
    assert (
        f"right about {right} of these {found.whole.n} images, by these labels: the data&#39;s own." in note
    )


@pytest.mark.parametrize("width", [DESK, PHONE, A4])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_axe_finds_nothing_wrong(
    browser: Browser, found: Evaluation, tmp_path: Path, width: int, scheme: str
) -> None:
    write_report(found, tmp_path / "report.html")
    with opened(browser, tmp_path / "report.html", width, scheme) as page:
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        if width == A4:
            page.emulate_media(media="print")
        else:
            assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_about_little() -> None:
    data = marked_faces(voted=False)
    perfect = evaluate(told, data.split("PublicTest").take(np.arange(3)), EvaluateOptions(tta="flip"))
    text = " ".join(_Page(render(perfect)).text.split())
    assert "There is no wrong answer" in text
    assert "flip views of each image" in text
    assert "Wrong and sure" not in text
    assert "against the rest" not in text


def test_the_surest_errors_and_the_least_clear() -> None:
    data = marked_faces()
    found = evaluate(half_right, data)
    probs = found.probs.copy()
    probs[:, :] = np.eye(7, dtype=np.float32)[found.truth]
    probs[5] = np.roll(probs[5], 1)
    probs[6] = np.roll(probs[6], 2) * 0.8 + 0.2 / 7
    probs[7] = 1 / 7
    found = replace(found, probs=probs)
    wrong = confidently_wrong(found)
    assert [tile.row for tile in wrong][:2] == [int(found.faces.rows[5]), int(found.faces.rows[6])]
    assert not wrong[0].right
    assert wrong[0].people[0] == (wrong[0].was, 9)
    assert most_uncertain(found)[0].row == int(found.faces.rows[7])


def test_images(found: Evaluation, tmp_path: Path) -> None:
    paths = write_plots(found, tmp_path / "a" / "b")
    assert [path.name for path in paths] == ["matrix.png", "reliability.png", "classes.png"]
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 400
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder for the images"):
        write_plots(found, tmp_path / "file")


def test_a_matrix_darkens_where_the_row_has_its_share(tmp_path: Path) -> None:
    from mien import Labels

    labels = Labels(("happy", "sad"))
    draw_confusion(np.array([[9000, 0], [1, 1]]), labels, tmp_path / "rows.png")
    draw_confusion(np.array([[1, 0], [9000, 9000]]), labels, tmp_path / "same.png")
    first, second = (
        np.asarray(Image.open(tmp_path / name).convert("L")) for name in ("rows.png", "same.png")
    )
    assert abs(float(first.mean()) - float(second.mean())) < 2, (
        "colour goes by the share of the row, not by the count"
    )
    draw_confusion(np.array([[0, 9000], [1, 1]]), labels, tmp_path / "other.png")
    third = np.asarray(Image.open(tmp_path / "other.png").convert("L"))
    half = first.shape[1] // 3
    assert first[100:300, 120:half].mean() < third[100:300, 120:half].mean() - 20


def test_the_page_is_written_whole(found: Evaluation, tmp_path: Path) -> None:
    write_report(found, tmp_path / "report.html")
    assert re.search(r"</html>\s*$", (tmp_path / "report.html").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match="expected a place to write"):
        write_report(found, tmp_path / "report.html" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_labels_of_somebodys_own_are_called_so_everywhere(found: Evaluation) -> None:
    shown = io.StringIO()
    show_evaluation(found, Console(file=shown))
    for text in (render(found), shown.getvalue(), _title(found)):
        assert "fer2013" not in text.lower()
        assert "labels: the data" in text
    assert found.facts()["labels"] == "own"
