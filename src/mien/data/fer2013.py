"""FER-2013 as Kaggle's CSV (a row is a label, the pixels as text, and perhaps a split, a row number and
votes), and the votes of FER+ from Microsoft's ``fer2013new.csv``, joined to the images by their row."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import isqrt
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import PATHS, csv_writer, plain
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.names import quoted
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import OWN_COLUMNS, VOTES, FaceDataset
from mien.data.label_names import KAGGLE, in_order, require_class, require_split, split_named

_LABEL = ("emotion", "label", "expression", "class")
_PIXELS = ("pixels", "pixel")
_SPLIT = ("usage", "split")
_MOST = 1 << 24  # Characters of a field: an image of 2000 px fits.


class Columns:
    """Where the columns of a header stand; names count without case, blanks around them and a byte order
    mark.

    >>> columns = Columns(["\ufeffemotion", " Usage", " pixels", "Person"])
    >>> columns.label, columns.pixels, columns.split, columns.row, columns.further
    (0, 2, 1, None, {'Person': 3})
    """

    def __init__(self, header: Sequence[str]) -> None:
        written = [name.strip("\ufeff \t\"'") for name in header]
        self.names = [name.lower() for name in written]
        self.label = self._place(_LABEL)
        self.pixels = self._place(_PIXELS)
        self.split = self._place(_SPLIT)
        self.row = self._place(("row",))
        votes = [self._place((f"votes_{name}",)) for name in VOTES]
        self.votes = [place for place in votes if place is not None]
        known = {self.label, self.pixels, self.split}
        self.further: dict[str, int] = {}
        for place, name in enumerate(written):
            if name and place not in known and name.lower() not in OWN_COLUMNS:
                self.further.setdefault(name, place)

    def _place(self, names: Iterable[str]) -> int | None:
        return next((self.names.index(name) for name in names if name in self.names), None)

    def missing(self) -> list[str]:
        """Names of the columns that cannot be done without."""
        return [name for name, place in (("emotion", self.label), ("pixels", self.pixels)) if place is None]


def read_kaggle(
    file: TextIO, path: Path, terms: ReadOptions, gathering: DatasetBuilder | None = None
) -> DatasetBuilder:
    """Read an open CSV.

    Args:
        file: Text of the CSV, from its header on.
        path: Its name, for messages, and for the split where no column tells it.
        terms: How to read.
        gathering: Rows of files before it, to go on with.

    Raises:
        InputError: A column is missing, or a row cannot be used.
    """
    limit = csv.field_size_limit()  # Of the process: other tables have shorter cells.
    csv.field_size_limit(max(limit, _MOST))
    lines = csv.reader(file)
    try:
        columns = Columns(next(lines, []))
        if columns.missing():
            raise InputError(
                f"{path}: expected the columns emotion and pixels; got {', '.join(columns.names) or 'nothing'}: name them so"
            )
        gathering = gathering or DatasetBuilder(path, terms)
        word = path.name.split(".")[0]
        reader = _RowReader(path, columns, terms, word if split_named(word) else None)
        for number, line in enumerate(terms.track(lines, f"reading {path.name}")):
            if line:
                gathering.add(partial(reader.read, line, number, lines.line_num))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}, line {lines.line_num + 1}: expected text in columns; got {error}: is it a CSV file, and whole?"
        ) from None
    finally:
        csv.field_size_limit(limit)
    if reader.numbers:
        gathering.classes = in_order(reader.order, terms.own)
    return gathering


class _RowReader:
    """Turns lines into samples; the first line's number of pixels holds for all."""

    def __init__(self, path: Path, columns: Columns, terms: ReadOptions, split: str | None) -> None:
        self.path, self.columns, self.split = path, columns, split
        self.own = terms.own
        self.order: Labels = terms.labels or KAGGLE
        self.numbers = False  # Whether labels came as numbers, so that all classes of the order are meant.

    def read(self, line: list[str], number: int, at: int) -> LabelledSample:
        where = f"{self.path}, row {number} (line {at})"
        columns = self.columns
        if len(line) != len(columns.names):
            raise InputError(
                f"{where}: expected {counted(len(columns.names), 'column')}; got {len(line)}: mend or delete the line"
            )
        assert columns.pixels is not None
        assert columns.label is not None
        return LabelledSample(
            where=where,
            image=_image(line[columns.pixels], where),
            label=self._label(line[columns.label].strip(), where),
            split=self.split if columns.split is None else line[columns.split],
            row=None if columns.row is None else _whole(line[columns.row], where, "a row number"),
            votes=[_whole(line[place], where, "a number of votes") for place in columns.votes]
            if len(columns.votes) == len(VOTES)
            else None,
            columns={
                name: plain(line[place].strip(), name in PATHS) for name, place in columns.further.items()
            },
        )

    def _label(self, word: str, where: str) -> str:
        if not word.lstrip("-").isdecimal():
            return require_class(word, where, self.own)
        if not 0 <= int(word) < len(self.order):
            meaning = ", ".join(f"{column} {name}" for column, name in enumerate(self.order))
            raise InputError(
                f"{where}: expected a label from 0 to {len(self.order) - 1} ({meaning}); got {word}: correct or delete the line"
            )
        self.numbers = True
        return str(self.order[int(word)])


def _whole(word: str, where: str, what: str) -> int:
    if not word.strip().isdecimal():
        raise InputError(f"{where}: expected {what}; got {quoted(word)}: correct or delete the line")
    return int(word)


