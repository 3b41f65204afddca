"""What a release is checked by: `make release`. The packages themselves are those of tests/test_build.py."""

from __future__ import annotations

import doctest
import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import mien
from build_tools import packages, readme, release, trial
from mien.cli.diagnosis import _EXTRAS

ROOT = Path(__file__).parents[1]
READY = {
    "version": "0.2.0",
    "changelog": "# Changelog\n\n## [0.2.0] - 2026-12-01\n\n## [0.1.0] - 2026-01-01\n",
    "citation": 'cff-version: 1.2.0\nversion: "0.2.0"\n',
    "changed": "",
    "here": ["v0.2.0", "seen"],
    "tagged": ["v0.1.0", "v0.2.0"],
}


@pytest.mark.parametrize("module", [packages, readme, release, trial], ids=lambda module: module.__name__)
def test_examples(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"here": [], "tagged": []}, []),
        (
            {
                "version": "0.2.0rc1",
                "changelog": "## [0.2.0rc1] - 2026-12-01",
                "citation": 'version: "0.2.0rc1"',
                "here": [],
            },
            [],
        ),
        ({"citation": 'version: "0.1.0"'}, ['CITATION.cff: expected version: "0.2.0"; got "0.1.0"']),
        ({"citation": "version: 0.2.0"}, ['CITATION.cff: expected version: "0.2.0"; got 0.2.0']),
        ({"citation": "title: mien"}, ["CITATION.cff: expected version"]),
        (
            {"changelog": "## [0.2.0] - 2026-13-45"},
            ["CHANGELOG.md: expected ## [0.2.0] - and a day such as 2026-12-01; got ## [0.2.0] - 2026-13-45"],
        ),
        (
            {"changed": " M a.py\n?? b.py\n"},
            ["expected a clean tree; 2 files are changed or new, such as a.py: "],
        ),
        (
            {"version": "0.2.0.dev0", "here": []},
            [
                "expected a version such as 0.2.0; got",
                "CHANGELOG.md: expected",
                "CITATION.cff: expected",
            ],
        ),
        (
            {"changelog": "## [Unreleased]"},
            ["CHANGELOG.md: expected ## [0.2.0] as its first section; got ## [Unr"],
        ),
        (
            {"changelog": "# Changelog"},
            ["CHANGELOG.md: expected ## [0.2.0] as its first section; got no section"],
        ),
        (
            {"changelog": "## [0.2.0] - unreleased"},
            ["CHANGELOG.md: expected ## [0.2.0] - and a day such as 2026-12"],
        ),
        (
            {"here": ["v0.1.0"]},
            ["the last commit is tagged v0.1.0, and its version", "v0.2.0 is the tag of another"],
        ),
        ({"here": []}, ["v0.2.0 is the tag of another commit"]),
    ],
)
def test_what_stands_between_a_tree_and_a_release(given: dict[str, object], said: list[str]) -> None:
    found = release.faults(**{**READY, **given})  # type: ignore[arg-type]
    assert len(found) == len(said), found
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True)), found


def test_the_version_is_read_where_it_stands() -> None:
    assert release.version() == mien.__version__


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = release._SECTION.search(text)
    assert section is not None
    assert section["version"] == re.sub(r"\.dev\d+$", "", mien.__version__)
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", section["day"] or "")


def test_every_extra_is_tried() -> None:
    assert set(trial.TRIALS) == set(_EXTRAS)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "mien/faces.parquet",
            b"PAR1",
            "mien/faces.parquet: is neither in the repository nor made by the build",
        ),
        ("mien/labels.py", b"edited", "mien/labels.py: is not as it is in the repository"),
        ("tests/test_a.py", b"", "tests/test_a.py: is neither in the repository nor made by the build"),
        ("mien/labels.py", b"x = '%b/a'" % bytes(ROOT), f"mien/labels.py: names the folder {ROOT}"),
    ],
)
def test_what_does_not_belong_into_a_package_is_named(name: str, content: bytes, said: str) -> None:
    tree = {"src/mien/labels.py": b"x = 1", "LICENSE": b"MIT"}
    made = {
        f"mien/inference/weights/{part}.onnx": b""
        for part in ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet", "facemesh", "facemesh-eyes", "blazeface")
    } | {f"mien/server/page/vendor/{part}": b"" for part in ("ort.js.gz", "ort.wasm.gz", "made-from.json")}
    whole = {
        **made,
        "mien/labels.py": b"x = 1",
        "mien-0.2.0.dist-info/METADATA": b"",
        "mien-0.2.0.dist-info/licenses/LICENSE": b"MIT",
    }
    assert packages.faults(whole, tree) == []
    assert said in packages.faults({**whole, name: content}, tree)
    assert packages.faults(
        {**whole, name: content}, tree | {"tests/test_a.py": b"", "mien/faces.parquet": b""}
    )
    del whole["mien/server/page/vendor/ort.wasm.gz"]
    assert packages.faults(whole, tree) == ["expected 9 files that the build makes; got 8"]


def test_digests_are_read_by_sha256sum(tmp_path: Path) -> None:
    wheel, sdist = tmp_path / "mien-0.2.0-py3-none-any.whl", tmp_path / "mien-0.2.0.tar.gz"
    wheel.write_bytes(b"a wheel")
    sdist.write_bytes(b"a source distribution")
    assert packages.sums([sdist, wheel]) == (
        f"{hashlib.sha256(b'a wheel').hexdigest()}  {wheel.name}\n"
        f"{hashlib.sha256(b'a source distribution').hexdigest()}  {sdist.name}\n"
    )


def test_readme_s_links_follow_a_release() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    there = {
        "files": "https://example.org/blob/v0.2.0/{path}",
        "images": "https://example.org/raw/v0.2.0/{path}",
    }
    links = re.findall(r"!?\[[^\]]*\]\(([^)]*)\)", readme.for_index(text, there))
    assert links
    for link in links:
        place = re.fullmatch(r"https://example\.org/(blob|raw)/v0\.2\.0/([^#]+)(#.*)?", link)
        assert place is None or (ROOT / place[2]).exists(), link
        assert link.startswith("https://"), link
    assert "https://example.org/raw/v0.2.0/docs/images/" in "".join(links)


def test_readme_on_an_index_speaks_of_no_checkout() -> None:
    text = readme.for_index((ROOT / "README.md").read_text(encoding="utf-8"), {})
    assert "\n$ pip install mien\n" in text
    assert not re.search(r"pip install '?\.|checkout of mien|<!--|\]\((?!https:)", text)


@pytest.mark.integration
def test_a_trial_says_what_is_wrong(tmp_path: Path) -> None:
    """Of a package that pip cannot install, and of a program that fails."""
    with zipfile.ZipFile(tmp_path / "mien-0.2.0-py3-none-any.whl", "w") as archive:
        archive.writestr("mien.py", "")
    new = trial.Environment(tmp_path / "new")
    new.create(sys.executable)
    with pytest.raises(trial.TrialError, match=r"^pip install .*mien-0\.2\.0-py3-none-any\.whl has failed: "):
        new.install(str(tmp_path / "mien-0.2.0-py3-none-any.whl"))
    assert new.copied(tmp_path / "copy").run(("-c", "print(6 * 7)"), tmp_path) == (0, "42\n")
    with pytest.raises(trial.TrialError, match=r"^mien doctor has ended with 1: .*No module named mien"):
        trial._well(new, ("mien", "doctor"), tmp_path)


@pytest.mark.integration
def test_the_version_is_printed_for_scripts() -> None:
    command = [sys.executable, "-S", "-m", "build_tools.release", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{mien.__version__}\n")
