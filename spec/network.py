"""What a network is: layers, residual blocks, folded iterations. Training, compiler and golden model share it.

A network is stem, perhaps a max pool, residual blocks, head. A block with ``iterations`` > 1 is a *recurrent
block*: the same weights run that many times, each iteration with batch-norm entries of its own (UBN). The networks of
the paper are in :mod:`spec.topologies`. A block may keep the residual stream for a later one, by its ``scale``: so an
hourglass, or any encoder and decoder with skips, is written down (:mod:`spec.scales`). It may use the weights of an
earlier one, with entries of its own: so a sub-network is repeated (:mod:`spec.sharing`).

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; post-activation blocks as in its released models, with the
stride of a bottleneck in its 3x3.
"""

import dataclasses
import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from spec.block import Block, Convolution, Stem
from spec.fields import checked, completed, one_of, shortened
from spec.layer import POOL, Layer, Role, Scale, Window
from spec.lfsr import ROW_STRIDE, layer_seed, row_length
from spec.refusal import Refused
from spec.ring import Draw, Ring, check_rings, draws, rings_from_json
from spec.scales import check_scales, check_sizes
from spec.sharing import check_own, check_sharing, owners
from spec.sizes import check_description, check_layers
from spec.steps import Step, steps_of
from spec.supermask import GROUP, Mode, keep_count

__all__ = ["Head", "Network"]

#: What a description without these keys means: those written before there was a choice keep their hashes.
_BEFORE = {"head": "classes"}


class Head(enum.StrEnum):
    """What leaves the network."""

    CLASSES = "classes"  #: A logit for every class.
    MAPS = "maps"  #: A map for every class (or joint), of the size of the residual stream, signed bytes.

    @property
    def stored(self) -> bool:
        """Whether it is an activation like any other, with batch-norm entries."""
        return self is Head.MAPS

    @property
    def layer(self) -> str:
        """Name of the layer that makes it, and its role."""
        return str(Role.MAPS if self is Head.MAPS else Role.CLASSIFIER)


