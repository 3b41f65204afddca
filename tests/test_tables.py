"""Rows as JSON, JSON Lines and CSV; files that are whole or not there."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from mien import EXPRESSIONS, Faces, InputError, MediaError, MissingExtraError
from mien.core.atomic import atomic_write
from mien.core.frame_result import ROW_KEYS, FrameResult, flat_keys, flat_row
from mien.outputs.tables import TEXT_FORMATS, format_of, open_table
from mien.outputs.tables.parquet import open_parquet


def rows() -> list[dict[str, object]]:
    face = Faces(
        [[1, 2, 30.5, 40]], [0.9], [3], [0.1], probs=[[0, 0, 0, 0.75, 0.25, 0, 0]], labels=EXPRESSIONS
    )
    smooth = face.with_columns(
        tracks=[2], smoothed_probs=[[0, 0, 0, 0.5, 0.5, 0, 0]], smoothed_emotion_ids=[4]
    )
    results = [
        FrameResult('a, "b"\n.mp4', 3, 0.1, face),
        FrameResult("smooth.mp4", 3, 0.1, smooth),
        FrameResult("ü.mp4", 4, 2 / 15, Faces.empty(EXPRESSIONS)),
        FrameResult(
            "c.mp4", None, None, Faces.empty(EXPRESSIONS), MediaError("c.mp4: expected a file; there is none")
        ),
    ]
    return [row for result in results for row in result.rows()]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_reads_back(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"rows.{form}"
    with open_table(path, form, EXPRESSIONS) as write:
        write(rows()[:1])
        write(rows()[1:])
    text = path.read_text(encoding="utf-8")
    assert (
        json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    ) == rows()


def test_csv_has_the_same_keys_and_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with open_table(path, "csv", EXPRESSIONS) as write:
        write(rows())
    with open(path, encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0])[: len(ROW_KEYS) - 1] == ROW_KEYS[:-1]
    assert (ROW_KEYS[-1], list(table[0])[-1]) == ("error", "error")
    assert table[0]["source"] == 'a, "b"\n.mp4'
    assert json.loads(table[0]["box"]) == [1.0, 2.0, 30.5, 40.0]
    assert float(table[0]["x2"]) == 30.5
    assert json.loads(table[0]["probs"])["happy"] == float(table[0]["happy"]) == 0.75
    assert (table[0]["smoothed_emotion"], table[0]["smoothed_probs"], table[0]["smoothed_happy"]) == (
        "",
        "",
        "",
    )
    assert (table[1]["track"], table[1]["emotion"], table[1]["smoothed_emotion"], table[1]["happy"]) == (
        "2",
        "happy",
        "neutral",
        "0.75",
    )
    assert json.loads(table[1]["smoothed_probs"])["happy"] == float(table[1]["smoothed_happy"]) == 0.5
    assert (table[2]["status"], table[2]["box"], table[2]["happy"], table[2]["time"]) == (
        "no_face",
        "",
        "",
        "0.133333",
    )
    assert (table[3]["status"], table[3]["frame"], table[3]["error"]) == (
        "error",
        "",
        "c.mp4: expected a file; there is none",
    )


@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_no_rows_are_a_whole_file_too(tmp_path: Path, form: str) -> None:
    path = tmp_path / "rows"
    with open_table(path, form, EXPRESSIONS):
        pass
    text = path.read_text(encoding="utf-8")
    assert {
        "json": json.loads(text or "[]") == [] if form == "json" else None,
        "jsonl": text == "",
        "csv": text.count("\n") == 1,
    }[form]


def test_an_interrupted_file_never_appears(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("the one before", encoding="utf-8")

    def run() -> None:
        with open_table(path, "json", EXPRESSIONS) as write:
            write(rows())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert path.read_text(encoding="utf-8") == "the one before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_a_disk_that_is_full_at_whatever_row_is_told_by_the_name_of_the_file(
    tmp_path: Path, form: str
) -> None:
    """The last rows are written when the file is closed."""
    resource = pytest.importorskip("resource", reason="no limits of files on this system")
    path, (soft, hard) = tmp_path / f"rows.{form}", resource.getrlimit(resource.RLIMIT_FSIZE)
    told = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        for count in range(5, 60):
            try:
                with open_table(path, form, EXPRESSIONS) as write:
                    for _ in range(count):
                        write(rows())
            except InputError as error:
                told.append(str(error))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(told) > 4
    assert all(line.startswith(f"{path}: cannot be written: ") for line in told)
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a folder"), atomic_write(tmp_path):
        pass
    with (
        pytest.raises(InputError, match="must be a folder that you may write to"),
        atomic_write(tmp_path / "file" / "where.csv"),
    ):
        pass
    with pytest.raises(InputError, match=r"ending in \.json, \.jsonl, \.csv or \.parquet"):
        format_of(Path("rows.xlsx"))


def test_a_written_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_write(tmp_path / "aside") as aside:
        aside.touch()
    assert (tmp_path / "aside").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("held", [1, 2, 100])
def test_parquet_has_the_flat_columns_with_types(tmp_path: Path, held: int) -> None:
    polars = pytest.importorskip("polars")
    path = tmp_path / "rows.parquet"
    with open_parquet(path, EXPRESSIONS, held=held) as write:
        for row in rows():
            write([row])
    table = polars.read_parquet(path)
    assert set(flat_keys(EXPRESSIONS)) - set(table.columns) == {"box", "probs", "smoothed_probs"}
    assert table["status"].to_list() == [row["status"] for row in rows()]
    assert table["time"].to_list() == [row["time"] for row in rows()]
    assert (table.schema["frame"], table.schema["track"], table.schema["happy"]) == (
        polars.Int64,
        polars.Int64,
        polars.Float32,
    )
    flat = [flat_row(row, EXPRESSIONS) for row in rows()]
    for name in ("happy", "x2", "track", "smoothed_emotion", "smoothed_happy"):
        assert table[name].to_list() == [row[name] for row in flat]
    assert [found.name for found in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_parquet_table_of_nothing_has_its_columns(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    with open_table(tmp_path / "rows.parquet", "parquet", EXPRESSIONS):
        pass
    table = polars.read_parquet(tmp_path / "rows.parquet")
    assert (table.height, table.width) == (0, len(flat_keys(EXPRESSIONS)) - 3)


def test_parquet_without_polars_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with (
        pytest.raises(MissingExtraError, match=r"pip install '.*\[data\]'"),
        open_table(tmp_path / "rows.parquet", "parquet", EXPRESSIONS),
    ):
        pass
    assert not list(tmp_path.iterdir())
