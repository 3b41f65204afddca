"""Which files of a folder are taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.media import find_sources


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_natural_order_suffixes_and_hidden_files(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "img10.PNG",
        "img2.png",
        "b/clip.MP4",
        "a/x.jpeg",
        "notes.txt",
        ".hidden.png",
        ".git/x.png",
        "b/data",
    )
    found = find_sources([tmp_path])
    names = [str(Path(source).relative_to(tmp_path)) for source in found.sources]
    assert names == ["img2.png", "img10.PNG", "a/x.jpeg", "b/clip.MP4"]
    assert [path.name for path in found.passed_over] == ["notes.txt", "data"]
    assert found.unreadable == ()


def test_named_files_missing_paths_and_stdin_are_kept(tmp_path: Path) -> None:
    touch(tmp_path, "odd.suffix")
    named: list[str | Path] = ["-", tmp_path / "odd.suffix", str(tmp_path / "missing.jpg"), "-"]
    assert find_sources(named).sources == tuple(named)


def test_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "linked").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    found = find_sources([tmp_path])
    assert [Path(source).name for source in found.sources] == ["broken.png", "1.png"]


def test_numbers_of_any_length_and_other_digits_sort(tmp_path: Path) -> None:
    touch(tmp_path, f"{'9' * 60}.png", "x²3.png", "x1.png", "1.png")
    assert len(find_sources([tmp_path]).sources) == 4


def test_a_single_string_is_refused() -> None:
    with pytest.raises(InputError, match="list of paths"):
        find_sources("folder")


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody without rights")
def test_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "open/1.png", "shut/2.png")
    (tmp_path / "shut").chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    code = (
        "import os, sys; from mien.media import find_sources; os.setuid(65534); found = find_sources([sys.argv[1]]);"
        "print([p.name for p in found.sources], [p.name for p in found.unreadable])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=env, check=False
    )
    (tmp_path / "shut").chmod(0o755)
    if "PermissionError" in done.stderr and "find_sources" not in done.stderr.splitlines()[-2]:
        pytest.skip("the checkout itself cannot be read without rights")
    assert done.stdout == "['1.png'] ['shut']\n", done.stderr
