"""Every network: counted, the same interface, able to learn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mien import InputError
from mien.training.architectures import ARCHITECTURES, create_model

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

import torch
from torch import nn
from torch.nn import functional

from mien.training.architectures import count_weights
from mien.training.architectures.layers import (
    BlurPool2d,
    DepthwiseConv2d,
    LocallyConnected2d,
)
from mien.training.architectures.mini_xception import XceptionModule
from mien.training.architectures.residual import ResidualBlock

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts
EVERY = pytest.mark.parametrize("name", sorted(ARCHITECTURES))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


def faces(n: int) -> torch.Tensor:
    return torch.randint(0, 256, (n, 1, 48, 48), generator=torch.Generator().manual_seed(2)).float()


def _without_dropout(network: nn.Module) -> nn.Module:
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    return network


@pytest.mark.parametrize(
    ("name", "trainable", "total"),
    [
        ("monyok", 318_407, 318_407),
        ("gudi", 3_798_855, 3_798_855),
        ("spittlemeister", 11_911_979, 11_911_979),
        ("kalu", 4_474_759, 4_478_727),
        ("mini_xception", 56_951, 58_423),
        ("residual", 700_791, 703_191),
    ],
)
def test_weights_are_those_of_the_papers(name: str, trainable: int, total: int) -> None:
    assert count_weights(create_model(name)) == (trainable, total)


def test_weights_that_are_frozen_count_in_the_total_only() -> None:
    network = create_model("monyok")
    network.get_submodule("features.conv1").requires_grad_(False)
    assert count_weights(network) == (318_407 - 320, 318_407)


@EVERY
@pytest.mark.parametrize("heads", [{"fer2013": 7}, {"fer2013": 7, "ferplus": 8}, {"valence": 2}])
def test_every_head_has_its_logits(name: str, heads: dict[str, int]) -> None:
    outputs = create_model(name, heads=heads).eval()(faces(3))
    assert {head: tuple(logits.shape) for head, logits in outputs.items()} == {
        head: (3, k) for head, k in heads.items()
    }


def test_classes_are_those_of_the_one_head() -> None:
    assert create_model("monyok", classes=3)(faces(2))["fer2013"].shape == (2, 3)


@EVERY
def test_a_seed_makes_the_same_network_and_the_same_answers(name: str) -> None:
    answers = []
    for _ in range(2):
        torch.manual_seed(3)
        answers.append(create_model(name).eval()(faces(2))["fer2013"])
    assert torch.equal(*answers)
    assert bool(answers[0].isfinite().all())


@EVERY
def test_a_batch_answers_as_its_images_alone(name: str) -> None:
    network = create_model(name).eval()
    images = faces(4)
    with torch.no_grad():
        together = network(images)["fer2013"]
        alone = torch.cat([network(image[None])["fer2013"] for image in images])
    scale = max(1.0, float(together.abs().max()))
    torch.testing.assert_close(together / scale, alone / scale, atol=1e-5, rtol=0)


@EVERY
def test_every_weight_is_learned(name: str) -> None:
    network = _without_dropout(create_model(name, heads={"fer2013": 7, "ferplus": 8}))
    sum(
        functional.cross_entropy(logits, torch.arange(8) % 7) for logits in network(faces(8)).values()
    ).backward()
    for weight_name, weight in network.named_parameters():
        assert weight.grad is not None, weight_name
        assert bool(weight.grad.isfinite().all()), weight_name
        # A bias before batch normalisation is subtracted again: its gradient is nothing but rounding.
        assert weight_name.endswith("bias") or float(weight.grad.abs().sum()) > 0, weight_name


@pytest.mark.integration
@EVERY
def test_every_network_can_learn_images_by_heart(name: str) -> None:
    n, rate, steps = {"spittlemeister": (8, 5e-4, 40), "kalu": (16, 1e-3, 12)}.get(name, (16, 2e-3, 40))
    network, images, labels = _without_dropout(create_model(name)), faces(n), torch.arange(n) % 7
    optimizer = torch.optim.Adam(network.parameters(), rate)
    for _ in range(steps):
        loss = functional.cross_entropy(network(images)["fer2013"], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if float(loss.detach()) < 0.3:
            return
    pytest.fail(f"loss still {float(loss):.2f} after {steps} steps")


@pytest.mark.parametrize("size", [60, 30, 15, 8])
def test_xception_pads_its_pools_as_keras_does(size: int) -> None:
    pool: Any = XceptionModule(2, 2, size).main.pool
    x = torch.randn(1, 2, size, size)
    total = ((size + 1) // 2 - 1) * 2 + 3 - size  # TensorFlow's rule: the odd pixel goes to the end
    pads = (total // 2, total - total // 2) * 2
    expected = functional.max_pool2d(functional.pad(x, pads, value=float("-inf")), 3, 2)
    assert torch.equal(pool(x), expected)


def test_kernels_and_maps_are_reached_by_name() -> None:
    network = create_model("spittlemeister")
    layers = dict(network.named_modules())
    assert isinstance(layers["features.conv1"], nn.Conv2d)
    assert isinstance(layers["features.local2"], LocallyConnected2d)
    maps = []
    layers["features.pool2"].register_forward_hook(lambda layer, given, made: maps.append(made.shape))
    network.eval()(faces(1))
    assert maps == [(1, 60, 12, 12)]


def test_stages_of_ours_have_blocks_of_their_own_and_may_be_separable() -> None:
    network = create_model("residual", widths=(4, 6, 8), blocks=(1, 2, 1), stride=2, separable=1)
    groups = [layer.groups for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert groups == [
        1,
        1,
        1,
        1,
        1,
        1,
        1,
        1,
        6,
        1,
        8,
        1,
        1,
    ]  # Stem; one block; two, the first with a shortcut; depthwise and pointwise, twice.
    assert {name: answer.shape for name, answer in network.eval()(faces(2)).items()} == {"fer2013": (2, 7)}
    same = create_model("residual", widths=(4, 6, 8), blocks=(2,), stride=2, separable=1)
    assert count_weights(same) == count_weights(
        create_model("residual", widths=(4, 6, 8), blocks=2, stride=2, separable=1)
    )
    wider = create_model("residual", widths=(4, 6, 8), blocks=(1, 2, 1), stride=2, separable=1, kernel=5)
    assert count_weights(wider).trainable - count_weights(network).trainable == (6 + 8) * (25 - 9)
    assert wider.eval()(faces(2))["fer2013"].shape == (2, 7)


@pytest.mark.integration
def test_gradients_of_shortcuts_in_few_channels_are_right_and_end() -> None:
    """In a process of its own, which a fault of the library would end."""
    code = """
