"""BlazeFace, for faces that fill the frame, as before a camera: one small network and one look at the whole image.

Bazarevsky et al. 2019, https://arxiv.org/abs/1907.05047; the weights are MediaPipe's for near faces (see
``build_tools/blazeface.py``), this code around them is mien's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference.detectors.images import checked, found
from mien.inference.onnx_session import open_network
from mien.inference.weights import part_path

Floats = NDArray[np.float32]

SIDE = 128  # px of the square that it looks at.
GRIDS = ((16, 2), (8, 6))  # Cells to a side of each of its grids, and rectangles to a cell.
ROWS = 32  # Images that run at once.
SURE = 0.6
NEAREST = 5
"""A face that is found is at least the frame's longer side over this high, as a rule."""

# Rectangles that overlap more are one face, whose rectangle is their mean, weighted by their scores, as in MediaPipe.
SAME = 0.3

# From its square to the box from forehead to chin, in units of the square's side. Medians of the box that MTCNN gives, on
# 104 of 150 everyday photographs put before backgrounds without faces, upright or tilted by up to 20 degrees, where each of
# the two finds one face (`benchmarks.studies.search --fit`); in brackets where half of them lie:
#   width .957 (.917 to 1.008), height 1.238 (1.183 to 1.286), right -.015 (-.032 to -.002), down -.115 (-.139 to -.094)
WIDTH, HEIGHT, RIGHT, DOWN = 0.957, 1.238, -0.015, -0.115


class Blaze:
    """Near faces in images, with boxes and points. It may be shared by threads.

    The work is the same for every image, however large: its longer side becomes 128 px. Faces lower than about a
    fifth of that side are not seen. Of the five points both corners of the mouth are at its middle, which is what the network
    gives.

    Args:
        min_face: Height in px of the smallest face; lower boxes are dropped.
        min_detection_score: Least probability of a face; None: 0.6.
        threads: Threads per run of the network; None leaves it to ONNX Runtime.
        device: What runs the network; see `mien.inference.onnx_session.open_network`.

    Raises:
        NetworkError: The network was not made when mien was built.
        InputError: An option is out of range.
    """

    name = "blaze"

    def __init__(
        self,
        min_face: int = 40,
        *,
        min_detection_score: float | None = None,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        if min_face < 1:
            raise InputError(f"expected min_face of 1 px or more; got {min_face}")
        self.min_face = min_face
        self.min_detection_score = SURE if min_detection_score is None else min_detection_score
        self._network = open_network(part_path("blazeface"), threads=threads, device=device)

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
        records = []
        for start in range(0, len(arrays), ROWS):
            some = arrays[start : start + ROWS]
            squares = np.stack([_squared(array) for array in some])
            values = squares.transpose(0, 3, 1, 2).astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
            out = self._network.run({"image": np.ascontiguousarray(values)})
            records += [
                self._faces(array.shape[1], array.shape[0], face[:, 0], places)
                for array, face, places in zip(some, out["face"], out["places"], strict=True)
            ]
        return records

    def _faces(self, width: int, height: int, score: Floats, places: Floats) -> Faces:
        """The faces in what the network says of one image."""
        sure = np.flatnonzero(score >= self.min_detection_score)
        score, places = score[sure], places[sure].reshape(-1, 8, 2)
        # The second pair is the size, all others are places relative to the middle of a cell.
        seen = places + _cells()[sure][:, None]
        seen[:, 1] = places[:, 1]
        centre, sides, points = np.split(_merged(seen, score), [1, 2], axis=1)
        best = box_arithmetic.suppress(_boxes(centre, sides, 1, 1), score, SAME)
        scale = max(width, height) / SIDE
        shift = np.array([width - max(width, height), height - max(width, height)], np.float32) / 2
        boxes = (
            _boxes(centre + sides * np.array((RIGHT, DOWN), np.float32), sides, WIDTH, HEIGHT)[best] * scale
        )
        boxes += np.tile(shift, 2)
        inside = box_arithmetic.clip(boxes, width, height)
        there = (boxes[:, 3] - boxes[:, 1] >= self.min_face) & (inside[:, 2:] - inside[:, :2] >= 1).all(
            axis=1
        )
        five = points[best][:, [0, 1, 2, 3, 3]] * scale + shift
        return found(inside[there], score[best][there], five[there])


def create(min_face: int, min_detection_score: float | None, threads: int | None, device: str) -> Blaze:
    """What `mien.inference.detectors.create_detector` gives under the name ``blaze``."""
    return Blaze(min_face, min_detection_score=min_detection_score, threads=threads, device=device)


def _squared(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image in the middle of a black square of 128 px."""
    height, width = image.shape[:2]
    scale = SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(square)


@cache
def _cells() -> Floats:
    """``(896, 2)`` px of the middle of the cell of each of the network's rectangles."""
    middles = []
    for cells, each in GRIDS:
        places = (np.arange(cells, dtype=np.float32) + 0.5) * (SIDE / cells)
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        middles.append(grid.repeat(each, axis=0))
    return np.concatenate(middles)


def _merged(seen: Floats, score: Floats) -> Floats:
    """Each rectangle with its points as the mean of those that overlap it."""
    boxes = _boxes(seen[:, :1], seen[:, 1:2], 1, 1)
    weights = (box_arithmetic.overlap(boxes, boxes) > SAME) * score
    merged: Floats = np.einsum("ab,bcd->acd", weights, seen) / weights.sum(axis=1)[:, None, None]
    return merged


def _boxes(centres: Floats, sides: Floats, wide: float, high: float) -> Floats:
    """``(n, 4)`` boxes around ``(n, 1, 2)`` centres, so many of the ``(n, 1, 2)`` sides wide and high."""
    half = sides * np.array((wide / 2, high / 2), np.float32)
    return np.concatenate([centres - half, centres + half], axis=2)[:, 0]
