"""Heads that turn and eyes that blink, rendered: photographs drawn on the mesh of their own faces.

Everyday photographs of calm faces (``../shared/everyday``) that look at the camera are cut into the triangles of the
face mesh, and every triangle is drawn where its corners are after a turn, as a camera eight eyes' distances away
sees it. Around the face, rings that bend backwards carry the rest of the photograph. The turn is known; the shape is the mesh's
own estimate, and what a turned head would uncover is not in the photograph: renderings, not people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.talking import photographs
from mien.core.faces import Faces
from mien.inference.landmarks import FaceMesh, head_pose
from mien.inference.landmarks.mesh import LIDS
from mien.inference.landmarks.pose import canonical
from mien.inference.pipeline import Pipeline

SIDE = 360
"""px of a rendered frame."""
EYES = 84.0
"""px of the distance of the eyes' corners in it."""
DISTANCE = 8.0
"""Of the camera, in eyes' distances."""
STRAIGHT = 6.0
"""Degrees that the head of a photograph is turned by at most."""

_PIVOT = np.array([0.0, 0.4, 0.9])
"""What a head turns about, in its own frame: behind the face."""
_ZOOM = 3
"""Times that a photograph is enlarged before its pixels are drawn."""
_RINGS = ((1.22, 0.28), (1.5, 0.75), (1.9, 1.4))
"""Size of each ring around the face over that of the face, and how far back it lies."""
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_UPPER, _LOWER = (
    [points[at] for _, points in LIDS for at in part]
    for part in ((7, 8, 9, 10, 11, 12, 13), (0, 1, 2, 3, 4, 5, 6))
)
"""Points of the upper lids, and those of the lower ones that they meet."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Head:
    """A photograph as a surface.

    Args:
        image: ``(h, w)`` gray.
        texture: ``(p, 2)`` px, where each corner of the triangles is in it.
        shape: ``(p, 3)`` the corners in the face's own frame (`mien.inference.landmarks.HeadPose.points`).
        person: Number of the person.
    """

    image: NDArray[np.float32]
    texture: Floats
    shape: Floats
    person: int

    def render(
        self,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        *,
        closed: float = 0.0,
        eyes: float = EYES,
    ) -> NDArray[np.uint8]:
        """``(360, 360, 3)`` the head turned, in degrees as `mien.inference.landmarks.HeadPose` has them.

        Args:
            yaw: To the right as seen in the image.
            pitch: Down.
            roll: Clockwise.
            closed: How far the eyes are, 0 to 1: the upper lids move down to the lower ones, with the skin above.
            eyes: px of the distance of the eyes' corners, were the head seen from the front.
        """
        canvas = _drawn(self.image, self.texture, self.corners(yaw, pitch, roll, closed=closed, eyes=eyes))
        return np.repeat(canvas[:, :, None], 3, axis=2)

    def corners(
        self,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        *,
        closed: float = 0.0,
        eyes: float = EYES,
    ) -> Floats:
        """``(p, 3)`` px, where the corners of the triangles are in that image; the first 468 are the points of the
        face."""
        shape = self.shape.copy()
        shape[_UPPER] += closed * (shape[_LOWER] - shape[_UPPER])
        seen = (shape - _PIVOT) @ _turn(yaw, pitch, roll) + _PIVOT
        near = DISTANCE / (DISTANCE + seen[:, 2:])
        return np.concatenate(
            [seen[:, :2] * near * eyes + (SIDE / 2, SIDE * 0.45), seen[:, 2:] * eyes], axis=1
        )


def heads(most: int, label: str = "neutral") -> Iterator[Head]:
    """So many photographs, of one person each, who look straight at the camera."""
    mesh, detector, found = FaceMesh(threads=1), Pipeline("mtcnn", threads=1).detector, 0
    for photograph in photographs(label, 6 * most):
        gray = Image.fromarray(photograph.image.astype(np.uint8))
        large = gray.resize((gray.width * _ZOOM, gray.height * _ZOOM), Image.Resampling.BICUBIC)
        image = np.asarray(large.convert("RGB"))
        [faces] = detector.detect([image])
        if len(faces) != 1:
            continue
        head = _head(image, faces, mesh, photograph.person)
        if head is None:
            continue
        yield head
        found += 1
        if found == most:
            return


def _head(image: NDArray[np.uint8], faces: Faces, mesh: FaceMesh, person: int) -> Head | None:
    [points], [score] = mesh.find(image, faces)
    pose = head_pose(points)
    if score < 0.9 or max(abs(pose.yaw), abs(pose.pitch), abs(pose.roll)) > STRAIGHT:
        return None
    texture = points[:, :2].astype(np.float64)
    middle, deep = texture.mean(axis=0), pose.points[list(_OVAL), 2]
    centre = pose.points[:, :2].mean(axis=0)
    rings = [middle + (texture[list(_OVAL)] - middle) * size for size, _ in _RINGS]
    backs = [
        np.column_stack([centre + (pose.points[list(_OVAL), :2] - centre) * size, deep + back])
        for size, back in _RINGS
    ]
    return Head(
        np.asarray(Image.fromarray(image).convert("L"), np.float32),
        np.concatenate([texture, *rings]),
        np.concatenate([pose.points, *backs]),
        person,
    )


def _turn(yaw: float, pitch: float, roll: float) -> Floats:
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


@cache
def _triangles() -> NDArray[np.int64]:
    """``(t, 3)`` corners, of the canonical face and its rings seen from the front."""
    from scipy.spatial import Delaunay

    face = canonical()[:, :2]
    oval, centre = face[list(_OVAL)], face.mean(axis=0)
    rings = [centre + (oval - centre) * size for size, _ in _RINGS]
    return np.asarray(Delaunay(np.concatenate([face, *rings])).simplices, np.int64)


def _drawn(image: NDArray[np.float32], texture: Floats, corners: Floats) -> NDArray[np.uint8]:
    """Every triangle where its corners are, nearer ones over farther ones, on gray."""
    canvas, depth = np.full((SIDE, SIDE), 128.0), np.full((SIDE, SIDE), np.inf)
    for triangle in _triangles():
        _draw_triangle(canvas, depth, image, texture[triangle], corners[triangle])
    return np.asarray(np.clip(canvas, 0, 255), np.uint8)


def _draw_triangle(
    canvas: Floats, depth: Floats, image: NDArray[np.float32], source: Floats, target: Floats
) -> None:
    low = np.maximum(np.floor(target[:, :2].min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(target[:, :2].max(axis=0)).astype(int) + 1, SIDE)
    edges = (target[1:, :2] - target[0, :2]).T
    area = edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]
    if (high <= low).any() or abs(area) < 1e-6:
        return
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]]
    across, down = x - target[0, 0], y - target[0, 1]
    second = (across * edges[1, 1] - down * edges[0, 1]) / area
    third = (down * edges[0, 0] - across * edges[1, 0]) / area
    weights = np.stack([1 - second - third, second, third], axis=-1)
    inside = (weights >= -1e-6).all(axis=-1)
    z = weights @ target[:, 2]
    part = slice(low[1], high[1]), slice(low[0], high[0])
    inside &= z < depth[part]
    if not inside.any():
        return
    values = _sampled(image, weights[inside] @ source)
    canvas[part][inside] = values
    depth[part][inside] = z[inside]


def _sampled(image: NDArray[np.float32], places: Floats) -> Floats:
    """Bilinear; beyond the edge its last pixels."""
    height, width = image.shape
    x = np.clip(places[:, 0], 0, width - 1.001)
    y = np.clip(places[:, 1], 0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, low = x - left, y - top
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, np.float64)
