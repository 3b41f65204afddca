"""Changes to training faces that do not change their expression, on whole batches, seeded, on the device where they are."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from mien.train.recipe import Augmentation


def augment(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    """Flip, scale, shift and turn each face; change its gamma; coarsen or cover some.

    Args:
        faces: ``(n, 1, h, w)`` float, 0 to 255.
        amounts: How much of each change.
        generator: Source of chance, on the same device; the same state gives the same faces.

    Returns:
        ``(n, 1, h, w)`` float, 0 to 255.
    """
    if amounts.flip or amounts.scale or amounts.shift or amounts.rotation:
        faces = _move(faces, amounts, generator)
    if amounts.gamma:
        faces = _relight(faces, amounts, generator)
    if amounts.coarse:
        faces = _coarsen(faces, amounts, generator)
    return _erase(faces, amounts, generator) if amounts.erase else faces


def _chance(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return _chance((n,), generator) * (high - low) + low


def _move(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    n = len(faces)
    bound = math.log1p(amounts.scale)
    scale = _uniform(n, -bound, bound, generator).exp()
    angle = _uniform(n, -amounts.rotation, amounts.rotation, generator).deg2rad()
    flip = torch.where(_chance((n,), generator) < amounts.flip, -1.0, 1.0)
    shift = _uniform(2 * n, -2 * amounts.shift, 2 * amounts.shift, generator).reshape(n, 2)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    matrix = torch.stack([torch.stack([cos * flip, -sin, shift[:, 0]], 1), torch.stack([sin * flip, cos, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(matrix, list(faces.shape), align_corners=False)
    return functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _relight(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    gamma = _uniform(len(faces), -amounts.gamma, amounts.gamma, generator).exp()
    return 255 * (faces / 255).clamp(0, 1).pow(gamma[:, None, None, None])


def _coarsen(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    chosen = _chance((len(faces),), generator) < amounts.coarse
    size = 14 + int(_chance((1,), generator) * 22)
    if chosen.any():
        small = functional.interpolate(faces[chosen], size=(size, size), mode="bilinear", antialias=True)
        coarse = functional.interpolate(small, size=faces.shape[2:], mode="bilinear")
        faces = faces.clone()
        faces[chosen] = coarse
    return faces


def _erase(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    n, _, height, width = faces.shape
    chosen = _chance((n,), generator) < amounts.erase
    side = _uniform(2 * n, 0.1, 0.4, generator).reshape(n, 2)
    corner = _chance((n, 2), generator) * (1 - side)
    rows = (torch.arange(height, device=faces.device) + 0.5) / height
    columns = (torch.arange(width, device=faces.device) + 0.5) / width
    inside_y = (rows >= corner[:, :1]) & (rows < corner[:, :1] + side[:, :1])
    inside_x = (columns >= corner[:, 1:]) & (columns < corner[:, 1:] + side[:, 1:])
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :] & chosen[:, None, None, None]
    return torch.where(hole, faces.mean(dim=(2, 3), keepdim=True), faces)
