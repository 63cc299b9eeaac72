"""Networks nobody thought of, of everything that :mod:`gen.check` accepts, and what of it was drawn how often."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import numpy as np

from gen.compile import Program, compile_model
from spec.config import AcceleratorConfig, config_for
from spec.layer import Role
from spec.model import Model
from spec.network import Block, Kind, Network, Stem
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused
from spec.ring import PLANES_MAX, Ring
from spec.supermask import GROUP, Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn

__all__ = ["FEATURES", "Draw", "draw", "features_of", "random_config"]

#: Dense-equivalent MACs of the largest network.
_MACS = 400_000


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
    """Build ``number`` of a run, of at most 512 PEs. Every other one has several lanes, every other one little memory
    for masks, and two of three know rings, so that a few builds meet all of these.
    """
    groups = rng.choice((4, 8, 16, 32))
    rows = rng.choice([rows for rows in (4, 8, 16, 32) if rows <= 4 * groups and rows * groups <= 256])
    lanes = rng.choice([lanes for lanes in (2, 4, 8) if lanes * rows * groups <= 512]) if number % 2 == 0 else 1
    weight_rows = rng.choice([count for count in (1, 2, 4, 8) if count <= rows])
    config = config_for(
        groups * rows * lanes, groups=groups, rows=rows, lanes=lanes, weight_rows=weight_rows,
        psum_depth=rng.randrange(16, 200), ring_words=2048 if number % 3 != 1 else 0,
    )
    if number % 2:
        config = dataclasses.replace(config, mask_bits=config.mask_word_bits * rng.choice((16, 32, 64, 128)))
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


def _model(config: AcceleratorConfig, rng: Random) -> Model:
    """A random model that fits ``config`` by itself."""
    while True:
        try:
            network = _network(rng)
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


def _network(rng: Random) -> Network:
    """A random network with masks; refused if it is impossible."""
    stem = Stem(
        rng.choice((1, 2, 3, 3, 5, 7)), rng.choice((1, 1, 2)), rng.randrange(4), rng.randrange(1, 40),
        rng.random() < 0.3,
    )
    blocks, width = [], stem.width
    for index in range(rng.randrange(4)):
        folds = rng.random() < 0.5
        kind = rng.choice(list(Kind))
        width = width if folds else rng.randrange(1, 70)
        if kind is Kind.BOTTLENECK and width % kind.expansion:
            width += -width % kind.expansion
            folds = False
        wider = rng.choice((1.0, 1.0, rng.randrange(1, 8) / 4))
        blocks.append(Block(
            f"b{index}", width, 1 if folds else rng.choice((1, 2, 3)), rng.randrange(1, 5) if folds else 1, kind, wider
        ))
    height, channels = rng.randrange(1, 24), rng.randrange(1, 5)
    image = (height, rng.choice((height, rng.randrange(1, 24), rng.randrange(1, 24))), channels)
    names = ["stem", "classifier"]
    channels = stem.width
    for block in blocks:
        names += [f"{block.name}.{layer.name}" for layer in block.convolutions(channels)]
        channels = block.width
    made = {"seed": rng.randrange(1 << 32), "classes": rng.randrange(2, 50), "density": rng.uniform(0.05, 1.0)}
    network = Network(
        name="random", image=image, stem=stem, blocks=tuple(blocks), modes=dict.fromkeys(names, Mode.ANY), **made
    )
    return dataclasses.replace(network, modes={
        layer.name: rng.choice([mode for mode in Mode if _allowed(mode, layer.inputs)]) for layer in network.layers
    })


def _allowed(mode: Mode, inputs: int) -> bool:
    """Whether a layer of that many input channels can have that mode."""
    return mode is Mode.ANY or (inputs >= GROUP and (inputs % GROUP == 0 or mode is not Mode.ONE_OF_FOUR))


def _with_rings(network: Network, longest: int, rng: Random) -> Network:
    """``network`` with some layers drawing from none to three rings of random sizes."""
    count = rng.randrange(4)
    owners = {layer.name: rng.randrange(count + 1) for layer in network.layers}
    layers = [tuple(name for name, owner in owners.items() if owner == index) for index in range(count)]
    return drawn(network, *(
        Ring(f"r{index}", rng.choice((1, rng.randrange(1, 20), rng.randrange(1, longest))),
             rng.randint(1, PLANES_MAX), names)
        for index, names in enumerate(layers) if names
    ))


def _has_block(wanted: Callable[[Block], bool]) -> Callable[[Program, int], bool]:
    return lambda program, images: any(wanted(block) for block in program.model.network.blocks)


def _has_layer(wanted: Callable) -> Callable[[Program, int], bool]:
    return lambda program, images: any(wanted(placed) for placed in program.plan.layers)


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
    "recurrent block": _has_block(lambda block: block.iterations > 1),
    "stride of 3": _has_block(lambda block: block.stride == 3),
    "max pool": lambda program, images: program.model.network.pool is not None,
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
    "fewer than 8 bits": lambda program, images: any(
        numbers.bits < ACTIVATION_BITS for numbers in program.model.requantizations.values()
    ),
    "several m-tiles": _has_layer(lambda placed: placed.tiles > 1),
    "several n-blocks": _has_layer(lambda placed: placed.blocks > 1),
    "several pixel tiles": _has_layer(lambda placed: placed.pixel_tiles > 1),
    "shorter last pixel tile": _has_layer(lambda placed: placed.last_run < placed.run),
    "behind another model": lambda program, images: program.start > 0,
    "several lanes": lambda program, images: program.config.lanes > 1,
    "lane without an image": lambda program, images: images < program.config.lanes,
}


def features_of(made: Draw, config: AcceleratorConfig) -> set[str]:
    """Names of the :data:`FEATURES` that some model of ``made`` has on ``config``."""
    pairs = list(zip(made.programs(config, trace=False), made.counts, strict=True))
    return {name for name, has in FEATURES.items() if any(has(*pair) for pair in pairs)}
