"""What the pages say is true: figures are those of the card, examples run, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.card import read_card
from mien.networks import network_path, shipped
from mien.pipeline import DEFAULT_MODEL

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "MODELS.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def score_table() -> str:
    """The scores of the default network as a table for the pages."""
    lines = ["| head | labels | PrivateTest | n | accuracy | 95 % interval |", "|---|---|---|---|---|---|"]
    for score in read_card(network_path(DEFAULT_MODEL)).scores:
        head, part = score.note.split(",")[0].removeprefix("reading "), score.data.split(", ")[1]
        interval = f"{score.low:.1%} to {score.high:.1%}"
        lines.append(f"| `{head}` | {score.labels} | {part} | {score.n:,} | {score.accuracy:.1%} | {interval} |")
    return "\n".join(lines)


@pytest.mark.parametrize("page", ["README.md", "docs/networks.md"])
def test_the_scores_are_those_of_the_card(page: str) -> None:
    assert score_table() in (ROOT / page).read_text(encoding="utf-8"), score_table()


def test_the_page_of_networks_is_that_of_the_cards() -> None:
    from mien.cli.models import page

    cards = [(path, read_card(path)) for path in shipped().values()]
    assert (ROOT / "MODELS.md").read_text(encoding="utf-8") == page(cards) + "\n", "make models"


def anchors(page: Path) -> set[str]:
    """The names by which GitHub's links reach the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def test_every_research_page_is_in_the_index_and_dated() -> None:
    index = (ROOT / "docs" / "research" / "README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs" / "research").glob("*.md")):
        if page.name != "README.md":
            title, _, date = page.read_text(encoding="utf-8").split("\n")[:3]
            assert f"[{title.removeprefix('# ')}]({page.name})" in index
            assert re.match(r"\d{4}-\d{2}-\d{2}", date), page.name


def test_the_examples_of_the_readme_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray) -> None:
    from mien.data import FaceDataset, write_dataset
    from mien.media import MovieWriter

    monkeypatch.chdir(tmp_path)
    faces = np.random.default_rng(0).integers(0, 256, (21, 48, 48), dtype=np.uint8)
    write_dataset(
        FaceDataset(faces, np.arange(21) % 7, None, np.repeat(["Training", "PublicTest", "PrivateTest"], 7), np.arange(21)), Path("fer2013.parquet")
    )
    with MovieWriter("talk.mp4", 240, 240) as movie:
        for index in range(5):
            movie.write(portrait, index / 5)
    Image.fromarray(portrait).save("photo.jpg")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names = {"picture_a": portrait, "picture_b": portrait[::2, ::2].copy()}
    exec("import mien\n" + "\n".join(blocks), names)
    assert len(names["results"].faces) == 5
    assert (len(names["faces_a"]), len(names["faces_b"])) == (1, 1)


def test_every_command_and_exit_status_is_documented() -> None:
    from mien.cli import exits

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, value in vars(exits).items():
        if name.isupper():
            assert f"| {value} |" in text, name
    for command in ("analyze", "models", "doctor"):
        assert f"mien {command}" in text


def test_the_example_of_the_page_on_videos_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray) -> None:
    from mien.media import MovieWriter

    monkeypatch.chdir(tmp_path)
    with MovieWriter("talk.mp4", 240, 240) as movie:
        for index in range(5):
            movie.write(portrait, index / 5)
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "video.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(block, names)
    assert len(names["recording"].people()) == 1


def test_networks_are_named_by_the_digest_that_sha256sum_prints() -> None:
    from hashlib import sha256

    text = (ROOT / "MODELS.md").read_text(encoding="utf-8")
    for path in shipped().values():
        assert f"sha256 of the file**: {sha256(path.read_bytes()).hexdigest()}\n" in text
        assert f"sha256 without the card**: {read_card(path).sha256} (all bytes outside the metadata)\n" in text
