"""Which layers share which ring, and how large the rings are: RPG at multiple scales.

Ref: RPG (arXiv:2107.07110), section 4.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.command import Several, Whole
from console.settings import check_settings, setting
from spec.budgets import Budget
from spec.fields import checked
from spec.network import Network
from spec.refusal import Refused
from spec.ring import RING_WORD
from spec.topologies import rings_of_stages, rpg
from train.nets.addressing import Addressing

__all__ = ["RingPlan", "Rings", "Scope", "planned", "ring_layers", "shared_out"]


class Scope(enum.StrEnum):
    """Who shares a ring."""

    GLOBAL = "global"  #: All layers.
    STAGE = "stage"  #: The layers of a stage, the paper's "block level"; layers outside the stages share another.
    LAYER = "layer"  #: Nobody: a ring for each layer, as hashing has it.


@dataclass(frozen=True)
class Rings:
    """The rings of a network; the fields say what they mean. What can be exported is the default."""

    dof: int = setting(
        0, "values of all rings together; 0: all weights are free, to compare with",
        Whole(0, Budget.WEIGHTS.most), shown="no rings",
    )
    addressing: Addressing = setting(Addressing.WORD, "which value a weight is; only word can be exported", Addressing)
    flips: bool = setting(True, "random signs, without which nothing can be exported", bool)
    scope: Scope = setting(Scope.GLOBAL, "who shares a ring: all layers, those of a stage, or nobody", Scope)
    parts: tuple[str, ...] = setting(
        ("shortcut",), "what is in the rings besides the blocks: stem, shortcut, classifier; patches of a vit",
        Several(str),
    )

    def __post_init__(self):
        check_settings(self)

    def to_json(self) -> dict:
        """Plain form; :meth:`from_json` inverts it."""
        plain = dataclasses.asdict(self)
        return {name: str(value) if isinstance(value, str) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, data: dict) -> "Rings":
        """What ``data`` describes; an unknown, missing or ill-typed key is refused by name."""
        return cls(**checked(data, cls, "model.rings"))


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


def planned(network: Network, rings: Rings) -> tuple[RingPlan, ...]:
    """The ``rings`` of ``network``: which layers draw from which, and their sizes, ``rings.dof`` in all.

    Raises
    ------
    Refused
        If the degrees of freedom are below or between words where the addressing needs words.
    """
    if not rings.dof:
        return ()
    word = RING_WORD if rings.addressing is Addressing.WORD else 1
    if rings.dof < word or (rings.scope is Scope.GLOBAL and rings.dof % word):
        raise Refused(
            f"Degrees of freedom --dof must be a multiple of {word} for {rings.addressing} addressing, not {rings.dof}"
        )
    layers = ring_layers(network, rings.scope, rings.parts)
    weights = {name: sum(network.layer(layer).weight_count for layer in members) for name, members in layers.items()}
    sizes = shared_out(rings.dof, weights, word)
    return tuple(RingPlan(name, sizes[name], members) for name, members in layers.items())
