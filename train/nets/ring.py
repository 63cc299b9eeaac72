"""Where weights come from: a ring that all its slots share, or a tensor of its own for each slot.

Both are asked for all weights at once, once per training step, by ``draw()``: ``{slot name: weight (O, K, K, I)}``.

Ref: RPG (arXiv:2107.07110), section 3, eq. 2 and 3; section 5.1, Implementation Details.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from train.nets.addressing import Addressing, Slot, addresses

__all__ = ["RING_SIGMA", "Ring", "Unshared"]

#: Standard deviation a ring starts with. It is that of a typical Kaiming layer, so that the scale of a layer is about 1
#: and the learning rate means what it means in a network without rings.
RING_SIGMA = 0.06


class Ring(nn.Module):
    """Free vector W of ``size`` values (the degrees of freedom) that the weights of all ``slots`` are drawn from.

    ``K_i = (sigma_i / RING_SIGMA) * b_i o W[p_i]``: addresses ``p_i`` and flips ``b_i`` are fixed, and the scale gives
    every layer its Kaiming variance. The gradient of W is the sum over all uses (eq. 3).

    Parameters
    ----------
    name : str
    size : int
        M. It may be smaller than a slot.
    slots : sequence of Slot
        In network order.
    addressing : Addressing
    flips : bool
        Whether every weight has a random sign.
    generator : torch.Generator
        Draws the initial values, N(0, RING_SIGMA**2).

    Members
    -------
    free : parameter, float32, (1, M)
        All that the state dict holds. Two dimensions, so that optimizers know it for weights.
    table : buffer, int32, (N,)
        From :func:`train.nets.addressing.addresses`: made from seeds, hence not in the state dict.
    integers : int8 array (M,) or None
        What it is stored as, in ``planes`` planes, once it is rounded (:func:`train.deploy.ring_integers.round_rings`).
    """

    integers: np.ndarray | None = None
    planes = 0

    def __init__(
        self, name: str, size: int, slots: Sequence[Slot], *, addressing: Addressing, flips: bool,
        generator: torch.Generator,
    ):
        super().__init__()
        self.name = name
        self.size = size
        self.slots = tuple(slots)
        self.addressing = addressing
        self.flips = flips
        self.register_buffer(
            "table", torch.from_numpy(addresses(addressing, flips, size, self.slots)), persistent=False
        )
        self.free = nn.Parameter(torch.randn(1, size, generator=generator) * RING_SIGMA)

    @staticmethod
    def scale(slot: Slot) -> float:
        """Factor between the values and the weights of ``slot``: ``sigma_i / RING_SIGMA``."""
        return slot.sigma / RING_SIGMA

    def draw(self) -> dict[str, Tensor]:
        """Weights of all slots by name, float32 (O, K, K, I). Differentiable by :attr:`free`."""
        values = self.free
        both = torch.cat([values, -values]).flatten()  # (2M,): an address says value and sign at once
        # One gather for all slots: its backward is one pass over N gradients.
        parts = both.index_select(0, self.table).split([slot.weight_count for slot in self.slots])
        return {
            slot.name: part.view(slot.shape) * self.scale(slot) for slot, part in zip(self.slots, parts, strict=True)
        }


class Unshared(nn.Module):
    """A tensor of its own for every slot, started at Kaiming variance: the network without a ring ("vanilla").

    Parameters
    ----------
    slots : sequence of Slot
    generator : torch.Generator
    """

    def __init__(self, slots: Sequence[Slot], generator: torch.Generator):
        super().__init__()
        self.slots = tuple(slots)
        self.tensors = nn.ParameterList(
            nn.Parameter(torch.randn(slot.shape, generator=generator) * slot.sigma) for slot in self.slots
        )

    def draw(self) -> dict[str, Tensor]:
        """Weights of all slots by name, float32 (O, K, K, I)."""
        return {slot.name: tensor for slot, tensor in zip(self.slots, self.tensors, strict=True)}
