"""Which places of a face speak for an expression: Grad-CAM and guided backpropagation by captum, and
occlusion, which needs no gradients, so that any model that runs will do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, MissingExtraError
from mien.explain.base import Differentiable, ExplainableModel, chosen_layer, deepest
from mien.inference.classifier import Classifier

_PART = "Gradient maps"


def gradcam(
    subject: ExplainableModel, crop: NDArray[np.float32], target: int, layer: str | None = None
) -> NDArray[np.float32]:
    """Which places of a layer speak for an expression (Selvaraju et al. 2017).

    The maps of the layer are added up, each weighted with the mean gradient of the expression's score (before
    the last softmax), and what is below 0 is cut off. The result is as coarse as the layer; here it is
    stretched over the part of the crop that the network looks at, which may be its centre only.

    Args:
        subject: The network.
        crop: ``(1, h, w)`` gray or ``(3, h, w)`` RGB, 0 to 255.
        target: Column of the expression.
        layer: Which layer; by default the deepest with maps of at least 4x4. Where a file holds several
            networks, the maps of each one's are added up.

    Returns:
        ``(h, w)``, 0 and above, in no particular unit.

    Raises:
        InputError: There is no such layer, or the expression's score does not depend on it.
        MissingExtraError: PyTorch or captum is not installed.
        NetworkError: No gradients can be taken through this network.

    >>> from mien.explain import open_explained
    >>> crop = np.random.default_rng(0).uniform(0, 255, (1, 48, 48)).astype(np.float32)
    >>> gradcam(open_explained("small"), crop, target=3).shape
    (48, 48)
    """
    features = subject.features(crop)
    names = deepest(features) if layer is None else [chosen_layer(layer, list(features))]
    with _captum() as (torch, attr):
        module, face = subject.differentiable(), torch.from_numpy(crop[None])
        top, left, bottom, right = _view(module, tuple(face.shape))
        stretched = torch.zeros(1, 1, bottom - top, right - left)
        for name in names:
            try:
                maps = attr.LayerGradCam(module, module.layer(name)).attribute(
                    face, target, relu_attributions=True
                )
            except RuntimeError as error:
                if "used in the graph" not in str(error):
                    raise
                message = f"expected a layer that the scores depend on; they do not depend on {name}: give another one with --layer"
                raise InputError(message) from None
            stretched += attr.LayerAttribution.interpolate(
                maps, (bottom - top, right - left), "bilinear"
            ).detach()
    whole = np.zeros(crop.shape[1:], np.float32)
    whole[top:bottom, left:right] = stretched[0, 0].numpy()
    return whole


def guided_backpropagation(
    subject: ExplainableModel, crop: NDArray[np.float32], target: int
) -> NDArray[np.float32]:
    """The gradient of an expression's score for every pixel, without the paths that any rectifier sees a
    negative gradient on.

    Springenberg et al. 2015. The image is sharp and shows what the network can see at all (edges of eyes
    and mouth); it depends little on the expression that is asked about (Adebayo et al. 2018), so read it
    beside occlusion.

    Args:
        subject: The network.
        crop: ``(1, h, w)`` gray or ``(3, h, w)`` RGB, 0 to 255.
        target: Column of the expression.

    Returns:
        ``(h, w)``; above 0 where a brighter pixel would raise the score.

    Raises:
        InputError: The network has no rectifier, so that there is nothing to guide.
        MissingExtraError: PyTorch or captum is not installed.
        NetworkError: No gradients can be taken through this network.

    >>> from mien.explain import open_explained
    >>> crop = np.random.default_rng(0).uniform(0, 255, (1, 48, 48)).astype(np.float32)
    >>> guided_backpropagation(open_explained("small"), crop, target=3).shape
    (48, 48)
    """
    with _captum() as (torch, attr):
        module = subject.differentiable()
        if not any(isinstance(part, torch.nn.ReLU) for part in module.modules()):
            raise InputError(
                f"expected a model with rectifiers (ReLU); {subject.name} has none: use gradcam or occlusion"
            )
        gradients = attr.GuidedBackprop(module).attribute(torch.from_numpy(crop[None]), target)
    return np.asarray(gradients[0].detach().numpy().sum(axis=0))


def require_gradients() -> None:
    """Nothing, where gradient maps can be drawn.

    Raises:
        MissingExtraError: PyTorch, captum or onnx is not installed.
    """
    import importlib.util

    for package in ("torch", "captum", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(_PART, "explain", package)


@contextmanager
def _captum() -> Iterator[tuple[Any, Any]]:
    """PyTorch, on one thread, and captum's methods; its advice about hooks, and in notebooks about progress bars, is kept quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torch
            from captum import attr
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            if package not in ("torch", "captum"):
                raise
            raise MissingExtraError(_PART, "explain", package) from None
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # For a single face more threads mostly wait for each other.
        try:
            yield torch, attr
        finally:
            torch.set_num_threads(threads)


