"""A model file or a training run opened to look into, and the sheets of one image, written one after the
other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.errors import InputError, MissingExtraError, NetworkError
from mien.core.names import quoted
from mien.core.notebook import PNGImage, PNGImages
from mien.explain import layout
from mien.explain.attribution import require_gradients
from mien.explain.base import ExplainableModel
from mien.explain.crops import crops_of
from mien.explain.layout import Question
from mien.explain.onnx_model import OnnxModel
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.media import save_image


def open_explained(model: str | Path = "small", head: str | None = None) -> ExplainableModel:
    """Open a network to look into.

    Args:
        model: A network that mien ships, an ONNX file with a card, or the folder of a finished run of ``mien
            train``.
        head: Which of its outputs; the first one by default.

    Raises:
        NetworkError: There is no such network, it is damaged, or it has no card.
        InputError: There is no such head, or the run is not finished.
        MissingExtraError: A run needs PyTorch and Lightning.

    >>> open_explained("small").classifier.labels.names[3]
    'happy'
    """
    folder = Path(model)
    if folder.is_dir():
        return _open_run(folder, head)
    try:
        path = network_path(model)
    except NetworkError as error:
        raise NetworkError(f"{error}: a folder of mien train will do too") from None
    return OnnxModel(path, Classifier(open_network(path), head))


def _open_run(folder: Path, head: str | None) -> ExplainableModel:
    try:
        from mien.explain.torch_model import TorchModel
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("torch", "lightning", "torchmetrics", "onnx", "onnxscript", "matplotlib"):
            raise
        raise MissingExtraError("Runs of mien train", "train", package) from None
    return TorchModel(folder, head)


_PAGES: dict[str, Callable[[Question], NDArray[np.uint8]]] = {
    "features": layout.features_page,
    "gradcam": layout.gradcam_page,
    "guided": layout.guided_page,
    "occlusion": layout.occlusion_page,
}

KINDS = ("kernels", *_PAGES)
"""Kinds of sheets."""


_BY_GRADIENTS = ("gradcam", "guided")


def drawable(subject: ExplainableModel) -> tuple[tuple[str, ...], str]:
    """Which kinds of sheets can be drawn of a network here, and in a line why not the others, which is empty
    where all can.

    >>> drawable(open_explained("small-int8"))[0]
    ('kernels', 'features', 'occlusion')
    """
    try:
        require_gradients()
        subject.differentiable()
    except MissingExtraError as error:
        return ("occlusion",), f"occlusion only: {error}"
    except NetworkError as error:
        return tuple(kind for kind in KINDS if kind not in _BY_GRADIENTS), (
            f"without {' and '.join(_BY_GRADIENTS)}: {error}"
        )
    return KINDS, ""


@dataclass(frozen=True)
class SheetFile:
    """One sheet that is there.

    Args:
        path: Its file.
        kind: One of ``KINDS``.
        face: Number of the face, from 1; None where the sheet belongs to the network alone.
        expression: The expression that was asked about, or None.

    >>> SheetFile(Path("seen/small-kernels.png"), "kernels").face is None  # it is about the network alone
    True
    """

    path: Path
    kind: str
    face: int | None = None
    expression: str | None = None

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def image(self) -> PNGImage:
        """The sheet as notebooks show it."""
        return PNGImage(self.path.stem, self.path.read_bytes())


class SheetFiles(Iterator[SheetFile]):
    """Sheets, each written when it is asked for; a notebook that shows them asks for all that are left."""

    def __init__(self, sheets: Iterator[SheetFile]) -> None:
        self._sheets = sheets
        self._shown: list[PNGImage] = []

    def __next__(self) -> SheetFile:
        return next(self._sheets)

    def _repr_html_(self) -> str:
        self._shown += [sheet.image() for sheet in self]
        return PNGImages(self._shown)._repr_html_()


@dataclass(frozen=True)
class ExplainOptions:
    """What is asked beyond the image.

    Args:
        target: Name of the expression to explain; each face's most probable one by default.
        layer: Layer for feature maps and Grad-CAM; a map of every stage, and the deepest useful one, by
            default.
        detector: How faces are found (`crops_of`).

    Raises:
        InputError: A value is of another type.

    >>> ExplainOptions(target="sad", detector="whole").layer is None  # the deepest useful one
    True
    """

    target: str | None = None
    layer: str | None = None
    detector: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


USUAL = ExplainOptions()


def explain(
    subject: ExplainableModel,
    image: str | Path | NDArray[np.uint8],
    folder: str | Path,
    what: Sequence[str] = KINDS,
    choice: ExplainOptions = USUAL,
) -> SheetFiles:
    """Write sheets about what a network does with each face of an image. In a notebook they show themselves.

    Args:
        subject: The network (`open_explained`).
        image: A file, or ``(h, w, 3)`` uint8 RGB.
        folder: Where the PNGs go; made where it is not there. An earlier sheet of the same name is replaced.
        what: Kinds of sheets out of ``KINDS``.
        choice: The expression, the layer, the detector.

    Returns:
        Each sheet once it is there whole: ``NETWORK-kernels.png``, ``IMAGE-face1-gradcam.png`` and so on.

    Raises:
        MediaError: The image cannot be read.
        InputError: There is no face in it, or no such expression, layer, kind or detector.
        NetworkError: No gradients can be taken through the network.
        MissingExtraError: A kind needs packages that are not installed; only ``occlusion`` needs none.

    >>> from mien.explain import open_explained
    >>> next(explain(open_explained(), "photo.jpg", "seen", ["dreams"]))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected kinds out of kernels, features, gradcam, guided, occlusion; got 'dreams'
    """
    return SheetFiles(_sheets(subject, image, Path(folder), what, choice))


def _sheets(
    subject: ExplainableModel,
    image: str | Path | NDArray[np.uint8],
    folder: Path,
    what: Sequence[str],
    choice: ExplainOptions,
) -> Iterator[SheetFile]:
    for kind in what:
        if kind not in KINDS:
            raise InputError(f"expected kinds out of {', '.join(KINDS)}; got {quoted(kind)}")
    labels = subject.classifier.labels
    target = None if choice.target is None else labels.index(choice.target)
    faces = crops_of(image, subject.classifier, choice.detector)
    if "kernels" in what:
        path = folder / f"{_word(subject.name)}-kernels.png"
        save_image(path, layout.kernels_page(subject))
        yield SheetFile(path, "kernels")
    stem = "image" if isinstance(image, np.ndarray) else _word(Path(image).stem)
    for number, crop in enumerate(faces, start=1):
        question = Question(
            subject, crop, int(crop.probabilities.argmax()) if target is None else target, choice.layer
        )
        for kind in (kind for kind in _PAGES if kind in what):
            path = folder / f"{stem}-face{number}-{kind}.png"
            save_image(path, _PAGES[kind](question))
            yield SheetFile(path, kind, number, question.expression)


def _word(name: str) -> str:
    """A name as a part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name) or "image"
