"""What a network file says about itself: a `Card`, kept as JSON in the metadata of the ONNX file.

Nothing is inferred from a file's name. Field 14 of an ONNX file holds its metadata
(`mien.inference.onnx_file`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mien.core.atomic import atomic_write
from mien.core.errors import NetworkError
from mien.core.faults import fault
from mien.core.labels import ClassEntry, Labels
from mien.inference.onnx_file import delimited, fields, other_files

KEY = "mien.card"
SEAL_KEY = (
    "mien.seal"  # sha256 of the card's own JSON, so that a change of a single letter in it is noticed too.
)
ENOUGH = 100
"""Images below which nobody can tell whether confidences are right: the 95 % interval of a share of right
answers reaches 10 points either way."""
_GRAPH, _METADATA = 7, 14  # Field numbers in ModelProto.


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CropRule(_Part):
    """The square that a network sees, derived from a face box in mien's convention.

    With ``g = sqrt(w * h)`` of the box, the square has the side ``side * g``, and its centre is the centre of
    the box moved by ``right * g`` and ``down * g``.

    Args:
        side: Side of the square in units of ``g``.
        right: Move to the right in units of ``g``.
        down: Move downwards in units of ``g``.
        aspect: Typical ``w / h`` of a box, needed only for the way back.

    >>> rule = CropRule(side=1.5, right=0.0, down=0.1, aspect=0.64)
    >>> squares = rule.squares([[10, 10, 90, 135]])
    >>> squares.tolist()
    [[-25.0, 7.5, 125.0, 157.5]]
    >>> rule.boxes(squares).round(3).tolist()
    [[10.0, 10.0, 90.0, 135.0]]
    """

    side: float = Field(gt=0)
    right: float = 0.0
    down: float = 0.0
    aspect: float = Field(gt=0)

    def squares(self, boxes: ArrayLike) -> NDArray[np.float64]:
        """``(n, 4)`` squares in px for ``(n, 4)`` face boxes; a square may leave the image."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        unit = np.sqrt(np.maximum(width * height, 0))[:, None]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + unit * (self.right, self.down)
        half = unit * (self.side / 2)
        return np.concatenate([centre - half, centre + half], axis=1)

    def boxes(self, squares: ArrayLike) -> NDArray[np.float64]:
        """``(n, 4)`` boxes of the typical aspect whose squares are these: the way back."""
        squares = np.asarray(squares, np.float64).reshape(-1, 4)
        unit = (squares[:, 2:] - squares[:, :2]).mean(axis=1, keepdims=True) / self.side
        centre = (squares[:, :2] + squares[:, 2:]) / 2 - unit * (self.right, self.down)
        half = unit * (self.aspect**0.5, self.aspect**-0.5) / 2
        return np.concatenate([centre - half, centre + half], axis=1)


FER_CROP = CropRule(side=1.1, right=0.0, down=0.0, aspect=0.76)
"""How the 48x48 images of FER-2013 are framed, relative to the boxes of mien's detectors.

Measured by MTCNN (min_face 40) on 2,200 training images drawn at random (of rows 0..28708), enlarged four
times on a canvas with a border of half their size, where it finds exactly one face (1,909 with edges
repeated, 1,937 with gray around). Medians and quartiles: side 1.077 (0.99 to 1.18), right 0.016 (-0.02 to
0.05), down 0.001 (-0.03 to 0.03), aspect 0.76 (0.73 to 0.79). The same measurement on squares of known place,
cut from photos, reads side 0.03 too small, right 0.02 and down 0.01 to 0.03 too large (20 faces): hence 1.1,
0 and 0. Mirroring the images leaves "right" at 0.012 to 0.018, so it is the detector's lean, not the
data's.
"""


class InputSpec(_Part):
    """The one input of a network.

    Args:
        name: Its name in the graph.
        height: px, or None where any height will do.
        width: px, or None where any width will do.
        channels: 1 for gray, 3 for red, green, blue.
        layout: Order of the axes: image, channel, row, column.
        dtype: numpy's name of the type.
        low: The value that a black pixel (0) becomes before it is fed.
        high: The value that a white pixel (255) becomes; all others lie on the line between.
        note: Anything else that must be done to an image.
    """

    name: str
    height: int | None = Field(gt=0)
    width: int | None = Field(gt=0)
    channels: Literal[1, 3]
    layout: Literal["NCHW"] = "NCHW"
    dtype: Literal["float32", "uint8"] = "float32"
    low: float
    high: float
    note: str = ""

    @property
    def colour(self) -> bool:
        """Whether the network sees colours."""
        return self.channels == 3

    def fed(self, images: NDArray[np.generic]) -> NDArray[np.generic]:
        """Images ``(n, channels, h, w)``, 0 to 255, as the network wants them: its range, its type. Gray ones
        ``(n, 1, h, w)`` become three equal channels where it sees colours.

        >>> spec = InputSpec(name="faces", height=1, width=1, channels=3, low=-1, high=1)
        >>> spec.fed(np.full((1, 1, 1, 1), 255, np.uint8)).ravel().tolist()
        [1.0, 1.0, 1.0]
        """
        if images.shape[1] == 1:
            images = np.repeat(images, self.channels, axis=1)
        if (self.low, self.high) != (0, 255):
            images = np.add(self.low, np.multiply(images, (self.high - self.low) / 255))
        return np.ascontiguousarray(images, self.dtype)


