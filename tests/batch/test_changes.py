"""An input that is another one when the same command is given again: what is new is read, what has changed
is read anew, nothing stale stays.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.batch import BatchSettings, open_input
from mien.batch.isolation import ShardReader
from mien.batch.job import BatchJob
from mien.batch.layout import laid_out
from mien.batch.marks import marks_of
from mien.batch.messages import Done
from mien.batch.output import write_shard
from mien.batch.pool import Progress
from mien.batch.shard import FilePart
from mien.core.errors import InputError
from mien.inference.config import PipelineConfig
from tests.batch.batch_runs import batch, csv_rows, mien, rows_of


class Here:
    """An engine in this process that notes what it reads, and stops after so many shards."""

    progress, deaths, workers = Progress(), 0, 1

    def __init__(self, run: Any, most: Any = 99) -> None:
        self.run_, self.most = run, most
        self.read: list[Any] = []

    def run(self, shards: Any) -> Iterator[Any]:
        settings = self.run_.settings
        reader = ShardReader(settings.pipeline(), settings.video_options)
        for shard in shards:
            if self.most == 0:
                return
            self.most -= 1
            self.read += [Path(item.source).name for item in shard.items()]
            place = self.run_.output.place(shard.number)
            yield [Done(shard.number, write_shard(place, reader, shard, labelled=settings.labelled))]

    def stop(self) -> None:
        self.most = 0


def once(source: Path, out: Any, *, most: Any = 99, form: Any = "parquet", **options: Any) -> Any:
    """Give the command once; the names of the files that were read, and the run."""
    found = open_input(str(source))
    plain = BatchSettings(
        PipelineConfig(detector="whole", largest=False, threads=1), form=form, labelled=found.labelled
    ).known()
    with BatchJob(found, plain, out, 5, **options) as run:
        engine = Here(run, most)
        for _ in run.work(engine, "here"):
            pass
        if run.whole:
            run.judge()
    return engine.read, run


def answers(out: Any) -> Any:
    """What is said of each file."""
    rows = rows_of(out)
    assert len({row["item"] for row in rows}) == len(rows)
    return {Path(row["source"]).name: (row["status"], row["emotion"], row["confidence"]) for row in rows}


@pytest.fixture
def source(tmp_path: Path, crops: Path) -> Path:
    shutil.copytree(crops / "sad", tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def anew(tmp_path: Path) -> Callable[[Path], Any]:
    """What a run that has never been there before says of a folder."""

    def read(source: Path) -> Any:
        once(source, tmp_path / "anew")
        found = answers(tmp_path / "anew")
        shutil.rmtree(tmp_path / "anew")
        return found

    return read


def test_image_replaced_by_one_of_the_same_size(
    tmp_path: Path, source: Path, anew: Callable[[Path], Any]
) -> None:
    once(source, tmp_path / "out")
    first, *_, last = names = sorted(path.name for path in source.iterdir())
    for times in ((1, 1), None):  # Once with the old time of change, once with a new one.
        place, old = source / first, (source / first).stat()
        content = bytearray((source / last).read_bytes())
        content += bytes(max(0, old.st_size - len(content)))
        place.write_bytes(content[: old.st_size] if times else bytes(old.st_size))
        if times:
            os.utime(place, ns=(old.st_atime_ns, old.st_mtime_ns))
        assert place.stat().st_size == old.st_size
        read, run = once(source, tmp_path / "out")
        assert first in read
        assert len(read) <= 5
        assert run.layout.changed == [str(place)]
        assert answers(tmp_path / "out") == anew(source)
        assert answers(tmp_path / "out").keys() == {*names}


def test_rights_and_copies_change_nothing(tmp_path: Path, source: Path) -> None:
    once(source, tmp_path / "out")
    for path in source.iterdir():
        path.chmod(0o600)
    assert once(source, tmp_path / "out")[0] == []
    shutil.copytree(source, tmp_path / "copy", copy_function=shutil.copy2)
    shutil.rmtree(source)
    (tmp_path / "copy").rename(source)
    read, run = once(source, tmp_path / "out")
    assert (read, run.layout.changed) == ([], [])


def test_new_images_are_read_and_come_after_the_others(
    tmp_path: Path, source: Path, crops: Path, anew: Callable[[Path], Any]
) -> None:
    once(source, tmp_path / "out")
    before = rows_of(tmp_path / "out")
    added = sorted((crops / "happy").iterdir())[:7]
    for number, path in enumerate(added):
        shutil.copy(path, source / f"{number}-{path.name}")  # Sorted before the others.
    read, run = once(source, tmp_path / "out")
    assert sorted(read) == sorted(f"{number}-{path.name}" for number, path in enumerate(added))
    assert run.layout.new == 7
    rows = rows_of(tmp_path / "out")
    assert rows[: len(before)] == before
    assert [row["item"] for row in rows] == list(range(len(before) + 7))
    assert answers(tmp_path / "out") == anew(source)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["contents"]["count"] == manifest["result"]["items"]["face"] == len(rows)


def test_what_is_not_there_any_more_is_refused_or_taken_out(
    tmp_path: Path, source: Path, anew: Callable[[Path], Any]
) -> None:
    once(source, tmp_path / "out")
    kept = answers(tmp_path / "out")
    gone = sorted(source.iterdir())[2]
    gone.unlink()
    with pytest.raises(
        InputError, match=r"not there any more: .*: put them back, take their rows out with --drop-missing"
    ):
        once(source, tmp_path / "out")
    assert answers(tmp_path / "out") == kept
    once(source, tmp_path / "out", drop_missing=True)
    del kept[gone.name]
    assert answers(tmp_path / "out") == kept == anew(source)


def test_shard_of_which_nothing_is_left(tmp_path: Path, source: Path) -> None:
    once(source, tmp_path / "out")
    for path in sorted(source.iterdir(), key=lambda path: int(path.stem[4:]))[:5]:
        path.unlink()
    read, run = once(source, tmp_path / "out", drop_missing=True)
    assert read == []
    assert sorted(path.name for path in (tmp_path / "out").glob("shard-*")) == [
        "shard-0000001.parquet",
        "shard-0000002.parquet",
    ]
    assert run.whole


def test_other_label_in_a_list_is_in_the_rows_and_nothing_of_the_old_verdict_stays(
    tmp_path: Path, crops: Path
) -> None:
    listed = tmp_path / "list.csv"
    lines = [f"{path}\tsad" for path in sorted((crops / "sad").iterdir())[:7]]
    listed.write_text("\n".join(["path\tlabel", *lines]))
    once(listed, tmp_path / "out")
    lines[6] = lines[6].replace("\tsad", "\thappy")
    listed.write_text("\n".join(["path\tlabel", *lines]))
    once(listed, tmp_path / "out", most=0)
    assert not {"predictions.csv", "confusion.csv", "shard-0000001.parquet"} & {
        path.name for path in (tmp_path / "out").iterdir()
    }
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["result"] is None
    assert len(once(listed, tmp_path / "out")[0]) == 2
    assert [row["reference"] for row in csv_rows(tmp_path / "out" / "predictions.csv")] == [
        *["sad"] * 6,
        "happy",
    ]


@pytest.mark.parametrize("step", ["remove", "write", "note"])
def test_stopped_while_the_change_is_taken_in(
    tmp_path: Path, source: Path, anew: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch, step: Any
) -> None:
    once(source, tmp_path / "out")
    first = sorted(source.iterdir())[0]
    first.write_bytes(bytes(first.stat().st_size))
    home = {
        "remove": "output.Output.remove",
        "write": "layout.ShardLayout.write",
        "note": "output.Output.note",
    }[step]

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"mien.batch.{home}", kill)
        with pytest.raises(Killed):
            once(source, tmp_path / "out")
    once(source, tmp_path / "out")
    assert answers(tmp_path / "out") == anew(source)


@pytest.mark.integration
def test_rows_name_sources_as_the_list_does_and_the_command_tells_of_changes(
    tmp_path: Path, crops: Path
) -> None:
    for path in sorted((crops / "happy").iterdir())[:3]:
        shutil.copy(path, tmp_path)
    names = [path.name for path in sorted(tmp_path.glob("*.png"))]
    listed = tmp_path / "list.csv"
    listed.write_bytes(
        ("path;label\r\n" + "".join(f"{name};joyful\r\n" for name in names[:2])).encode("utf-16")
    )
    more = ("--format", "csv", "--strict-labels")
    refused = mien(*batch(listed, tmp_path / "out", *more))
    assert refused.returncode == 2, refused.stderr
    assert "'joyful' (2, first in line 2" in refused.stderr
    assert not (tmp_path / "out").exists()
    listed.write_text("path;label\n" + "".join(f"{name};joy\n" for name in names))
    assert mien(*batch(listed, tmp_path / "out", *more)).returncode == 0
    assert [row["source"] for row in csv_rows(tmp_path / "out" / "shard-0000000.csv")] == names
    (tmp_path / names[0]).unlink()
    refused = mien(*batch(listed, tmp_path / "out", *more))
    assert refused.returncode == 2
    assert f"not there any more: {names[0]}" in refused.stderr
    done = mien(*batch(listed, tmp_path / "out", *more, "--drop-missing"))
    assert done.returncode == 3
    assert f"1 input not there any more: rows taken out: {names[0]}" in done.stderr


CONTENTS = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 2), min_size=1)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CONTENTS, st.integers(0, 5)), min_size=1, max_size=6), st.integers(1, 4))
def test_any_history_comes_to_what_the_input_is_now(history: Any, size: Any) -> None:
    """Each run is given some files in some state and is killed after so many shards; the last one comes to
    its end.
    """
    plan: dict[int, Any] = {}
    written: dict[int, Any] = {}
    for number, (contents, most) in enumerate(history):
        parts = [FilePart(name, name, mark=(f"v{version}",)) for name, version in contents.items()]
        layout = laid_out(plan, parts, size)
        for stale in layout.stale:
            written.pop(stale, None)
        plan = {key: list(entries) for key, entries in layout.entries.items()}
        waiting = [shard for shard in layout.shards if shard.number not in written]
        for shard in waiting[: None if number == len(history) - 1 else most]:
            written[shard.number] = [(start, part.source, part.mark) for start, part in shard.parts]
    rows = [row for number in sorted(written) for row in written[number]]
    assert sorted((source, mark) for _, source, mark in rows) == sorted(
        (name, (f"v{version}",)) for name, version in history[-1][0].items()
    )
    assert [position for position, *_ in rows] == sorted({position for position, *_ in rows})
    assert all(len(entries) <= size for entries in plan.values())


def test_marks_of_files_that_cannot_be_looked_into(tmp_path: Path) -> None:
    assert marks_of([FilePart("a", str(tmp_path / "none")), FilePart("b", "bad\0name")], {}) == [None, None]
    (tmp_path / "empty").touch()
    [mark] = marks_of([FilePart("a", str(tmp_path / "empty"))], {})
    assert mark is not None
    assert mark[0] == 0


FOREIGN = {
    "notes": {"notes.txt": b"mine"},
    "hidden": {".config": b"", ".work-12345678.part.zip": b"precious"},
    "a lock of somebody": {"lock": b"4711\n"},
    "a manifest of somebody": {"manifest.json": b'{"name": "my extension", "format": 2}'},
    "a damaged manifest": {"manifest.json": b'{"format": 2, "set', "shard-0000000.csv": b"a"},
    "shards alone": {"shard-0000000.parquet": b"x", "lock": b""},
    "a folder": {"deep/est.txt": b"mine"},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_nothing_in_a_foreign_folder_is_touched(tmp_path: Path, crops: Path, kind: str) -> None:
    out = tmp_path / "out"
    for name, content in FOREIGN[kind].items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)

    def seen() -> Any:
        return {
            str(path): (
                path.stat().st_mtime_ns,
                path.stat().st_ctime_ns,
                path.is_file() and path.read_bytes(),
            )
            for path in [out, *out.rglob("*")]
        }

    before = seen()
    with pytest.raises(InputError, match="give another output"):
        once(crops / "sad", out)
    assert seen() == before


def test_only_what_runs_left_is_swept(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    once(source, out)
    theirs, ours = out / ".work-12345678.part.zip", out / ".shard-0000001-0123abcd.part.parquet"
    for path in (theirs, ours):
        path.write_bytes(b"x")
    once(source, out)
    assert (theirs.exists(), ours.exists()) == (True, False)


def test_empty_folder_and_one_of_a_run_that_was_killed_at_once(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "lock").touch()
    (out / ".manifest-0123abcd.part.json").write_text("{")
    once(source, out)
    assert answers(out)
