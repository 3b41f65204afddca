"""The 468 points of a face, by MediaPipe's face mesh (Kartynnik et al. 2019, "Real-time facial surface geometry
from monocular video on mobile GPUs", https://arxiv.org/abs/1907.06724), with lids by its network for eyes (Ablavatski et
al. 2020, "Real-time pupil tracking from monocular video", https://arxiv.org/abs/2006.11341)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.faces import Faces
from mien.inference.onnx_session import open_network
from mien.inference.weights import part_path

COUNT = 468
SIDE = 192
WIDER = 1.5
"""Side of the square that the network sees, times the longer side of the box."""
TURNED = np.radians(5.0)
"""A face whose eyes are level up to this is not looked at again."""
LOOKS = 3
"""As often at most."""
AT_ONCE = 16
"""Faces that go through the network together at most: 2.2 MB each."""
LEFT_EYE, RIGHT_EYE = 33, 263
"""Outer corners, left and right as seen in the image."""
EYE_SIDE, EYE_WIDER = 64, 2.3
"""Of the square of an eye that the network for eyes sees: px, and times the distance of the eye's corners."""
LIDS = (
    ((33, 133), (7, 163, 144, 145, 153, 154, 155, 246, 161, 160, 159, 158, 157, 173)),
    ((263, 362), (249, 390, 373, 374, 380, 381, 382, 466, 388, 387, 386, 385, 384, 398)),
)
"""Of each eye the outer and inner corner, and the points between them along the lower, then the upper lid."""
LIDS_FOUND = [*range(1, 8), *range(9, 16)]
"""The same points among those of the network for eyes."""


class FaceMesh:
    """Finds the points of faces.

    The mesh alone hardly moves its lids when eyes close, so those are found anew in a closer look at each eye.

    It holds the networks and nothing of what it has seen, so threads may share one.

    Args:
        threads: Threads of the network; as many as there are cores by default.
        device: What runs it: one of `mien.inference.onnx_session.DEVICES`.

    Raises:
        NetworkError: The network was not made when mien was built.
    """

    def __init__(self, threads: int | None = None, device: str = "cpu") -> None:
        self._network = open_network(part_path("facemesh"), threads=threads, device=device)
        self._eyes = open_network(part_path("facemesh-eyes"), threads=threads, device=device)

    def find(self, image: NDArray[np.uint8], faces: Faces) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The points of each face of an image.

        The network sees the box of a face as a square, 1.5 times as large, turned so that the eyes are level:
        by the detector's landmarks, or by the points of a first look where they are not.

        Args:
            image: ``(h, w, 3)`` uint8 RGB.
            faces: Of that image.

        Returns:
            ``(n, 468, 3)`` float32: x and y in px of the image, and z in px towards the back of the head, 0 near the
            middle of the face; and ``(n,)`` float32, 0 to 1: how sure the network is that it saw a face.
        """
        n = len(faces)
        points, scores = np.full((n, COUNT, 3), np.nan, np.float32), np.zeros(n, np.float32)
        if not n:
            return points, scores
        angles = (
            np.zeros(n) if faces.landmarks is None else _slant(faces.landmarks[:, 0], faces.landmarks[:, 1])
        )
        rows = np.arange(n)
        for _ in range(LOOKS):
            for some in (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)):
                points[some], scores[some] = self._look(image, faces.boxes[some], angles[some])
            now = _slant(points[rows, LEFT_EYE, :2], points[rows, RIGHT_EYE, :2])
            turned = np.abs(_between(now - angles[rows])) > TURNED
            angles[rows] = now
            rows = rows[turned]
            if not len(rows):
                break
        for start in range(0, n, AT_ONCE):
            self._find_lids(image, points[start : start + AT_ONCE])
        return points, scores

    def _look(
        self, image: NDArray[np.uint8], boxes: NDArray[np.float32], angles: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        maps = [_to_image(box, angle) for box, angle in zip(boxes.astype(np.float64), angles, strict=True)]
        crops = np.stack([_crop(image, matrix) for matrix in maps])
        given = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / 255
        answer = self._network.run({"image": given})
        points = answer["points"].reshape(-1, COUNT, 3)
        for row, matrix in zip(points, maps, strict=True):
            row[:, :2] = row[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            row[:, 2] *= np.hypot(matrix[0, 0], matrix[1, 0])
        return points, answer["face"][:, 0]

    def _find_lids(self, image: NDArray[np.uint8], points: NDArray[np.float32]) -> None:
        """Move the points of the lids of ``(n, 468, 3)`` to where a closer look sees them."""
        maps = [
            _eye_to_image(face[outer, :2], face[inner, :2])
            for face in points.astype(np.float64)
            for (outer, inner), _ in LIDS
        ]
        crops = np.stack([_crop(image, matrix, EYE_SIDE) for matrix in maps])
        given = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / 255
        found = self._eyes.run({"image": given})["points"].reshape(len(points), 2, -1, 3)
        for face, matrices, eyes in zip(points, zip(maps[::2], maps[1::2], strict=True), found, strict=True):
            for (_, lids), matrix, eye in zip(LIDS, matrices, eyes, strict=True):
                face[list(lids), :2] = eye[LIDS_FOUND, :2] @ matrix[:, :2].T + matrix[:, 2]


def _eye_to_image(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(2, 3)`` map of places in the square of an eye to places in the image. The network knows one eye: where the outer
    corner is to the right of the inner one, the square is mirrored."""
    across = (inner - outer) * EYE_WIDER / EYE_SIDE
    down = np.array([-across[1], across[0]]) * (1 if across[0] >= 0 else -1)
    turn = np.column_stack([across, down])
    return np.column_stack([turn, (outer + inner) / 2 - turn @ np.full(2, EYE_SIDE / 2)])


