"""What is fitted after training, on images that were not learned from: temperatures, and the blend of
two heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.core.labels import FERPLUS
from mien.data.dataset import FaceDataset
from mien.inference.card import ENOUGH
from mien.training.splits import columns_of

BLEND = "expression"
"""Name of the output that blends two heads; it comes first, so it is what users get unless they ask for
another."""

PRIOR = 2.0
"""How firmly a temperature is held at 1 before there are images.

It is the rate of a gamma distribution of the inverse temperature with its mode at 1 (the usual prior of an
inverse scale: Gelman et al., Bayesian Data Analysis, 2.6), under which nine temperatures in ten lie between
0.32 and 2.4; the outputs of the networks that come with mien, fitted to thousands of images, have 0.45 to
1.71. As one image tells 0.5 (FER+) to 0.9 (FER-2013) about the logarithm, it weighs as much as 2 to 4
images.
"""

Logits = Mapping[str, NDArray[np.floating]]
_Answered = tuple[Any, NDArray[np.int64]]
"""What was said about n images, and their ``(n,)`` right columns, -1 where an image does not count."""


@dataclass(frozen=True)
class Blend:
    """How two heads become one output.

    Args:
        share: Of the FER-2013 head in the logarithm of the output, 0 to 1.
        adjustment: How much of the logarithm of the classes' shares of the votes is taken off (logit
            adjustment, Menon et al. 2020, https://arxiv.org/abs/2007.07314): 0 nothing; at 1 a rare class needs
            no more evidence than a frequent one.
    """

    share: float
    adjustment: float = 0.0

    def __str__(self) -> str:
        adjusted = f", {self.adjustment:g} of the logarithm of the classes' shares taken off"
        return f"{self.share:.0%} fer2013 in the logarithm{adjusted if self.adjustment else ''}"


@dataclass(frozen=True)
class Calibration:
    """How logits become answers.

    Args:
        temperatures: Per output, the number that its logits are divided by (Guo et al. 2017).
        blend: How the blended output is made; None where nothing is blended.
        shared: Columns of the FER+ head for each class of the blended output.
        bias: What is added to the blended logarithm of each class: the adjustment times its rarity.
        fitted_to: Per output, how many labelled images its temperature was fitted to.
    """

    temperatures: Mapping[str, float]
    blend: Blend | None = None
    shared: tuple[int, ...] = ()
    bias: tuple[float, ...] = ()
    fitted_to: Mapping[str, int] = field(default_factory=dict)

    def answers(self, logits: Logits) -> dict[str, NDArray[np.float64]]:
        """``(n, k)`` probabilities of every output, the blend first where there is one.

        >>> Calibration({"fer2013": 2.0}).answers({"fer2013": np.array([[0.0, 2 * np.log(3)]])})["fer2013"].round(3).tolist()
        [[0.25, 0.75]]
        """
        logs = _scaled(logits, self.temperatures)
        heads = {head: np.exp(values) for head, values in logs.items()}
        if self.blend is None:
            return heads
        mixed = _mean(logs, self.blend.share, self.shared) + np.array(self.bias or 0.0)
        return {BLEND: np.exp(_log_softmax(mixed / self.temperatures[BLEND])), **heads}


@dataclass(frozen=True, eq=False)
class Judged:
    """What a network says about images whose labels are known.

    Args:
        logits: ``(n, k)`` of each head.
        data: The n images.
        head: The head that the data set teaches.
    """

    logits: Logits
    data: FaceDataset
    head: str


def fit(
    logits: Logits, data: FaceDataset, others: Sequence[Judged] = (), blend: Blend | None = None
) -> Calibration:
    """Fit to labelled images that were not learned from.

    A temperature gives the smallest cross-entropy to the labels that the output is judged by: the label for
    ``fer2013`` and ``labels``, the majority of the annotators for ``ferplus`` (images without one do not count), the label of
    its own data set for a head of its own, all data sets alike for the blend.

    The blend is judged by every set of labels: FER-2013's, the majority of FER+, and those of each further data
    set; sets weigh alike. In each, a face counts half as it comes and half by its class (the mean of accuracy and
    balanced accuracy), for users' faces come neither in the shares of that set nor with all classes alike. Out of
    tenths for the share of ``fer2013`` and for the adjustment, it has the smallest adjustment, and of those the
    smallest share, whose mean is within one standard error of the best (Breiman et al. 1984, the rule of one
    standard error; here of the difference on the same images).

    Args:
        logits: ``(n, k)`` of each head: ``fer2013``, ``ferplus``, and those of further data sets.
        data: The n images.
        others: What the network says about the further data sets of a mixture.
        blend: Fitted where it is None.
    """
    sets = {head: _answered(head, logits, data, others) for head in logits}
    temperatures = {head: _temperature(answered) for head, answered in sets.items()}
    counts = {head: _counted(answered) for head, answered in sets.items()}
    names = data.labels.names
    if not {"fer2013", "ferplus"} <= set(logits) or not set(names) <= set(FERPLUS):
        return Calibration(temperatures, fitted_to=counts)
    shared = tuple(FERPLUS.index(name) for name in names)
    rarity = rarity_of(data, shared)
    both = [_scaled(part, temperatures) for part in (logits, *(other.logits for other in others))]
    truths = [[data.expressions, data.seven_class_majority()]]
    truths += [[columns_of(other.data, data.labels)] for other in others]
    judged = [(logs, truth) for logs, several in zip(both, truths, strict=True) for truth in several]
    if blend is None:
        blend = _smallest_as_good({each: _right(each, judged, shared, rarity) for each in _candidates()})
    blended = [(blended_logs(logs, blend, shared, rarity), truth) for logs, truth in judged]
    temperature, counts[BLEND] = _temperature(blended), _counted(blended)
    if counts[BLEND] < ENOUGH:
        # They have sharpened both heads already: so few must not sharpen the blend of them once more.
        temperature = max(temperature, 1.0)
    bias = tuple((blend.adjustment * rarity).round(6).tolist())
    return Calibration({**temperatures, BLEND: temperature}, blend, shared, bias, counts)


def _answered(head: str, logits: Logits, data: FaceDataset, others: Sequence[Judged]) -> list[_Answered]:
    """The answers of a head, and what is right, on the images of its own kind of label."""
    if head in ("fer2013", "labels"):
        return [(logits[head], data.expressions)]
    if head == "ferplus":
        return [(logits[head], data.ferplus_majority())]
    return [(other.logits[head], other.data.expressions) for other in others if other.head == head]


def _counted(sets: Sequence[_Answered]) -> int:
    """Images that count, in the set that has the fewest."""
    return min((int((truth >= 0).sum()) for _, truth in sets), default=0)


def _scaled(logits: Logits, temperatures: Mapping[str, float]) -> Logits:
    return {head: _log_softmax(values / temperatures[head]) for head, values in logits.items()}


def rarity_of(data: FaceDataset, shared: Sequence[int]) -> NDArray[np.float64]:
    """``(k,)`` minus the logarithm of each class's share of the votes; each has one more, so that none has
    none."""
    votes = data.vote_shares()[:, list(shared)].sum(axis=0, dtype=np.float64) + 1
    return np.asarray(-np.log(votes / votes.sum()))


def _candidates() -> list[Blend]:
    """Blends from the simplest: no adjustment, nothing of the FER-2013 head."""
    tenths = [step / 10 for step in range(11)]
    return [Blend(share, adjustment) for adjustment in tenths for share in tenths]


def blended_logs(
    logs: Logits, blend: Blend, shared: Sequence[int], rarity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``(n, k)`` logarithms of the blended output, but for a number per face.

    Args:
        logs: Log-probabilities of both heads.
        blend: How they are blended.
        shared: Columns of the FER+ head for each class.
        rarity: ``(k,)`` of each class (`rarity_of`).
    """
    return _mean(logs, blend.share, shared) + blend.adjustment * rarity