class Score(_Part):
    """One measured accuracy.

    Args:
        data: Which images.
        labels: Whose labels.
        n: How many images.
        accuracy: Share of right answers, 0 to 1.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end of its 95 % interval (Wilson).
        balanced_accuracy: Mean recall over the classes, 0 to 1; None where not measured.
        balanced_low: Lower end of its 95 % interval.
        balanced_high: Upper end.
        expected_calibration_error: How far its probabilities are from how often it is right, 15 bins, 0 to 1;
            None where not measured.
        note: How it was measured.
    """

    data: str
    labels: str
    n: int = Field(gt=0)
    accuracy: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    balanced_accuracy: float | None = Field(default=None, ge=0, le=1)
    balanced_low: float | None = Field(default=None, ge=0, le=1)
    balanced_high: float | None = Field(default=None, ge=0, le=1)
    expected_calibration_error: float | None = Field(default=None, ge=0, le=1)
    note: str = ""


class Card(_Part):
    """What a network is, what it was made from and what it must not be used for.

    Args:
        name: Short name, such as ``small``.
        version: Version of the network.
        kind: ``expression`` for classifiers of expressions, ``detector`` for parts of a face detector,
            ``landmarks`` for the points of a face.
        summary: One sentence.
        heads: Names of the classes of each output, in column order; empty for detectors.
        entries: What is known of classes besides their names, by name: how pleasant each is, its colour and its icon;
            empty where mien's own hold.
        input: What the network is fed.
        crop: The square of the image that it is fed, or None.
        training: Which images and labels it was trained on.
        split: What was held out, and what was chosen on what.
        scores: Measured accuracies with their intervals.
        temperatures: Per output, the number that its logits are divided by to calibrate it.
        fitted_to: Per output, how many labelled images its temperature was fitted to; empty where that was
            not written down.
        blend: Share of the FER-2013 head in the logarithm of the blended output, 0 to 1; None where nothing
            is blended.
        adjustment: How much of the logarithm of the classes' shares of the votes is taken off the blended output
            (`mien.training.calibration`).
        division: How the data set was divided where it has no splits of its own (`mien.training.recipe.Split`); empty
            where it has.
        mixture: The further data sets that it learned from, by name, each with its head, weight and sampling
            (`mien.training.recipe.MixtureEntry`).
        precision: Type of its weights: ``float32``, or ``int8`` for one that was quantised.
        parent: Digest of the file that it was quantised from.
        parameters: Number of weights.
        macs: Multiplications for one input.
        licence: Licence of the file.
        rights: What is unresolved about the training images.
        limits: What it must not be used for.
        made_with: The command that made it.
        sha256: Digest of all bytes of the file outside its metadata; `write_card` fills it in.
    """

    name: str = Field(min_length=1)
    version: str
    kind: Literal["expression", "detector", "landmarks"]
    summary: str
    heads: dict[str, tuple[str, ...]] = {}
    entries: dict[str, ClassEntry] = {}
    input: InputSpec
    crop: CropRule | None = None
    training: str = ""
    split: str = ""
    scores: tuple[Score, ...] = ()
    temperatures: dict[str, float] = {}
    fitted_to: dict[str, int] = {}
    blend: float | None = Field(default=None, ge=0, le=1)
    adjustment: float = Field(default=0.0, ge=0, le=1)
    division: dict[str, JsonValue] = {}
    mixture: dict[str, dict[str, JsonValue]] = {}
    precision: Literal["float32", "int8"] = "float32"
    parent: str = ""
    parameters: int = Field(ge=0)
    macs: int = Field(ge=0)
    licence: str
    rights: str = ""
    limits: str = ""
    made_with: str = ""
    sha256: str = ""

    def labels(
        self, head: str, min_confidence: float | None = None, valence: Mapping[str, float] | None = None
    ) -> Labels:
        """The classes of a head, and what is known of them.

        Args:
            head: One of ``heads``.
            min_confidence: As `mien.core.labels.Labels` has it.
            valence: Likewise.
        """
        names = self.heads[head]
        entries = {name: entry for name, entry in self.entries.items() if name in names}
        return Labels(names, min_confidence, valence, entries)

    @property
    def unfit(self) -> str:
        """Why it reads no expressions; empty where it does."""
        if self.kind != "expression":
            return f"expected a network that reads expressions; its card says {self.kind}"
        if not self.heads or not all(self.heads.values()):
            return "expected a network that reads expressions; its card names no classes (heads)"
        return ""

    @property
    def uncalibrated(self) -> str:
        """A remark on outputs whose temperatures were fitted to too few images (`ENOUGH`) to call them
        calibrated; empty where there is none."""
        few = [f"{head} to {n}" for head, n in self.fitted_to.items() if n < ENOUGH]
        return (
            f"not calibrated: temperatures were fitted to too few labelled images ({', '.join(few)}; {ENOUGH} are needed)"
            if few
            else ""
        )