def _slant(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(n,)`` angles of the lines from the left to the right eyes, radians clockwise in the image."""
    x, y = (right - left).astype(np.float64).T
    return np.asarray(np.arctan2(y, x), np.float64)


def _between(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same angles from -pi to pi."""
    return np.asarray((angles + np.pi) % (2 * np.pi) - np.pi)


def _to_image(box: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """``(2, 3)`` map of places in the crop, px, to places in the image."""
    centre = (box[:2] + box[2:]) / 2
    scale = WIDER * max(box[2] - box[0], box[3] - box[1]) / SIDE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, centre - turn @ np.full(2, SIDE / 2)])


def _part(image: NDArray[np.uint8], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.uint8]:
    """From the corner ``low`` to the corner ``high``, both x and y; beyond the edge its last pixels."""
    if (low >= 0).all() and (high <= image.shape[1::-1]).all():
        return np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
    columns = np.clip(np.arange(low[0], high[0]), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(low[1], high[1]), 0, image.shape[0] - 1)
    return np.ascontiguousarray(image[rows].take(columns, axis=1))


def _crop(image: NDArray[np.uint8], matrix: NDArray[np.float64], side: int = SIDE) -> NDArray[np.uint8]:
    """``(side, side, 3)``; beyond the edge of the image its last pixels are repeated."""
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) @ matrix[:, :2].T + matrix[:, 2]
    # A face far larger than the crop is brought down first, averaged: bilinear alone would skip pixels.
    step = max(1, int(np.hypot(matrix[0, 0], matrix[1, 0])))
    low = np.floor(corners.min(axis=0) / step).astype(int) - 2
    high = np.ceil(corners.max(axis=0) / step).astype(int) + 3
    part = Image.fromarray(_blocks(image, low, high, step))
    data = matrix / step
    data[:, 2] -= low
    return np.asarray(
        part.transform((side, side), Image.Transform.AFFINE, data.ravel().tolist(), Image.Resampling.BILINEAR)
    )


def _blocks(
    image: NDArray[np.uint8], low: NDArray[np.int64], high: NDArray[np.int64], step: int
) -> NDArray[np.uint8]:
    """Means of blocks of ``step`` by ``step`` px, from ``low`` to before ``high`` in blocks as x, y; those
    beyond the edge are the last ones inside. No copy of the whole image is made."""
    if step == 1:
        return _part(image, low, high)
    last = np.ceil(np.array(image.shape[1::-1]) / step).astype(int) - 1
    first, end = np.clip(low, 0, last), np.clip(high - 1, 0, last) + 1
    part = image[first[1] * step : end[1] * step, first[0] * step : end[0] * step]
    starts = [np.arange(0, side, step) for side in part.shape[:2]]
    lines = np.stack([part[at : at + step].sum(axis=0, dtype=np.uint32) for at in starts[0]])
    sums = np.add.reduceat(lines, starts[1], axis=1)
    tall, wide = (np.minimum(step, side - at) for at, side in zip(starts, part.shape[:2], strict=True))
    counts = (tall[:, None] * wide)[..., None].astype(np.uint32)
    return _part(((sums + counts // 2) // counts).astype(np.uint8), low - first, high - first)