def _mean(logs: Logits, share: float, shared: Sequence[int]) -> NDArray[np.float64]:
    """``(n, k)`` weighted mean of the heads' log-probabilities; *contempt*, which FER-2013 does not know, is
    left out."""
    return np.asarray(share * logs["fer2013"] + (1 - share) * logs["ferplus"][:, list(shared)])


def _right(
    blend: Blend, judged: Sequence[_Answered], shared: Sequence[int], rarity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``(n,)`` what each image of each set adds to the mean of the sets' accuracies and balanced accuracies."""
    parts = []
    for logs, truth in judged:
        counted = np.flatnonzero(truth >= 0)
        n = np.bincount(truth[counted], minlength=len(shared))
        right = (blended_logs(logs, blend, shared, rarity).argmax(axis=1) == truth)[counted]
        by_class = 1 / n[truth[counted]] / max((n > 0).sum(), 1)
        parts.append(right * (1 / max(len(counted), 1) + by_class) / 2 / len(judged))
    return np.concatenate(parts)


def _smallest_as_good(right: Mapping[Blend, NDArray[np.float64]]) -> Blend:
    """The first that is within one standard error of the best."""
    best = max(right, key=lambda blend: right[blend].sum())
    worse = {blend: right[best] - values for blend, values in right.items()}
    return next(
        blend for blend, by in worse.items() if by.sum() <= np.sqrt(len(by) * by.var() if len(by) else 0)
    )


def _log_softmax(values: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = values.astype(np.float64) - values.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _temperature(sets: Sequence[_Answered]) -> float:
    """With the smallest mean cross-entropy, the most probable one given `PRIOR`; sets of labels count
    alike."""
    targets = [
        (torch.from_numpy(np.asarray(values, np.float64)), torch.from_numpy(truth))
        for values, truth in sets
        if (truth >= 0).any()
    ]
    if not targets:
        return 1.0
    log_temperature = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scale = log_temperature.clamp(-3, 3).exp()
        # Nats beforehand, but for a constant.
        unlikely = PRIOR * ((-log_temperature).exp() + log_temperature).sum()
        value = torch.stack(
            [
                functional.cross_entropy(values / scale, target, ignore_index=-1)
                + unlikely / (target >= 0).sum()
                for values, target in targets
            ]
        ).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return round(float(log_temperature.detach().clamp(-3, 3).exp()), 4)
