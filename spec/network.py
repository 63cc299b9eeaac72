"""What a network is: layers, residual blocks, folded iterations. Training, compiler and golden model share it.

A network is stem, residual blocks, classifier. A block with ``iterations`` > 1 is a *recurrent block*: the same
weights run that many times, each iteration with batch-norm entries of its own (UBN).

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; post-activation basic blocks as in its released models.
"""

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from spec.lfsr import ROW_STRIDE, layer_seed, row_length
from spec.refusal import Refused
from spec.supermask import GROUP, Mode, keep_count

__all__ = ["Block", "Layer", "Network", "Role", "Stem", "Step", "residual_network"]


class Role(enum.StrEnum):
    """What a layer is in its block; it decides where activations come from and go."""

    STEM = "stem"  #: Prepared image -> residual stream.
    INNER = "inner"  #: Residual stream or branch -> branch.
    SHORTCUT = "shortcut"  #: Residual stream -> projected residual stream, stored signed, no ReLU.
    LAST = "last"  #: Branch -> residual stream, adds the residual.
    CLASSIFIER = "classifier"  #: Residual stream, summed over positions -> logits.


@dataclass(frozen=True)
class Layer:
    """One weight tensor and the maps it works on, as the hardware sees them.

    ``index`` counts weight tensors in network order; ``(outputs, kernel, kernel, inputs)`` is the OHWI shape.
    The stem is a 1x1 layer over prepared channels (:func:`spec.numerics.prepare`).
    """

    index: int
    name: str
    role: Role
    inputs: int
    outputs: int
    kernel: int
    stride: int
    pad: int
    height: int
    width: int
    iterations: int
    mode: Mode

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """OHWI shape of the weights."""
        return (self.outputs, self.kernel, self.kernel, self.inputs)

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.outputs * self.kernel * self.kernel * self.inputs

    @property
    def out_height(self) -> int:
        """Rows of the output map (of the positions summed, for the classifier)."""
        return (self.height + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output map."""
        return (self.width + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def positions(self) -> int:
        """Output pixels."""
        return self.out_height * self.out_width

    @property
    def macs(self) -> int:
        """Dense-equivalent multiply-accumulates of one iteration (masked ones counted, pooled classifier once)."""
        return self.weights * (1 if self.role is Role.CLASSIFIER else self.positions)


@dataclass(frozen=True)
class Stem:
    """First convolution: ``kernel`` x ``kernel`` over the image channels, ``width`` outputs."""

    kernel: int
    stride: int
    pad: int
    width: int


@dataclass(frozen=True)
class Block:
    """Basic residual block: 3x3 (``stride``), 3x3, plus shortcut; run ``iterations`` times with the same weights.

    A projection shortcut (1x1, ``stride``) is there exactly when the block changes the shape.
    """

    name: str
    width: int
    stride: int = 1
    iterations: int = 1


@dataclass(frozen=True)
class Step:
    """One execution of a layer: ``iteration`` of the recurrent block it is in (0 outside)."""

    layer: Layer
    iteration: int


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
        Kept fraction that training selects in modes ``any`` and ``2of4``.
    modes : mapping of layer name to Mode
        One entry for every layer, no other.

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

    def __post_init__(self):
        layer_seed(self.seed, 0)
        keep_count(1, self.density)
        if len(self.image) != 3 or min(self.image) < 1:
            raise Refused(f"Image must be height, width and channels, each at least 1, not {self.image!r}")
        if self.stem.kernel < 1 or self.stem.stride < 1 or self.stem.pad < 0 or self.stem.width < 1:
            raise Refused(f"Stem needs kernel, stride and width of at least 1 and no negative padding, not {self.stem}")
        if self.classes < 2:
            raise Refused(f"Classifier needs at least 2 classes, not {self.classes!r}")
        names = [block.name for block in self.blocks]
        if len(set(names)) != len(names) or {"", "stem", "classifier"} & set(names):
            raise Refused(f"Block names must be unique and not empty, 'stem' or 'classifier', not {names}")
        width = self.stem.width
        for block in self.blocks:
            if block.width < 1 or block.stride < 1 or block.iterations < 1:
                raise Refused(f"Block {block.name} needs width, stride and iterations of at least 1, not {block}")
            if block.iterations > 1 and (block.stride != 1 or block.width != width):
                raise Refused(
                    f"Block {block.name} changes the shape (width {width} to {block.width}, stride {block.stride}), so "
                    f"it cannot be folded over {block.iterations} iterations; put it before the recurrent block"
                )
            width = block.width
        known = [layer.name for layer in self._layers_with(lambda name: Mode.ANY)]
        unknown = sorted(set(self.modes) - set(known))
        missing = [name for name in known if name not in self.modes]
        if unknown:
            raise Refused(f"Unknown layer {unknown[0]!r} in the modes of network {self.name!r}; its layers are {known}")
        if missing:
            raise Refused(f"Layer {missing[0]!r} of network {self.name!r} has no mode; give any, 2of4 or 1of4")
        for layer in self.layers:
            if layer.out_height < 1 or layer.out_width < 1:
                raise Refused(
                    f"Layer {layer.name} shrinks a {layer.height}x{layer.width} map to nothing; use fewer strides"
                )
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

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All weight tensors in network order, which is also the order they run in: shortcut, conv1, conv2."""
        return tuple(self._layers_with(lambda name: Mode(self.modes[name])))

    def _layers_with(self, mode_of) -> list[Layer]:
        layers: list[Layer] = []

        def add(name, role, inputs, outputs, kernel, stride, pad, height, width, iterations=1) -> Layer:
            layer = Layer(
                len(layers), name, role, inputs, outputs, kernel, stride, pad, height, width, iterations, mode_of(name)
            )
            layers.append(layer)
            return layer

        height, width, channels = self.image
        stem = self.stem
        height = (height + 2 * stem.pad - stem.kernel) // stem.stride + 1
        width = (width + 2 * stem.pad - stem.kernel) // stem.stride + 1
        add("stem", Role.STEM, stem.kernel**2 * channels, stem.width, 1, 1, 0, height, width)
        channels = stem.width
        for block in self.blocks:
            shape = (height, width, block.iterations)
            if block.stride != 1 or block.width != channels:
                add(f"{block.name}.shortcut", Role.SHORTCUT, channels, block.width, 1, block.stride, 0, *shape)
            conv1 = add(f"{block.name}.conv1", Role.INNER, channels, block.width, 3, block.stride, 1, *shape)
            height, width, channels = conv1.out_height, conv1.out_width, block.width
            add(f"{block.name}.conv2", Role.LAST, channels, channels, 3, 1, 1, height, width, block.iterations)
        add("classifier", Role.CLASSIFIER, channels, self.classes, 1, 1, 0, height, width)
        return layers

    def layer(self, name: str) -> Layer:
        """The layer called ``name``; refused with the list of layers if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise Refused(f"Unknown layer {name!r}; network {self.name!r} has {[layer.name for layer in self.layers]}")

    def block_layers(self, block: Block) -> tuple[Layer, ...]:
        """Layers of one block in the order they run."""
        return tuple(layer for layer in self.layers if layer.name.rpartition(".")[0] == block.name)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every execution of every layer, in order, iterations unrolled."""
        steps = [Step(self.layers[0], 0)]
        for block in self.blocks:
            steps += [Step(layer, t) for t in range(block.iterations) for layer in self.block_layers(block)]
        return (*steps, Step(self.layers[-1], 0))

    def seed_of(self, layer: Layer) -> int:
        """Start state of row 0 of ``layer``'s signs."""
        return layer_seed(self.seed, layer.index)

    @property
    def macs(self) -> int:
        """Dense-equivalent multiply-accumulates of one image."""
        return sum(step.layer.macs for step in self.steps)

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it."""
        return dataclasses.asdict(self) | {"modes": {name: str(mode) for name, mode in self.modes.items()}}

    @classmethod
    def from_json(cls, data: dict) -> "Network":
        """Network described by ``data``; an unknown, missing or ill-typed key is refused by name."""
        fields = _checked(data, cls, "network")
        fields["stem"] = Stem(**_checked(fields["stem"], Stem, "network.stem"))
        if not isinstance(fields["blocks"], list | tuple):
            raise Refused(f"Key network.blocks must be a list, not {fields['blocks']!r}")
        fields["blocks"] = tuple(
            Block(**_checked(block, Block, f"network.blocks[{i}]")) for i, block in enumerate(fields["blocks"])
        )
        if not isinstance(fields["image"], list | tuple) or any(type(n) is not int for n in fields["image"]):
            raise Refused(f"Key network.image must be three integers, not {fields['image']!r}")
        fields["image"] = tuple(fields["image"])
        if not isinstance(fields["modes"], dict):
            raise Refused(f"Key network.modes must map layer names to modes, not {fields['modes']!r}")
        try:
            fields["modes"] = {name: Mode(mode) for name, mode in fields["modes"].items()}
        except ValueError as error:
            raise Refused(f"Key network.modes: {error}; the modes are {[str(mode) for mode in Mode]}") from None
        return cls(**fields)


def _checked(data, kind: type, where: str) -> dict:
    """``data`` if its keys and scalar types are those of the dataclass ``kind``."""
    if not isinstance(data, dict):
        raise Refused(f"Key {where} must be an object, not {data!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in data:
        if key not in fields:
            raise Refused(f"Unknown key {where}.{key}; the keys are {list(fields)}")
    for name, field in fields.items():
        if name not in data:
            raise Refused(f"Missing key {where}.{name}")
        if field.type in (int, str, float):
            kinds = (int, float) if field.type is float else (field.type,)
            if not isinstance(data[name], kinds) or isinstance(data[name], bool):
                raise Refused(f"Key {where}.{name} must be of type {field.type.__name__}, not {data[name]!r}")
    return dict(data)


def residual_network(
    name: str,
    *,
    image: tuple[int, int, int],
    classes: int,
    widths: tuple[int, ...],
    iterations: tuple[int, ...],
    mode: Mode = Mode.ANY,
    seed: int = 0,
    density: float = 0.3,
) -> Network:
    """Small folded network of basic blocks: 3x3 stem, then per stage an entry block and a recurrent block.

    Stage ``i`` enters at ``widths[i]`` (stride 2 from the second stage on), then runs one block ``iterations[i]``
    times (no recurrent block where that is 0). Stem and classifier are ``2of4`` where ``mode`` is ``1of4``, because
    the stem's channels come in no groups of 4 and both are a negligible share of the work.
    """
    if len(widths) != len(iterations) or not widths:
        raise Refused(f"Give one iteration count per stage width, not {iterations} for {widths}")
    blocks = []
    for i, (width, count) in enumerate(zip(widths, iterations, strict=True), 1):
        blocks.append(Block(f"stage{i}.entry", width, stride=1 if i == 1 else 2))
        if count:
            blocks.append(Block(f"stage{i}.fold", width, iterations=count))
    edge = Mode.TWO_OF_FOUR if mode is Mode.ONE_OF_FOUR else mode
    modes = {"stem": edge, "classifier": edge}
    width = widths[0]
    for block in blocks:
        if block.stride != 1 or block.width != width:
            modes[f"{block.name}.shortcut"] = mode
        modes |= {f"{block.name}.conv1": mode, f"{block.name}.conv2": mode}
        width = block.width
    return Network(name, seed, image, Stem(3, 1, 1, widths[0]), tuple(blocks), classes, density, modes)
