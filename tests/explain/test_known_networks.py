"""Each method against networks for which the right answer can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[explain]'")
pytest.importorskip("captum", reason="captum is not installed: pip install 'mien[explain]'")
onnx = pytest.importorskip("onnx")

import torch  # noqa: E402

from mien import InputError, NetworkError  # noqa: E402
from mien.explain import gradcam, guided_backpropagation, occlusion, open_explained  # noqa: E402
from mien.explain.onnx_to_torch import OPERATORS  # noqa: E402
from mien.explain.torch_model import Rectified  # noqa: E402
from tests.explain.small_graphs import REGION, looks_at_region, pooled, write_graph  # noqa: E402

RANDOM = np.random.default_rng(5)
HAPPY = 1


@pytest.fixture
def face() -> np.ndarray:
    return RANDOM.integers(0, 256, (1, 48, 48)).astype(np.float32)


def test_occlusion_is_strongest_where_the_network_looks(tmp_path: Path) -> None:
    classifier = open_explained(looks_at_region(tmp_path / "region.onnx")).classifier
    top, left, bottom, right = REGION
    crop = np.full((1, 48, 48), 60, np.float32)
    crop[:, top:bottom, left:right] = 200
    found = occlusion(classifier, crop, HAPPY, patch=12, stride=4)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert top <= row < bottom
    assert left <= column < right
    inside = np.zeros((48, 48), bool)
    inside[top:bottom, left:right] = True
    assert found[inside].mean() > 10 * found[~inside].mean() > 0
    far = np.zeros((48, 48), bool)  # No square that touches these pixels reaches the region.
    far[: top - 12] = True
    assert (found[far] == 0).all()
    assert np.allclose(occlusion(classifier, crop, 0), -occlusion(classifier, crop, HAPPY), atol=1e-6), (
        "two classes mirror each other"
    )


def test_occlusion_of_one_square_is_the_fall_of_probability(tmp_path: Path) -> None:
    """Squares that do not overlap: each pixel has the fall of its own square."""
    classifier = open_explained(looks_at_region(tmp_path / "region.onnx")).classifier
    crop = RANDOM.integers(0, 256, (1, 48, 48)).astype(np.float32)
    found = occlusion(classifier, crop, HAPPY, patch=12, stride=12)
    covered = crop.copy()
    covered[:, 24:36, 12:24] = crop.mean()
    before, after = classifier.probabilities(np.stack([crop, covered]))[:, HAPPY]
    assert np.allclose(found[24:36, 12:24], before - after, atol=1e-6)


@pytest.mark.parametrize(("patch", "stride"), [(0, 0), (4, 8), (60, 4)])
def test_a_square_that_does_not_fit_is_refused(
    tmp_path: Path, face: np.ndarray, patch: int, stride: int
) -> None:
    with pytest.raises(InputError, match="expected 0 < stride <= patch <= 48 px"):
        occlusion(
            open_explained(looks_at_region(tmp_path / "region.onnx")).classifier,
            face,
            0,
            patch=patch,
            stride=stride,
        )


def test_gradcam_is_cam_for_a_pooled_network(tmp_path: Path, face: np.ndarray) -> None:
    """Zhou et al. 2016: with a mean over places before one linear layer, Grad-CAM is the maps weighted with
    that layer's weights.
    """
    kernels = RANDOM.normal(size=(5, 1, 3, 3)).astype(np.float32)
    weights = RANDOM.normal(size=(2, 5)).astype(np.float32)
    subject = open_explained(pooled(tmp_path / "pooled.onnx", kernels, weights))
    maps = subject.features(face)["maps"]
    for target in (0, 1):
        by_hand = np.maximum(np.tensordot(weights[target], maps, axes=1), 0) / 48**2
        assert np.allclose(gradcam(subject, face, target), by_hand, rtol=1e-4, atol=1e-6)
    assert np.array_equal(subject.kernels().weights, kernels)
    assert subject.kernels().layer == "conv"


def test_gradcam_lies_on_the_part_that_the_network_looks_at(tmp_path: Path, face: np.ndarray) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Slice", ["faces", "starts", "ends", "axes"], ["centre"]),
        helper.make_node("MaxPool", ["centre"], ["maps"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Concat", ["maps", "maps"], ["both"], axis=1),
        helper.make_node("ReduceMean", ["both", "axes"], ["fer2013"], keepdims=0),
    ]
    stored = {"starts": np.array([4, 12]), "ends": np.array([44, 36]), "axes": np.array([2, 3])}
    found = gradcam(open_explained(write_graph(tmp_path / "centre.onnx", nodes, stored)), face, 0, "both")
    assert found[4:44, 12:36].min() > 0
    outside = np.ones((48, 48), bool)
    outside[4:44, 12:36] = False
    assert not found[outside].any()


def test_guided_backpropagation_drops_paths_with_a_negative_gradient(
    tmp_path: Path, face: np.ndarray
) -> None:
    """Two rectified channels, x and 300 - x, of which the second counts against the class: only the first may
    lead back.
    """
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["faces", "weights", "bias"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["maps"]),
        helper.make_node("ReduceMean", ["maps", "axes"], ["means"], keepdims=0),
        helper.make_node("Gemm", ["means", "signs"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["fer2013"]),
    ]
    stored = {
        "weights": np.array([1.0, -1.0], np.float32).reshape(2, 1, 1, 1),
        "bias": np.array([0.5, 300.0], np.float32),
        "axes": np.array([2, 3]),
        "signs": np.array([[0.0, 1.0], [0.0, -1.0]], np.float32),
    }
    subject = open_explained(write_graph(tmp_path / "signs.onnx", nodes, stored))
    pixels = torch.from_numpy(face[None]).requires_grad_()
    subject.differentiable()(pixels)[0, HAPPY].backward()
    assert np.allclose(pixels.grad.numpy(), 2 / 48**2), "both channels lead to the plain gradient"
    assert np.allclose(guided_backpropagation(subject, face, HAPPY), 1 / 48**2)


class _Functional(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(4, 2, 3)

    def rectified(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.relu(x)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"fer2013": self.rectified(self.second(torch.relu(self.first(x)))).mean(dim=(2, 3))}


class _Modules(_Functional):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = torch.nn.ReLU(), torch.nn.ReLU()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"fer2013": self.outer(self.second(self.inner(self.first(x)))).mean(dim=(2, 3))}


@pytest.mark.filterwarnings("ignore::UserWarning:captum")
def test_rectifiers_written_as_functions_are_guided_too(face: np.ndarray) -> None:
    from captum.attr import GuidedBackprop

    torch.manual_seed(0)
    functional, modules = _Functional(), _Modules()
    modules.load_state_dict(functional.state_dict())
    pixels = torch.from_numpy(face[None] / 255)
    guided = GuidedBackprop(Rectified(functional, "fer2013", pixels)).attribute(pixels.clone(), 0)
    expected = GuidedBackprop(Rectified(modules, "fer2013", pixels)).attribute(pixels.clone(), 0)
    pixels.requires_grad_()
    functional(pixels)["fer2013"][0, 0].backward()
    assert torch.equal(guided, expected)
    assert not torch.allclose(guided, pixels.grad)


def test_a_network_without_rectifiers_cannot_be_guided(tmp_path: Path, face: np.ndarray) -> None:
    with pytest.raises(
        InputError,
        match=r"expected a model with rectifiers \(ReLU\); known has none: use gradcam or occlusion",
    ):
        guided_backpropagation(open_explained(looks_at_region(tmp_path / "region.onnx")), face, 0)


def test_a_network_without_convolution_has_no_kernels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a model with a convolution; it has none"):
        open_explained(looks_at_region(tmp_path / "region.onnx")).kernels()


def test_a_conversion_that_answers_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = open_explained(looks_at_region(tmp_path / "region.onnx"))
    monkeypatch.setitem(OPERATORS, "Gemm", lambda attributes, a, b, c: a @ b + 1.1 * c)
    with pytest.raises(
        NetworkError, match=r"expected ONNX Runtime's answers from PyTorch to 0\.0001; they differ by"
    ):
        subject.differentiable()


def test_an_operator_that_is_not_known_is_named(tmp_path: Path, face: np.ndarray) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("MaxPool", ["faces"], ["maps"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Celu", ["maps"], ["bent"]),
        helper.make_node("Concat", ["bent", "bent"], ["both"], axis=1),
        helper.make_node("ReduceMean", ["both", "axes"], ["fer2013"], keepdims=0),
    ]
    subject = open_explained(write_graph(tmp_path / "celu.onnx", nodes, {"axes": np.array([2, 3])}))
    with pytest.raises(
        NetworkError, match="the network has Celu: kernels, features and occlusion still work"
    ):
        gradcam(subject, face, 0)
    assert subject.features(face)["bent"].shape == (1, 24, 24)
