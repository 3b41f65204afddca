"""What the papers say came out, as data: nothing here is ours."""

from __future__ import annotations

from dataclasses import dataclass

from mien.core.errors import InputError
from mien.core.names import quoted


@dataclass(frozen=True)
class Claim:
    """One published figure.

    Args:
        measure: Which of our measures stands beside it (`mien.reproduction.measures`).
        published: The figure, a share from 0 to 1.
        said: What the source says it is.
        caution: Why the two may not mean the same; empty where they do.

    >>> Claim("private", 0.665, "accuracy on PrivateTest").published
    0.665
    """

    measure: str
    published: float
    said: str
    caution: str = ""


@dataclass(frozen=True)
class Paper:
    """One published training.

    Args:
        name: Short name, as on the command line.
        source: Authors, year, title or place.
        preset: The recipe (`mien.training.presets`).
        claims: What it says came out.
        optimizers: Optimizers that it compares; empty where it has one.
        seeds: How many seeds are repeated unless asked otherwise: three where a training takes minutes.

    >>> paper("kalu").preset, PAPERS["holman"].optimizers
    ('kalu', ('sgd', 'rmsprop', 'adam'))
    """

    name: str
    source: str
    preset: str
    claims: tuple[Claim, ...]
    optimizers: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1,)


_NOTEBOOK = "the author's notebook prints .4826 for PrivateTest, and the paper .5326 with the same digits after; see docs/published-networks.md"

PAPERS: dict[str, Paper] = {
    entry.name: entry
    for entry in (
        Paper(
            "monyok",
            "Monyok 2021, a CNN on FER-2013 and predictions of large folders",
            "monyok",
            (
                Claim(
                    "last_validation",
                    0.4835,
                    "validation accuracy after 50 epochs",
                    "its validation part is not named: ours is a seeded fifth of Training",
                ),
                Claim("last_training", 0.9791, "training accuracy after 50 epochs"),
            ),
            seeds=(1, 2, 3),
        ),
        Paper(
            "holman",
            "Holman, Vyas, Badal: Gudi's network and three optimizers",
            "holman",
            (
                Claim(
                    "whole_set",
                    0.86,
                    "accuracy on 14,018 images",
                    "the images are not named; ours are all 35,887, most of which were learned from",
                ),
            ),
            optimizers=("sgd", "rmsprop", "adam"),
        ),
        Paper(
            "spittlemeister",
            "Spittlemeister 2018, locally connected layers",
            "spittlemeister",
            (
                Claim("private_test", 0.53259, "test accuracy", _NOTEBOOK),
                Claim(
                    "private_test",
                    0.48258567856161266,
                    "PrivateTest, as the notebook prints it: 1,732 of 3,589",
                ),
                Claim("training", 0.69481, "training accuracy"),
                Claim("test_over_training", 0.7665, "test accuracy over training accuracy", _NOTEBOOK),
                Claim("second_guess", 0.3698, "the second guess is right, of all errors on the test set"),
                Claim(
                    "second_guess sad/angry",
                    0.767,
                    "the second guess is right where sad was said and angry was true",
                    "share of which images is not said",
                ),
                Claim("second_guess angry/sad", 0.777, "the same, angry said and sad true"),
                Claim("second_guess fear/surprise", 0.683, "the same, fear said and surprise true"),
                Claim("second_guess surprise/fear", 0.944, "the same, surprise said and fear true"),
            ),
        ),
        Paper(
            "kalu",
            "Kalu, Mukong: batch normalisation, plateaus, checkpoints",
            "kalu",
            (
                Claim(
                    "both_tests",
                    0.5947,
                    "validation accuracy after 10 epochs",
                    "validated on the 7,178 images of the folder test/, both tests; ours is of the epoch that PublicTest chose",
                ),
                Claim(
                    "best_validation", 0.6060, "best validation accuracy, epoch 8", "ours is on PublicTest"
                ),
                Claim("last_training", 0.6395, "training accuracy after 10 epochs"),
                Claim("both_tests", 0.65, "accuracy that the text claims", "as the first"),
            ),
        ),
        Paper(
            "mini_xception",
            "Arriaga, Valdenegro-Toro, Ploeger 2017, mini-Xception",
            "mini_xception",
            (
                Claim(
                    "private_test",
                    0.654,
                    "PrivateTest, of the weights that the authors ship, measured by us",
                    "their epoch was chosen on rows of the test sets",
                ),
                Claim(
                    "private_test_leak_free", 0.638, "the leak-free part of PrivateTest, of the same weights"
                ),
            ),
        ),
    )
}
"""The published trainings that can be repeated, by name."""


def paper(name: str) -> Paper:
    """The entry of a paper.

    Raises:
        InputError: No such paper.

    >>> paper("kalu").claims[0].published
    0.5947
    """
    if name not in PAPERS:
        raise InputError(f"expected a paper out of {', '.join(PAPERS)}; got {quoted(name)}")
    return PAPERS[name]
