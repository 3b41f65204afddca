"""Every test is collected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent


def test_files_have_names_of_their_own() -> None:
    """Pytest imports them by name alone, and takes the second of two with one name for the first, and reads
    none of its tests."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