@dataclass(frozen=True)
class Network:
    """A hidden-fold network.

    Parameters
    ----------
    name : str
    seed : int
        32-bit seed all frozen signs come from.
    image : (int, int, int)
        Height, width, channels of the raw uint8 image.
    stem : Stem
    blocks : tuple of Block
    classes : int
    density : float
        Kept fraction that training selects, as far as a layer's mode allows (``1of4`` keeps a quarter, always).
    modes : mapping of layer name to Mode
        One entry for every layer that draws from no ring and has weights of its own, no other.
    rings : tuple of Ring
        Rings that the other layers draw from.
    head : Head
        What leaves it: logits of its ``classes``, or as many maps.

    Raises
    ------
    Refused
        On any impossible value, naming the layer or block.
    """

    name: str
    seed: int
    image: tuple[int, int, int]
    stem: Stem
    blocks: tuple[Block, ...]
    classes: int
    density: float
    modes: Mapping[str, Mode]
    rings: tuple[Ring, ...] = ()
    head: Head = Head.CLASSES

    def __post_init__(self):
        layer_seed(self.seed, 0)
        keep_count(1, self.density)
        if len(self.image) != 3 or min(self.image) < 1:
            raise Refused(f"Image must be height, width and channels, each at least 1, not {self.image!r}")
        self.stem.check()
        if self.classes < (2 if self.head is Head.CLASSES else 1):
            raise Refused(
                f"Classifier needs at least 2 classes, not {self.classes!r}" if self.head is Head.CLASSES
                else f"Network {self.name!r} needs at least one map, not {self.classes!r}"
            )
        names = [block.name for block in self.blocks]
        if len(set(names)) != len(names) or {"", "stem", "pool", "classifier"} & set(names):
            raise Refused(f"Block names must be unique and not empty, 'stem', 'pool' or 'classifier', not {names}")
        check_description(self)
        width = self.stem.width
        for block in self.blocks:
            block.check()
            if block.iterations > 1 and block.reshapes(width):
                raise Refused(
                    f"Block {block.name} changes the shape (width {width} to {block.width}, stride {block.stride}), so "
                    f"it cannot be folded over {block.iterations} iterations; put it before the recurrent block"
                )
            width = block.width
        check_scales(self.stem.width, self.blocks)
        check_sharing(self.stem.width, self.blocks)
        check_own((*self.modes, *(name for ring in self.rings for name in ring.layers)), self._owners, self.name)
        known = [
            layer.name for layer in self._layers_with(lambda name: Mode.ANY)
            if layer.role is not Role.POOL and not layer.owner
        ]
        check_rings(self.rings, known, self.name)
        unknown = sorted(set(self.modes) - set(known))
        missing = [name for name in known if name not in self.modes and name not in self._ring_of]
        if unknown:
            raise Refused(f"Unknown layer {unknown[0]!r} in the modes of network {self.name!r}; its layers are {known}")
        if missing:
            raise Refused(
                f"Layer {missing[0]!r} of network {self.name!r} has no mode; give one of {', '.join(Mode)}, or put it "
                "in a ring"
            )
        for name in self.modes:
            if name in self._ring_of:
                raise Refused(
                    f"Layer {name} of network {self.name!r} has mode {self.modes[name]} and draws from ring "
                    f"{self._ring_of[name].name}; leave out one of them"
                )
        for layer in (*self.layers, *self.pools):
            if layer.out_height < 1 or layer.out_width < 1:
                raise Refused(
                    f"Layer {layer.name} shrinks a {layer.height}x{layer.width} map to nothing; use fewer strides"
                )
        for layer in self.layers:
            if layer.mode is Mode.ONE_OF_FOUR and layer.inputs % GROUP:
                raise Refused(
                    f"Layer {layer.name} has {layer.inputs} input channels, which 1of4 cannot group by {GROUP}; "
                    "give it mode any or 2of4"
                )
            if layer.mode is not Mode.ANY and layer.inputs < GROUP:
                raise Refused(
                    f"Layer {layer.name} has {layer.inputs} input channels, too few for {layer.mode}; give it mode any"
                )
            if row_length(layer.kernel, layer.inputs) > ROW_STRIDE:
                raise Refused(f"Layer {layer.name} has rows longer than {ROW_STRIDE} signs; use fewer input channels")
        check_layers(self.name, self.layers)
        check_sizes(self.once)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All weight tensors in network order, which is also the order they run in."""
        return tuple(layer for layer in self._executed if layer.role is not Role.POOL)

    @cached_property
    def _executed(self) -> list[Layer]:
        """The layers, and the max pools among them, in the order they run."""
        return self._layers_with(lambda name: Mode.ANY if name in self._ring_of else Mode(self.modes[name]))

    @cached_property
    def _ring_of(self) -> dict[str, Ring]:
        return {name: ring for ring in self.rings for name in ring.layers}

    @cached_property
    def _owners(self) -> dict[str, str]:
        return owners(self.stem.width, self.blocks)

    @cached_property
    def users(self) -> dict[str, tuple[Layer, ...]]:
        """The layers that use the weights of each layer that has its own, by its name: itself, then others in network
        order.
        """
        found: dict[str, tuple[Layer, ...]] = {}
        for layer in self.layers:
            found[layer.tensor] = (*found.get(layer.tensor, ()), layer)
        return found

    @property
    def own_layers(self) -> tuple[Layer, ...]:
        """The layers that have weights of their own."""
        return tuple(users[0] for users in self.users.values())

    @property
    def weight_count(self) -> int:
        """Weights, each counted once, however many layers use it."""
        return sum(layer.weight_count for layer in self.own_layers)

    @cached_property
    def draws(self) -> dict[str, Draw]:
        """Where every layer that draws from a ring is on it, by name; layers with the same weights are at the same
        place.
        """
        found = {}
        for ring in self.rings:
            layers = [self.layer(name) for name in ring.layers]
            placed = draws(ring.words, ((layer.shape, self.seed_of(layer)) for layer in layers))
            found |= dict(zip(ring.layers, placed, strict=True))
        return {layer.name: found[layer.tensor] for layer in self.layers if layer.ring}

    @cached_property
    def pool(self) -> Layer | None:
        """The max pool after the stem, if there is one."""
        return next((layer for layer in self.pools if layer.block is None), None)

    @cached_property
    def pools(self) -> tuple[Layer, ...]:
        """All max pools in the order they run: that after the stem, and those that blocks begin with (``B.pool``)."""
        return tuple(layer for layer in self._executed if layer.role is Role.POOL)

    @property
    def stored_layers(self) -> tuple[Layer, ...]:
        """The layers that have batch-norm entries: all but a classifier."""
        return self.layers if self.head.stored else self.layers[:-1]

    def _layers_with(self, mode_of) -> list[Layer]:
        layers: list[Layer] = []
        kept: list[tuple[int, int]] = []
        indices = itertools.count()

        def add(part: Convolution, window: Window, size: tuple[int, int], block: Block | None = None) -> Layer:
            name = f"{block.name}.{part.name}" if block else part.name
            owner = self._owners.get(name)
            layers.append(Layer(
                next(indices), name, part.role, part.inputs, part.outputs, *window, *size,
                block.iterations if block else 1, mode_of(owner or name), self._ring_of.get(owner or name),
                block and block.name, owner,
            ))
            return layers[-1]

        def pool(channels: int, size: tuple[int, int], block: Block | None = None) -> tuple[int, int]:
            name = f"{block.name}.pool" if block else "pool"
            shape = (channels, channels, *POOL, *size)
            layers.append(Layer(-1, name, Role.POOL, *shape, 1, Mode.ANY, None, block and block.name))
            return layers[-1].out_height, layers[-1].out_width

        def slide(window, height, width) -> tuple[int, int]:
            return tuple((size + 2 * window.pad - window.kernel) // window.stride + 1 for size in (height, width))

        point = Window(1, 1, 0)
        height, width, channels = self.image
        stem = self.stem
        height, width = slide(stem, height, width)
        add(Convolution("stem", Role.STEM, stem.kernel**2 * channels, stem.width, 1, 1), point, (height, width))
        channels = stem.width
        if stem.pool:
            height, width = pool(channels, (height, width))
        for block in self.blocks:
            if block.scale.keeps:
                kept.append((height, width))
            if block.scale is Scale.DOWN:
                height, width = pool(channels, (height, width), block)
            if block.scale.takes:
                height, width = kept.pop()
            before = (height, width)
            for part in block.convolutions(channels):
                window = Window(part.kernel, part.stride, part.kernel // 2)
                size = before if part.role is Role.SHORTCUT else (height, width)
                layer = add(part, window, size, block)
                if part.role is not Role.SHORTCUT:
                    height, width = layer.out_height, layer.out_width
            channels = block.width
        head = self.head.layer
        add(Convolution(head, Role(head), channels, self.classes, 1, 1), point, (height, width))
        return layers

    def layer(self, name: str) -> Layer:
        """The layer called ``name``; refused with the list of layers if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise Refused(f"Unknown layer {name!r}; network {self.name!r} has {[layer.name for layer in self.layers]}")

    def block_layers(self, block: Block) -> tuple[Layer, ...]:
        """Layers of one block in the order they run, with its max pool if it begins with one."""
        return tuple(layer for layer in self._executed if layer.block == block.name)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every execution of every layer, in order, iterations unrolled, with the max pools."""
        return self.unrolled({block.name: block.iterations for block in self.blocks})

    def unrolled(self, iterations: Mapping[str, int]) -> tuple[Step, ...]:
        """The steps if each block, by name, ran ``iterations`` times."""
        blocks = [(self.block_layers(block), iterations[block.name], block.scale) for block in self.blocks]
        first = (self.layers[0], *([self.pool] if self.pool else []))
        return steps_of(first, blocks, self.layers[-1])

    @cached_property
    def once(self) -> tuple[Step, ...]:
        """The steps if each block ran once, however often it does: one for each layer."""
        return self.unrolled({block.name: 1 for block in self.blocks})

    @cached_property
    def added(self) -> dict[str, Layer]:
        """The layer whose output is the residual of each layer that adds one, by name, in iteration 0."""
        return {step.layer.name: self.once[step.residual].layer for step in self.once if step.residual is not None}

    def adds_projection(self, layer: Layer) -> bool:
        """Whether the residual of ``layer`` is a projection shortcut, stored signed."""
        return layer.name in self.added and self.added[layer.name].role is Role.SHORTCUT

    def step(self, layer: str, iteration: int = 0) -> Step:
        """The step that runs ``layer`` in ``iteration``.

        Raises
        ------
        Refused
            If there is none.
        """
        for step in self.steps:
            if (step.layer.name, step.iteration) == (layer, iteration):
                return step
        raise Refused(f"Network {self.name!r} never runs layer {layer!r} in an iteration {iteration}")

    def seed_of(self, layer: Layer) -> int:
        """Start state of row 0 of ``layer``'s signs, which are those of its owner, if it has one."""
        return layer_seed(self.seed, self.users[layer.tensor][0].index)

    @property
    def macs(self) -> int:
        """Dense-equivalent multiply-accumulates of one image."""
        return sum(layer.macs * layer.iterations for layer in self.layers)

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it."""
        modes = {name: str(mode) for name, mode in self.modes.items()}
        blocks = [block.to_json() for block in self.blocks]
        return shortened(
            dataclasses.asdict(self) | {"modes": modes, "blocks": blocks, "head": str(self.head)}, _BEFORE
        )

    @classmethod
    def from_json(cls, data: dict) -> "Network":
        """Network described by ``data``; an unknown, missing or ill-typed key is refused by name."""
        fields = checked(completed(data, _BEFORE), cls, "network")
        fields["stem"] = Stem(**checked(fields["stem"], Stem, "network.stem"))
        if not isinstance(fields["blocks"], list | tuple):
            raise Refused(f"Key network.blocks must be a list, not {fields['blocks']!r}")
        fields["rings"] = rings_from_json(fields["rings"], "network.rings")
        fields["blocks"] = tuple(
            Block.from_json(block, f"network.blocks[{index}]") for index, block in enumerate(fields["blocks"])
        )
        if not isinstance(fields["image"], list | tuple) or any(type(n) is not int for n in fields["image"]):
            raise Refused(f"Key network.image must be three integers, not {fields['image']!r}")
        fields["image"] = tuple(fields["image"])
        if not isinstance(fields["modes"], dict):
            raise Refused(f"Key network.modes must map layer names to modes, not {fields['modes']!r}")
        try:
            fields["modes"] = {name: Mode(mode) for name, mode in fields["modes"].items()}
        except (ValueError, TypeError) as error:
            raise Refused(f"Key network.modes: {error}; the modes are {[str(mode) for mode in Mode]}") from None
        fields["head"] = one_of(Head, fields["head"], "network.head")
        return cls(**fields)
