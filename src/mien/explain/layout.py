"""What goes onto each sheet: the numbers of a method, the face that they belong to, and what they mean in
a plain line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.formatting import counted, precise
from mien.explain.attribution import gradcam, guided_backpropagation, occlusion
from mien.explain.base import ExplainableModel, chosen_layer, deepest, stages
from mien.explain.crops import Crop
from mien.explain.drawing import (
    TIGHT,
    Heading,
    bars,
    captioned,
    laid_over,
    legend,
    mosaic,
    sheet,
    side_by_side,
    stacked,
    written,
)
from mien.media.fonts import apart, legible

_MOST = 64
"""Maps of one stage that are shown beside other stages; one layer alone is shown with all of its maps."""
_LEAST_FALL = 0.01
"""Falls of probability are coloured on a scale of at least one point, so that a sure answer's noise does not
look like an effect."""
_WIDTH = 960


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of a model about one face.

    Args:
        subject: The model.
        crop: The face.
        target: Column of the expression.
        layer: A layer's name, or None for the usual one.
    """

    subject: ExplainableModel
    crop: Crop
    target: int
    layer: str | None = None

    @property
    def expression(self) -> str:
        """Its name, as it can be drawn."""
        return apart(legible(self.subject.classifier.labels[self.target], f"label {self.target + 1}"))

    @property
    def colour(self) -> str:
        """Of its label, ``#rrggbb``."""
        labels = self.subject.classifier.labels
        return labels.colour(labels[self.target])

    def heading(self, method: str, meaning: str, layer: str = "") -> Heading:
        """The heading of a sheet about it."""
        classifier = self.subject.classifier
        probability = precise(float(self.crop.probabilities[self.target])) + (
            "" if self.subject.calibrated else " (not calibrated)"
        )
        source = f"model {self.subject.name}, head {classifier.head}" + (f", layer {layer}" if layer else "")
        return Heading(
            f"{method}: {self.expression}, {probability}",
            self.colour,
            meaning,
            source,
        )


