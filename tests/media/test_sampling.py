"""Which frames are taken, by time."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.media import Sampling


def taken(sampling: Sampling, times: list[float]) -> list[float]:
    chooser = sampling.chooser()
    return [time for time in times if chooser.takes(time)]


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "2", 1e-320, 10**400])
@pytest.mark.parametrize("name", ["interval", "fps"])
def test_refuses_what_is_not_a_positive_number(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        Sampling(**{name: value})  # type: ignore[arg-type]


def test_refuses_both() -> None:
    with pytest.raises(InputError, match="got both"):
        Sampling(interval=1, fps=1)


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001), Fraction(60)]
)
def test_does_not_drift_in_an_hour(rate: Fraction) -> None:
    times = [float(number / rate) for number in range(int(3600 * rate))]
    got = taken(Sampling(fps=7), times)
    assert len(got) == 7 * 3600
    assert all(-1.001e-3 <= time - tick / 7 <= float(1 / rate) + 1.001e-3 for tick, time in enumerate(got))


def test_webm_times_in_milliseconds_keep_every_frame_at_the_own_rate() -> None:
    times = [round(number / 30, 3) for number in range(300)]
    assert taken(Sampling(fps=30), times) == times


@given(
    steps=st.lists(st.floats(1e-4, 3), min_size=1, max_size=200),
    rate=st.floats(0.05, 60),
)
def test_grid_holds_for_any_times(steps: list[float], rate: float) -> None:
    times = [sum(steps[:number]) for number in range(len(steps))]
    got = taken(Sampling(fps=rate), times)
    assert got[0] == times[0]
    slack = min(1e-3, 0.25 / rate)
    cells = [math.floor((time + slack) * rate + 1e-12) for time in got]
    # One frame per cell of the grid at most, and one in every cell that has any.
    assert len(set(cells)) == len(cells)
    wanted = {math.floor((time + slack) * rate) for time in times}
    assert len(wanted) == len(got)


@given(st.floats(0.05, 60), st.floats(1, 120), st.integers(1, 2000))
def test_count_is_what_is_taken(rate: float, fps: float, frames: int) -> None:
    times = [number / fps for number in range(frames)]
    got = len(taken(Sampling(fps=rate), times))
    assert abs(Sampling(fps=rate).count(frames, frames / fps) - got) <= max(1, 0.05 * got)


def test_every_is_the_inverse_of_per_second() -> None:
    times = [number / 30 for number in range(200)]
    assert taken(Sampling(interval=0.5), times) == taken(Sampling(fps=2), times)
    assert taken(Sampling(), times) == times
