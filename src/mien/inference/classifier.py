"""Which expression each face shows: the crops of many faces through one network at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, NetworkError
from mien.core.faces import Faces
from mien.core.names import quoted
from mien.inference.crop import crop_resize_each, planes
from mien.inference.onnx_session import Network
from mien.inference.tta import mean_over_views, require_tta

_BATCH = {"cpu": 64}
_BATCH_ELSEWHERE = 512  # A device of its own is fed well by more: 5 MB of crops.
_BATCH_SIDE = 96
"""Side in px of crops up to which batches are that large; of larger ones as many pixels go through at once, so that
memory does not grow."""


class Classifier:
    """An expression network with the crop that it was trained on.

    Args:
        network: A network whose card says what it reads and how its input is cut.
        head: Which of its outputs to use; the first one of the card by default.
        min_confidence: An expression that is less probable is shown as uncertain; None shows every one.
        tta: Test-time augmentation, how often a face is looked at, one of `mien.inference.tta.TTA`.
        valence: How pleasant expressions are, as `mien.core.labels.Labels` has it.

    Raises:
        NetworkError: The network is not one for expressions.
        InputError: It has no output of that name, the probability is none, or there is no such test-time augmentation.
    """

    def __init__(
        self,
        network: Network,
        head: str | None = None,
        min_confidence: float | None = None,
        tta: str = "one",
        valence: Mapping[str, float] | None = None,
    ) -> None:
        card = network.card
        if card.unfit:
            raise NetworkError(f"{network.path}: {card.unfit}: give another one with --model")
        if card.crop is None:
            raise NetworkError(
                f"{network.path}: expected a card that says which square of the image the network sees; its crop is null: write the card again"
            )
        self.head = next(iter(card.heads)) if head is None else head
        if self.head not in card.heads:
            raise InputError(
                f"expected a head out of {', '.join(card.heads)}, which {card.name} has; got {quoted(self.head)}"
            )
        if card.input.height is None or card.input.height != card.input.width:
            raise NetworkError(
                f"{network.path}: expected a network over square images of one size; its card says {card.input}"
            )
        self.network = network
        self._size = card.input.height
        self.crop = card.crop
        self.tta = require_tta(tta)
        self.labels = card.labels(self.head, min_confidence, valence)

    def classify(self, images: Sequence[NDArray[np.uint8]], faces: Sequence[Faces]) -> list[Faces]:
        """Give every face the probabilities of its expression.

        Args:
            images: ``(h, w, 3)`` RGB images.
            faces: The faces of each image.

        Returns:
            The same faces with ``probs`` and ``labels``. A face gets the same answer alone and among others.
        """
        counts = [len(found) for found in faces]
        every = Faces.concatenate(faces)
        shown = [image for image, count in zip(images, counts, strict=True) for _ in range(count)]
        # Crops of many faces are cut a few at a time: those of 224 px in colour take 600 kB each.
        parts = [
            self.probabilities(self._cut(shown[start:end], every[start:end]))
            for start, end in self._batches(len(every))
        ]
        probs = np.concatenate([np.empty((0, len(self.labels)), np.float32), *parts])
        return every.with_columns(probs=probs, labels=self.labels).split(counts)

    def crop_faces(self, image: NDArray[np.uint8], faces: Faces) -> NDArray[np.float32]:
        """``(n, channels, h, w)`` crops, 0 to 255, as the network sees the faces of one image: gray, or red, green,
        blue."""
        return self._cut([image] * len(faces), faces)

    def probabilities(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(n, k)`` probabilities of crops ``(n, channels, h, w)``, 0 to 255."""
        return mean_over_views(self._run, crops, self.tta)

    def _run(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        spec = self.network.card.input
        batches = (crops[start:end] for start, end in self._batches(len(crops)))
        parts = [self.network.run({spec.name: spec.fed(batch)})[self.head] for batch in batches]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *parts])

    def _batches(self, count: int) -> Iterator[tuple[int, int]]:
        """Start and end of each batch."""
        most = _BATCH.get(self.network.device, _BATCH_ELSEWHERE)
        size = max(1, min(most, most * _BATCH_SIDE**2 // self._size**2))
        return ((start, min(start + size, count)) for start in range(0, count, size))

    def _cut(self, images: Sequence[NDArray[np.uint8]], faces: Faces) -> NDArray[np.float32]:
        """The crop of each face out of its own image."""
        spec = self.network.card.input
        if not len(faces):
            return np.empty((0, spec.channels, self._size, self._size), np.float32)
        squares = self.crop.squares(faces.boxes)
        crops = crop_resize_each(images, squares, self._size, gray=not spec.colour)
        return np.asarray(planes(crops), np.float32)
