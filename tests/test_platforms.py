"""What only some systems have, as far as it can be seen on one of them: modules that Windows lacks are taken away,
output goes to a code page, processes are spawned. docs/platforms.md says what was seen on which system.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core import atomic
from mien.core.atomic import atomic_folder, atomic_write, is_abandoned, locked, sync_path
from mien.core.drawn_face import draw_portrait
from mien.core.labels import Labels
from mien.core.output_names import output_paths
from mien.core.run_folder import lock_folder
from mien.core.scratch import scratch_folder
from mien.data import FaceDataset, open_dataset, write_dataset

SOURCE = Path(mien.__file__).parent
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"}
"""Modules of POSIX."""
NAMES = {
    *("os.chown", "os.fork", "os.geteuid", "os.getuid", "os.getxattr", "os.killpg", "os.mkfifo", "os.nice"),
    *("os.sched_getaffinity", "os.setsid", "os.statvfs", "os.uname"),
    *("os.O_DIRECTORY", "os.O_NOFOLLOW", "os.O_NONBLOCK"),
    *("select.poll", "signal.SIGHUP", "signal.SIGKILL", "signal.SIGPROF", "signal.alarm", "signal.setitimer"),
    "time.CLOCK_BOOTTIME",
}
"""What Windows lacks, some of it macOS too."""
OUTPUTS_OF_WINDOWS = "cp1252"


def trees(words: Iterable[str]) -> Iterator[tuple[str, str, ast.Module]]:
    """The files that hold one of these words: to parse all of them takes seconds."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if any(word in text for word in words):
            yield path.relative_to(SOURCE).as_posix(), text, ast.parse(text)


def test_modules_of_posix_are_imported_where_they_are_asked_for() -> None:
    """Never at the top of a file, which then could not be imported at all."""
    found = []
    for name, _, tree in trees(MODULES):
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            found += [f"{name}: {one}" for one in names if one in MODULES]
    assert found == []


def test_what_windows_lacks_is_asked_for_before_it_is_used() -> None:
    found = []
    last = {name.rpartition(".")[2] for name in NAMES}
    for name, text, tree in trees(NAMES):
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Module))]
        inner = {
            node: function  # The innermost function comes last.
            for function in functions
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and node.attr in last and ast.unparse(node) in NAMES
        }
        for node, function in inner.items():
            body = text if isinstance(function, ast.Module) else ast.get_source_segment(text, function)
            module, _, attribute = ast.unparse(node).partition(".")
            asked = (f'hasattr({module}, "{attribute}")', 'hasattr(os, "killpg")', "import fcntl")
            if not any(word in body for word in asked):
                found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def written(call: ast.Call) -> bool | None:
    """Whether a call opens a file of text to write to; None: it opens none of text."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    modes = [
        node.value
        for node in [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and set(node.value) <= set("rwaxbt+")
    ]
    if name in ("write_text", "read_text") and (owner or name == "write_text"):
        return None if name == "read_text" and call.args else name == "write_text"
    if name not in ("open", "fdopen") or (owner not in ("", "os") and not modes) or owner == "av":
        return None
    if any("b" in mode for mode in modes):
        return None
    return any(set(mode) & set("wax") for mode in modes)


def test_text_is_utf8_with_the_line_ends_of_every_system() -> None:
    """What the system prefers (a code page, CR LF) is never taken: files are the same bytes everywhere."""
    found = []
    for name, _, tree in trees(("open", "read_text", "write_text")):
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            writes, words = written(call), {word.arg for word in call.keywords}
            if writes is None or ast.unparse(call.func) == "os.open":
                continue
            if not {"encoding", *(["newline"] if writes else [])} <= words:
                found.append(f"{name}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert found == []


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the modules of POSIX, and where folders are not opened."""
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(atomic, "_FOLDERS_OPEN", False)
    for name in ("chown", "getxattr", "geteuid"):
        monkeypatch.delattr(os, name, raising=False)


@pytest.mark.usefixtures("windows")
def test_files_and_folders_are_whole_or_not_there_without_locks(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt") as aside:
        aside.write_text("one", encoding="utf-8")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a.txt"):
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "one"
    sync_path(tmp_path / "a.txt")
    sync_path(tmp_path)
    (tmp_path / "faces").mkdir()
    with atomic_folder(tmp_path / "faces") as aside:
        (aside / "b.txt").touch()
        (tmp_path / "faces" / "stays").mkdir()
        with pytest.raises(OSError, match="not empty"):
            # What Windows refuses is not done: a folder is replaced only when it is empty.
            (tmp_path / "faces").rmdir()
        (tmp_path / "faces" / "stays").rmdir()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "b.txt", "faces"]
    with locked(tmp_path / "a.txt") as held:
        assert not held
    assert not is_abandoned(tmp_path / "a.txt"), "where nobody can tell, nothing is deleted"
    with scratch_folder() as folder:
        (folder / "c.txt").touch()
    assert not folder.exists()
    lock_folder(tmp_path / "run").close()


