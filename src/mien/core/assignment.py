"""Which face is which person's: the pairs with the least cost in all (Kuhn 1955, with the shortest
augmenting paths of Jonker and Volgenant 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def assign(cost: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pairs of a row and a column, no two with a row or column in common, that cost the least.

    A row that stays alone costs ``limit``, so a pair is never made at more than that.

    Args:
        cost: ``(n, m)``, infinite where a pair is impossible.
        limit: Highest cost of a pair.

    Returns:
        ``(row, column)`` in order of rows.

    >>> assign(np.array([[1.0, 2.0], [1.5, 9.0], [7.0, np.inf]]), limit=5)
    [(0, 1), (1, 0)]
    """
    possible = cost <= limit
    if not possible.any():
        return []
    if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():
        return [(int(row), int(column)) for row, column in np.argwhere(possible)]
    rows, columns = cost.shape
    # Each row has a column of its own, in which it stays alone.
    table = np.full((rows, columns + rows), 1e6 * limit)
    table[:, :columns][possible] = cost[possible]
    table[np.arange(rows), columns + np.arange(rows)] = limit
    owner = _owners(table)
    return sorted((int(owner[column]), column) for column in range(columns) if owner[column] >= 0)


def _owners(table: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each column the row that it belongs to, or -1; there are at least as many columns as rows."""
    rows, columns = table.shape
    owner = np.full(columns + 1, -1)  # The last one stands for where the search begins.
    of_row, of_column = np.zeros(rows), np.zeros(columns + 1)
    for row in range(rows):
        owner[columns], here = row, columns
        nearest, before, done = (
            np.full(columns, np.inf),
            np.full(columns, columns),
            np.zeros(columns + 1, bool),
        )
        while owner[here] >= 0:
            done[here] = True
            way = table[owner[here]] - of_row[owner[here]] - of_column[:columns]
            shorter = ~done[:columns] & (way < nearest)
            nearest[shorter], before[shorter] = way[shorter], here
            following = int(np.where(done[:columns], np.inf, nearest).argmin())
            length = nearest[following]
            of_row[owner[done]] += length
            of_column[done] -= length
            nearest[~done[:columns]] -= length
            here = following
        while here != columns:
            owner[here] = owner[before[here]]
            here = int(before[here])
    return owner[:columns]
