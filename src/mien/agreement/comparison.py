"""Raters compared: everything that is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.agreement.coefficients import PairAgreement, Together, all_pairs, pair_agreement, together
from mien.agreement.differences import AgreementWindow, RaterDifference, differences, over_time
from mien.agreement.options import AgreementOptions
from mien.agreement.raters import Raters, read_raters
from mien.core.formatting import counted, percent
from mien.metrics.resampling import LEAST, LEAST_OF_EFFECT
from mien.video.results import VideoResult


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far raters agree.

    Args:
        raters: Who has rated what.
        pairs: Each coder against mien, then the coders against each other.
        groups: All raters at once; before them the coders alone where there are two.
        differences: Where they differ, the longest stretch first.
        windows: How far they agree over time.
        options: How they were compared.
        remarks: What must be known beside.
    """

    raters: Raters
    pairs: tuple[PairAgreement, ...]
    groups: tuple[Together, ...]
    differences: tuple[RaterDifference, ...]
    windows: tuple[AgreementWindow, ...]
    options: AgreementOptions
    remarks: tuple[str, ...]


def compare_raters(
    videos: Iterable[VideoResult], paths: Sequence[Path], options: AgreementOptions | None = None
) -> Agreement:
    """Hold coders' files against the rows, and against each other.

    Args:
        videos: The rows, by recording.
        paths: A file or folder for each coder.
        options: How they are compared.

    Raises:
        InputError: There are no rows, or no coder of whom something can be used.
        MissingExtraError: A file is of ELAN or Praat, and what reads it is not installed.
    """
    options = options or AgreementOptions()
    raters = read_raters(videos, paths, options)
    pairs = tuple(pair_agreement(raters, pair, options) for pair in all_pairs(raters))
    groups = [raters.coders] if len(raters.coders) > 1 else []
    return Agreement(
        raters,
        pairs,
        tuple(together(raters, places) for places in (*groups, tuple(range(len(raters.names))))),
        tuple(differences(raters, options.step)),
        tuple(over_time(raters, options.step, options.window)),
        options,
        (*raters.remarks, *_remarks(raters, pairs)),
    )


def _remarks(raters: Raters, pairs: Sequence[PairAgreement]) -> Iterator[str]:
    count = len(raters.recordings)
    if count < LEAST:
        yield f"Of {counted(count, 'recording')} there is no interval: it takes {LEAST} or more, as intervals are over recordings, not frames."
    elif count < LEAST_OF_EFFECT:
        yield f"Of {counted(count, 'recording')} intervals may be too narrow: trust those of {LEAST_OF_EFFECT} or more."
    for pair in pairs:
        if not pair.seconds and not pair.valence_seconds:
            yield f"{pair.one} and {pair.other} have coded no moment in common."
        if pair.shift is not None:
            before, after = percent(pair.shift.before), percent(pair.shift.after)
            yield (
                f"{pair.one} and {pair.other} agree in {before} of the time, and would in {after} were {pair.other} "
                f"moved by {pair.shift.seconds:+g} s: another clock, or slow hands; "
                f"--offset '{pair.other}={pair.shift.seconds:+g}' moves it"
            )
