"""Changes to training faces that do not change their expression, on whole batches, seeded."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from mien.train.recipe import Recipe


def augment(faces: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    """Flip, scale, shift and turn each face; change its gamma; blur, coarsen or cover some.

    Args:
        faces: ``(n, 1, h, w)`` float, 0 to 255.
        recipe: How much of each change.
        generator: Source of chance; the same state gives the same faces.

    Returns:
        ``(n, 1, h, w)`` float, 0 to 255.
    """
    faces = _move(faces, recipe, generator)
    faces = _relight(faces, recipe, generator)
    faces = _coarsen(faces, recipe, generator)
    return _erase(faces, recipe, generator)


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def _move(faces: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    n = len(faces)
    bound = math.log1p(recipe.scale)
    scale = _uniform(n, -bound, bound, generator).exp()
    angle = _uniform(n, -recipe.rotation, recipe.rotation, generator).deg2rad()
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    shift = _uniform(2 * n, -2 * recipe.shift, 2 * recipe.shift, generator).reshape(n, 2)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    matrix = torch.stack([torch.stack([cos * flip, -sin, shift[:, 0]], 1), torch.stack([sin * flip, cos, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(matrix, list(faces.shape), align_corners=False)
    return functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _relight(faces: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    gamma = _uniform(len(faces), -recipe.gamma, recipe.gamma, generator).exp()
    return 255 * (faces / 255).clamp(0, 1).pow(gamma[:, None, None, None])


def _coarsen(faces: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    chosen = torch.rand(len(faces), generator=generator) < recipe.coarse
    size = int(torch.randint(14, 36, (1,), generator=generator))
    if chosen.any():
        small = functional.interpolate(faces[chosen], size=(size, size), mode="bilinear", antialias=True)
        coarse = functional.interpolate(small, size=faces.shape[2:], mode="bilinear")
        faces = faces.clone()
        faces[chosen] = coarse
    return faces


def _erase(faces: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    n, _, height, width = faces.shape
    chosen = torch.rand(n, generator=generator) < recipe.erase
    side = _uniform(2 * n, 0.1, 0.4, generator).reshape(n, 2)
    corner = torch.rand(n, 2, generator=generator) * (1 - side)
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    inside_y = (rows >= corner[:, :1]) & (rows < corner[:, :1] + side[:, :1])
    inside_x = (columns >= corner[:, 1:]) & (columns < corner[:, 1:] + side[:, 1:])
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :] & chosen[:, None, None, None]
    return torch.where(hole, faces.mean(dim=(2, 3), keepdim=True), faces)
