"""Where a run's shards lie, and what says what they are: shards, a manifest, and a lock that keeps other
runs out."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mien import __version__
from mien.batch.isolation import Caution, ShardReader
from mien.batch.shard import Shard
from mien.core.atomic import atomic_write, sync_file, sync_path, translate_os_errors
from mien.core.errors import InputError
from mien.core.formatting import date_time
from mien.core.labels import Labels
from mien.core.names import spelled
from mien.core.run_folder import changed_setting, is_bare_lock, lock_folder

FORMAT = 2
MANIFEST = "manifest.json"
BEFORE, AFTER = ("item",), ("reference",)
"""Columns before and after those of ``mien analyze``: the position of the image in the input, and what it
is said to show."""

_LEFT = re.compile(r"\.(?:shard-\d{7,}|manifest|inputs|predictions|confusion)-[0-9a-f]{8}\.part\.[a-z]+")
"""What a worker or a run that was killed leaves of a file that it was writing."""
_PACKAGES = ("numpy", "onnxruntime", "pillow", "av", "polars", "ray")


class Output:
    """The folder of a run; a context manager that keeps other runs out, also by its end when this process is
    killed.

    Args:
        folder: Made when it is not there.
        asked: What must be the same for an earlier run to go on: settings, input, size of shards; ready for
            JSON.

    Attributes:
        resumed: Whether an earlier run has begun.

    Raises:
        InputError: Another run is at work on it, or began it with something else; or it is a folder of
            something else or cannot be written to.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "out"
    >>> with Output(place, {"shards": {"size": 9}, "settings": {"largest": False}}) as output:
    ...     output.resumed, sorted(path.name for path in place.iterdir())
    (False, ['lock', 'manifest.json'])
    >>> Output(place, {"shards": {"size": 9}, "settings": {"largest": True}})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: ... holds a run whose settings say largest false; now it is true: repeat that command, or give another output
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self.folder = folder
        self._asked = dict(asked)
        _require_own(folder)
        self._lock = lock_folder(folder)
        try:
            self.manifest = self._begin()
        except BaseException:
            self._lock.close()
            raise

    def place(self, number: int) -> Path:
        """Where a shard lies when it is whole."""
        return shard_place(self.folder, number, self._asked.get("settings", {}).get("format", "parquet"))

    def note(self, **facts: Any) -> None:
        """Write something down in the manifest, in place of what stood there."""
        self.manifest |= facts
        write_manifest(self.folder / MANIFEST, self.manifest)

    def remove(self, numbers: Iterable[int], *others: str) -> None:
        """Delete shards, and other files of the run, for good: they are gone before what this run writes next
        is there."""
        gone = [
            place
            for place in (*map(self.place, numbers), *(self.folder / name for name in others))
            if place.exists()
        ]
        with translate_os_errors(self.folder):
            for place in gone:
                place.unlink()
            if gone:
                sync_path(self.folder)

    def sweep(self) -> None:
        """Delete what was left half-written by workers that were killed; not while others work."""
        for path in list(self.folder.iterdir()):
            if _LEFT.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others in."""
        self._lock.close()

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> dict[str, Any]:
        _require_own(self.folder)  # Again: now nobody else changes it.
        place = self.folder / MANIFEST
        self.sweep()
        self.resumed = place.exists()
        if self.resumed:
            before = read_manifest(self.folder)
            for part, facts in self._asked.items():
                self._refuse_other(part, before.get(part), facts)
            return before
        manifest = {"format": FORMAT, **self._asked, "begun": date_time()}
        write_manifest(place, manifest)
        return manifest

    def _refuse_other(self, part: str, before: Any, now: Any) -> None:
        before, now = ({part: facts} if not isinstance(facts, dict) else facts for facts in (before, now))
        if other := changed_setting(before, now):
            said = f"holds a run whose {part} say {other.name} {other.before}; now it is {other.now}"
            raise InputError(f"{self.folder} {said}: repeat that command, or give another output")


def _require_own(folder: Path) -> None:
    """Refuse a folder of something else; nothing in it is touched.

    Raises:
        InputError: It holds something, and no manifest of a run.
    """
    if not folder.is_dir():
        return
    with translate_os_errors(folder):
        names = sorted(path.name for path in folder.iterdir())
    if MANIFEST in names:
        read_manifest(folder)
        return
    strange = [name for name in names if not _LEFT.fullmatch(name) and not is_bare_lock(folder / name)]
    if strange:
        raise InputError(
            f"expected a new folder to write; {spelled(str(folder))} holds {spelled(strange[0])}: give another output"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What says what a folder of shards is.

    Raises:
        InputError: It has none, or one that is damaged or of another version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or "shards" not in manifest:
        raise InputError(
            f"{folder / MANIFEST}: expected the manifest of a run; it is missing, damaged or of another version: give another output"
        )
    return manifest


def write_manifest(place: Path, manifest: Mapping[str, Any]) -> None:
    """Put it there, whole."""
    with (
        atomic_write(place) as aside,
        translate_os_errors(place),
        open(aside, "w", encoding="utf-8", newline="\n") as file,
    ):
        json.dump(manifest, file, indent=1, ensure_ascii=False)
        file.write("\n")
        sync_file(file)


def versions() -> dict[str, str]:
    """What a run is made with."""
    found = {"mien": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def session(**facts: Any) -> dict[str, Any]:
    """One sitting of a run, for the manifest."""
    return {"begun": date_time(), "versions": versions(), **facts}


def shard_place(folder: Path, number: int, form: str) -> Path:
    """Where a shard lies when it is whole; names sort as the input does."""
    return folder / f"shard-{number:07}.{form}"


def write_shard(
    place: Path, reader: ShardReader, shard: Shard, caution: Caution | None = None, *, labelled: bool = False
) -> dict[str, int]:
    """Read a shard and write it; it appears under its name when it is whole and on the disk.

    Returns:
        How many ``items``, ``rows``, ``faces`` and ``errors`` it has.

    Raises:
        InputError: It cannot be written.
    """
    counts = dict.fromkeys(("items", "rows", "faces", "errors"), 0)
    labels = reader.pipeline.labels
    after = AFTER if labelled else ()

    def rows() -> Iterable[dict[str, Any]]:
        last = -1
        for item, result in reader.read(shard, caution):
            counts["items"] += item.position != last
            counts["errors"] += result.error is not None
            counts["faces"] += len(result.faces)
            last = item.position
            for row in result.rows():
                counts["rows"] += 1
                row |= {"item": item.position, **({"reference": item.label} if labelled else {})}
                yield row

    with atomic_write(place) as aside, translate_os_errors(place):
        _write(aside, rows(), _ShardTable(place.suffix[1:], labels, after, reader.pipeline.mesh is not None))
    return counts


class _ShardTable(NamedTuple):
    """What its columns are."""

    form: str
    labels: Labels
    after: tuple[str, ...]
    landmarks: bool


def _write(aside: Path, rows: Iterable[dict[str, Any]], asked: _ShardTable) -> None:
    form, labels, after, landmarks = asked
    if form == "parquet":
        from mien.outputs.tables.parquet import ParquetTable

        table = ParquetTable(labels, BEFORE, after, landmarks=landmarks)
        table.add(rows)
        with open(aside, "wb") as packed:
            table.write(packed)
            sync_file(packed)
        return
    from mien.outputs.tables import row_writer

    with open(aside, "w", encoding="utf-8", newline="") as file:
        with row_writer(file, form, labels, BEFORE, after, landmarks=landmarks) as write:
            write(rows)
        sync_file(file)
