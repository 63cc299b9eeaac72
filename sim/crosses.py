"""What a layer can be at once: its role, window, weights, iterations, and how its build runs it; networks of them all.

A *cross* is one value of each. Which ones there can be is what :mod:`spec.network` accepts and :mod:`gen.plan` does,
tried out; :func:`tours` are a few networks that together have them all.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from gen.plan import Plan, plan
from sim.random_models import Draw
from spec.block import Block, Kind, Stem
from spec.config import AcceleratorConfig, config_for
from spec.layer import POOL, Layer, Role
from spec.network import Head, Network
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused
from spec.ring import PLANES_MAX, Ring
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import drawn

__all__ = ["BUILDS", "Cross", "crosses_of", "every_cross", "networks", "possible", "tours", "why_impossible"]

RING, NO_WEIGHTS = "ring", "none"

#: Where weights can come from.
_WEIGHTS = (*map(str, Mode), RING)
_STRIDES, _BITS = (1, 2, 3), (ACTIVATION_BITS, ACTIVATION_BITS_MIN)

_NARROW = 4  #: Channels of most maps; of the others twice that.
_STREAMED_INPUTS = 96  #: Of the layer whose masks take all memory there is.

#: One lane, with sums of fewer bits, and two. Just enough mask memory for two chunks of a 3x3 layer of 96 channels:
#: with one nothing else stays.
BUILDS = tuple(
    config_for(
        16 * lanes, lanes=lanes, ring_words=2048, mask_bits=2 * _STREAMED_INPUTS * 9 * 4, upsample=True, psum_bits=bits
    ) for lanes, bits in ((1, 26), (2, 0))
)


class Cross(NamedTuple):
    """Values of a layer on a build, as words for people."""

    role: str
    kernel: int
    stride: int
    weights: str  #: A mode, "ring", or "none" (the max pool).
    folded: bool
    streamed: bool
    bits: str  #: "8" or "fewer": of its network's activations.
    lanes: str  #: "one" or "several"

    def __str__(self) -> str:
        said = f"{self.role}, {self.kernel}x{self.kernel}, stride {self.stride}, {self.weights}"
        said += ", folded" * self.folded + ", streamed" * self.streamed
        return f"{said}, {self.bits} bits, {self.lanes} lane{'s' if self.lanes == 'several' else ''}"


@cache
def every_cross() -> tuple[Cross, ...]:
    """Every value of each with every value of all others, whether or not there can be such a layer."""
    roles, kernels, flags = map(str, Role), sorted({1, 3, POOL.kernel}), (False, True)
    weights = (*_WEIGHTS, NO_WEIGHTS)
    axes = (roles, kernels, _STRIDES, weights, flags, flags, ("8", "fewer"), ("one", "several"))
    return tuple(itertools.starmap(Cross, itertools.product(*axes)))


def _cross(layer: Layer, streamed: bool, bits: int, lanes: int) -> Cross:
    weights = NO_WEIGHTS if layer.role is Role.POOL else RING if layer.ring else str(layer.mode)
    return Cross(
        str(layer.role), layer.kernel, layer.stride, weights, layer.iterations > 1, streamed,
        "8" if bits == ACTIVATION_BITS else "fewer", "one" if lanes == 1 else "several",
    )


def _crosses(planned: Plan, bits: int, lanes: int) -> set[Cross]:
    placed = (*planned.layers, *planned.pools.values())
    return {_cross(each.layer, each.streamed, bits, lanes) for each in placed}


def crosses_of(network: Network, bits: int, config: AcceleratorConfig) -> set[Cross]:
    """Of all layers of ``network``, alone on ``config``, with activations of ``bits`` bits."""
    return _crosses(plan(network, config), bits, config.lanes)


@dataclass(frozen=True)
class _Try:
    """A network of one block, all of whose layers have the same source of weights."""

    block: Block
    weights: str
    pool: bool
    head: Head

    @property
    def network(self) -> Network:
        """It; refused if there cannot be such a network."""
        return _network("try", (8, 8, 1), (self.block,), self.pool, lambda number, layer: self.weights, self.head)


def _tries() -> Iterator[_Try]:
    """Every kind of block with every stride, of its width or twice that, run once or twice, with every source of
    weights; and both heads.
    """
    for kind, stride, wider, runs, weights in itertools.product(Kind, _STRIDES, (1, 2), (1, 2), _WEIGHTS):
        width = _stem_width(kind) * wider
        heads = Head if kind is Kind.BASIC else (Head.CLASSES,)
        for head in heads:
            yield _Try(Block("b", width, stride, runs, kind), weights, stride == 1, head)


def _stem_width(kind: Kind) -> int:
    return _NARROW * kind.expansion


def _network(
    name: str, image: tuple[int, int, int], blocks: Sequence[Block], pool: bool,
    weights_of: Callable[[int, str], str], head: Head,
) -> Network:
    """Network of ``blocks`` with ``head``; layer ``name``, number ``n``, has weights ``weights_of(n, name)``."""
    stem = Stem(2, 1, 0, _stem_width(blocks[0].kind), pool)  # 2x2 of one channel: a whole group
    names, width = ["stem"], stem.width
    for block in blocks:
        if not block.weights_of:
            names += [f"{block.name}.{part.name}" for part in block.convolutions(width)]
        width = block.width
    names.append(head.layer)
    chosen = {layer: weights_of(number, layer) for number, layer in enumerate(names)}
    modes = {layer: Mode.ANY if weights == RING else Mode(weights) for layer, weights in chosen.items()}
    network = Network(name, 77, image, stem, tuple(blocks), 3, 0.4, modes, head=head)
    of_ring = tuple(layer for layer, weights in chosen.items() if weights == RING)
    return drawn(network, Ring("r", 23, len(of_ring) % PLANES_MAX + 1, of_ring)) if of_ring else network


@cache
def _tried() -> tuple[frozenset[Cross], Mapping[tuple, str]]:
    """Crosses that some network of one block has, and what was said of others, by role, window, weights and fold."""
    found, refused = set(), {}
    for each in _tries():
        try:
            network = each.network
        except Refused as refusal:
            for part in each.block.convolutions(_stem_width(each.block.kind)):
                key = (str(part.role), part.kernel, part.stride, each.weights, each.block.iterations > 1)
                refused.setdefault(key, str(refusal))
            continue
        for config in BUILDS:
            full = config.mask_bits // config.mask_unit_bits  # of other models
            for taken, bits in itertools.product((0, full), _BITS):
                found |= _crosses(plan(network, config, mask_unit=taken), bits, config.lanes)
    return frozenset(found), refused


def possible() -> frozenset[Cross]:
    """Those that a layer of some network has on some of :data:`BUILDS`, with room for its masks or without."""
    return _tried()[0]


def why_impossible(cross: Cross) -> str | None:
    """What the spec or the compiler says of ``cross``; None if it is possible."""
    found, refused = _tried()
    if cross in found:
        return None
    same = [other for other in found if other[:5] == cross[:5]]
    if same:
        return f"gen.plan streams no layer whose weights are {cross.weights!r}: there is no mask"
    said = refused.get(cross[:5])
    if said is not None:
        return f"spec.network: {said}"
    if any(other[:3] == cross[:3] for other in found):
        repeated = " in a folded block" if cross.folded else ""
        return f"spec.network makes no {cross.role} with weights {cross.weights!r}{repeated}"
    return f"spec.network makes no {cross.role} of kernel {cross.kernel} and stride {cross.stride}"


def tours(config: AcceleratorConfig) -> Iterator[Draw]:
    """Models of :func:`networks`, with an image for each lane of ``config``."""
    for seed, (network, bits) in enumerate(networks(), 1):
        model = synthetic_model(network, seed, calibration_images=2, bits=bits)
        yield Draw((model,), (config.lanes,), seed)


def networks() -> Iterator[tuple[Network, int]]:
    """Networks, and bits of their activations, that together have every possible cross on :data:`BUILDS`, and
    activations of all widths; a block of each uses the weights of another one.
    """
    for kind, streams, whole, turn in itertools.product(Kind, (False, True), (True, False), range(len(_WEIGHTS))):
        bits = ACTIVATION_BITS if whole else ACTIVATION_BITS_MIN + turn % (ACTIVATION_BITS - ACTIVATION_BITS_MIN)
        narrow = _stem_width(kind)
        wide = 2 * narrow
        blocks = [
            Block("wider", wide), Block("half", narrow, 2), Block("third", wide, 3), Block("folded", wide, 1, 2),
            Block("again", wide, weights_of="folded"),
            *([Block("large", wide, wider=_STREAMED_INPUTS * kind.expansion / wide)] if streams else []),
        ]

        def weights_of(number: int, layer: str, turn: int = turn) -> str:
            # Beside this layer's chunks there is no room for another mask.
            return str(Mode.ANY) if layer == "large.conv2" else _WEIGHTS[(number + turn) % len(_WEIGHTS)]

        name = f"tour-{kind}-{'streamed' if streams else 'resident'}-{bits}-{turn}"
        blocks = [replace(block, kind=kind) for block in blocks]
        head = Head.CLASSES if kind is Kind.BASIC else Head.MAPS
        yield _network(name, (7, 7, 1), blocks, kind is Kind.BASIC, weights_of, head), bits
