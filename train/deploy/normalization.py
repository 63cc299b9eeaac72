"""What images went through before the first layer of a public code, folded into that layer.

Ref: docs/howto/import.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spec.refusal import Refused
from spec.ring import PLANES_MAX, limit
from train.nets.layers import HiddenConv

__all__ = ["Normalization"]

#: Proportions that differ by less are one.
_CLOSE = 1e-3


@dataclass(frozen=True)
class Normalization:
    """What the images went through before the first layer: ``(x/255 - mean) / deviation``, channel by channel."""

    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)

    @classmethod
    def of(cls, mean: Sequence[float], deviation: Sequence[float], channels: int) -> "Normalization":
        """One number stands for all ``channels``. Refused if there are others than that."""
        for option, values in (("mean", mean), ("std", deviation)):
            if len(values) not in (1, channels):
                raise Refused(f"Option --{option} must give 1 or {channels} numbers, not {len(values)}")
        return cls(*(tuple(values) * (channels // len(values)) for values in (mean, deviation)))

    def levels(self) -> np.ndarray:
        """Integers in the proportion of ``1 / deviation``, as exactly as those of a ring can be: int array (C,)."""
        share = min(self.deviation) / np.array(self.deviation)  # (C,), the largest is 1
        tops = np.arange(1, limit(PLANES_MAX) + 1)
        levels = np.maximum(np.rint(tops[:, None] * share), 1)
        errors = np.abs(levels / (tops[:, None] * share) - 1).max(1)
        good = np.flatnonzero(errors <= _CLOSE)  # Fewer planes are faster than what nobody can see is exact.
        return levels[good[0] if len(good) else errors.argmin()].astype(int)

    def fold(self, stem: HiddenConv) -> list[str]:
        """Fold it into the first layer, and say so in sentences. Without gradients.

        A deviation ``d`` divides the weights that read its channel, exactly in floating point and by :meth:`levels` in
        integers; ``sum(w/d * mean)`` is added to what the batch norm subtracts; the mean surrounds the images.
        """
        mean = torch.tensor(self.mean, dtype=torch.float64)
        deviation = torch.tensor(self.deviation, dtype=torch.float64)
        if not mean.any() and (deviation == 1).all():
            return []
        levels = self.levels()
        taps = stem.weight.view(len(stem.weight), -1, len(deviation))  # (M, K*K, C)
        exact = taps.double() / deviation
        taps.copy_(exact)
        # The multiple of the levels nearest to what they stand for.
        wanted = stem.sigma / deviation.numpy()
        stem.sigma = float(wanted @ levels / (levels @ levels))
        stem.levels = levels
        off = float(np.abs(levels * stem.sigma / wanted - 1).max())
        said = ["normalization of the images, in the first layer's weights and batch norm"]
        if len(set(self.deviation)) > 1:
            said.append(
                f"deviations of the image channels: weights of the first layer are {', '.join(map(str, levels))} by "
                f"channel, which is within {off:.2%}"
            )
        if mean.any():
            kept = (stem.mask().view(taps.shape) * exact).sum(1)  # (M, C)
            stem.norms[0].running_mean += (kept @ mean).float()
            stem.surround = mean.float()
        return said