def kernels_page(subject: ExplainableModel) -> NDArray[np.uint8]:
    """The kernels of the first convolution."""
    kernels = subject.kernels()
    outputs, inputs, height, width = kernels.weights.shape
    most = (
        float(np.quantile(np.abs(kernels.weights), 0.95)) or 1.0
    )  # Beyond it colours are full: one strong filter must not pale the others.
    tiles = kernels.weights.reshape(-1, height, width) / most
    columns = inputs * max(1, (8 if outputs <= 32 else 16) // inputs)
    meaning = (
        "What the first layer looks for, one square for each of its filters: red weighs brightness positively, blue negatively. "
        "Red beside blue is an edge or a line; one colour alone is a spot."
    )
    source = f"model {subject.name}, layer {kernels.layer}, {outputs} filters of {inputs}x{height}x{width}"
    page = [
        mosaic(tiles, columns, 72 if columns <= 8 else 48, signed=True),
        legend(f"{-most:.2g} or less", f"+{most:.2g} or more", 300, signed=True),
    ]
    return sheet(Heading("Kernels of the first layer", "#6b7280", meaning, source), page)


def features_page(question: Question) -> NDArray[np.uint8]:
    """Feature maps: of one layer all, or of every stage the strongest."""
    features = question.subject.features(question.crop.pixels)
    names = stages(features) if question.layer is None else [chosen_layer(question.layer, list(features))]
    blocks = [side_by_side([_seen(question, 144), bars(_probabilities(question), 360)])]
    for name in names:
        blocks.append(_maps(name, features[name], None if question.layer else _MOST))
    meaning = (
        "What layers make of the face, one square per map: bright is a strong answer to a pattern at that place "
        "(blue and red where a layer also answers below 0). A map has no name: nobody told the model what it should mean."
    )
    return sheet(question.heading("Feature maps", meaning, question.layer or ""), blocks)


def gradcam_page(question: Question) -> NDArray[np.uint8]:
    """Grad-CAM over the face."""
    features = question.subject.features(question.crop.pixels)
    layers = [chosen_layer(question.layer, list(features))] if question.layer else deepest(features)
    values = gradcam(question.subject, question.crop.pixels, question.target, question.layer)
    cells = " and ".join(dict.fromkeys("x".join(map(str, features[layer].shape[1:])) for layer in layers))
    name = question.expression
    if values.any():
        meaning = f"Bright places speak for {name} in this layer. It sees {cells} cells, so the heat shows the region, not the pixel."
    else:
        meaning = f"Nothing in this layer speaks for {name}: the map is empty."
    ends = ("does not speak for it", "speaks for it most")
    return _page(question, "Grad-CAM", meaning, values / (values.max() or 1), ends, layer=", ".join(layers))


def guided_page(question: Question) -> NDArray[np.uint8]:
    """Guided backpropagation over the face."""
    values = guided_backpropagation(question.subject, question.crop.pixels, question.target)
    scale = float(np.quantile(np.abs(values), 0.995)) or 1.0
    meaning = (
        f"Pixels that the score of {question.expression} depends on: red, brighter would raise it; blue, darker would. "
        "It shows which lines the model can see, more than why it chose this expression."
    )
    return _page(
        question,
        "Guided backpropagation",
        meaning,
        values / scale,
        ("darker would raise it", "brighter would"),
        signed=True,
    )


def occlusion_page(question: Question) -> NDArray[np.uint8]:
    """Occlusion over the face."""
    values = occlusion(question.subject.classifier, question.crop.pixels, question.target)
    scale = max(_LEAST_FALL, float(np.abs(values).max()))
    meaning = (
        f"What covering a place with gray does to the probability of {question.expression}: red, it falls, so the place speaks for it; "
        f"blue, it rises. The strongest place takes {100 * max(0.0, float(values.max())):.1f} points."
    )
    ends = (f"rises {100 * scale:.1f} points", f"falls {100 * scale:.1f} points")
    return _page(question, "Occlusion", meaning, values / scale, ends, signed=True)


def _page(
    question: Question,
    method: str,
    meaning: str,
    values: NDArray[np.floating],
    ends: tuple[str, str],
    *,
    layer: str = "",
    signed: bool = False,
) -> NDArray[np.uint8]:
    """Face, heat over the face, and probabilities side by side. Values are -1 or 0 to 1."""
    side = question.crop.view.shape[0]
    grown = np.asarray(
        Image.fromarray(values.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    )
    over = captioned(laid_over(question.crop.view, grown, signed=signed), f"{method} over the face")
    right = stacked([bars(_probabilities(question), 300), legend(*ends, 300, signed=signed)])
    return sheet(
        question.heading(method, meaning, layer), [side_by_side([_seen(question, side), over, right])]
    )


def _seen(question: Question, side: int) -> Image.Image:
    given = question.crop.pixels.round().clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(given[0] if len(given) == 1 else np.moveaxis(given, 0, -1))
    enlarged = picture.resize((side, side), Image.Resampling.NEAREST).convert("RGB")
    return captioned(np.asarray(enlarged), f"what the model is given, {picture.width}x{picture.height}")


def _probabilities(question: Question) -> list[tuple[str, float, str]]:
    labels = question.subject.classifier.labels
    return [
        (name, float(value), labels.colour(name))
        for name, value in zip(labels, question.crop.probabilities, strict=True)
    ]


def _maps(name: str, maps: NDArray[np.float32], most: int | None) -> Image.Image:
    """The maps of a layer on one scale of colours; the strongest of them where there are too many."""
    count, height, width = maps.shape
    shown = maps
    if most is not None and count > most:
        strongest = np.sort(np.argsort(-np.abs(maps).mean(axis=(1, 2)))[:most])
        shown = maps[strongest]
    signed = bool(shown.min() < 0)
    scale = float(np.quantile(np.abs(shown), 0.998)) or 1.0
    columns, tile = (16, 56) if len(shown) > 16 else (8, 116)
    caption = f"{name}: {counted(count, 'map')} of {width}x{height}" + (
        f", the {most} strongest; --layer {name} shows all" if len(shown) < count else ""
    )
    return stacked(
        [written([caption], _WIDTH, 15), mosaic(shown / scale, columns, tile, signed=signed)], TIGHT
    )
