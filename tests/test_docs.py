"""What the pages say is true: figures are those of the card, examples run, links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.formatting import precise
from mien.inference.card import read_card
from mien.inference.config import PipelineConfig
from mien.inference.weights import network_path, shipped
from tests.command_lines import blocks, commands, understood
from tests.commands import run_mien

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "MODELS.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def score_table() -> str:
    """The scores of the default network as a table for the pages."""
    lines = [
        "| head | labels | PrivateTest | n | accuracy | 95 % interval | balanced accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for score in read_card(network_path(PipelineConfig.model)).scores:
        head, part = score.note.split(",")[0].removeprefix("head "), score.data.split(", ")[1]
        interval = f"{precise(score.low)} to {precise(score.high)}"
        assert score.balanced_accuracy is not None
        cells = (f"`{head}`", score.labels, part, f"{score.n:,}", precise(score.accuracy), interval)
        lines.append(f"| {' | '.join(cells)} | {precise(score.balanced_accuracy)} |")
    return "\n".join(lines)


def test_the_scores_are_those_of_the_card() -> None:
    assert score_table() in (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8"), score_table()


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
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")
    ):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def test_no_package_registry_is_named_by_its_address() -> None:
    """Packages are named by name; where they come from is what the machine is set up with."""
    names = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.",
        "jsde" + "livr.net",
        "un" + "pkg.com",
        "anaconda" + ".org",
        "docker" + ".io",
    ]
    names += [
        "gh" + "cr.io",
        "quay" + ".io",
        "crates" + ".io",
        "download.py" + "torch.org",
        "deb.de" + "bian.org",
    ]
    ending = {".md", ".py", ".toml", ".json", ".js", ".css", ".html", ".ipynb", ""}
    skipped = {
        ".git",
        ".venv",
        "node_modules",
        "vendor",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        "out",
        "runs",
        ".peers",
    }
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in skipped and not name.startswith(".venv")]
        for path in (Path(folder, name) for name in files):
            if path.suffix in ending and path.stat().st_size < 1_000_000:
                text = path.read_bytes().decode("utf-8", "replace")
                assert not [name for name in names if name in text], path


def test_every_research_page_is_in_the_index_and_dated() -> None:
    index = (ROOT / "docs" / "research" / "README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs" / "research").glob("*.md")):
        if page.name != "README.md":
            title, _, date = page.read_text(encoding="utf-8").split("\n")[:3]
            assert f"[{title.removeprefix('# ')}]({page.name})" in index
            assert re.match(r"\d{4}-\d{2}-\d{2}", date), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_program_understands_the_command_lines_of_a_page(page: Path) -> None:
    consoles = [text for language, text in blocks(page) if language == "console"]
    for line in (line for text in consoles for line, _ in commands(text) if line.startswith("mien ")):
        assert understood(line), line


@pytest.fixture
def photo_of_readme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NASA's portrait under the name that the README gives a reader's own photo, in the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "docs" / "images" / "portrait.jpg", "my-photo.jpg")


def readme_blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )


@pytest.mark.integration
@pytest.mark.usefixtures("photo_of_readme")
def test_the_first_command_of_the_readme_does_what_stands_there() -> None:
    [(line, printed)] = [
        (line, printed)
        for block in readme_blocks("console")
        for line, printed in commands(block)
        if line.startswith("mien ")
    ]
    done = run_mien(*line.split()[1:])
    assert done.returncode == 0, done.stderr
    assert [line.rstrip() for line in done.stdout.splitlines()] == printed.splitlines()
    with Image.open("seen.jpg") as seen, Image.open("my-photo.jpg") as photo:
        assert seen.size == photo.size


@pytest.mark.usefixtures("photo_of_readme")
def test_the_python_of_the_readme_prints_what_stands_there(capsys: pytest.CaptureFixture[str]) -> None:
    [program] = readme_blocks("python")
    exec(program, {})
    [printed] = readme_blocks("text")
    assert capsys.readouterr().out == printed


def test_the_readme_has_the_scores_of_the_default_network() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    official = [
        score for score in read_card(network_path(PipelineConfig.model)).scores if "official" in score.data
    ]
    for score in official[:2]:
        accuracy, low, high = map(precise, (score.accuracy, score.low, score.high))
        assert f"{accuracy} ({low} to {high}) on {score.labels}'s" in text


def test_the_image_of_the_readme_is_light() -> None:
    [image] = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert (ROOT / image).stat().st_size < 300_000


@pytest.mark.integration
def test_the_examples_of_the_page_on_python_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray
) -> None:
    from fastapi.testclient import TestClient

    from mien.data import FaceDataset, write_dataset
    from mien.media import VideoWriter

    monkeypatch.chdir(tmp_path)
    faces = np.random.default_rng(0).integers(0, 256, (21, 48, 48), dtype=np.uint8)
    write_dataset(
        FaceDataset(
            faces,
            np.arange(21) % 7,
            None,
            np.repeat(["Training", "PublicTest", "PrivateTest"], 7),
            np.arange(21),
        ),
        Path("fer2013.parquet"),
    )
    with VideoWriter("talk.mp4", 240, 240) as movie:
        for index in range(5):
            movie.write(portrait, index / 5)
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL
    )
    Image.fromarray(portrait).save("photo.jpg")
    Path("photos").mkdir()
    Image.fromarray(portrait).save("photos/one.jpg")
    names: dict[str, Any] = {
        "__name__": "__main__",
        "image_a": portrait,
        "image_b": portrait[::2, ::2].copy(),
        "frame": portrait[..., ::-1],
    }
    exec(blocks[0], names)
    assert len(names["results"].faces) == 5
    exec("\n".join(blocks[1:]), names)
    assert len(names["results"].faces) == 1
    assert (len(names["faces_a"]), len(names["faces_b"]), len(names["faces"])) == (1, 1, 1)
    assert [len(faces) for faces in names["faces_of_each"]] == [1, 1]
    with TestClient(names["app"]) as client:
        answer = client.post("/faces", files={"image": Path("photo.jpg").read_bytes()})
    [face] = names["mien"].Pipeline(threads=1)("photo.jpg")
    assert answer.json() == [{"box": list(face.box), "emotion": face.emotion}]


def test_every_command_and_exit_status_is_documented() -> None:
    from mien.cli import exits

    text = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    for name, value in vars(exits).items():
        if name.isupper():
            assert f"| {value} |" in text, name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("analyze", "models", "doctor"):
        assert f"mien {command}" in readme


def test_every_column_of_a_row_is_documented() -> None:
    import mien

    text = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    [row] = mien.analyze(np.full((96, 96, 3), 128, np.uint8)).rows()
    for column in row:
        assert f"| `{column}` |" in text, column


def test_every_extra_is_documented() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    told = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(set(extras) - {"dev", "tests"})


def test_the_glossary_lists_no_name_that_code_and_glossary_share() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("## Names that still differ")[1]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE)[1:]
    assert not [row for row in rows if row[0] == row[1]], "the code has followed: take these rows out"


def test_the_navigation_has_every_page_once() -> None:
    """It is docs/README.md, and the README.md of a folder for the pages in it."""
    from build_tools.documentation import DOCS, PROJECT, navigation, uri

    found: list[str] = []

    def gather(entry: Any) -> None:
        if isinstance(entry, str):
            found.append(entry)
        for below in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            gather(below)

    gather(navigation())
    assert sorted(found) == sorted(str(uri(page)) for page in [*DOCS.rglob("*.md"), *PROJECT])


def test_no_page_takes_more_than_ten_minutes() -> None:
    """220 words a minute, of the text alone: tables and programs are looked at, not read from end to end."""
    long = set()
    for page in (ROOT / "docs").rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        if len(re.sub(r"^\|.*$", "", text, flags=re.MULTILINE).split()) > 2200:
            long.add(page.name)
    assert long == set()


def test_every_page_opens_with_words() -> None:
    """They say what one gets; programs and tables come after."""
    for page in (ROOT / "docs").rglob("*.md"):
        _, _, below = page.read_text(encoding="utf-8").partition("\n")
        assert re.match(r"\s*(?!```)[\w`\[*]", below), page


def test_the_example_of_the_page_on_videos_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray
) -> None:
    from mien.media import VideoWriter

    monkeypatch.chdir(tmp_path)
    with VideoWriter("talk.mp4", 240, 240) as movie:
        for index in range(5):
            movie.write(portrait, index / 5)
    [block] = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "video.md").read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(block, names)
    assert len(names["video"].people()) == 1


def test_classifiers_of_ones_own_are_evaluated_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """scikit-learn itself; in place of a transformer of a gigabyte, something that takes and answers what its pipelines do."""
    for package in ("polars", "sklearn"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'mien[dev]'")
    from mien.core.labels import EXPRESSIONS
    from mien.data import FaceDataset, write_dataset

    monkeypatch.chdir(tmp_path)
    numbers = np.arange(70) % len(EXPRESSIONS)
    images = np.repeat(np.uint8(30 * numbers), 48 * 48).reshape(-1, 48, 48)
    splits = np.array(["Training"] * 35 + ["PublicTest"] * 35)
    write_dataset(FaceDataset(images, numbers, None, splits, np.arange(70)), "faces.parquet")

    def reader(images: list[Image.Image], top_k: int | None) -> list[list[dict[str, Any]]]:
        assert {image.mode for image in images} == {"RGB"}
        guesses = [round(np.asarray(image).mean() / 30) for image in images]
        return [
            [{"label": label, "score": float(place == guess)} for place, label in enumerate(EXPRESSIONS)]
            for guess in guesses
        ]

    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"reader": reader}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]:
        exec(block, names)
    assert capsys.readouterr().out.split() == ["1.0", "1.0"]


def test_networks_are_named_by_the_digest_that_sha256sum_prints() -> None:
    from hashlib import sha256

    text = (ROOT / "MODELS.md").read_text(encoding="utf-8")
    for path in shipped().values():
        assert f"sha256 of the file**: {sha256(path.read_bytes()).hexdigest()}\n" in text
        assert (
            f"sha256 without the card**: {read_card(path).sha256} (all bytes outside the metadata)\n" in text
        )
