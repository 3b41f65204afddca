"""The cheapest pairs, against scipy's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mien.core.assignment import assign

costs = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.one_of(st.floats(0, 9), st.just(np.inf)), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@given(costs)
def test_pairs_cost_the_least(rows: list[list[float]]) -> None:
    cost, limit = np.array(rows), 10.0
    pairs = assign(cost, limit)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert pairs == sorted(pairs)
    ours = sum(cost[row, column] for row, column in pairs) + limit * (len(cost) - len(pairs))
    # Whoever stays alone pays the limit.
    table = np.concatenate(
        [np.where(cost <= limit, cost, 1e9), np.full((len(cost), len(cost)), limit)], axis=1
    )
    best = table[linear_sum_assignment(table)].sum()
    assert np.isclose(ours, best)


def test_nothing_to_pair() -> None:
    assert assign(np.full((2, 3), np.inf), 1) == []