def read_card(source: str | os.PathLike[str] | bytes, name: str = "network") -> Card:
    """Card of a network file, after checking that no byte of the file has changed since the card was written.

    Args:
        source: Path of an ONNX file, or its bytes.
        name: What messages call the bytes; a path speaks for itself.

    Raises:
        NetworkError: The file is missing, not an ONNX file, without a card, damaged, its card is not
            understood, or it names another file.
    """
    if not isinstance(source, bytes):
        source, name = read_network(source), str(source)
    rest, metadata = _split(source, name)
    require_one_file(source, name)
    entries = dict(_entry(field, name) for field in metadata)
    if KEY not in entries:
        raise NetworkError(
            f"{name}: expected an ONNX file with a card; it has none: 'mien train' writes such files, and 'mien models adopt' makes them of others"
        )
    text = entries[KEY]
    if entries.get(SEAL_KEY) != hashlib.sha256(text).hexdigest().encode():
        raise NetworkError(f"{name}: damaged: the card is not the one that was written: get the file again")
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise NetworkError(
            f"{name}: the card is not understood: {field}: {fault(first)}: use a newer mien or write the card again"
        ) from None
    if card.sha256 != _digest(rest):
        raise NetworkError(
            f"{name}: damaged: the digest of its bytes is not the one in its card: get the file again"
        )
    return card


def write_card(path: str | os.PathLike[str], card: Card) -> Card:
    """Put a card into an ONNX file, in place of an earlier one; other metadata stays.

    The new file is written aside and then renamed, so that no one sees half of it.

    Returns:
        The card as written, with its ``sha256``.

    Raises:
        NetworkError: The file is missing or not an ONNX file.
    """
    path = Path(path)
    name = str(path)
    rest, metadata = _split(read_network(path), name)
    card = card.model_copy(update={"sha256": _digest(rest)})
    text = card.model_dump_json().encode()
    seal = hashlib.sha256(text).hexdigest().encode()
    kept = [field for field in metadata if _entry(field, name)[0] not in (KEY, SEAL_KEY)]
    written = [
        delimited(_METADATA, delimited(1, key.encode()) + delimited(2, value))
        for key, value in ((KEY, text), (SEAL_KEY, seal))
    ]
    with atomic_write(path) as aside:
        aside.write_bytes(b"".join([*rest, *(delimited(_METADATA, field) for field in kept), *written]))
    return card


def read_network(path: str | os.PathLike[str]) -> bytes:
    """All bytes of a network file.

    Raises:
        NetworkError: There is no such file, or it cannot be read.
    """
    try:
        if (file := Path(path)).exists() and not file.is_file():  # A pipe would wait for somebody who writes.
            raise NetworkError(f"{path}: expected an ONNX file; it cannot be read: no plain file")
        return file.read_bytes()
    except FileNotFoundError:
        raise NetworkError(f"{path}: expected an ONNX file; there is none") from None
    except OSError as error:
        raise NetworkError(f"{path}: expected an ONNX file; it cannot be read: {error.strerror}") from None


def _split(data: bytes, name: str) -> tuple[list[bytes], list[bytes]]:
    """All fields of the file but its metadata, as they stand; and the contents of each metadata field."""
    rest, metadata, graphs = [], [], 0
    try:
        for number, whole, content in fields(data):
            graphs += number == _GRAPH
            if number == _METADATA:
                metadata.append(content)
            else:
                rest.append(whole)
    except ValueError:
        graphs = 0
    if graphs != 1:
        raise NetworkError(f"{name}: expected an ONNX file; it is something else or damaged")
    return rest, metadata


def require_one_file(data: bytes, name: str) -> None:
    """A network is one file, of which a digest can be told: ONNX Runtime would open whatever path its weights
    name.

    Raises:
        NetworkError: It names another file, or is no ONNX file.
    """
    try:
        other = next(other_files(data), None)
    except ValueError:
        raise NetworkError(f"{name}: expected an ONNX file; it is something else or damaged") from None
    if other is not None:
        remedy = (
            "put all into one file (onnx.save(onnx.load(FILE), NEW)), and a card with it (mien models adopt)"
        )
        raise NetworkError(
            f"{name}: expected a network in one file; weights of it lie in another, {other!r}, which is not opened: {remedy}"
        )


def _entry(field: bytes, name: str) -> tuple[str, bytes]:
    """Key and value of one metadata field (``StringStringEntryProto``)."""
    try:
        parts = {number: content for number, _, content in fields(field)}
        return parts.get(1, b"").decode(), parts.get(2, b"")
    except ValueError:
        raise NetworkError(f"{name}: damaged: its metadata is not understood: get the file again") from None


def _digest(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
