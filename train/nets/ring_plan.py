"""Which layers share which ring, and how large the rings are: RPG at multiple scales.

Ref: RPG (arXiv:2107.07110), section 4.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spec.network import Network
from spec.refusal import Refused
from spec.ring import RING_WORD
from spec.topologies import rings_of_stages, rpg
from train.nets.addressing import Addressing

__all__ = ["RingPlan", "Scope", "planned", "ring_layers", "shared_out"]


class Scope(enum.StrEnum):
    """Who shares a ring."""

    GLOBAL = "global"  #: All layers.
    STAGE = "stage"  #: The layers of a stage, the paper's "block level"; layers outside the stages share another.
    LAYER = "layer"  #: Nobody: a ring for each layer, as hashing has it.


@dataclass(frozen=True)
class RingPlan:
    """A ring of ``size`` values and the ``layers`` that draw from it, by name in network order."""

    name: str
    size: int
    layers: tuple[str, ...]


def ring_layers(network: Network, scope: Scope, parts: Iterable[str] = ("shortcut",)) -> dict[str, tuple[str, ...]]:
    """Layers of each ring by its name: all convolutions of the blocks, and ``parts`` of :mod:`spec.topologies`.

    The paper draws everything but the classifier; its code leaves out the stem, too.
    """
    parts = tuple(parts)
    if scope is Scope.STAGE:
        return {ring.name: ring.layers for ring in rings_of_stages(network, words=1, parts=parts).rings}
    layers = rpg(network, words=1, parts=parts).rings[0].layers
    return {"ring": layers} if scope is Scope.GLOBAL else {name: (name,) for name in layers}


def shared_out(dof: int, weights: Mapping[str, int], word: int) -> dict[str, int]:
    """``dof`` shared out among rings in proportion to the ``weights`` drawn from each, in whole words.

    The sizes sum to ``dof`` rounded down to words, unless a ring must be given the one word it needs.
    """
    total, sizes, given, so_far = sum(weights.values()), {}, 0, 0
    for name, count in weights.items():
        so_far += count
        upto = dof // word * so_far // total * word
        sizes[name] = max(upto - given, word)
        given = upto
    return sizes


def planned(
    network: Network, *, dof: int, addressing: Addressing, scope: Scope = Scope.GLOBAL,
    parts: Sequence[str] = ("shortcut",),
) -> tuple[RingPlan, ...]:
    """Rings of ``dof`` values in all for ``network``.

    Raises
    ------
    Refused
        If ``dof`` is below 1, or below or between words where the addressing needs words.
    """
    word = RING_WORD if addressing is Addressing.WORD else 1
    if dof < word or (scope is Scope.GLOBAL and dof % word):
        need = f"a multiple of {word}" if word > 1 else "at least 1"
        raise Refused(f"Degrees of freedom --dof must be {need} for {addressing} addressing, not {dof}")
    layers = ring_layers(network, scope, parts)
    weights = {name: sum(network.layer(layer).weights for layer in members) for name, members in layers.items()}
    sizes = shared_out(dof, weights, word)
    return tuple(RingPlan(name, sizes[name], members) for name, members in layers.items())
