"""An evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mien.cli.console import Console
from mien.cli.table import Table, TableColumn
from mien.core.formatting import counted, precise
from mien.core.labels import NOTICE
from mien.evaluation import Evaluation, Figures

_MOST_PAIRS = 8
_MOST_GROUPS = 40


def show_evaluation(found: Evaluation, console: Console) -> None:
    """Print key figures, classes, confusions, second guesses and people."""
    console.print(_title(found), soft_wrap=True)
    for heading, table in (
        (_figures_heading(found), _figures(found)),
        ("every class", _classes(found)),
        (
            "confusion matrix: rows what an image was, columns what was predicted",
            confusion_table(found.classes, found.confusion),
        ),
        (_second_heading(found), _second_guesses(found)),
        (_worse_heading(found), _worse(found)),
        (_groups_heading(found), _groups(found)),
        (
            "largest differences between them, with intervals that hold for all pairs at once",
            _differences(found),
        ),
        ("people of FER+, and the model, against the same people held out", _humans(found)),
    ):
        if table is not None:
            console.print()
            if heading:
                console.print(heading, style="bold")
            console.print(table)
    console.print()
    console.print(NOTICE, style="dim", soft_wrap=True)


def _title(found: Evaluation) -> Text:
    result = f", head {found.subject.head}" if found.subject.head else ""
    options = found.options
    views = (
        "one view of each image" if options.tta == "one" else f"{options.tta} views of each image, averaged"
    )
    return Text.assemble(
        (f"{found.subject.name}{result}", "bold"),
        f" on {found.split} of {options.data}; labels: {found.ground_truth}; {views}",
        ""
        if options.center_crop == 1
        else f", the middle {precise(options.center_crop, 0)} of each image's sides",
    )


def _figures_heading(found: Evaluation) -> str:
    if found.leak_free is None:
        return ""
    gone = counted(int(found.leaked.sum()), "image")
    return f"key figures; leak-free part: without {gone} of {found.training_split} or copied from it"


def _figures(found: Evaluation) -> Table:
    parts = [
        (found.split, found.whole),
        ("leak-free part", found.leak_free),
        (found.training_split, found.training),
    ]
    there = [(name, figures) for name, figures in parts if figures is not None]
    table = Table(TableColumn(kind="text"), *(name for name, _ in there))
    for name, cells in figure_rows([figures for _, figures in there]):
        table.add_row(name, *cells)
    if found.train_ratio is not None:
        table.add_row("test / training", f"{found.train_ratio:.4f}")
    return table


def figure_rows(parts: list[Figures]) -> list[tuple[str, list[str]]]:
    """Key figures of several sets of images, one row per figure."""
    rows = [
        ("images", [f"{part.n:,}" for part in parts]),
        ("accuracy", [precise(part.accuracy, 2) for part in parts]),
        ("95 % interval", [f"{precise(part.low)} to {precise(part.high)}" for part in parts]),
        ("balanced accuracy", [precise(part.balanced_accuracy, 2) for part in parts]),
        (
            "95 % interval",
            [f"{precise(part.balanced_low)} to {precise(part.balanced_high)}" for part in parts],
        ),
        ("macro-F1", [f"{part.macro_f1:.3f}" for part in parts]),
        ("right within two guesses", [precise(part.top2, 2) for part in parts]),
        ("expected calibration error", [f"{part.expected_calibration_error:.3f}" for part in parts]),
        ("negative log-likelihood", [f"{part.negative_log_likelihood:.3f}" for part in parts]),
        (
            "divergence from the votes (KL)",
            ["" if part.kl_to_votes is None else f"{part.kl_to_votes:.3f}" for part in parts],
        ),
    ]
    return [(name, cells) for name, cells in rows if any(cells)]


def _classes(found: Evaluation) -> Table:
    table = Table("class", "images", "precision", "recall", "F1")
    for name, score in zip(found.classes, found.per_class, strict=True):
        table.add_row(
            name,
            f"{score.n:,}",
            *(
                "-" if share is None else precise(share)
                for share in (score.precision, score.recall, score.f1)
            ),
        )
    return table


def confusion_table(classes: Sequence[str], confusion: NDArray[np.integer]) -> Table:
    """``(k, k)`` counts with names: a row is what an image was, a column what it was called."""
    table = Table("", *classes)
    for row, (name, counts) in enumerate(zip(classes, confusion.tolist(), strict=True)):
        table.add_row(
            name,
            *(
                Text(f"{count:,}" if count else "·", "bold" if row == column else "")
                for column, count in enumerate(counts)
            ),
        )
    return table


def _second_heading(found: Evaluation) -> str:
    guesses = found.second_guess
    if guesses.share is None:
        return "second guesses: there is no error"
    return f"second guesses: right for {precise(guesses.share, 2)} of {counted(guesses.errors, 'error')}"


def _second_guesses(found: Evaluation) -> Table | None:
    pairs = found.second_guess.pairs
    if not pairs:
        return None
    table = Table(TableColumn("predicted / was", "text"), "errors", "second guess right")
    for pair in pairs[:_MOST_PAIRS]:
        table.add_row(
            f"predicted {found.classes[pair.predicted]} / was {found.classes[pair.was]}",
            f"{pair.n:,}",
            precise(pair.share),
        )
    if len(pairs) > _MOST_PAIRS:
        table.add_row(
            f"{len(pairs) - _MOST_PAIRS} pairs more: --format json",
            f"{sum(pair.n for pair in pairs[_MOST_PAIRS:]):,}",
        )
    return table


def _humans(found: Evaluation) -> Table | None:
    if not found.humans:
        return None
    table = Table(
        TableColumn("annotators", "text"),
        TableColumn("images", drop=1),
        "people",
        "95 % interval",
        "network",
        "95 % interval",
    )
    for score in found.humans:
        people, network = (
            f"{precise(score.low)} to {precise(score.high)}",
            f"{precise(score.network_low)} to {precise(score.network_high)}",
        )
        table.add_row(
            f"{score.annotators} against the rest",
            f"{score.n:,}",
            precise(score.accuracy),
            people,
            precise(score.network),
            network,
        )
    return table


def _worse_heading(found: Evaluation) -> str:
    if found.robustness is None or found.robustness.error_ratio is None:
        return "errors in bad images"
    bad = found.robustness
    return (
        f"errors in bad images: {precise(bad.mean_error)} on average, {bad.error_ratio:.2f} times the {precise(bad.clean_error)} on good ones; "
        f"answers unchanged when the box moves, shrinks or grows by 10 %: {precise(bad.unchanged)} "
        f"({', '.join(f'{name} {precise(share)}' for name, share in bad.kept.items())})"
    )


def _worse(found: Evaluation) -> Table | None:
    if found.robustness is None:
        return None
    table = Table(
        TableColumn("corruption", "text"),
        TableColumn("unit", "text", drop=1),
        *(f"strength {number}" for number in range(1, 6)),
        "mean",
    )
    for worse in found.robustness.worse:
        cells = [
            f"{value:g}: {precise(error)}" for value, error in zip(worse.values, worse.errors, strict=True)
        ]
        table.add_row(worse.name, worse.unit, *cells, precise(worse.mean))
    return table


def _groups_heading(found: Evaluation) -> str:
    if found.groups is None:
        return ""
    groups = found.groups
    without = (
        f"; {counted(groups.without, 'image without a value is', 'images without a value are')} in none"
        if groups.without
        else ""
    )
    small = (
        f"; *: fewer than {counted(groups.min_group, 'image')}, not compared"
        if any(group.small for group in groups.groups)
        else ""
    )
    return f"by {groups.by}: {counted(len(groups.groups), 'value')}, with 95 % intervals{without}{small}"


def _groups(found: Evaluation) -> Table | None:
    if found.groups is None:
        return None
    groups, of = found.groups.groups, len(found.classes)
    table = Table(
        found.groups.by,
        "images",
        TableColumn("classes", drop=2),
        "accuracy",
        "balanced",
        TableColumn("calibration error", drop=1),
    )
    for group in groups[:_MOST_GROUPS]:
        one = group.figures
        table.add_row(
            Text(f"{group.value}{'*' if group.small else ''}"),
            f"{one.n:,}",
            f"{group.classes} of {of}",
            f"{precise(one.accuracy)} ({100 * one.low:.0f} to {100 * one.high:.0f})",
            f"{precise(one.balanced_accuracy)} ({100 * one.balanced_low:.0f} to {100 * one.balanced_high:.0f})",
            f"{one.expected_calibration_error:.2f} ({one.calibration_low:.2f} to {one.calibration_high:.2f})",
            style="dim" if group.small else "",
        )
    rest = groups[_MOST_GROUPS:]
    if rest:
        images = sum(group.figures.n for group in rest)
        table.add_row(f"{counted(len(rest), 'value')} more: --format json", f"{images:,}")
    return table


def _differences(found: Evaluation) -> Table | None:
    if found.groups is None or not found.groups.differences:
        return None
    table = Table(
        TableColumn(kind="text"),
        TableColumn("higher", "name"),
        TableColumn("lower", "name"),
        "difference",
        "pairs told apart",
    )
    for one in found.groups.differences:
        table.add_row(
            one.figure.replace("_", " ").removeprefix("expected "),
            Text(one.highest),
            Text(one.lowest),
            f"{one.difference:.3f} ({one.low:.3f} to {one.high:.3f})",
            f"{one.apart:,} of {one.pairs:,}",
        )
    return table
