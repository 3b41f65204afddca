"""Local contrast normalisation: every place of a feature map against what lies around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LocalContrastNorm(nn.Module):
    """Subtract the local mean, divide by the local deviation (Jarrett et al. 2009, section 3.1).

    With ``w`` a Gaussian window over rows and columns, ``<.>`` the mean over the channels and ``*`` a
    weighted mean over the window (at a border over the part of it that lies inside)::

        v = x - w * <x>              the local mean, over all channels at once
        s = sqrt(w * <v^2>)          the local deviation
        y = v / max(s, mean(s))      places quieter than the image's mean deviation are not blown up

    ``1e-6`` under the root keeps flat images, and the gradient at 0, finite. Nothing is learned.

    Args:
        window: Side of the window, odd, in px. 9 is the paper's.
        deviation: Width of the Gaussian in px. The paper gives none; a quarter of the window fills it.
    """

    gaussian: Tensor

    def __init__(self, window: int = 9, deviation: float = 2.25) -> None:
        super().__init__()
        line = torch.exp(-0.5 * (torch.arange(window) - window // 2).float().div(deviation).square())
        weights = torch.outer(line, line)
        self.register_buffer("gaussian", (weights / weights.sum())[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        v = x - self._around(x.mean(dim=1, keepdim=True))
        s = torch.sqrt(self._around(v.square().mean(dim=1, keepdim=True)) + 1e-6)
        return v / torch.maximum(s, s.mean(dim=(2, 3), keepdim=True))

    def _around(self, x: Tensor) -> Tensor:
        """``(n, 1, h, w)`` weighted means; the weight that falls outside is spread over what is inside."""
        margin = self.gaussian.shape[-1] // 2
        inside = functional.conv2d(torch.ones_like(x[:1]), self.gaussian, padding=margin)
        return functional.conv2d(x, self.gaussian, padding=margin) / inside