import torch
from torch.nn import functional
from mien.training.architectures.layers import PointwiseConv2d
torch.set_num_threads(1)
for inputs in range(1, 18):
    convolution = PointwiseConv2d(inputs, 16, 2).to(memory_format=torch.channels_last)
    x = torch.rand(16, inputs, 48, 48).contiguous(memory_format=torch.channels_last).requires_grad_()
    for _ in range(3):
        convolution.zero_grad()
        x.grad = None
        answer = convolution(x)
        answer.square().sum().backward()
    chosen = x.detach()[:, :, ::2, ::2]
    weights = convolution.weight.detach()[:, :, 0, 0]
    torch.testing.assert_close(answer.detach(), torch.einsum("oi,nihw->nohw", weights, chosen))
    with torch.no_grad():
        torch.testing.assert_close(answer.detach(), convolution(x))
    assert convolution.eval()(x).requires_grad
    torch.testing.assert_close(convolution.weight.grad[:, :, 0, 0], 2 * torch.einsum("nohw,nihw->oi", answer.detach(), chosen), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(x.grad[:, :, ::2, ::2], 2 * torch.einsum("oi,nohw->nihw", weights, answer.detach()), rtol=1e-4, atol=1e-4)
    assert x.grad[:, :, 1::2].abs().max() == 0
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_stages_of_ours_may_begin_with_a_blur_that_nothing_changes() -> None:
    network = create_model("residual", widths=(4, 6, 8), blocks=1, stride=2, blur=True)
    assert [type(layer).__name__ for layer in network.stages] == [
        "ResidualBlock",
        "BlurPool2d",
        "ResidualBlock",
        "BlurPool2d",
        "ResidualBlock",
    ]
    blocks = [
        layer
        for block in network.stages
        if isinstance(block, ResidualBlock)
        for layer in block.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    assert {layer.stride for layer in blocks} == {(1, 1)}
    stages: Any = network.stages
    blur = stages[1]
    assert isinstance(blur, BlurPool2d)
    network(faces(2))["fer2013"].sum().backward()
    assert blur.weight.grad is None
    # Stripes of one pixel, which a stride alone would take for a bright or for a dark image.
    stripes = torch.zeros(1, 4, 8, 8)
    stripes[..., ::2] = 1
    for shifted in (stripes, stripes.roll(1, 3)):
        assert blur(shifted)[..., 1:, 1:].unique().tolist() == [0.5]


@pytest.mark.parametrize("size", [(11, 11), (22, 22), (7, 10)])
def test_layers_answer_in_training_as_they_do_later(size: tuple[int, int]) -> None:
    for layer in (
        BlurPool2d(3),
        DepthwiseConv2d(3, 5),
        DepthwiseConv2d(3, 3),
        DepthwiseConv2d(3, 5, stride=2),
    ):
        maps = torch.randn(4, 3, *size)
        assert torch.allclose(layer.train()(maps), layer.eval()(maps), atol=1e-6)
    layer, maps = DepthwiseConv2d(2, 5), torch.randn(4, 2, 6, 7)
    slopes = [
        torch.autograd.grad(layer.train(training)(maps).square().sum(), layer.weight)[0]
        for training in (True, False)
    ]
    assert torch.allclose(slopes[0], slopes[1], atol=1e-4)


def test_keras_networks_begin_as_in_keras() -> None:
    network = create_model("spittlemeister")
    assert all(
        float(weight.detach().abs().sum()) == 0
        for name, weight in network.named_parameters()
        if name.endswith("bias")
    )
    limit = (6 / (40 * 25 + 60 * 25)) ** 0.5
    assert float(network.get_parameter("features.conv4.weight").detach().abs().max()) == pytest.approx(
        limit, rel=1e-3
    )
    limit = (6 / (100 * (540 + 100))) ** 0.5
    assert float(network.get_parameter("features.local1.weight").detach().abs().max()) == pytest.approx(
        limit, rel=1e-3
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"name": "vgg"}, "gudi, kalu, mini_xception, monyok, residual, spittlemeister; got 'vgg'"),
        ({"name": "monyok", "classes": 7, "heads": {"fer2013": 7}}, "got both"),
        ({"name": "monyok", "classes": 1}, "2 classes or more"),
        ({"name": "monyok", "heads": {}}, "at least one output"),
        ({"name": "monyok", "dropout": 0.5}, r"options of monyok \(it has none\); got dropout"),
        ({"name": "kalu", "widths": (8, 8)}, r"options of kalu \(dropout\); got widths"),
        (
            {"name": "residual", "widths": (8, 8), "blocks": (1, 1, 2)},
            r"fit 2 stages .* got blocks \(1, 1, 2\), separable 0",
        ),
        ({"name": "residual", "widths": (8, 8), "separable": 3}, r"fit 2 stages .* separable 3"),
        ({"name": "residual", "separable": 1, "kernel": 4}, r"odd kernel, such as 3 or 5; got 4"),
    ],
)
def test_what_cannot_be_built_is_told(asked: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        create_model(**asked)  # type: ignore[arg-type]


@pytest.mark.integration
def test_importing_the_package_does_not_import_torch() -> None:
    program = (
        "import sys; from mien.training.architectures import create_model; assert 'torch' not in sys.modules; "
        "create_model('monyok'); assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.integration
def test_without_torch_the_remedy_is_told() -> None:
    program = "import sys; sys.modules['torch'] = None; import mien.training.architectures as m; m.create_model('monyok')"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1].endswith("[train]'")
