"""The votes of FER+, from Microsoft's ``fer2013new.csv``, joined to the images by their row."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.data.dataset import VOTES, FaceDataset
from mien.data.label_names import require_split


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
    counted = bool((data.rows == np.arange(len(data))).all())
    if needed > len(votes) or (counted and needed < len(votes)):
        got = f"expected votes for each of {needed:,} images; got {len(votes):,} rows"
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
            raise InputError(f"{where}: expected {len(header)} columns; got {len(line)}: mend the line")
        counts = [line[place].strip() for place in places]
        if not all(count.isdecimal() for count in counts):
            raise InputError(f"{where}: expected numbers of votes; got {', '.join(counts)}: correct the line")
        votes.append([int(count) for count in counts])
        splits.append(require_split(line[usage], where))
    return np.array(votes, np.int64).reshape(-1, len(VOTES)), np.array(splits, np.str_)
