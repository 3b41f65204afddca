"""The charts of an evaluation, as files and for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.atomic import made_folder
from mien.core.errors import InputError
from mien.core.notebook import PNGImage, PNGImages
from mien.core.scratch import scratch_folder
from mien.plotting import style
from mien.plotting.evaluation import classes_figure, confusion_figure, reliability_figure

if TYPE_CHECKING:
    from mien.evaluation.evaluation import Evaluation


def charts_of(found: Evaluation) -> PNGImages:
    """What `write_plots` writes, for a notebook.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with scratch_folder() as folder:
        return PNGImages(PNGImage(path.stem, path.read_bytes()) for path in write_plots(found, folder))


def write_plots(found: Evaluation, folder: Path) -> list[Path]:
    """Confusion matrix, calibration and classes as ``matrix.png``, ``reliability.png`` and ``classes.png`` in a folder, which
    is made where it is not there.

    Raises:
        InputError: The folder cannot be written to.
        MissingExtraError: matplotlib is not installed.
    """
    figures = {
        "matrix": confusion_figure(found.confusion, found.classes),
        "reliability": reliability_figure(found.reliability, found.whole.expected_calibration_error),
        "classes": classes_figure(found.classes, found.per_class, found.whole.accuracy),
    }
    try:
        with made_folder(folder):
            return [
                style.save(figure, folder / f"{name}.png", _title(found)) for name, figure in figures.items()
            ]
    except OSError as error:
        raise InputError(
            f"expected a folder for the images; {folder}: {error.strerror}: give another one with --plots"
        ) from None


def _title(found: Evaluation) -> str:
    head = f" ({found.subject.head})" if found.subject.head else ""
    views = "one view" if found.options.tta == "one" else f"{found.options.tta} views"
    return f"{found.subject.name}{head}: {found.split}, labels: {found.ground_truth}, n = {found.whole.n:,}, {views}"
