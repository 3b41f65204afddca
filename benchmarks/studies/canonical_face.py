"""Makes the canonical face of head poses.

    python -m benchmarks.studies.canonical_face EVERYDAY [-o FILE]

The meshes of the first 600 calm faces of the everyday photographs, each brought onto their mean by turning, moving and
scaling (generalised Procrustes analysis, Gower 1975), and the mean made symmetric: which point is whose counterpart is
found by looking at mirrored images too. Its distance of the outer corners of the eyes is 1, the origin lies between
them, x to the right, y down, z to the back. ``-o`` writes what ``src/mien/inference/landmarks/canonical.npy`` holds;
without it, the difference to that file is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.faces import Faces
from mien.data import open_dataset
from mien.inference.landmarks import FaceMesh
from mien.inference.landmarks.mesh import COUNT, LEFT_EYE, RIGHT_EYE
from mien.inference.landmarks.pose import canonical, similarity

Floats = NDArray[np.float64]

CALM, SIDE, SURE, ROUNDS = 600, 128, 0.9, 10
MIRRORED = np.array([-1.0, 1.0, 1.0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Make it, and write it or compare."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.canonical_face", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("everyday", type=Path, help="everyday faces")
    parser.add_argument("-o", "--output", type=Path, help="where it goes")
    options = parser.parse_args(arguments)
    data = open_dataset(options.everyday)
    calm = data.images[data.expressions == data.labels.index("neutral")][:CALM]
    faces, mirrored = meshes(calm), meshes(np.ascontiguousarray(calm[:, :, ::-1]))
    made = symmetric_mean(faces, counterparts(faces, mirrored)).astype(np.float32)
    print(
        f"{len(faces)} faces; {np.abs(made - canonical()).max():.2g} of the eyes' distance from the file at most"
    )
    if options.output:
        np.save(options.output, made)


def meshes(images: NDArray[np.uint8]) -> Floats:
    """``(n, 468, 3)`` points, of images in which a face was seen for sure; NaN of the others."""
    mesh, found = FaceMesh(threads=1), np.full((len(images), COUNT, 3), np.nan)
    edge = SIDE / 8  # The face with some room: the mesh looks a little beyond the square.
    box = Faces([[edge, edge, SIDE - edge, SIDE - edge]], [1.0], [0], [0.0])
    for row, image in enumerate(images):
        points, scores = mesh.find(np.repeat(image[:, :, None], 3, axis=2), box)
        if scores[0] > SURE:
            found[row] = points[0]
    return found


def counterparts(faces: Floats, mirrored: Floats) -> NDArray[np.int64]:
    """For each point the one that lies there in the mirrored image."""
    both = np.isfinite(faces).all(axis=(1, 2)) & np.isfinite(mirrored).all(axis=(1, 2))
    away = np.zeros((COUNT, COUNT))
    for face, other in zip(faces[both][:, :, :2], mirrored[both][:, :, :2], strict=True):
        away += np.linalg.norm(face[:, None] - (other * (-1, 1) + (SIDE, 0))[None], axis=2)
    found = away.argmin(axis=1)
    assert (found[found] == np.arange(COUNT)).all(), "counterparts of counterparts are others"
    return np.asarray(found)


def symmetric_mean(faces: Floats, counterpart: NDArray[np.int64]) -> Floats:
    """The canonical face."""
    faces = faces[np.isfinite(faces).all(axis=(1, 2))]
    mean = faces[0]
    for _ in range(ROUNDS):
        mean = np.mean([_onto(face, mean) for face in faces], axis=0)
        mean = (mean + _onto(mean[counterpart] * MIRRORED, mean)) / 2
        mean -= mean.mean(axis=0)
    return _upright(mean, counterpart)


def _onto(source: Floats, target: Floats) -> Floats:
    scale, turn, shift = similarity(source, target)
    return scale * source @ turn + shift


def _upright(mean: Floats, counterpart: NDArray[np.int64]) -> Floats:
    """With the mirror plane at x = 0, and the depth as the camera saw it on average."""
    apart = mean - mean[counterpart]
    across = (apart * np.sign(apart[:, :1])).sum(axis=0)
    across /= np.linalg.norm(across)
    depth = np.array([0.0, 0.0, 1.0]) - across * across[2]
    depth /= np.linalg.norm(depth)
    turned = mean @ np.stack([across, np.cross(depth, across), depth], axis=1)
    made = (turned + turned[counterpart] * MIRRORED) / 2
    made -= (made[LEFT_EYE] + made[RIGHT_EYE]) / 2
    return np.asarray(made / np.linalg.norm(made[LEFT_EYE] - made[RIGHT_EYE]))


if __name__ == "__main__":
    main()
