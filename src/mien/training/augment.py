"""Changes to training faces that do not change their expression, on whole batches, seeded, on the device
where they are."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from mien.training.recipe import Augmentation


def augment(faces: Tensor, amounts: Augmentation, generator: Generator) -> Tensor:
    """Flip, scale, shift and turn each face; change its gamma; coarsen, blur, cover, disturb or compress
    some.

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
    if amounts.motion:
        faces = _blur(faces, amounts.motion, generator)
    if amounts.erase:
        faces = _erase(faces, amounts, generator)
    if amounts.cover:
        faces = _cover(faces, amounts.cover, generator)
    if amounts.noise:
        faces = _disturb(faces, amounts.noise, generator)
    return _compress(faces, amounts.compress, generator) if amounts.compress else faces


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
    matrix = torch.stack(
        [torch.stack([cos * flip, -sin, shift[:, 0]], 1), torch.stack([sin * flip, cos, shift[:, 1]], 1)], 1
    )
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


def _cover(faces: Tensor, share: float, generator: Generator) -> Tensor:
    """Some faces behind a band from side to side: a mask from somewhere below the eyes downwards, or a bar
    somewhere in the upper half."""
    n, height = len(faces), faces.shape[2]
    chosen = _chance((n,), generator) < share
    mask = _chance((n,), generator) < 0.5
    extent = torch.where(mask, _uniform(n, 0.1, 0.5, generator), _uniform(n, 0.05, 0.25, generator))
    top = torch.where(mask, 1 - extent, _chance((n,), generator) * (0.6 - extent))
    rows = (torch.arange(height, device=faces.device) + 0.5) / height
    band = (rows >= top[:, None]) & (rows < (top + extent)[:, None]) & chosen[:, None]
    tone = _uniform(n, 0, 255, generator)[:, None, None, None]
    return torch.where(band[:, None, :, None], tone, faces)


def _blur(faces: Tensor, share: float, generator: Generator) -> Tensor:
    """Some faces smeared along a line of 2 to 8 px, the same one for a whole batch."""
    chosen = _chance((len(faces),), generator) < share
    angle, length = (
        float(value)
        for value in _chance((2,), generator) * torch.tensor([math.pi, 6.0], device=generator.device)
    )
    along = torch.linspace(-1, 1, 33) * (length + 2) / 2
    kernel = torch.zeros(9, 9)
    kernel.index_put_(
        ((4 + along * math.sin(angle)).round().long(), (4 + along * math.cos(angle)).round().long()),
        torch.ones(33),
        accumulate=True,
    )
    smeared = functional.conv2d(
        functional.pad(faces[chosen], (4, 4, 4, 4), mode="replicate"),
        (kernel / kernel.sum()).to(faces)[None, None],
    )
    return faces.index_put((chosen,), smeared)


def _disturb(faces: Tensor, share: float, generator: Generator) -> Tensor:
    """Noise of a deviation of up to 30 gray levels on some faces."""
    n = len(faces)
    deviation = _uniform(n, 0, 30, generator) * (_chance((n,), generator) < share)
    noise = torch.randn(faces.shape, generator=generator, device=generator.device)
    return (faces + deviation[:, None, None, None] * noise).clamp(0, 255)


def _compress(faces: Tensor, share: float, generator: Generator) -> Tensor:
    """Some faces rounded in frequencies of blocks of 8 x 8 px, in steps that grow with the frequency and are
    alike for a whole batch."""
    chosen = _chance((len(faces),), generator) < share
    rate = float(_chance((1,), generator) * 3 + 0.3)  # About JPEG's qualities 85 to 15.
    height, width = faces.shape[2:]
    place = torch.arange(8, device=faces.device, dtype=faces.dtype)
    cosines = torch.cos(math.pi / 8 * (place + 0.5) * place[:, None]) / 2
    cosines[0] /= math.sqrt(2)
    steps = rate * (16 + 7 * (place + place[:, None]))
    padded = functional.pad(faces[chosen], (0, -width % 8, 0, -height % 8), mode="replicate")
    blocks = padded.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4) - 128
    rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
    whole = (cosines.T @ rounded @ cosines + 128).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return faces.index_put((chosen,), whole[:, :, :height, :width].clamp(0, 255))
