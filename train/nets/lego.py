"""Lego filters: filters put together of a few small ones, each with a coefficient, chosen in training.

Ref: Yang et al., LegoNet (ICML 2019), section 3: a filter is cut along the input channels into fragments, and every
fragment is one of the layer's Lego filters (a one-hot choice, learned by a straight-through estimator) times a number.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.refusal import Refused
from train.nets.addressing import Slot
from train.nets.ring import RING_SIGMA
from train.nets.ring_plan import shared_out

__all__ = ["Lego"]


class Lego(nn.Module):
    """``K_i[o, :, :, fragment f] = (sigma_i / RING_SIGMA) * a_i[o, f] * B_i[choice_i[o, f]]`` for every slot.

    Parameters
    ----------
    slots : sequence of Slot
    dof : int
        Budget of all values of ``B`` and ``a``, shared out in proportion to the weights; what a slot cannot use as a
        whole Lego filter goes to the next. At most one Lego filter of the last slot is left over.
    pieces : int
        Fragments of a filter; fewer where the input channels are fewer.
    generator : torch.Generator

    Members
    -------
    dof : int
        What it came to: all of ``B`` and ``a``. The choices are bits, not values.
    index_bits : int
        Bits of all choices.

    Raises
    ------
    Refused
        If not even one Lego filter for every slot is within ``dof``.
    """

    def __init__(self, slots: Sequence[Slot], dof: int, *, pieces: int = 4, generator: torch.Generator):
        super().__init__()
        self.slots, self.dof, self.index_bits = tuple(slots), 0, 0
        self.filters, self.coefficients, self.preferences = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        shares, spare = shared_out(dof, {slot.name: slot.weight_count for slot in slots}, 1), 0
        for slot in self.slots:
            outputs, rows, columns, inputs = slot.shape
            cut = next(count for count in range(min(pieces, inputs), 0, -1) if inputs % count == 0)
            one, fragments = rows * columns * inputs // cut, outputs * cut
            count = min(max((shares[slot.name] + spare - fragments) // one, 1), fragments)
            used = count * one + fragments
            spare += shares[slot.name] - used
            self.dof += used
            self.index_bits += fragments * (count - 1).bit_length()
            self.filters.append(nn.Parameter(torch.randn(count, one, generator=generator) * RING_SIGMA))
            self.coefficients.append(nn.Parameter(torch.ones(outputs, cut)))
            self.preferences.append(nn.Parameter(torch.rand(outputs, cut, count, generator=generator)))
        if spare < 0:
            raise Refused(
                f"Lego filters of this network need {self.dof:,} degrees of freedom, not {dof:,}; give --dof as many"
            )

    def draw(self) -> dict[str, Tensor]:
        """Weights of all slots by name, float32 (O, K, K, I). Differentiable by filters, coefficients, preferences."""
        drawn = {}
        for slot, legos, factors, liking in zip(
            self.slots, self.filters, self.coefficients, self.preferences, strict=True
        ):
            hard = functional.one_hot(liking.argmax(-1), legos.shape[0]).to(liking.dtype)
            chosen = hard + liking - liking.detach()  # forward: the one-hot choice; backward: to the preferences
            outputs, rows, columns, inputs = slot.shape
            parts = (chosen @ legos) * factors[..., None]  # (O, fragments, K * K * I / fragments)
            parts = parts.view(outputs, -1, rows, columns, inputs // factors.shape[1]).permute(0, 2, 3, 1, 4)
            drawn[slot.name] = parts.reshape(slot.shape) * (slot.sigma / RING_SIGMA)
        return drawn
