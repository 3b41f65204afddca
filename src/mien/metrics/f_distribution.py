"""Quantiles of Fisher's F distribution, in plain Python: scipy would weigh more than all of mien."""

from __future__ import annotations

from math import exp, inf, lgamma, log, log1p

_STEPS = 10_000
_TINY = 1e-300


def f_quantile(share: float, above: float, below: float) -> float:
    """The value below which a share of the F distribution lies.

    Args:
        share: 0 to 1, both excluded.
        above: Degrees of freedom of the numerator, above 0; may be broken.
        below: Of the denominator.

    >>> round(f_quantile(0.95, 3, 10), 4), round(f_quantile(0.975, 5, 2.5), 3)
    (3.7083, 21.803)
    """
    low, high = 0.0, 1.0
    for _ in range(200):  # Halving reaches the last bit of a double long before.
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if incomplete_beta(above / 2, below / 2, middle) < share:
            low = middle
        else:
            high = middle
    return inf if high == 1 else below * high / (above * (1 - high))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, 0 to 1 (DLMF 8.17.22, by Lentz's algorithm).

    >>> round(incomplete_beta(2, 3, 0.5), 6)
    0.6875
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front / _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    value = fraction = 1.0
    rest = 0.0
    for step in range(1, _STEPS):
        part = _coefficient(a, b, step) * x
        rest = 1 / ((1 + part * rest) or _TINY)
        fraction = (1 + part / fraction) or _TINY
        value *= fraction * rest
        if abs(fraction * rest - 1) < 1e-15:
            break
    return value


def _coefficient(a: float, b: float, step: int) -> float:
    half = step // 2
    if step % 2:
        return -(a + half) * (a + b + half) / ((a + step - 1) * (a + step))
    return half * (b - half) / ((a + step - 1) * (a + step))
