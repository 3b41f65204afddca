"""MTCNN, the default detector: three small networks, each a stricter judge of fewer windows (Zhang et al.
2016).

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks,
IEEE Signal Processing Letters 23 (10), https://arxiv.org/abs/1604.02878. The weights are those of the MIT
package ``mtcnn`` (see ``build_tools/mtcnn.py``); this code around them is mien's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference import crop
from mien.inference.detectors.images import checked, found
from mien.inference.onnx_session import Network, open_network
from mien.inference.weights import part_path

Floats = NDArray[np.float32]

WINDOW = 12  # px that P-Net looks at.
STRIDE = 2  # px between the windows of P-Net.
LARGEST_LEVEL = 2_000_000  # px of the largest pyramid level. See MTCNN.
# px of a level that P-Net looks at in one run: 40 MB, and faster than more, of which less stays in the
# processor's cache.
LEVEL_STRIP = 100_000
# The first two are the authors' own. The last one, measured at min_face 40: of 400 FER-2013 training images
# with a border 93 % hold a face at 0.6, 90 % at 0.8, 84 % at 0.9; of 39 images without a face (textures,
# noise, things) none does at 0.8 and one does at 0.79, where a part of a motorcycle passes. In 72 frames of a
# moving face the least sure one is at 0.99, in 95 frames of a cartoon title the surest non-face at 0.58.
THRESHOLDS = (0.6, 0.7, 0.8)
STRIP = 4_000_000  # px that are halved at once.
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
            A record per image: ``boxes`` from forehead to chin, clipped to the image; ``scores``;
            ``points``; frames and times 0.

        Raises:
            InputError: An image is not of that kind.
        """
        arrays = checked(images)
        halves = [halved(array) for array in arrays]
        proposals = [self._propose(array, half) for array, half in zip(arrays, halves, strict=True)]
        refined = self._refine(arrays, halves, proposals)
        return self._output(arrays, refined)

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
        out = _run(self._onet, arrays, windows, 48, rows=64)
        least = (0.8 * self.min_face, self.min_detection_score)
        return [
            _confirmed(array, part, values, *least)
            for array, part, values in zip(arrays, windows, out, strict=True)
        ]

    def _propose(self, image: NDArray[np.uint8], half: NDArray[np.uint8]) -> Floats:
        """``(n, 4)`` square windows of one image that may hold a face (P-Net); ``half`` is the image at
        half its size."""
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        height, width = image.shape[:2]
        for level in self._pyramid(image, half):
            face, shift = self._judged(level)
            rows, columns = np.nonzero(face > self.thresholds[0])
            if not rows.size:
                continue
            corners = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
            windows = np.concatenate([corners, corners + WINDOW], axis=1) + shift[:, rows, columns].T * WINDOW
            windows *= np.array([width / level.shape[1], height / level.shape[0]] * 2, np.float32)
            best = box_arithmetic.suppress(windows, face[rows, columns], 0.5)
            boxes.append(windows[best])
            scores.append(face[rows, columns][best])
        every, score = np.concatenate(boxes), np.concatenate(scores)
        return _square(every[box_arithmetic.suppress(every, score, 0.7)[:MOST_WINDOWS]])

    def _judged(self, level: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """What P-Net says of every window of a level, ``(rows, columns)`` and ``(4, rows, columns)``; some
        rows at a time, which changes no bit."""
        height, width = level.shape[:2]
        rows = max(1, LEVEL_STRIP // width // STRIDE) * STRIDE
        faces, shifts = [], []
        for top in range(0, height - WINDOW + 1, rows):
            # The last strip goes down to the edge, where P-Net has windows that lack a row.
            bottom = height if top + rows > height - WINDOW else top + rows - STRIDE + WINDOW
            out = self._pnet.run({"image": _normalised(level[None, top:bottom])})
            faces.append(out["face"][0, 1])
            shifts.append(out["shift"][0])
        return np.concatenate(faces), np.concatenate(shifts, axis=1)

    def _pyramid(self, image: NDArray[np.uint8], half: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The image at falling sizes, until P-Net's window no longer fits."""
        height, width = image.shape[:2]
        scale = min(WINDOW / self.min_face, (LARGEST_LEVEL / (height * width)) ** 0.5)
        levels: list[Image.Image] = []
        # Where every level is at most half as large, the image halved once serves them all. Of 210 faces of
        # 44 to 200 px on 30 images of 1280x720 that finds 150 where the full one finds 148, in 25 instead
        # of 30 ms.
        whole = Image.fromarray(half if scale <= 0.5 else image)
        while min(height, width) * scale >= WINDOW:
            size = (int(np.ceil(width * scale)), int(np.ceil(height * scale)))
            # From the smallest level that is at least twice as large: as good as from the image, and much
            # faster.
            source = next((level for level in reversed(levels) if level.width >= 2 * size[0]), whole)
            levels.append(source.resize(size, Image.Resampling.BILINEAR))
            scale *= self.factor
        return [np.asarray(level) for level in levels]

    def _refine(
        self, images: list[NDArray[np.uint8]], halves: list[NDArray[np.uint8]], proposals: list[Floats]
    ) -> list[Floats]:
        """Windows that R-Net takes for a face, moved and squared."""
        out = _run(self._rnet, images, proposals, 24, rows=256, halves=halves)
        refined = []
        for windows, values in zip(proposals, out, strict=True):
            score = values["face"][:, 1]
            sure = score > self.thresholds[1]
            moved = _moved(windows[sure], values["shift"][sure])
            refined.append(_square(moved[box_arithmetic.suppress(moved, score[sure], 0.7)]))
        return refined

    def _output(self, images: list[NDArray[np.uint8]], refined: list[Floats]) -> list[Faces]:
        """Faces that O-Net confirms."""
        out = _run(self._onet, images, refined, 48, rows=64)
        records = []
        for image, windows, values in zip(images, refined, out, strict=True):
            height, width = image.shape[:2]
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


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image at half its size, each pixel the rounded mean of four, or of those that an odd edge has."""
    # Pillow copies what it is given, so large images are given to it some rows at a time.
    rows = max(2, STRIP // image.shape[1] // 2 * 2)
    if rows >= len(image):
        return np.asarray(Image.fromarray(image).reduce(2))
    return np.concatenate(
        [np.asarray(Image.fromarray(image[top : top + rows]).reduce(2)) for top in range(0, len(image), rows)]
    )


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


def _run(
    network: Network,
    images: list[NDArray[np.uint8]],
    windows: list[Floats],
    size: int,
    rows: int,
    halves: list[NDArray[np.uint8]] | None = None,
) -> list[dict[str, Floats]]:
    """What a network says of the windows of each image; all images' windows run together, some rows at a
    time."""
    smaller: Sequence[NDArray[np.uint8] | None] = [None] * len(images) if halves is None else halves
    parts_of = zip(images, smaller, windows, strict=True)
    inputs = np.concatenate(
        [_cut(image, half, part, size) for image, half, part in parts_of]
        or [np.empty((0, size, size, 3), np.uint8)]
    )
    if not len(inputs):
        none = {
            "face": np.empty((0, 2), np.float32),
            "shift": np.empty((0, 4), np.float32),
            "points": np.empty((0, 10), np.float32),
        }
        return [none for _ in images]
    parts = [
        network.run({"image": _normalised(inputs[start : start + rows])})
        for start in range(0, len(inputs), rows)
    ]
    ends = np.cumsum([len(part) for part in windows])[:-1]
    columns = {
        name: np.split(np.concatenate([part[name] for part in parts]), ends) for name in network.outputs
    }
    return [{name: column[index] for name, column in columns.items()} for index in range(len(images))]


def _cut(
    image: NDArray[np.uint8], half: NDArray[np.uint8] | None, windows: Floats, size: int
) -> NDArray[np.uint8]:
    """``(n, size, size, 3)`` crops; windows that the halved image still shows at twice that size come from
    there, in a third of the time."""
    if half is None:
        return crop.crop_resize(image, windows, size)
    out = np.empty((len(windows), size, size, 3), np.uint8)
    large = windows[:, 2] - windows[:, 0] >= 4 * size
    out[large] = crop.crop_resize(half, windows[large] / 2, size)
    out[~large] = crop.crop_resize(image, windows[~large], size)
    return out


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
