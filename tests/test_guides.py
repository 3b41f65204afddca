"""What the pages for a start, by task and on concepts tell a reader to type does what they say.

Each page's commands and programs run in one folder, in their order. A line whose comment says that it needs or takes
something runs nowhere; its options are compared with the command line's reference.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.media import VideoWriter
from tests.commands import run_mien

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for folder in ("start", "guides", "concepts") for page in (DOCS / folder).glob("*.md"))
LEFT_TO_READERS = re.compile(r"#.*\b(needs|takes)\b")
NAMED = {"time,label": "points.csv", "start,end,label": "answers.csv"}
"""Files that pages show, by how they begin."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of a page, and what stands below it."""
    for language, text in blocks(page):
        if language == "console":
            for line, _, below in (part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.M)[1:]):
                yield line, below


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages speak of, in the working folder."""
    monkeypatch.chdir(tmp_path)
    photo = Image.open(DOCS / "images" / "portrait.jpg")
    small = np.asarray(photo.resize((384, 384)))
    photo.save("photo.jpg", quality="keep")
    for name in ("party/a.jpg", "party/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        photo.save(name)
    for index, person in enumerate(
        ("train/happy/anna-1", "train/neutral/anna-2", "validation/happy/carla-1")
    ):
        path = Path("photos", f"{person}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.rotate(index * 5).save(path)
    videos = ["talk", "interviews/anna", "interviews/ben"]
    videos += [*(f"videos/p0{n}/{name}" for n in (1, 2) for name in ("calm", "funny"))]
    for name in videos:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(f"{name}.mp4", 384, 384) as movie:
            for index in range(8):
                movie.write(small, index / 5)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
@pytest.mark.integration
def test_what_a_page_says_can_be_done(page: Path, things: Path) -> None:
    for _, text in blocks(page):
        if (name := NAMED.get(text.partition("\n")[0])) is not None:
            (things / name).write_text(text, encoding="utf-8")
    for line, expected in commands(page):
        if LEFT_TO_READERS.search(line):
            continue
        program, *words = shlex.split(line, comments=True)
        assert program == "mien", line
        done = run_mien(*words)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if expected:
            printed = [row.rstrip() for row in done.stdout.splitlines()]
            assert printed == expected.splitlines(), line
    for language, text in blocks(page):
        if language == "python":
            exec(text, {})


def options(words: list[str]) -> tuple[str, set[str]]:
    """The section of the reference that a command line belongs to, and the options that it has."""
    reference = (DOCS / "cli.md").read_text(encoding="utf-8")
    for count in (3, 2):
        heading = f"## `{' '.join(words[:count])}`\n"
        if heading in reference:
            section = re.split(r"^###? ", reference.split(heading, 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
            return heading, set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", section))
    raise AssertionError(f"no such command: {words}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_the_options_that_a_page_names_are_there(page: Path) -> None:
    for line, _ in commands(page):
        words = shlex.split(line, comments=True)
        heading, known = options(words)
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, (heading, line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_a_page_opens_with_what_one_gets(page: Path) -> None:
    _, blank, opening = page.read_text(encoding="utf-8").split("\n")[:3]
    assert not blank
    assert opening.startswith("What you get: ")
