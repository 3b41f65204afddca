"""The two layers that PyTorch does not have, against slow and plain reckoning."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

import torch

from mien.training.architectures.layers import (
    LocalContrastNorm,
    LocallyConnected2d,
)

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts


@pytest.mark.parametrize(
    ("inputs", "outputs", "size", "kernel"), [(1, 1, (4, 4), 2), (3, 5, (6, 4), 3), (2, 4, (3, 3), 3)]
)
def test_locally_connected_is_a_sum_for_each_place(
    inputs: int, outputs: int, size: tuple[int, int], kernel: int
) -> None:
    torch.manual_seed(1)
    layer = LocallyConnected2d(inputs, outputs, size, kernel)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, inputs, *size)
    height, width = size[0] - kernel + 1, size[1] - kernel + 1
    expected = torch.zeros(2, outputs, height, width)
    for row in range(height):
        for column in range(width):
            weight = layer.weight[row * width + column].reshape(inputs, kernel, kernel, outputs)
            window = x[:, :, row : row + kernel, column : column + kernel]
            expected[:, :, row, column] = (
                torch.einsum("nchw,chwo->no", window, weight) + layer.bias[:, row, column]
            )
    torch.testing.assert_close(layer(x), expected)


def test_locally_connected_with_the_same_kernel_everywhere_is_a_convolution() -> None:
    torch.manual_seed(1)
    convolution, layer = torch.nn.Conv2d(3, 5, 3), LocallyConnected2d(3, 5, (8, 7), 3)
    with torch.no_grad():
        layer.weight.copy_(convolution.weight.flatten(1).T.expand_as(layer.weight))
        layer.bias.copy_(convolution.bias[:, None, None].expand_as(layer.bias))
    x = torch.randn(2, 3, 8, 7)
    torch.testing.assert_close(layer(x), convolution(x))


def test_locally_connected_learns_each_place_alone() -> None:
    layer = LocallyConnected2d(2, 3, (5, 5), 3)
    layer(torch.randn(4, 2, 5, 5))[:, :, 1, 2].sum().backward()
    touched = layer.weight.grad.abs().sum(dim=(1, 2)) > 0
    assert touched.nonzero().flatten().tolist() == [1 * 3 + 2]


def test_local_contrast_is_the_documented_formula() -> None:
    torch.manual_seed(1)
    norm = LocalContrastNorm(window=5, deviation=1.25)
    x = torch.randn(1, 3, 7, 8, dtype=torch.float32)
    v, s = torch.zeros_like(x), torch.zeros(7, 8)

    def around(plane: torch.Tensor, row: int, column: int) -> torch.Tensor:
        total, mass = torch.tensor(0.0), 0.0
        for down in range(-2, 3):
            for right in range(-2, 3):
                if 0 <= row + down < 7 and 0 <= column + right < 8:
                    weight = float(torch.exp(torch.tensor(-0.5 * (down**2 + right**2) / 1.25**2)))
                    total, mass = total + weight * plane[row + down, column + right], mass + weight
        return total / mass

    places = [(row, column) for row in range(7) for column in range(8)]
    for row, column in places:
        v[0, :, row, column] = x[0, :, row, column] - around(x[0].mean(dim=0), row, column)
    for row, column in places:
        s[row, column] = (around(v[0].square().mean(dim=0), row, column) + 1e-6).sqrt()
    torch.testing.assert_close(norm(x), v / s.clamp(min=float(s.mean())), atol=1e-5, rtol=1e-5)


def test_local_contrast_forgets_brightness_and_contrast() -> None:
    x = torch.rand(2, 4, 20, 20)
    norm = LocalContrastNorm()
    torch.testing.assert_close(norm(x + 7), norm(x), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm(30 * x), norm(x), atol=1e-3, rtol=1e-3)


def test_local_contrast_of_a_flat_image_is_nothing_and_can_be_learned_through() -> None:
    x = torch.full((1, 2, 16, 16), 3.0, requires_grad=True)
    y = LocalContrastNorm()(x)
    y.square().sum().backward()
    assert float(y.detach().abs().max()) < 2e-3  # borders too
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
