"""Named networks: the residual networks of Hidden-Fold Networks, and small ones of the same make; weights from rings.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III and its released models; He et al., CVPR 2016; Recurrent
Parameter Generators (Wang et al., 2021), section 4.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from spec.block import Block, Kind, Stem
from spec.layer import Layer, Role
from spec.network import Head, Network
from spec.refusal import Refused
from spec.ring import PLANES_MAX, Ring
from spec.supermask import Mode

__all__ = [
    "DEPTHS", "RESNET_NAMES", "RING_OPTIONS", "depth_of", "drawn", "network_of_parts", "residual_network", "resnet",
    "rings_of_stages", "rpg",
]

#: Blocks per stage and their kind, by depth.
DEPTHS = {
    18: ((2, 2, 2, 2), Kind.BASIC),
    34: ((3, 4, 6, 3), Kind.BASIC),
    50: ((3, 4, 6, 3), Kind.BOTTLENECK),
    101: ((3, 4, 23, 3), Kind.BOTTLENECK),
    152: ((3, 8, 36, 3), Kind.BOTTLENECK),
    200: ((3, 24, 36, 3), Kind.BOTTLENECK),
}
RESNET_NAMES = tuple(f"resnet{depth}" for depth in DEPTHS)

#: Layers outside the main path that may draw from a ring as well, by their name in options.
RING_OPTIONS = {"stem": Role.STEM, "shortcut": Role.SHORTCUT, "classifier": Role.CLASSIFIER}

#: Kernel, stride, pad and pool of the stem for images smaller than _LARGE (CIFAR's), and for others (ImageNet's).
_SMALL_STEM = (3, 1, 1, False)
_LARGE_STEM = (7, 2, 3, True)
_LARGE = 96


def depth_of(name: str) -> int:
    """Depth of the network called ``name``, say ``resnet50``; refused with the list of names if there is none."""
    found = re.fullmatch(r"resnet(\d+)", name)
    if found is None or int(found[1]) not in DEPTHS:
        raise Refused(f"There is no network {name!r}; the networks are {', '.join(RESNET_NAMES)}")
    return int(found[1])


def resnet(
    depth: int,
    *,
    classes: int = 100,
    image: int = 32,
    channels: int = 3,
    folded: Iterable[int] = (3, 4),
    counts: tuple[int, ...] | None = None,
    width: int = 64,
    wider: float = 1.0,
    mode: Mode = Mode.ANY,
    density: float = 0.3,
    seed: int = 0,
    name: str | None = None,
) -> Network:
    """Hidden-fold residual network of the paper.

    A stage is an entry block, then one block run as often as the stage has further blocks if it is ``folded``, or that
    many blocks otherwise (no stage folded: a hidden network, HNN).

    Parameters
    ----------
    depth : int
        18, 34 (basic blocks), 50, 101, 152, 200 (bottlenecks).
    image : int
        Height and width. Below 96: 3x3 stem as for CIFAR; from there on: 7x7 stem with stride 2 and a max pool as for
        ImageNet.
    channels : int
        Of the image.
    folded : stages, from 1 to 4
    counts : (int, int, int, int), optional
        Blocks per stage, the entry block counted; by default those of ``depth``. A folded stage of ``n`` blocks runs
        ``n - 1`` iterations.
    width : int
        Channels of the stem, and inner channels of stage 1; they double from stage to stage.
    wider : float
        Factor on the inner channels alone; 2 is the wide network.
    mode : Mode
        Of all layers, but ``2of4`` in stem and classifier where it is ``1of4`` or ``max1of4``.
    name : str, optional
        By default the paper's: hf- or h-, then depth and image.
    """
    if depth not in DEPTHS:
        raise Refused(f"There is no residual network of depth {depth!r}; the depths are {list(DEPTHS)}")
    folded = set(folded)
    if not folded <= {1, 2, 3, 4}:
        raise Refused(f"Folded stages must be some of 1, 2, 3 and 4, not {sorted(folded)}")
    kernel, stride, pad, pool = _SMALL_STEM if image < _LARGE else _LARGE_STEM
    usual, kind = DEPTHS[depth]
    counts = usual if counts is None else counts
    if len(counts) != len(usual) or min(counts) < 1:
        raise Refused(f"Give {len(usual)} stages of at least 1 block each, not {counts!r}")
    blocks = []
    for stage, count in enumerate(counts, 1):
        outputs = width * kind.expansion << (stage - 1)
        blocks.append(Block(f"stage{stage}.entry", outputs, 1 if stage == 1 else 2, 1, kind, wider))
        if stage in folded and count > 2:
            blocks.append(Block(f"stage{stage}.fold", outputs, 1, count - 1, kind, wider))
        else:
            blocks += [Block(f"stage{stage}.block{i}", outputs, 1, 1, kind, wider) for i in range(2, count + 1)]
    if name is None:
        name = f"{'hf' if folded else 'h'}-{'wide-' if wider > 1 else ''}resnet{depth}-{image}"
    stem = Stem(kernel, stride, pad, width, pool)
    return network_of_parts(name, (image, image, channels), stem, blocks, classes, mode, density, seed)


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
    kind: Kind = Kind.BASIC,
    stem: Stem | None = None,
    folded: bool = True,
) -> Network:
    """Small network: stem (3x3 unless given), then per stage an entry block and a recurrent block.

    Stage ``i`` enters at ``widths[i]`` (stride 2 from the second stage on), then runs one block ``iterations[i]``
    times (no recurrent block where that is 0); if not ``folded``, as many blocks of their own. Stem and classifier are
    ``2of4`` where ``mode`` is ``1of4`` or ``max1of4``, because the stem's channels come in no groups of 4 and both are
    a negligible share of the work.
    """
    if len(widths) != len(iterations) or not widths:
        raise Refused(f"Give one iteration count per stage width, not {iterations} for {widths}")
    blocks = []
    for i, (width, count) in enumerate(zip(widths, iterations, strict=True), 1):
        blocks.append(Block(f"stage{i}.entry", width, 1 if i == 1 else 2, 1, kind))
        if not folded:
            blocks += [Block(f"stage{i}.block{j}", width, 1, 1, kind) for j in range(2, count + 2)]
        elif count:
            blocks.append(Block(f"stage{i}.fold", width, 1, count, kind))
    return network_of_parts(name, image, stem or Stem(3, 1, 1, widths[0]), blocks, classes, mode, density, seed)


def drawn(network: Network, *rings: Ring) -> Network:
    """``network`` with the layers that ``rings`` name drawing from them instead of having masks."""
    names = {name for ring in rings for name in ring.layers}
    modes = {name: mode for name, mode in network.modes.items() if name not in names}
    return dataclasses.replace(network, modes=modes, rings=rings)


def rpg(
    network: Network,
    *,
    words: int,
    planes: int = PLANES_MAX,
    parts: Iterable[str] = ("shortcut",),
) -> Network:
    """``network`` with all convolutions of its blocks drawn from one ring of ``words`` words.

    Parameters
    ----------
    parts : some of :data:`RING_OPTIONS`
        Other layers that draw from it too; the rest keep their masks. The paper's excludes stem and classifier.
    """
    names = tuple(layer.name for layer in _ring_layers(network, parts))
    return drawn(network, Ring("ring", words, planes, names))


def rings_of_stages(
    network: Network, *, words: int, planes: int = PLANES_MAX, parts: Iterable[str] = ("shortcut",)
) -> Network:
    """As :func:`rpg`, but one ring of ``words`` words per stage; layers outside the stages share another."""
    stages: dict[str, list[str]] = {}
    for layer in _ring_layers(network, parts):
        stage = layer.block.partition(".")[0] if layer.block else "ends"
        stages.setdefault(stage, []).append(layer.name)
    return drawn(network, *(Ring(stage, words, planes, tuple(names)) for stage, names in stages.items()))


def _ring_layers(network: Network, parts: Iterable[str]) -> list[Layer]:
    parts = tuple(parts)
    if unknown := [part for part in parts if part not in RING_OPTIONS]:
        raise Refused(f"Layers drawn from a ring too must be some of {', '.join(RING_OPTIONS)}, not {unknown[0]!r}")
    roles = {Role.INNER, Role.LAST, *(RING_OPTIONS[part] for part in parts)}
    return [layer for layer in network.own_layers if layer.role in roles]


def network_of_parts(
    name: str, image: tuple[int, int, int], stem: Stem, blocks: Sequence[Block], classes: int, mode: Mode,
    density: float, seed: int, *, head: Head = Head.CLASSES,
) -> Network:
    """Network of these parts with ``mode`` in every layer that can have it."""
    edge = Mode.TWO_OF_FOUR if mode.passes == 1 else mode
    modes = {"stem": edge, head.layer: edge}
    channels = stem.width
    for block in blocks:
        if not block.weights_of:
            modes |= {f"{block.name}.{part.name}": mode for part in block.convolutions(channels)}
        channels = block.width
    return Network(name, seed, image, stem, tuple(blocks), classes, density, modes, head=head)
