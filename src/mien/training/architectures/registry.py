"""The networks by name: the published ones and ours."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.core.errors import InputError, MissingExtraError
from mien.core.names import quoted

if TYPE_CHECKING:
    from torch import nn

DEFAULT_HEAD = "fer2013"


@dataclass(frozen=True)
class Architecture:
    """What is known of a network before it is built; the full story is in the docstring of its file.

    Args:
        home: Where its class is, ``module:name``.
        title: What cards call it, for people who know none of the names here.
        source: Paper or code that it follows.
        input: What it makes of 48x48 gray pixels, 0 to 255, before its first layer.
        chosen: What was decided where the source is silent or contradicts itself.
    """

    home: str
    title: str
    source: str
    input: str
    chosen: str


ARCHITECTURES: Mapping[str, Architecture] = {
    "gudi": Architecture(
        "mien.training.architectures.gudi:GudiNet",
        "Gudi's network (2015)",
        "Gudi 2015 (abstract, summary); kernel sizes from public re-implementations",
        "centre 42x42, /255",
        "unpadded; Jarrett's local contrast normalisation after the first convolution; no dropout; no count is published",
    ),
    "kalu": Architecture(
        "mien.training.architectures.kalu:KaluNet",
        "Kalu's network",
        "the paper's layers; both counts are those of a Keras network shared by many projects",
        "48x48, as it is",
        "no scaling of pixels, as in the shared code",
    ),
    "mini_xception": Architecture(
        "mien.training.architectures.mini_xception:MiniXception",
        "Mini-Xception (Arriaga 2017)",
        "Arriaga 2017; the authors' code",
        "64x64 bilinear, -1 to 1",
        "where the paper's text and code differ (ReLU, size): the code, as the released weights do",
    ),
    "monyok": Architecture(
        "mien.training.architectures.monyok:MonyokNet",
        "Monyok's network",
        "the paper's list of layers",
        "48x48, /255",
        "nothing",
    ),
    "residual": Architecture(
        "mien.training.architectures.residual:ResidualNet",
        "Residual network",
        "ours",
        "centre 44x44, mean 0, deviation 1",
        "options widths, blocks, view, dropout, stride, separable, kernel, blur",
    ),
    "spittlemeister": Architecture(
        "mien.training.architectures.spittlemeister:SpittlemeisterNet",
        "Spittlemeister's network (2018)",
        "the author's notebook, 2018",
        "48x48, as it is",
        "nothing; its published accuracies contradict each other, see its file",
    ),
}


def create_model(
    name: str, *, classes: int | None = None, heads: Mapping[str, int] | None = None, **options: Any
) -> nn.Module:
    """An untrained network.

    Args:
        name: One of ``ARCHITECTURES``.
        classes: Number of classes of one output called ``fer2013``; 7 unless ``heads`` says otherwise.
        heads: Number of classes of each output, by name, instead of ``classes``.
        options: What that network takes besides, such as ``dropout``.

    Returns:
        A module from ``(n, 1, 48, 48)``, gray, 0 to 255, to ``{head: (n, k) logits}``; it does its own
        scaling, so an exported graph needs no preparation of pixels.

    Raises:
        InputError: No such network or option, or outputs that cannot be.
        MissingExtraError: PyTorch is not installed.

    >>> from mien.training.architectures import count_weights
    >>> count_weights(create_model("monyok"))
    Weights(trainable=318407, total_with_running_statistics=318407)
    """
    if name not in ARCHITECTURES:
        raise InputError(
            f"expected an architecture out of {', '.join(sorted(ARCHITECTURES))}; got {quoted(name)}"
        )
    if classes is not None and heads is not None:
        raise InputError("expected classes or heads; got both: heads alone says it all")
    outputs = {DEFAULT_HEAD: 7 if classes is None else classes} if heads is None else dict(heads)
    if not outputs or any(number < 2 for number in outputs.values()):
        raise InputError(f"expected at least one output, each with 2 classes or more; got {outputs}")
    module, _, kind = ARCHITECTURES[name].home.partition(":")
    try:
        network = getattr(import_module(module), kind)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("Networks to train", "train", "torch") from None
    return _build(name, network, outputs, options)


def _build(name: str, network: type[nn.Module], heads: dict[str, int], options: dict[str, Any]) -> nn.Module:
    known = [option for option in inspect.signature(network).parameters if option != "heads"]
    if unknown := sorted(set(options) - set(known)):
        raise InputError(
            f"expected options of {name} ({', '.join(known) or 'it has none'}); got {', '.join(unknown)}"
        )
    return network(heads, **options)
