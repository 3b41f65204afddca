"""The recipes of CONTRIBUTING.md, done as they say, in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", TEXT, re.DOTALL | re.MULTILINE))
DOCTEST = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE).failed)"


def blocks(recipe: str) -> list[tuple[str, str]]:
    """The blocks of code of a recipe, each with its language, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE)


def changed(text: str, lines: list[str]) -> str:
    """A text in which lines have come and gone, as one block of a diff says."""
    before, after = (
        "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("", " ", sign)) for sign in "-+"
    )
    assert text.count(before) == 1, f"expected these lines once:\n{before}"
    return text.replace(before, after)


def follow(recipe: str, root: Path) -> str:
    """Do what a recipe says; its example is what is left to do."""
    example = ""
    for language, block in blocks(recipe):
        first, _, rest = block.partition("\n")
        if language == "python":
            place = root / first.removeprefix("# ")
            assert not place.exists(), place
            place.write_text(rest, encoding="utf-8")
        elif language == "diff":
            place = root / first.removeprefix("--- ")
            text = changed(place.read_text(encoding="utf-8"), rest.splitlines())
            place.unlink()  # It is a link to the file of this package.
            place.write_text(text, encoding="utf-8")
        else:
            example += block
    return example


def test_there_is_a_recipe_for_each_kind_of_part() -> None:
    assert len(RECIPES) == 5
    assert all(
        {language for language, _ in blocks(recipe)} == {"python", "diff", "pycon"}
        for recipe in RECIPES.values()
    )


@pytest.mark.integration
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_does_what_it_says(name: str, tmp_path: Path) -> None:
    if name == "An architecture":
        pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
    shutil.copytree(
        Path(mien.__file__).parent,
        tmp_path / "src" / "mien",
        copy_function=os.symlink,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "example").write_text(follow(RECIPES[name], tmp_path), encoding="utf-8")
    place = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(
        [sys.executable, "-c", DOCTEST, "example"], cwd=tmp_path, env=place, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
@pytest.mark.parametrize("name", RECIPES)
def test_the_code_of_a_recipe_is_in_the_house_style(name: str) -> None:
    [code] = [block for language, block in blocks(RECIPES[name]) if language == "python"]
    first, _, rest = code.partition("\n")
    for check in (["check"], ["format", "--check"]):
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            *check,
            "--no-cache",
            "--stdin-filename",
            first.removeprefix("# "),
            "-",
        ]
        done = subprocess.run(ruff, cwd=ROOT, input=rest, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_that_no_longer_fits_is_told() -> None:
    assert changed("a\nb\n", [" a", "-b", "+c"]) == "a\nc\n"
    with pytest.raises(AssertionError, match="expected these lines once"):
        changed("a\nb\n", [" b", "+c", " a"])
