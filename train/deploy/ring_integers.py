"""Integer rings: 8 bits per value, or as many levels as balanced-ternary planes hold, after training.

Ref: RPG (arXiv:2107.07110), section 5.6, "Quantization" (8 bits; its appendix is not in the text); planes:
:func:`spec.ring.limit`.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from spec.ring import limit
from train.nets.ring import Ring
from train.nets.ring_net import RpgResNet

__all__ = ["INT8_LIMIT", "integers", "make_integer", "ring_bytes", "ring_limit", "ring_step", "round_rings"]

#: Symmetric 8 bits.
INT8_LIMIT = 127

#: Fractions of the largest value tried as the end of the range.
_CLIPS = tuple(i / 32 for i in range(8, 33))


def ring_limit(planes: int | None) -> int:
    """Largest integer of a ring: of ``planes`` balanced-ternary digits, or of 8 bits without planes."""
    return INT8_LIMIT if planes is None else limit(planes)


def ring_step(values: Tensor, largest: int) -> float:
    """What one step of an integer in ``-largest..largest`` is worth: the one of least mean square error.

    Ends of the range from a quarter of the largest magnitude up are tried. With 8 bits the whole range wins or nearly
    so; with few levels it pays to clip. 1 for a ring of zeros.
    """
    values = values.detach()
    peak = float(values.abs().max())
    if peak == 0:
        return 1.0
    steps = [clip * peak / largest for clip in _CLIPS]
    errors = [float((integers(values, step, largest) * step - values).square().mean()) for step in steps]
    return steps[int(np.argmin(errors))]


def integers(values: Tensor, step: float, largest: int) -> Tensor:
    """``clamp(round(values / step), -largest, largest)``, as floats. Half a step off at most inside the range."""
    return (values / step).round().clamp(-largest, largest)


@torch.no_grad()
def make_integer(rings: Iterable[Ring], largest: int) -> dict[str, tuple[np.ndarray, float]]:
    """Round all ``rings`` in place: ``{name: (int8 values, step)}``, of which the ring now is the product."""
    found = {}
    for ring in rings:
        values = ring.free.detach()
        step = ring_step(values, largest)
        whole = integers(values, step, largest)
        if parametrize.is_parametrized(ring, "free"):
            parametrize.remove_parametrizations(ring, "free")  # What it gave is now what is stored.
        ring.free.copy_(whole * step)
        found[ring.name] = (whole.flatten().cpu().numpy().astype(np.int8), step)
    return found


def round_rings(model: RpgResNet, planes: int) -> None:
    """Round the rings of ``model`` in place to what is stored: integers of ``planes`` balanced-ternary digits."""
    found = make_integer(model.rings, limit(planes))
    for ring in model.rings:
        ring.integers, step = found[ring.name]
        ring.planes = planes
        for slot in ring.slots:
            model.convolutions[model.network.layer(slot.name).index].sigma = ring.scale(slot) * step


def ring_bytes(sizes: Iterable[int], bits: int = 8) -> int:
    """Bytes of integer rings of these sizes: ``bits`` a value, and a float32 step for each ring."""
    return sum(math.ceil(size * bits / 8) + 4 for size in sizes)
