"""Rows as Parquet, written and read in groups, so that memory does not grow with their number."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import Write
from mien.core.errors import InputError, MissingExtraError
from mien.core.face import LANDMARK_KEYS
from mien.core.frame_result import ROW_KEYS, Row, flat_keys, flat_row
from mien.core.labels import Labels
from mien.core.scratch import scratch_folder

GROUP = 50_000
"""Rows of a row group."""
ALONE = 100
"""Rows from which on a source is read by its columns, which takes as long as reading so many rows one by one."""
HELD = 2_000
"""Rows in memory at once: as dicts they take some kB each."""

_NESTED = ("box", "probs", "smoothed_probs")
_TEXT = ("source", "status", "emotion", "smoothed_emotion", "label", "measures_missing", "error")
_WHOLE = ("frame", "track")
_TRUE_OR_FALSE = ("talking",)


@contextmanager
def open_parquet(path: Path, labels: Labels, landmarks: bool = False, held: int = HELD) -> Iterator[Write]:
    """A Parquet file for rows; it appears whole.

    Its columns are those of CSV, but for ``box``, ``probs`` and ``smoothed_probs``, whose numbers have columns of
    their own: ``x1`` ... ``y2``, ``angry`` ... ``surprise``, ``smoothed_angry`` ... ``smoothed_surprise``.

    Args:
        path: Where the table goes; it is replaced when there is one.
        labels: Expressions that the network tells apart.
        landmarks: Whether there are columns for measures of landmarks.
        held: Rows in memory at once.

    Raises:
        InputError: The place cannot be written to.
        MissingExtraError: polars is not installed.
    """
    polars = _polars()
    schema = _schema(labels, landmarks, polars)
    waiting: list[Row] = []
    with atomic_write(path) as aside, translate_os_errors(path), scratch_folder() as folder:
        parts: list[Path] = []

        def flush() -> None:
            part = folder / f"{len(parts):06}.parquet"
            columns = {name: [row[name] for row in waiting] for name in schema}
            _writing(path, lambda: polars.DataFrame(columns, schema=schema).write_parquet(part))
            parts.append(part)
            waiting.clear()

        def write(rows: Iterable[Row]) -> None:
            for row in rows:
                waiting.append(flat_row(row, labels, landmarks))
                if len(waiting) >= held:
                    flush()

        yield write
        if waiting or not parts:
            flush()
        _writing(path, lambda: polars.scan_parquet(parts).sink_parquet(aside, row_group_size=GROUP))


class ParquetTable:
    """A table of a size that fits into memory as columns, where rows are gathered before they are written at
    once.

    Args:
        labels: Expressions that the network tells apart.
        before: Columns of whole numbers that stand before those of `open_parquet`.
        after: Columns of text that stand after them.
        landmarks: Whether there are columns for measures of landmarks.
    """

    def __init__(
        self,
        labels: Labels,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        *,
        landmarks: bool = False,
    ) -> None:
        polars = _polars()
        self._labels, self._landmarks = labels, landmarks
        self._schema = {
            **dict.fromkeys(before, polars.Int64),
            **_schema(labels, landmarks, polars),
            **dict.fromkeys(after, polars.String),
        }
        self._parts = [polars.DataFrame(schema=self._schema)]
        self._waiting: list[Row] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows with the keys of `mien.core.frame_result.ROW_KEYS` and those asked for."""
        for row in rows:
            self._waiting.append(row)
            if len(self._waiting) >= HELD:
                self._gather()

    def write(self, file: IO[bytes]) -> None:
        """Write everything; the disk may turn out to be full, which is an OSError."""
        self._gather()
        # Through memory: of a full disk polars tells in its own ways, and it is not to be left half-way.
        packed = io.BytesIO()
        _polars().concat(self._parts).write_parquet(packed)
        file.write(packed.getvalue())

    def _gather(self) -> None:
        flat = [flat_row(row, self._labels, self._landmarks) for row in self._waiting]
        columns = {name: [row[name] for row in flat] for name in self._schema}
        self._parts.append(_polars().DataFrame(columns, schema=self._schema))
        self._waiting.clear()


def parquet_columns(path: Path) -> list[str]:
    """Names of the columns of a table.

    Raises:
        InputError: The file is not Parquet.
        MissingExtraError: polars is not installed.
    """
    return list(_reading(path, lambda: _polars().scan_parquet(path).collect_schema().names()))


def parquet_rows(
    path: Path, group: int = GROUP, columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a table as plain values; so many are in memory at once.

    Args:
        path: The table.
        group: How many.
        columns: Those wanted; all by default.

    Raises:
        InputError: The file is not whole.
        MissingExtraError: polars is not installed.
    """
    scan = _polars().scan_parquet(path)
    scan = scan if columns is None else scan.select(columns)
    for start in range(0, _reading(path, lambda: scan.select(_polars().len()).collect().item()), group):
        part = _reading(path, scan.slice(start, group).collect)
        yield from part.iter_rows(named=True)


def parquet_parts(path: Path, group: int = GROUP, alone: int = ALONE) -> Iterator[Any]:
    """The rows of a table as data frames of polars in their order, no source in two of them: one source where it has so many
    rows, else several.

    Args:
        path: The table.
        group: Rows that are read at once.
        alone: From so many rows on, a source stands alone.

    Raises:
        InputError: The file is not whole.
        MissingExtraError: polars is not installed.
    """
    scan = _polars().scan_parquet(path)
    count = _reading(path, lambda: scan.select(_polars().len()).collect().item())
    held = None
    for start in range(0, count, group):
        part = _reading(path, scan.slice(start, group).collect)
        held = part if held is None else held.vstack(part)
        sources = held["source"]
        begins = [0, *(sources != sources.shift(1)).arg_true().to_list(), len(held)]
        ends = begins if start + group >= count else begins[:-1]
        for first, end in _portions(sorted({*ends}), alone):
            yield held.slice(first, end - first)
        held = held.slice(ends[-1])


def _portions(bounds: Sequence[int], alone: int) -> Iterator[tuple[int, int]]:
    """Stretches between bounds, the short ones that follow each other as one."""
    begin = bounds[0]
    for first, end in pairwise(bounds):
        if end - first >= alone:
            if begin < first:
                yield begin, first
            yield first, end
            begin = end
    if begin < bounds[-1]:
        yield begin, bounds[-1]


def _reading(path: Path, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (OSError, _polars().exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: expected a whole Parquet table; got {reason}: write it again") from None


def _schema(labels: Labels, landmarks: bool, polars: Any) -> dict[str, Any]:
    kinds = {
        **dict.fromkeys(_TEXT, polars.String),
        **dict.fromkeys(_WHOLE, polars.Int64),
        **dict.fromkeys(_TRUE_OR_FALSE, polars.Boolean),
        "time": polars.Float64,
    }
    names = [name for name in flat_keys(labels, landmarks) if name not in _NESTED]
    assert {*kinds} <= {*ROW_KEYS, *LANDMARK_KEYS}
    return {name: kinds.get(name, polars.Float32) for name in names}


def _writing(path: Path, work: Any) -> None:
    try:
        work()
    except _polars().exceptions.PolarsError as error:
        raise InputError(
            f"{path}: cannot be written: {str(error).splitlines()[0]}: make room or give another place"
        ) from None


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Parquet tables", "data", "polars") from None
    return polars
