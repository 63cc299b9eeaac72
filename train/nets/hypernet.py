"""Static hypernetworks: one small two-layer network makes the kernels of all layers from a vector for each.

Ref: Ha, Dai, Le, HyperNetworks (2016, arXiv:1609.09106), section 3.1 and Appendix A.2: a kernel of more channels than
the unit is put together of several units, with a vector each.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spec.refusal import Refused
from train.nets.addressing import Slot
from train.nets.ring import RING_SIGMA

__all__ = ["HyperNetwork"]


class HyperNetwork(nn.Module):
    """For unit ``j``: ``a_i = A_i z_j + c_i`` for each of its input channels, then ``K[:, :, :, i] = B a_i + b``.

    A unit has as many channels as the smallest slot, and the largest kernel; what a slot has less is cut off, of a 1x1
    kernel all but the centre. Every slot is scaled to its Kaiming variance.

    Parameters
    ----------
    slots : sequence of Slot
    dof : int
        Values of everything that is learned, at most.
    generator : torch.Generator

    Members
    -------
    dof : int
        What it came to: the most with lengths of ``z`` and ``a`` within a factor of two of each other.

    Raises
    ------
    Refused
        If not even lengths of 1 are within ``dof``.
    """

    index_bits = 0

    def __init__(self, slots: Sequence[Slot], dof: int, *, generator: torch.Generator):
        super().__init__()
        self.slots = tuple(slots)
        self.unit = min(min(slot.shape[0], slot.shape[3]) for slot in slots)
        self.side = max(slot.shape[1] for slot in slots)
        self.tiles = [math.ceil(slot.shape[0] / self.unit) * math.ceil(slot.shape[3] / self.unit) for slot in slots]
        code, inner, self.dof = self._lengths(dof)

        def drawn(*shape: int, deviation: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator) * deviation)

        made = self.unit * self.side**2
        self.codes = drawn(sum(self.tiles), code)
        self.first = drawn(self.unit, code, inner, deviation=code**-0.5)
        self.first_bias = nn.Parameter(torch.zeros(self.unit, inner))
        self.second = drawn(inner, made, deviation=RING_SIGMA * inner**-0.5)
        self.second_bias = nn.Parameter(torch.zeros(made))

    def _lengths(self, dof: int) -> tuple[int, int, int]:
        """Lengths of ``z`` and ``a``, and the values of all in all."""
        made, best = self.unit * self.side**2, (0, 0, 0)
        for code in range(1, dof + 1):
            outer = code * sum(self.tiles) + made
            each = self.unit * (code + 1) + made
            inner = min((dof - outer) // each, 2 * code)
            if outer + each * max(code // 2, 1) > dof:
                break
            best = max(best, (outer + each * inner, code, inner))
        if not best[0]:
            least = sum(self.tiles) + 2 * made + 2 * self.unit
            raise Refused(
                f"A hypernetwork for this network needs {least:,} degrees of freedom, not {dof:,}; give --dof as many"
            )
        return best[1], best[2], best[0]

    def draw(self) -> dict[str, Tensor]:
        """Weights of all slots by name, float32 (O, K, K, I). Differentiable by all that is learned."""
        inner = torch.einsum("jz,iza->jia", self.codes, self.first) + self.first_bias
        units = (inner @ self.second + self.second_bias).view(-1, self.unit, self.unit, self.side, self.side)
        drawn = {}
        for slot, tiles in zip(self.slots, units.split(self.tiles), strict=True):
            outputs, rows, columns, inputs = slot.shape
            across = math.ceil(inputs / self.unit)
            # (output tile, input tile, I, O, K, K) -> (output tile, O, K, K, input tile, I)
            whole = tiles.view(-1, across, *units.shape[1:]).permute(0, 3, 4, 5, 1, 2)
            whole = whole.reshape(-1, self.side, self.side, across * self.unit)
            top, left = (self.side - rows) // 2, (self.side - columns) // 2
            kernel = whole[:outputs, top : top + rows, left : left + columns, :inputs]
            drawn[slot.name] = kernel * (slot.sigma / RING_SIGMA)
        return drawn
