"""What pyproject.toml and the files beside it say of the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mien

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def needed(extra: str) -> list[str]:
    """The requirements of an extra, with those of the extras that it names."""
    found = []
    for line in EXTRAS[extra]:
        inner = re.fullmatch(r"mien\[([a-z,]+)\]", line)
        found += [part for name in inner[1].split(",") for part in needed(name)] if inner else [line]
    return found


def test_the_version_is_said_once() -> None:
    assert PROJECT["dynamic"] == ["readme", "version"]
    assert not {"readme", "version"} & set(PROJECT)


def test_no_other_file_names_the_version() -> None:
    """But for CITATION.cff, and the client in JavaScript, which `make client` writes."""
    names = ("Containerfile", "compose.yaml", "mkdocs.yml", "pyproject.toml", "web/package.json")
    files = [ROOT / name for name in names]
    files += [path for folder in ("src", "web/src") for path in (ROOT / folder).rglob("*.*")]
    texts = {".css", ".html", ".js", ".json", ".py", ".toml", ".ts", ".yaml", ".yml"}
    version = re.compile(rf"(?<![\d.]){re.escape(mien.__version__)}(?![\d.])")
    named = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if (path.suffix in texts or path.name == "Containerfile")
        and version.search(path.read_text(encoding="utf-8"))
    }
    assert named == {"src/mien/__init__.py", "web/src/client.js"}


def test_the_citation_names_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'version: "{mien.__version__}"' in text
    own, *_ = PROJECT["license"].split(" AND ")  # The others are those of the parts in its packages.
    assert {"cff-version: 1.2.0", "type: software", f"license: {own}"} <= {*text.splitlines()}


def test_classifiers_are_known_to_package_indexes() -> None:
    known = pytest.importorskip(
        "trove_classifiers", reason="trove-classifiers is not installed: hatchling brings it along"
    )
    assert set(PROJECT["classifiers"]) <= known.classifiers


def versions(constraints: str) -> dict[str, str]:
    """The versions of a file of constraints by the usual spelling of their names; anything else in it is an error."""
    lines = (ROOT / ".ci" / constraints).read_text(encoding="utf-8").splitlines()
    found = [
        re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.]*)", line)
        for line in lines
        if not line.startswith("#")
    ]
    return {
        usual(match[1]): match[2]
        for match in found
        if match or pytest.fail(f"expected name==version in each line; got {lines}")
    }


def usual(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_are_names_and_versions_that_the_project_allows() -> None:
    from packaging.requirements import Requirement

    needs = [Requirement(line) for line in [*PROJECT["dependencies"], *needed("dev")]]
    seen = versions("constraints.txt")
    assert "mien" not in seen
    assert [str(need) for need in needs if usual(need.name) not in seen] == []
    assert [str(need) for need in needs if not need.specifier.contains(seen[usual(need.name)])] == []


def test_the_oldest_versions_are_those_of_the_bounds() -> None:
    from packaging.requirements import Requirement

    with (ROOT / "pyproject.toml").open("rb") as file:
        builds = tomllib.load(file)["build-system"]["requires"]
    extras = [line for extra in EXTRAS if extra not in ("dev", "tests") for line in needed(extra)]
    bounds = {
        usual(need.name): next(
            bound.version for bound in need.specifier if bound.operator in (">=", "~=", "==")
        )
        for need in map(Requirement, [*PROJECT["dependencies"], *extras, *builds])
    }
    assert versions("lowest") == bounds, "make lowest writes .ci/lowest"


def test_what_users_install_is_bounded_in_one_way() -> None:
    """One bound for a package, wherever it stands; and what tests need twice is named by its extra."""
    lines = [line for extra in EXTRAS for line in EXTRAS[extra] if not line.startswith("mien[")]
    bounds: dict[str, set[str]] = {}
    for line in [*PROJECT["dependencies"], *lines]:
        name = re.match(r"[\w.-]+", line)[0]
        bounds.setdefault(usual(name), set()).add(line)
    assert {name: found for name, found in bounds.items() if len(found) > 1} == {}


def test_hooks_of_git_are_the_tools_that_make_runs() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: ray brings it along")
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    entries = [hook["entry"].split() for hook in repository["hooks"]]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(VENV)/", ".venv/")
    assert [
        words[:2] for words in entries if words[0] != "make" and " ".join(words[:2]) not in makefile
    ] == []
    assert [words for words in entries if words[0] == "make" and f"\n{words[1]}:" not in makefile] == []
