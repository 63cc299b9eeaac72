"""Networks nobody thought of, of everything that :mod:`gen.check` accepts, and what of it was drawn how often."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np

from gen.compile import Program, compile_model
from gen.loops import loops_of
from gen.plan import LayerPlan
from sim.repeats import repeated
from spec.block import Block, Kind, Stem
from spec.config import AcceleratorConfig, config_for
from spec.layer import Layer, Role, Scale
from spec.model import Model
from spec.network import Head, Network
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused
from spec.ring import PLANES_MAX, Ring, row_words
from spec.supermask import GROUP, Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn

__all__ = ["FEATURES", "Draw", "draw", "features_of", "random_config"]

#: Dense-equivalent MACs of the largest network.
_MACS = 400_000

#: Sizes tried before other parts are.
_TRIES = 300


@dataclass(frozen=True)
class Draw:
    """One or two models that are resident together, and how many images each is run on."""

    models: tuple[Model, ...]
    counts: tuple[int, ...]
    seed: int

    def programs(self, config: AcceleratorConfig, *, trace: bool) -> tuple[Program, ...]:
        """The models compiled, one behind the other; refused if they do not fit."""
        found: list[Program] = []
        for model in self.models:
            found.append(compile_model(model, config, trace=trace, **(found[-1].bases_after if found else {})))
        return tuple(found)

    def images(self) -> tuple[np.ndarray, ...]:
        """Of each model."""
        pairs = zip(self.models, self.counts, strict=True)
        return tuple(random_images(model.network, count, self.seed) for model, count in pairs)


def random_config(rng: Random, number: int) -> AcceleratorConfig:
    """Build ``number`` of a run, of at most 512 PEs. Two of four have several lanes, every other one has little memory
    for masks, and two of three know rings, so that four builds meet each of these alone and together. Two of three
    know residuals of half the size. Two of four have sums of so few bits that some networks need them all.
    """
    # Short words where there is little memory: it must hold two chunks, and those are shorter then than most masks.
    groups = rng.choice((4, 8) if number % 2 else (4, 8, 16, 32))
    rows = rng.choice([rows for rows in (4, 8, 16, 32) if rows <= 4 * groups and rows * groups <= 256])
    lanes = rng.choice([lanes for lanes in (2, 4, 8) if lanes * rows * groups <= 512]) if number % 4 < 2 else 1
    weight_rows = rng.choice([count for count in (1, 2, 4, 8) if count <= rows])
    turns = rng.choice([count for count in (1, 2, 4, 16) if count <= rows])
    config = config_for(
        groups * rows * lanes, groups=groups, rows=rows, lanes=lanes, weight_rows=weight_rows,
        rows_per_requantizer=turns, psum_depth=rng.randrange(16, 200), ring_words=2048 if number % 3 < 2 else 0,
        upsample=number % 3 > 0,
    )
    if number % 4 in (1, 2):
        config = dataclasses.replace(config, psum_bits=rng.choice((19, 20, 21) if config.ring_words else (16, 17)))
    if number % 2:
        slots = 2 * 9 * config.load_cycles  # words of two chunks of a 3x3 layer of one word per pixel
        config = dataclasses.replace(config, mask_bits=config.mask_word_bits * rng.randint(slots, slots * 3 // 2))
    return config


def draw(config: AcceleratorConfig, rng: Random) -> Draw:
    """Random models that fit ``config`` together."""
    count = rng.choice((1, 1, 2))
    while True:
        models = tuple(_model(config, rng) for _ in range(count))
        made = Draw(models, tuple(rng.randint(1, config.lanes) for _ in models), rng.randrange(1 << 16))
        try:
            made.programs(config, trace=True)
        except Refused:
            continue
        return made


@dataclass(frozen=True)
class _Part:
    """What a residual block is, but for its size; a ``plain`` one keeps the shape, and may be recurrent. One with a
    ``stride`` keeps the channels: a map is kept around it, for it or by it.
    """

    kind: Kind
    wider: float
    plain: bool
    stride: int | None = None
    scale: Scale = Scale.SAME

    def drawn(self, name: str, channels: int, rng: Random) -> Block:
        """A block of this make behind ``channels`` channels."""
        if self.scale is not Scale.SAME or (self.stride and not self.plain):
            return Block(name, channels, self.stride, 1, self.kind, self.wider, self.scale)
        if self.plain:
            return Block(name, channels, 1, rng.randrange(1, 5), self.kind, self.wider)
        unit = (Fraction(self.wider) / self.kind.expansion).denominator  # for a whole number of inner channels
        return Block(name, unit * rng.randrange(1, 70 // unit), rng.choice((1, 2, 3)), 1, self.kind, self.wider)


def _part(rng: Random) -> _Part:
    return _Part(rng.choice(list(Kind)), rng.choice((1.0, 1.0, rng.randrange(1, 8) / 4)), rng.random() < 0.5)


def _scaled(parts: list[_Part], upsample: bool, rng: Random) -> list[_Part]:
    """``parts`` with some of them between one that keeps a map and one that takes it; residuals are of half the size
    only if ``upsample``.
    """
    ways = [(Scale.KEEP, 1, Scale.JOIN), (Scale.DOWN, 1, Scale.UP), (Scale.KEEP, 2, Scale.UP)]
    while rng.random() < 0.4:
        first, end = sorted(rng.randrange(len(parts) + 1) for _ in range(2))
        depths = list(itertools.accumulate((p.scale.keeps - p.scale.takes for p in parts[first:end]), initial=0))
        if min(depths) < 0 or depths[-1]:
            continue  # it would take what another one kept
        keeps, stride, takes = rng.choice(ways if upsample else ways[:1])
        between = [dataclasses.replace(part, stride=part.stride or 1) for part in parts[first:end]]
        begin = dataclasses.replace(_part(rng), stride=stride, scale=keeps)
        parts[first:end] = [begin, *between, dataclasses.replace(_part(rng), stride=1, scale=takes)]
    return parts


def _model(config: AcceleratorConfig, rng: Random) -> Model:
    """A random model that fits ``config`` by itself.

    Sizes are drawn again if they do not fit, parts only if no sizes do: otherwise networks of several blocks would be
    rare.
    """
    while True:
        parts, pool = [_part(rng) for _ in range(rng.randrange(4))], rng.random() < 0.3
        parts = _scaled(parts, config.upsample, rng)
        for _ in range(_TRIES):
            try:
                network = _network(parts, pool, rng)
                if network.macs > _MACS:
                    continue
                if config.ring_words:
                    network = _with_rings(network, config.ring_words // 8, rng)
                bits = rng.choice((ACTIVATION_BITS, rng.randint(ACTIVATION_BITS_MIN, ACTIVATION_BITS)))
                model = synthetic_model(network, rng.randrange(1 << 16), calibration_images=2, bits=bits)
                compile_model(model, config, trace=True)
            except Refused:
                continue
            return model


def _network(parts: Sequence[_Part], pool: bool, rng: Random) -> Network:
    """A random network of these parts with masks; refused if it is impossible."""
    stem = Stem(rng.choice((1, 2, 3, 3, 5, 7)), rng.choice((1, 1, 2)), rng.randrange(4), rng.randrange(1, 40), pool)
    head = rng.choice((Head.CLASSES, Head.CLASSES, Head.MAPS))
    blocks, names, width = [], ["stem", head.layer], stem.width
    for index, part in enumerate(parts):
        block = part.drawn(f"b{index}", width, rng)
        names += [f"{block.name}.{layer.name}" for layer in block.convolutions(width)]
        blocks.append(block)
        width = block.width
    blocks = repeated(blocks, stem.width, rng)
    height, channels = rng.randrange(1, 24), rng.randrange(1, 5)
    image = (height, rng.choice((height, rng.randrange(1, 24), rng.randrange(1, 24))), channels)
    made = {"seed": rng.randrange(1 << 32), "classes": rng.randrange(2, 50), "density": rng.uniform(0.05, 1.0)}
    network = Network(
        name="random", image=image, stem=stem, blocks=tuple(blocks), modes=dict.fromkeys(names, Mode.ANY), head=head,
        **made
    )
    return dataclasses.replace(network, modes={
        layer.name: rng.choice([mode for mode in Mode if _allowed(mode, layer.inputs)]) for layer in network.own_layers
    })


def _allowed(mode: Mode, inputs: int) -> bool:
    """Whether a layer of that many input channels can have that mode."""
    return mode is Mode.ANY or (inputs >= GROUP and (inputs % GROUP == 0 or mode is not Mode.ONE_OF_FOUR))


def _with_rings(network: Network, longest: int, rng: Random) -> Network:
    """``network`` with some layers drawing from none to three rings of random sizes, or each with stored signs."""
    count, stored, share = rng.randrange(4), rng.random() < 0.2, rng.choice((0.25, 0.5, 1))
    own = network.own_layers
    owners = {layer.name: rng.randrange(count) if count and rng.random() < share else None for layer in own}
    if stored:
        chosen = [layer for layer in own if owners[layer.name] is not None]
        return drawn(network, *(Ring(layer.name, _words(layer), 1, (layer.name,)) for layer in chosen))
    layers = [tuple(name for name, owner in owners.items() if owner == index) for index in range(count)]
    return drawn(network, *(
        Ring(f"r{index}", rng.choice((1, rng.randrange(1, 20), rng.randrange(1, longest))),
             rng.randint(1, PLANES_MAX), names)
        for index, names in enumerate(layers) if names
    ))


def _words(layer: Layer) -> int:
    """Words of the ring in which each weight of ``layer`` has a place of its own, with any sign."""
    return layer.outputs * row_words(layer.shape)


def _stores_signs(placed: LayerPlan) -> bool:
    ring = placed.layer.ring
    return ring is not None and ring.layers == (placed.layer.name,) and ring.words == _words(placed.layer)


def _has_block(wanted: Callable[[Block], bool]) -> Callable[[Program, int], bool]:
    return lambda program, images: any(wanted(block) for block in program.model.network.blocks)


def _has_layer(wanted: Callable) -> Callable[[Program, int], bool]:
    return lambda program, images: any(wanted(placed) for placed in program.plan.layers)


def _loops_over(blocks: int, recurrent: bool) -> Callable[[Program, int], bool]:
    """Whether there is a loop over at least so many blocks, one of them ``recurrent``."""
    return lambda program, images: any(
        len(turns) > 1 and len({run.block.name for turn in turns for run in turn}) >= blocks
        and (not recurrent or any(run.iteration for run in turns[0])) for turns in loops_of(program.model.network)
    )


def _has_mode(mode: Mode) -> Callable[[Program, int], bool]:
    return lambda program, images: mode in program.model.network.modes.values()


#: What a drawn program and its images can have, by name.
FEATURES: Mapping[str, Callable[[Program, int], bool]] = {
    "no block": lambda program, images: not program.model.network.blocks,
    "basic block": _has_block(lambda block: block.kind is Kind.BASIC),
    "bottleneck": _has_block(lambda block: block.kind is Kind.BOTTLENECK),
    "narrower inside": _has_block(lambda block: block.wider < 1),
    "wider inside": _has_block(lambda block: block.wider > 1),
    "projection shortcut": _has_layer(lambda placed: placed.layer.role is Role.SHORTCUT),
    "several blocks": lambda program, images: len(program.model.network.blocks) > 1,
    "recurrent block": _has_block(lambda block: block.iterations > 1),
    "recurrent bottleneck": _has_block(lambda block: block.iterations > 1 and block.kind is Kind.BOTTLENECK),
    "weights of an earlier block": _has_block(lambda block: bool(block.weights_of)),
    "loop over blocks with the same weights": _loops_over(2, recurrent=False),
    "recurrent block in such a loop": _loops_over(2, recurrent=True),
    "same weights outside a loop": lambda program, images: any(
        turns[0][0].block.weights_of for turns in loops_of(program.model.network)
    ),
    "masks of an earlier block streamed": _has_layer(lambda placed: bool(placed.layer.owner) and placed.streamed),
    "draw of an earlier block": _has_layer(lambda placed: bool(placed.layer.owner and placed.layer.ring)),
    "stride of 3": _has_block(lambda block: block.stride == 3),
    "max pool after the stem": lambda program, images: program.model.network.stem.pool,
    "max pool before a block": _has_block(lambda block: block.scale is Scale.DOWN),
    "kept map": _has_block(lambda block: block.scale.keeps),
    "map kept while another is": lambda program, images: any(
        one.scale.keeps and other.scale.keeps for one, other in itertools.pairwise(
            block for block in program.model.network.blocks if block.scale is not Scale.SAME
        )
    ),
    "kept map joined": _has_block(lambda block: block.scale is Scale.JOIN),
    "residual of half the size": _has_layer(lambda placed: placed.residual_half),
    "stride instead of a max pool": _has_block(lambda block: block.scale is Scale.KEEP and block.stride == 2),
    "maps for a head": lambda program, images: program.model.network.head is Head.MAPS,
    "stem over 1x1": lambda program, images: program.model.network.stem.kernel == 1,
    "stem with a stride": lambda program, images: program.model.network.stem.stride > 1,
    "square image": lambda program, images: len(set(program.model.network.image[:2])) == 1,
    "image not square": lambda program, images: len(set(program.model.network.image[:2])) > 1,
    "gray image": lambda program, images: program.model.network.image[2] == 1,
    **{f"mode {mode}": _has_mode(mode) for mode in Mode},
    "masks streamed": _has_layer(lambda placed: placed.streamed),
    "masks both streamed and resident": lambda program, images: (
        {placed.streamed for placed in program.plan.layers if not placed.layer.ring} == {True, False}
    ),
    "ring": lambda program, images: bool(program.model.network.rings),
    "several rings": lambda program, images: len(program.model.network.rings) > 1,
    "ring of one plane": _has_layer(lambda placed: placed.layer.ring is not None and placed.layer.planes == 1),
    "ring of all planes": _has_layer(lambda placed: placed.layer.planes == PLANES_MAX),
    "stored signs": _has_layer(_stores_signs),
    "ring beside streamed masks": lambda program, images: (
        bool(program.model.network.rings) and program.plan.slot_units > 0
    ),
    "fewer than 8 bits": lambda program, images: any(
        numbers.bits < ACTIVATION_BITS for numbers in program.model.requantizations.values()
    ),
    "sums of fewer bits": lambda program, images: program.config.psum_bits > 0,
    "sum that can take all bits of the build's": lambda program, images: any(
        program.model.psum_bits(layer) == program.config.widths.acc for layer in program.model.network.layers
    ),
    "several m-tiles": _has_layer(lambda placed: placed.tiles > 1),
    "several n-blocks": _has_layer(lambda placed: placed.blocks > 1),
    "several pixel tiles": _has_layer(lambda placed: placed.pixel_tiles > 1),
    "shorter last pixel tile": _has_layer(lambda placed: placed.last_run < placed.run),
    "behind another model": lambda program, images: program.start > 0,
    "several lanes": lambda program, images: program.config.lanes > 1,
    "masks streamed to several lanes": lambda program, images: program.config.lanes > 1 and program.plan.slot_units > 0,
    "lane without an image": lambda program, images: images < program.config.lanes,
}


def features_of(made: Draw, config: AcceleratorConfig) -> set[str]:
    """Names of the :data:`FEATURES` that some model of ``made`` has on ``config``."""
    pairs = list(zip(made.programs(config, trace=False), made.counts, strict=True))
    return {name for name, has in FEATURES.items() if any(has(*pair) for pair in pairs)}
