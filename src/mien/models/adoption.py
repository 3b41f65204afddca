"""A classifier that was made elsewhere, as a model file of mien's: what its graph says of itself is found out, what it
cannot say is told, and all that its images need is built into the graph, so that whoever runs it gives pixels of 0
to 255, red, green, blue (or gray), channel by channel, and gets probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_write
from mien.core.errors import InputError, MissingExtraError, UntoldError
from mien.core.formatting import counted
from mien.core.frame_result import require_columns
from mien.core.labels import NOTICE, Labels
from mien.core.names import quoted
from mien.inference.card import (
    FER_CROP,
    KEY,
    Card,
    CropRule,
    InputSpec,
    Score,
    read_network,
    write_card,
)
from mien.models.foreign_graph import Graph, multiplications, open_model
from mien.models.preparation import COLOURS, Colour, Preparation

try:
    import onnx
except ModuleNotFoundError:
    raise MissingExtraError("Models of others", "adopt", "onnx") from None

HEAD = "labels"
"""What the output is called, as in models trained on data other than FER-2013."""


@dataclass(frozen=True)
class Told:
    """What somebody says of a model file; None where it is left to the graph.

    Args:
        labels: The classes in the order of the output, and what is known of each.
        colour: Order of its channels.
        mean: See `Preparation`.
        std: See `Preparation`.
        pixels: See `Preparation`.
        size: Side of its images in px.
        output: Name of the output that has the classes.
        crop: The square around a face that it was trained on.
        name: Short name of the model.
        licence: Whose terms it comes under.
        made_with: The command.
    """

    labels: Labels
    colour: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    pixels: int | None = None
    size: int | None = None
    output: str | None = None
    crop: CropRule = FER_CROP
    name: str | None = None
    licence: str = "not stated"
    made_with: str = "mien models adopt"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model file of somebody else's that has been looked at and can be adopted.

    Args:
        path: Where it came from.
        graph: What its graph takes and gives.
        told: What was said of it.
        preparation: What becomes of pixels.
        found: What was found out, for people to check.
    """

    path: Path
    graph: Graph
    told: Told
    preparation: Preparation
    found: tuple[str, ...] = ()

    def changed(self, **changes: Any) -> Candidate:
        """The same with another preparation, or other labels."""
        told = replace(self.told, labels=changes.pop("labels", self.told.labels))
        return replace(self, told=told, preparation=replace(self.preparation, **changes))

    @property
    def channels(self) -> int:
        """Of the images that mien gives it: 1 for gray."""
        return 1 if self.preparation.colour == "gray" else 3

    def write(self, target: Path, scores: tuple[Score, ...] = ()) -> Card:
        """Write the model file.

        Args:
            target: Where it goes.
            scores: What is known of its accuracy.

        Returns:
            Its card.

        Raises:
            InputError: The place cannot be written to.
        """
        with atomic_write(target) as aside:
            onnx.save(self.graph.prepared(self.preparation, self.channels, HEAD), aside)
            return write_card(aside, self._card.model_copy(update={"scores": scores}))

    @cached_property
    def _card(self) -> Card:
        told, names = self.told, self.told.labels.names
        side = self.graph.side
        return Card(
            name=told.name or self.path.stem,
            version="1",
            kind="expression",
            summary=f"Adopted from {self.path.name}: {counted(len(names), 'class', 'classes')}. Inside the graph: {self.preparation}.",
            heads={HEAD: names},
            entries=dict(told.labels.entries),
            input=InputSpec(
                name="faces",
                height=side,
                width=side,
                channels=1 if self.channels == 1 else 3,
                low=0,
                high=255,
                note="Pixels as they are; the network scales them itself.",
            ),
            crop=told.crop,
            training="Not by mien; ask whoever made it.",
            temperatures={HEAD: 1.0},
            fitted_to={HEAD: 0},
            parameters=self.graph.parameters,
            macs=multiplications(self.graph.model),
            licence=told.licence,
            limits=f"What it was made for, its own makers say. {NOTICE}",
            made_with=told.made_with,
        )


def look_at(path: Path, told: Told) -> Candidate:
    """Find out what a model file takes and gives.

    Args:
        path: ONNX file.
        told: What its graph cannot say.

    Raises:
        NetworkError: It is not an ONNX file, its weights are not beside it, it cannot be run here, or is no classifier.
        InputError: What was told does not fit the graph.
        UntoldError: Something is missing.
    """
    model = open_model(read_network(path), path)
    if any(entry.key == KEY for entry in model.metadata_props):
        raise InputError(
            f"{path}: a model of mien's already: use it with --model, and mien models list shows its card"
        )
    if told.colour is not None and told.colour not in COLOURS:
        raise InputError(f"expected --colour {', '.join(COLOURS)}; got {quoted(told.colour)}")
    require_columns(told.labels)
    graph = Graph.of(model, path, told.size, told.output)
    _require_classes(graph, told.labels, path)
    colour = _colour(graph, told.colour)
    preparation = _preparation(graph, told, colour)
    found = (
        f"images {graph.side}x{graph.side}, {graph.channels} channel{'s' * (graph.channels > 1)} ({graph.layout}, {graph.dtype_name})",
        f"output {graph.output}: {graph.classes} {'probabilities' if graph.probabilities else 'scores, made into probabilities'}",
        f"pixels: {preparation}",
    )
    return Candidate(path, graph, told, preparation, found)


def _require_classes(graph: Graph, labels: Labels, path: Path) -> None:
    if graph.classes != len(labels):
        raise InputError(
            f"{path}: expected {graph.classes} labels, as its output {graph.output} has {graph.classes} classes; "
            f"got {len(labels)} ({', '.join(labels)}): give them all, in its order, with --labels"
        )


def _colour(graph: Graph, told: str | None) -> Colour:
    if graph.channels == 1:
        if told not in (None, "gray"):
            raise InputError(
                f"expected --colour gray, as the network takes images of one channel; got {told}"
            )
        return "gray"
    if told is None:
        raise UntoldError(
            "colour",
            "is it rgb, bgr (as OpenCV gives images) or gray (three equal channels)",
            "a graph does not say the order of its channels",
        )
    return told  # type: ignore[return-value]


def _preparation(graph: Graph, told: Told, colour: Colour) -> Preparation:
    if graph.whole_numbers:
        if told.mean is not None or told.std is not None or told.pixels == 1:
            raise InputError(
                "expected no --mean, --std and --pixels 1, as the network takes whole numbers of 0 to 255; leave them out"
            )
        return Preparation(colour)
    if told.mean is None or told.std is None:
        option = "mean" if told.mean is None else "std"
        usual = (
            "0 and 1 where pixels go in as they are, 0.485,0.456,0.406 and 0.229,0.224,0.225 for ImageNet's"
        )
        raise UntoldError(
            option,
            f"what were images brought to, --mean and --std ({usual})",
            "a graph does not say what range its pixels have",
        )
    pixels = told.pixels
    if pixels is None:
        values = [*map(abs, told.mean), *told.std]
        if max(values) <= 1 and set(values) <= {0.0, 1.0}:
            raise UntoldError(
                "pixels",
                "what is a white pixel, 1 or 255",
                "--mean 0 --std 1 leaves open whether pixels end at 1 or at 255",
            )
        pixels = 1 if max(values) <= 1 else 255
    preparation = Preparation(colour, told.mean, told.std, pixels)
    preparation.at_255(graph.channels)
    return preparation