@pytest.mark.usefixtures("windows")
def test_images_and_videos_are_read_without_the_modules_of_posix(tmp_path: Path) -> None:
    from mien.media import VideoWriter

    with VideoWriter(tmp_path / "talk.mp4", 240, 240) as movie:
        for index in range(3):
            movie.write(draw_portrait(), index / 5)
    found = mien.analyze([draw_portrait(), tmp_path / "talk.mp4"])
    assert {row["status"] for row in found.rows()} == {"face"}


@pytest.mark.usefixtures("windows")
def test_keys_of_a_terminal_that_cannot_tell_them_mark_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.cli import marking

    monkeypatch.setattr(marking, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    told: list[str] = []
    with marking.marking([None], told.append):  # type: ignore[arg-type]
        pass
    assert told == ["keys of this terminal mark no moments: send markers from another program"]


@pytest.mark.parametrize("pattern", ["*.png", "~/*.png"])
def test_patterns_that_no_shell_has_expanded_are(
    pattern: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shells of Windows hand them on as they are."""
    import typer.core

    from mien.cli.app import app

    class WindowsOs:
        name = "nt"

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    for name in ("a", "b"):
        Image.fromarray(np.full((32, 32, 3), 120, np.uint8)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(typer.core, "os", WindowsOs())
    monkeypatch.setattr(sys, "argv", ["mien", "analyze", pattern, "--detector", "whole", "--format", "csv"])
    app(standalone_mode=False)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [Path(row.split(",")[0]).name for row in rows] == ["a.png", "b.png"]


NAMES_ELSEWHERE = [
    "con",
    "aux.tar",
    "12:30",
    "why?",
    "a/b",
    "a\\b",
    "so...",
    "end ",
    '"<|>*"',
    "COM¹",
    "lpt0.x",
    "x\x1fy",
]
"""What Windows takes for devices or refuses."""


def is_storable(part: str) -> bool:
    """Whether Windows takes a name
    (https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions).
    """
    devices = {
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{name}{number}" for name in ("com", "lpt") for number in "0123456789¹²³"),
    }
    stem = part.partition(".")[0].rstrip(" ").lower()
    forbidden = [letter for letter in part if letter in '<>:"/\\|?*' or letter < " "]
    return bool(part) and not forbidden and stem not in devices and not part.endswith((".", " "))


@pytest.mark.parametrize("name", NAMES_ELSEWHERE)
@pytest.mark.parametrize("ending", ["", ".html", ".eaf"])
def test_outputs_have_names_that_all_systems_take(name: str, ending: str) -> None:
    source = Path("in", f"{name}.mp4")
    for pattern in ("out/{name}" + ending, "out/{parent}/{name}" + ending, "out/{name}-{name}" + ending):
        [path] = output_paths(Path(pattern), [source])
        assert all(map(is_storable, path.parts)), path
    [path] = output_paths(Path("out/{parent}/x" + ending), [Path(name, "a.mp4")])
    assert all(map(is_storable, path.parts)), path


def test_class_folders_have_names_that_all_systems_take(tmp_path: Path) -> None:
    """And are read back under the names of the classes."""
    names = [name for name in NAMES_ELSEWHERE if "\x1f" not in name and name == name.strip()]
    labels = Labels(tuple(names))
    images = np.random.default_rng(0).integers(0, 256, (len(names), 8, 8), dtype=np.uint8)
    rows = np.arange(len(names))
    write_dataset(
        FaceDataset(images, rows, None, np.full(len(names), "Training"), rows, labels), tmp_path / "faces"
    )
    written = [path.relative_to(tmp_path) for path in (tmp_path / "faces").rglob("*")]
    assert len(written) > 2 * len(names)
    assert [part for path in written for part in path.parts if not is_storable(part)] == []
    back = open_dataset(tmp_path / "faces", labels=labels)
    assert sorted(back.names()) == sorted(labels.names)


def look(path: str) -> str:
    """What a process of another start method does."""
    [row] = mien.analyze(path).rows()
    return str(row["status"])


@pytest.mark.integration
def test_processes_that_are_spawned_read_too(tmp_path: Path) -> None:
    """The only way on Windows, and the usual one on macOS."""
    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    for path in paths:
        Image.fromarray(draw_portrait()).save(path)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(look, paths) == ["face", "face"]


@pytest.mark.integration
@pytest.mark.parametrize(
    "words",
    [
        ["analyze", "日本.png", "café.png", "م.png"],
        ["batch", ".", "-o", "out", "--workers", "1"],
        ["doctor"],
        ["models", "list"],
        ["analyze", "nö日.png"],
    ],
    ids=" ".join,
)
def test_commands_write_to_a_code_page(words: list[str], tmp_path: Path) -> None:
    """Tables, progress and errors, with names that it has no letters for."""
    for name in ("日本.png", "café.png", "م.png"):
        Image.fromarray(draw_portrait()).save(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "mien", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": OUTPUTS_OF_WINDOWS, "PYTHONUTF8": "0"},
        capture_output=True,
    )
    said = (done.stdout + done.stderr).decode(OUTPUTS_OF_WINDOWS)
    assert "Traceback" not in said
    assert "Error" not in said
    assert done.returncode == (1 if "nö日.png" in words else 0), said
    if "日本.png" in words:
        assert r"\u65e5\u672c.png" in said
        assert "café.png" in said
