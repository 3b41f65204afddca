"""MTCNN, the default detector: three small networks, each a stricter judge of fewer windows (Zhang et al.
2016).

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks,
IEEE Signal Processing Letters 23 (10), https://arxiv.org/abs/1604.02878. The weights are those of the MIT
package ``mtcnn`` (see ``build_tools/mtcnn.py``); this code around them is mien's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference import crop
from mien.inference.detectors.images import checked, found
from mien.inference.detectors.pyramid import STRIDE, WINDOW, Pyramid
from mien.inference.onnx_session import Network, open_network
from mien.inference.weights import part_path

Floats = NDArray[np.float32]

LARGEST_LEVEL = 2_000_000  # px of the largest pyramid level. See MTCNN.
# px of the canvas that P-Net looks at in one run: 40 MB, and faster than more, of which less stays in the
# processor's cache.
STRIP = 100_000
# The first two are the authors' own. The last one, measured at min_face 40: of 400 FER-2013 training images
# with a border 93 % hold a face at 0.6, 90 % at 0.8, 84 % at 0.9; of 39 images without a face (textures,
# noise, things) none does at 0.8 and one does at 0.79, where a part of a motorcycle passes. In 72 frames of a
# moving face the least sure one is at 0.99, in 95 frames of a cartoon title the surest non-face at 0.58.
THRESHOLDS = (0.6, 0.7, 0.8)
MOST_WINDOWS = 4000  # Proposals per image that are looked at again, best first.


class MTCNN:
    """Faces in images, with boxes and five points. It may be shared by threads.

    The work grows with the image over ``min_face``: halving ``min_face`` costs two to three times as much.
    Images whose largest pyramid level would exceed 2 megapixels (at ``min_face=40``: 22 megapixels) are
    scaled down further, so that memory stays bounded; the smallest face that can be found in them grows in
    proportion.

    Args:
        min_face: Height in px of the smallest face to be found; lower boxes are dropped.
        thresholds: Least probability of a face that P-Net, R-Net and O-Net must give.
        min_detection_score: Least probability of a face in place of O-Net's threshold, also where a known
            face is looked at again; None: that threshold, and no other bound where a known face is.
        factor: Size of a pyramid level over that of the one before.
        threads: Threads per run of a network; None leaves it to ONNX Runtime.
        device: What runs the networks; see `mien.inference.onnx_session.open_network`.

    Raises:
        NetworkError: The networks were not made when mien was built.
        InputError: An option is out of range.
    """

    name = "mtcnn"

    def __init__(
        self,
        min_face: int = 40,
        *,
        thresholds: tuple[float, float, float] = THRESHOLDS,
        min_detection_score: float | None = None,
        factor: float = 0.709,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        if min_face < WINDOW:
            raise InputError(f"expected min_face of {WINDOW} px or more; got {min_face}")
        if min_detection_score is not None:
            thresholds = (*thresholds[:2], min_detection_score)
        if (
            not 0.1 <= factor <= 0.95
            or not all(0 < threshold < 1 for threshold in thresholds)
            or len(thresholds) != 3
        ):
            raise InputError(
                f"expected a factor in 0.1..0.95 and three thresholds between 0 and 1; got {factor} and {thresholds}"
            )
        self.min_face = min_face
        self.min_detection_score = 0.0 if min_detection_score is None else min_detection_score
        self.thresholds = thresholds
        self.factor = factor
        self._pnet, self._rnet, self._onet = (
            open_network(part_path(f"mtcnn-{part}"), threads=threads, device=device)
            for part in ("pnet", "rnet", "onet")
        )

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """Find the faces in each image, best first.

        Args:
            images: ``(h, w, 3)`` uint8 RGB, each of its own size.

        Returns:
            A record per image: ``boxes`` from forehead to chin, clipped to the image; ``detection_scores``;
            ``landmarks``; frames and times 0.

        Raises:
            InputError: An image is not of that kind.
        """
        arrays = checked(images)
        pyramids = [self._pyramid(array) for array in arrays]
        proposals = [self._propose(pyramid) for pyramid in pyramids]
        return self._output(pyramids, self._refine(pyramids, proposals))

    def refine(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[ArrayLike]) -> list[Faces]:
        """Look at boxes that are already thought to hold a face, with the last network alone.

        This costs a twentieth of `detect` or less: a face that was found a moment ago is confirmed and its
        box brought up to date. A box may be off by about a quarter of its size: of seven real faces moved by
        0.3 of it to the side, up or down, all are still found.

        Args:
            images: ``(h, w, 3)`` uint8 RGB, each of its own size.
            boxes: For each image ``(n, 4)``, in the convention of `detect`.

        Returns:
            A record per image with a row for every box, in the same order: the refined box, its points, and
            as score the probability of a face, however low; 0 where it is below ``min_detection_score``, too
            little lies in the image, or the face is lower than 0.8 ``min_face``.

        Raises:
            InputError: An image is not of that kind.
        """
        arrays = checked(images)
        windows = [_squared(np.asarray(part, np.float32).reshape(-1, 4)) for part in boxes]
        crops = [crop.crop_resize(array, part, 48) for array, part in zip(arrays, windows, strict=True)]
        out = _run(self._onet, crops, rows=64)
        least = (0.8 * self.min_face, self.min_detection_score)
        return [
            _confirmed(array, part, values, *least)
            for array, part, values in zip(arrays, windows, out, strict=True)
        ]

    def _pyramid(self, image: NDArray[np.uint8]) -> Pyramid:
        """The image at falling sizes, until P-Net's window no longer fits."""
        scale = min(WINDOW / self.min_face, (LARGEST_LEVEL / (image.shape[0] * image.shape[1])) ** 0.5)
        return Pyramid(image, scale, self.factor)

    def _propose(self, pyramid: Pyramid) -> Floats:
        """``(n, 4)`` square windows of one image that may hold a face (P-Net)."""
        layout = pyramid.layout
        if not len(layout.sizes):
            return np.empty((0, 4), np.float32)
        face, shift = self._judged(pyramid.canvas())
        rows, columns = np.nonzero((face > self.thresholds[0]) & (layout.owner >= 0))
        level = layout.owner[rows, columns]
        corners = (np.stack([columns, rows], axis=1) * STRIDE - layout.corners[level]).astype(np.float32)
        windows = np.concatenate([corners, corners + WINDOW], axis=1) + shift[:, rows, columns].T * WINDOW
        windows *= layout.stretch[level]
        best = box_arithmetic.suppress(windows, face[rows, columns], 0.7)
        return _square(windows[best[:MOST_WINDOWS]])

    def _judged(self, canvas: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """What P-Net says of every window of a canvas, ``(rows, columns)`` and ``(4, rows, columns)``; some
        rows at a time, which changes no bit."""
        height, width = canvas.shape[:2]
        rows = max(1, STRIP // width // STRIDE) * STRIDE
        faces, shifts = [], []
        for top in range(0, height - WINDOW + 1, rows):
            bottom = min(height, top + rows - STRIDE + WINDOW)
            out = self._pnet.run({"image": _normalised(canvas[None, top:bottom])})
            faces.append(out["face"][0, 1])
            shifts.append(out["shift"][0])
        return np.concatenate(faces), np.concatenate(shifts, axis=1)

    def _refine(self, pyramids: list[Pyramid], proposals: list[Floats]) -> list[Floats]:
        """Windows that R-Net takes for a face, by a coarse look, moved and squared by what a closer one tells."""
        likely = [
            windows[score > self.thresholds[1]] for windows, score, _ in self._seen(pyramids, proposals, 24)
        ]
        refined = []
        for windows, score, shift in self._seen(pyramids, likely, 64):
            moved = _moved(windows, shift)
            refined.append(_square(moved[box_arithmetic.suppress(moved, score, 0.7)]))
        return refined

    def _seen(
        self, pyramids: list[Pyramid], windows: list[Floats], least: int
    ) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Windows, R-Net's score of each, and where it would move them, out of pictures that show so much of them."""
        crops = [pyramid.cut(part, 24, least=least) for pyramid, part in zip(pyramids, windows, strict=True)]
        for part, values in zip(windows, _run(self._rnet, crops, rows=256), strict=True):
            yield part, values["face"][:, 1], values["shift"]

    def _output(self, pyramids: list[Pyramid], refined: list[Floats]) -> list[Faces]:
        """Faces that O-Net confirms."""
        crops = [pyramid.cut(part, 48, least=96) for pyramid, part in zip(pyramids, refined, strict=True)]
        records = []
        for pyramid, windows, values in zip(pyramids, refined, _run(self._onet, crops, rows=64), strict=True):
            height, width = pyramid.image.shape[:2]
            score = values["face"][:, 1]
            boxes = _moved(windows, values["shift"])
            inside = box_arithmetic.clip(boxes, width, height)
            tall = boxes[:, 3] - boxes[:, 1] >= self.min_face
            sure = np.flatnonzero(
                (score > self.thresholds[2]) & tall & (inside[:, 2:] - inside[:, :2] >= 1).all(axis=1)
            )
            best = sure[box_arithmetic.suppress(boxes[sure], score[sure], 0.7, over="smaller")]
            records.append(found(inside[best], score[best], _points(windows, values["points"])[best]))
        return records


def create(min_face: int, min_detection_score: float | None, threads: int | None, device: str) -> MTCNN:
    """What `mien.inference.detectors.create_detector` gives under the name ``mtcnn``."""
    return MTCNN(min_face, min_detection_score=min_detection_score, threads=threads, device=device)


def _confirmed(
    image: NDArray[np.uint8],
    windows: Floats,
    values: dict[str, Floats],
    height_least: float,
    score_least: float,
) -> Faces:
    """What O-Net says of windows that are taken for faces, row by row."""
    height, width = image.shape[:2]
    boxes = _moved(windows, values["shift"])
    inside = box_arithmetic.clip(boxes, width, height)
    scores = values["face"][:, 1]
    there = (
        (boxes[:, 3] - boxes[:, 1] >= height_least)
        & (box_arithmetic.area(inside) >= 0.25 * box_arithmetic.area(boxes))
        & (scores >= score_least)
    )
    return found(inside, scores * there, _points(windows, values["points"]))


def _points(windows: Floats, values: Floats) -> Floats:
    """``(n, 5, 2)`` px of the points that O-Net gives: five x, then five y, as shares of the window."""
    shares = values.reshape(-1, 2, 5).transpose(0, 2, 1)
    points: Floats = windows[:, None, :2] + shares * (windows[:, 2:] - windows[:, :2])[:, None]
    return points


def _run(network: Network, crops: list[NDArray[np.uint8]], rows: int) -> list[dict[str, Floats]]:
    """What a network says of the crops of each image; all images' crops run together, some rows at a time."""
    inputs = np.concatenate(crops) if crops else np.empty(0, np.uint8)
    if not len(inputs):
        none = {
            "face": np.empty((0, 2), np.float32),
            "shift": np.empty((0, 4), np.float32),
            "points": np.empty((0, 10), np.float32),
        }
        return [none for _ in crops]
    parts = [
        network.run({"image": _normalised(inputs[start : start + rows])})
        for start in range(0, len(inputs), rows)
    ]
    ends = np.cumsum([len(part) for part in crops])[:-1]
    columns = {
        name: np.split(np.concatenate([part[name] for part in parts]), ends) for name in network.outputs
    }
    return [{name: column[index] for name, column in columns.items()} for index in range(len(crops))]


def _normalised(images: NDArray[np.uint8]) -> Floats:
    """``(n, h, w, 3)`` uint8 as ``(n, 3, h, w)`` float32 from -1 to 1."""
    values = images.transpose(0, 3, 1, 2).astype(np.float32)
    values -= 127.5
    values *= 1 / 128
    return np.ascontiguousarray(values, np.float32)


def _moved(windows: Floats, shifts: Floats) -> Floats:
    """Windows with each edge moved by a share of their sides."""
    sides = windows[:, 2:] - windows[:, :2]
    moved: Floats = windows + shifts * np.concatenate([sides, sides], axis=1)
    return moved


def _square(boxes: Floats) -> Floats:
    """`_squared` without the boxes thinner than a pixel."""
    thick: Floats = _squared(boxes)[(boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) >= 1]
    return thick


def _squared(boxes: Floats) -> Floats:
    """Squares with the centres of the boxes and their longer sides, which are a pixel at least."""
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=1)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    squares: Floats = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return squares
