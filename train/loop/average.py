"""An average of the parameters over the last steps, which generalizes better than the last step's.

Ref: Averaging Weights Leads to Wider Optima and Better Generalization (Izmailov et al., UAI 2018); as a running mean.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """``mean += (1 - d) * (parameter - mean)`` after every step, where ``d`` grows to ``decay``.

    After step ``n`` (from 0) ``d`` is at most ``(1 + n) / (10 + n)``, so that the first steps are soon forgotten.

    Parameters
    ----------
    model : nn.Module
        Its trainable parameters; buffers, as the statistics of batch norms, are measured again at the end.
    decay : float
        From 0 to below 1.
    """

    def __init__(self, model: nn.Module, decay: float):
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._means = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the parameters after step ``step`` of the run in."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._parameters.items():
            self._means[name].lerp_(parameter, share)

    @torch.no_grad()
    def apply(self) -> None:
        """Make the parameters their average."""
        for name, parameter in self._parameters.items():
            parameter.copy_(self._means[name])

    def state(self) -> dict[str, Tensor]:
        """The means by the parameters' names; :meth:`restore` takes them back."""
        return dict(self._means)

    def restore(self, means: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`state` gave."""
        for name, mean in means.items():
            self._means[name].copy_(mean)