def _image(text: str, where: str) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():  # NumPy before 2.3 warns of what is no number, and stops there.
            warnings.simplefilter("error", DeprecationWarning)
            values = np.fromstring(text, np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        wrong = next((word for word in text.split() if not word.isdecimal()), text)
        raise InputError(
            f"{where}: expected pixels as whole numbers with blanks between; got {quoted(wrong)}: correct or delete the line"
        ) from None
    side = isqrt(len(values))
    if not len(values) or side * side != len(values):
        raise InputError(
            f"{where}: expected the pixels of a square image, such as 2304 for 48x48; got {len(values)}: correct or delete the line"
        )
    if values.min() < 0 or values.max() > 255:
        wrong = values[(values < 0) | (values > 255)][0]
        raise InputError(f"{where}: expected pixels from 0 to 255; got {wrong}: correct or delete the line")
    return values.astype(np.uint8).reshape(side, side)


def write_kaggle(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as CSV, gzipped where the name ends in ``.gz``.

    The columns are Kaggle's ``emotion,pixels,Usage``, without the last where the data is not divided. Rows that are not numbered one
    after the other get a column ``row``, votes the columns ``votes_*``; further columns follow. Labels are Kaggle's numbers for the seven classes of
    FER-2013, and words for any other set of classes.

    Raises:
        InputError: The images are not square, or the place cannot be written to.
    """
    height, width = data.images.shape[1:]
    if height != width:
        raise InputError(
            f"{path}: expected square images for CSV, which has no place for their size; got {width}x{height}: write Parquet or a folder"
        )
    seven = data.labels == EXPRESSIONS
    rows = None if (data.rows == np.arange(len(data))).all() else data.rows.tolist()
    votes = None if data.votes is None else data.votes.tolist()
    header = [
        "emotion",
        "pixels",
        *(["Usage"] if data.divided else []),
        *(["row"] if rows else []),
        *([f"votes_{name}" for name in VOTES] if votes else []),
        *data.columns,
    ]
    words = [str(value) for value in range(256)]
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        _text(aside, packed=path.suffix == ".gz") as file,
    ):
        write = csv_writer(file, header)
        for at, image in enumerate(track(data.images, f"writing {path.name}", len(data))):
            name = data.labels[data.expressions[at]]
            cells = [
                KAGGLE.index(name) if seven else name,
                " ".join([words[value] for value in image.tobytes()]),
                *([data.split_name(str(data.splits[at]))] if data.divided else []),
            ]
            cells += ([rows[at]] if rows else []) + (votes[at] if votes else [])
            cells += [str(column[at]) for column in data.columns.values()]
            write([dict(zip(header, cells, strict=True))])


@contextmanager
def _text(path: Path, *, packed: bool) -> Iterator[TextIO]:
    if not packed:
        with open(path, "w", encoding="utf-8", newline="") as plain:
            yield plain
        return
    # Without a name and a time inside, the same data gives the same file.
    with (
        open(path, "wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as squeezed,
        io.TextIOWrapper(squeezed, encoding="utf-8", newline="") as text,
    ):
        yield text


def with_votes(data: FaceDataset, path: str | Path) -> FaceDataset:
    """A data set with the votes of a file in the form of ``fer2013new.csv``.

    Its rows are those of ``fer2013.csv``; a data set that knows its rows may be a part of it.

    Args:
        data: Images, with the rows that they had in ``fer2013.csv``.
        path: A CSV with the columns ``Usage``, ``neutral`` ... ``contempt``, ``unknown`` and ``NF``.

    Raises:
        InputError: The file cannot be used, has another number of rows than the images, or other splits.
    """
    path = Path(path)
    votes, splits = _read(path)
    needed = int(data.rows.max()) + 1
    whole = bool((data.rows == np.arange(len(data))).all())
    if needed > len(votes) or (whole and needed < len(votes)):
        got = f"expected votes for each of {counted(needed, 'image')}; got {counted(len(votes), 'row')}"
        raise InputError(f"{path}: {got}: give the images of all splits, in the order of fer2013.csv")
    wrong = np.flatnonzero(splits[data.rows] != data.splits)
    if len(wrong):
        row = int(data.rows[wrong[0]])
        got = f"expected the split {data.splits[wrong[0]]} as the image has; got {splits[row]}"
        raise InputError(
            f"{path}, row {row}: {got}: votes join by row, so the images must be in the order of fer2013.csv"
        )
    return replace(data, votes=votes[data.rows])


def _read(path: Path) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    if not path.is_file():
        raise InputError(f"expected the votes of FER+ (fer2013new.csv); {path} is not there: check the path")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected the votes of FER+ as CSV; got {error}: give fer2013new.csv"
        ) from None
    header = [name.strip().lower() for name in lines[0]] if lines else []
    missing = [name for name in ("usage", *VOTES) if name not in header]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(missing)}; got {', '.join(header) or 'nothing'}: give fer2013new.csv"
        )
    places = [header.index(name) for name in VOTES]
    usage = header.index("usage")
    votes, splits = [], []
    for row, line in enumerate(lines[1:]):
        where = f"{path}, row {row} (line {row + 2})"
        if len(line) != len(header):
            raise InputError(
                f"{where}: expected {counted(len(header), 'column')}; got {len(line)}: mend the line"
            )
        counts = [line[place].strip() for place in places]
        if not all(count.isdecimal() for count in counts):
            raise InputError(f"{where}: expected numbers of votes; got {', '.join(counts)}: correct the line")
        votes.append([int(count) for count in counts])
        splits.append(require_split(line[usage], where))
    return np.array(votes, np.int64).reshape(-1, len(VOTES)), np.array(splits, np.str_)
