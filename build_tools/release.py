"""Looks whether the repository is ready for a release: nothing uncommitted, and one version in all places. ``make release``
calls it first; docs/releasing.md has all steps.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SECTION = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<day>\S+))?", re.MULTILINE)


def version() -> str:
    """What ``src/mien/__init__.py`` says."""
    text = (ROOT / "src/mien/__init__.py").read_text(encoding="utf-8")
    return str(re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0])


def faults(
    version: str, changelog: str, citation: str, changed: str, here: list[str], tagged: list[str]
) -> list[str]:
    """What stands between the repository and a release, a line each.

    Args:
        version: Of the package.
        changelog: The text of CHANGELOG.md.
        citation: The text of CITATION.cff.
        changed: What ``git status --porcelain`` prints.
        here: Tags of the last commit.
        tagged: All tags.

    >>> faults("0.2.0", "## [0.2.0] - 2026-12-01", 'version: "0.2.0"', "", ["v0.2.0"], ["v0.2.0"])
    []
    >>> faults("0.3.0.dev0", "## [0.3.0] - unreleased", 'version: "0.3.0.dev0"', " M a.py", [], [])[0]
    'expected a clean tree; 1 file is changed or new, such as a.py: commit it, or delete it'
    """
    found = []
    names = [line[3:] for line in changed.splitlines()]
    if names:
        several = f"{len(names)} files are" if len(names) > 1 else "1 file is"
        it = "them" if len(names) > 1 else "it"
        found.append(
            f"expected a clean tree; {several} changed or new, such as {names[0]}: commit {it}, or delete {it}"
        )
    if not re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?", version):
        found.append(
            f"expected a version such as 0.2.0; got {version}: write the one to be released into src/mien/__init__.py"
        )
    newest = _SECTION.search(changelog)
    if newest is None or newest["version"] != version:
        got = newest[0] if newest else "no section"
        found.append(f"CHANGELOG.md: expected ## [{version}] as its first section; got {got}: write it")
    elif not _is_day(newest["day"] or ""):
        found.append(
            f"CHANGELOG.md: expected ## [{version}] - and a day such as 2026-12-01; got {newest[0]}: date it"
        )
    cited = re.findall(r"^version: (.*)$", citation, re.MULTILINE)
    if cited != [f'"{version}"']:
        got = ", ".join(cited) or "none"
        found.append(f'CITATION.cff: expected version: "{version}"; got {got}: write it')
    tag = f"v{version}"
    others = [name for name in here if name != tag and name.startswith("v")]
    if others:
        found.append(
            f"the last commit is tagged {others[0]}, and its version is {version}: set one of them right"
        )
    if tag in tagged and tag not in here:
        found.append(
            f"{tag} is the tag of another commit: what is released is never changed; take the next version"
        )
    return found


def _is_day(text: str) -> bool:
    """Whether it is a day of the calendar, as ISO 8601 writes it.

    >>> [_is_day(text) for text in ("2026-12-01", "2026-13-45", "20261201", "unreleased")]
    [True, False, False, False]
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Say what is wrong, or what comes next; with ``--version`` the version alone."""
    number = version()
    if sys.argv[1:] == ["--version"]:
        print(number)
        return
    here = _git("tag", "--points-at", "HEAD").split()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    wrong = faults(number, changelog, citation, _git("status", "--porcelain"), here, _git("tag").split())
    if wrong:
        sys.exit("\n".join(wrong))
    said = "tagged" if f"v{number}" in here else f"not tagged yet: git tag v{number} when all is good"
    print(f"mien {number}, {_git('rev-parse', '--short', 'HEAD').strip()}, {said}")


if __name__ == "__main__":
    main()
