"""What is fitted after training, on images that were not learned from: temperatures, and the blend of
two heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.core.labels import FERPLUS
from mien.data.dataset import FaceDataset
from mien.inference.card import ENOUGH

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
_Truths = Sequence[NDArray[np.int64]]
"""One or two sets of labels: ``(n,)`` columns, -1 where an image does not count."""


@dataclass(frozen=True)
class Calibration:
    """How logits become answers.

    Args:
        temperatures: Per output, the number that its logits are divided by (Guo et al. 2017).
        blend: Share of the FER-2013 head in the logarithm of the blended output, 0 to 1; None where nothing
            is blended.
        shared: Columns of the FER+ head for each class of the blended output.
        fitted_to: Per output, how many labelled images its temperature was fitted to.
    """

    temperatures: Mapping[str, float]
    blend: float | None = None
    shared: tuple[int, ...] = ()
    fitted_to: Mapping[str, int] = field(default_factory=dict)

    def answers(self, logits: Logits) -> dict[str, NDArray[np.float64]]:
        """``(n, k)`` probabilities of every output, the blend first where there is one.

        >>> Calibration({"fer2013": 2.0}).answers({"fer2013": np.array([[0.0, 2 * np.log(3)]])})["fer2013"].round(3).tolist()
        [[0.25, 0.75]]
        """
        logs = {head: _log_softmax(values / self.temperatures[head]) for head, values in logits.items()}
        heads = {head: np.exp(values) for head, values in logs.items()}
        if self.blend is None:
            return heads
        return {
            BLEND: np.exp(_log_softmax(_blended(logs, self.blend, self.shared) / self.temperatures[BLEND])),
            **heads,
        }


def fit(logits: Logits, data: FaceDataset, share: float | None = None) -> Calibration:
    """Fit to labelled images.

    A temperature gives the smallest cross-entropy to the labels that the output is judged by: the label for
    ``fer2013``, the majority of the annotators for ``ferplus`` (images without one do not count), both alike
    for the blend. The blend, out of tenths, has the smallest share of ``fer2013`` whose mean of the
    accuracies on the two label sets is within one standard error of the best: FER-2013 says what an image
    was searched for, FER+ what people see, and where the sum of both cannot tell, people can (Breiman et al.
    1984, the rule of one standard error; here of the difference on the same images).

    Args:
        logits: ``(n, k)`` of each head, ``fer2013``, ``ferplus`` or both.
        data: The n images.
        share: Of the FER-2013 head in the blend, 0 to 1; fitted where it is None.
    """
    truths: dict[str, _Truths] = {
        head: [data.ferplus_majority() if head == "ferplus" else data.expressions] for head in logits
    }
    temperatures = {head: _temperature(values, truths[head]) for head, values in logits.items()}
    names = data.labels.names
    if set(logits) != {"fer2013", "ferplus"} or not set(names) <= set(FERPLUS):
        return Calibration(temperatures, fitted_to={head: _counted(truths[head]) for head in logits})
    shared = tuple(FERPLUS.index(name) for name in names)
    both = [data.expressions, data.seven_class_majority()]
    logs = {head: _log_softmax(values / temperatures[head]) for head, values in logits.items()}
    if share is None:
        share = _smallest_as_good(
            {step / 10: _right(_blended(logs, step / 10, shared), both) for step in range(11)}
        )
    counts = {head: _counted(truth) for head, truth in {**truths, BLEND: both}.items()}
    blended = _temperature(_blended(logs, share, shared), both)
    if (
        counts[BLEND] < ENOUGH
    ):  # They have sharpened both heads already: so few must not sharpen the blend of them once more.
        blended = max(blended, 1.0)
    return Calibration({**temperatures, BLEND: blended}, share, shared, counts)


def _counted(truths: _Truths) -> int:
    """Images that count, under the set of labels that has the fewest."""
    return min(int((truth >= 0).sum()) for truth in truths)


def _blended(logs: Logits, share: float, shared: Sequence[int]) -> NDArray[np.float64]:
    """``(n, k)`` weighted mean of the heads' log-probabilities; *contempt*, which FER-2013 does not know, is
    left out."""
    return np.asarray(share * logs["fer2013"] + (1 - share) * logs["ferplus"][:, list(shared)])


def _right(blended: NDArray[np.floating], truths: _Truths) -> NDArray[np.float64]:
    """``(n,)`` what each image adds to the mean of the accuracies on several sets of labels."""
    answers = blended.argmax(axis=1)
    shares = [
        ((answers == truth) & (truth >= 0)) / (truth >= 0).sum() for truth in truths if (truth >= 0).any()
    ]
    return np.asarray(np.mean(shares, axis=0)) if shares else np.zeros(len(answers))


def _smallest_as_good(right: Mapping[float, NDArray[np.float64]]) -> float:
    """The smallest share that is within one standard error of the best."""
    best = max(right, key=lambda share: right[share].sum())
    worse = {share: right[best] - values for share, values in right.items()}
    return min(
        share for share, by in worse.items() if by.sum() <= np.sqrt(len(by) * by.var() if len(by) else 0)
    )


def _log_softmax(values: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = values.astype(np.float64) - values.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _temperature(logits: NDArray[np.floating], truths: _Truths) -> float:
    """With the smallest mean cross-entropy, the most probable one given `PRIOR`; sets of labels count
    alike."""
    values = torch.from_numpy(np.asarray(logits, np.float64))
    targets = [torch.from_numpy(truth) for truth in truths if (truth >= 0).any()]
    if not targets:
        return 1.0
    log_temperature = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scaled = values / log_temperature.clamp(-3, 3).exp()
        unlikely = (
            PRIOR * ((-log_temperature).exp() + log_temperature).sum()
        )  # Nats beforehand, but for a constant.
        value = torch.stack(
            [
                functional.cross_entropy(scaled, target, ignore_index=-1) + unlikely / (target >= 0).sum()
                for target in targets
            ]
        ).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return round(float(log_temperature.detach().clamp(-3, 3).exp()), 4)