def _view(module: Differentiable, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the pixels that any score depends on: some networks look at the centre
    only."""
    import torch

    faces = torch.rand(4, *shape[1:], generator=torch.Generator().manual_seed(0)).mul(255).requires_grad_()
    module(faces).square().sum().backward()
    assert faces.grad is not None
    touched = faces.grad.abs().sum(dim=(0, 1)).numpy() > 0
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    if not len(rows):
        return 0, 0, int(shape[2]), int(shape[3])
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def occlusion(
    classifier: Classifier,
    crop: NDArray[np.float32],
    target: int,
    *,
    patch: int | None = None,
    stride: int | None = None,
) -> NDArray[np.float32]:
    """How much the probability of an expression falls when a square of the face is covered (Zeiler and Fergus
    2014).

    A square in the mean colour of the crop slides over it and beyond its edges, so that every pixel is covered
    about equally often. A pixel gets the mean fall over all squares that cover it.

    Args:
        classifier: The network.
        crop: ``(1, h, w)`` gray or ``(3, h, w)`` RGB, 0 to 255.
        target: Column of the expression.
        patch: Side of the square in px; a quarter of the crop's by default.
        stride: Step in px; a twelfth of the crop's side by default.

    Returns:
        ``(h, w)``, -1 to 1: 0.2 says that covering this place takes 20 points of probability away, below 0
        that it adds some.

    Raises:
        InputError: The square or the step does not fit the crop.

    >>> from mien.explain import open_explained
    >>> flat = np.full((1, 48, 48), 90, np.float32)
    >>> float(abs(occlusion(open_explained("small").classifier, flat, 0)).max())  # gray on gray
    0.0
    """
    _, height, width = crop.shape
    side = min(height, width)
    patch, stride = side // 4 if patch is None else patch, side // 12 if stride is None else stride
    if not (0 < stride <= patch <= min(height, width)):
        raise InputError(
            f"expected 0 < stride <= patch <= {min(height, width)} px; got a patch of {patch} and a stride of {stride}"
        )
    tops, lefts = (np.arange(stride - patch, side, stride) for side in (height, width))
    rows, columns = (_covered(starts, patch, side) for starts, side in ((tops, height), (lefts, width)))
    masks = (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, height, width)
    mean = crop.mean(axis=(1, 2), keepdims=True)
    covered = np.where(masks[:, None], mean, crop[None]).astype(np.float32)
    probabilities = classifier.probabilities(np.concatenate([crop[None], covered]))[:, target]
    falls = probabilities[0] - probabilities[1:]
    return np.asarray(np.tensordot(falls, masks, axes=1) / masks.sum(axis=0), np.float32)


def _covered(starts: NDArray[np.int64], patch: int, side: int) -> NDArray[np.bool_]:
    """``(n, side)``: which pixels of a line each position covers."""
    pixels = np.arange(side)
    return (pixels >= starts[:, None]) & (pixels < starts[:, None] + patch)
