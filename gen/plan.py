"""Where everything of a network goes in the memories of a build, and how each layer is cut into tiles."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gen.loops import loops_of
from spec.commands import RING_UNIT
from spec.config import AcceleratorConfig
from spec.layer import Layer, Role
from spec.network import Network
from spec.order import STORED, down_to, inside, repetitions, walk
from spec.supermask import GROUP, Mode

__all__ = ["LayerPlan", "Plan", "Region", "Segment", "command_count", "plan"]


@dataclass(frozen=True)
class Region:
    """``words`` words from ``base`` of memory ``memory`` ("x" or "t")."""

    memory: str
    base: int
    words: int


@dataclass(frozen=True)
class Segment:
    """The runs of one m-tile over one pixel tile: each meets ``run`` pixels and takes ``fetches`` weight fetches."""

    m_tile: int
    pixel_tile: int
    run: int
    fetches: int


@dataclass(frozen=True)
class LayerPlan:
    """One layer on one build. A max pool has no tiles, runs, masks or entries: all of these are 0.

    Parameters
    ----------
    layer : Layer
    source, destination, residual : Region or None
        The classifier has no destination; only the last layer of a block has a residual.
    residual_signed : bool
        The residual is a projection.
    residual_half : bool
        The residual is half as large, and is added at twice its size.
    blocks : int
        Input words per pixel (n-blocks).
    tiles : int
        Tiles of output channels (m-tiles).
    last_groups : int
        Groups that hold channels in the last n-block.
    last_rows : int
        Weight fetches per tile of the last m-tile.
    run, last_run, pixel_tiles : int
        Pixels per pixel tile, and how many tiles.
    mask_unit : int
        First unit of its mask, which is another layer's if that has the weights. 0 if it is streamed.
    mask_units : int
    entry_row : int
        First entry row of iteration 0.
    streamed : bool
        Its mask comes from the host in every iteration, a chunk per m-tile.
    ring_word : int
        First word of its ring in the ring memory. A layer that draws from a ring has no mask.
    """

    layer: Layer
    source: Region
    destination: Region | None
    residual: Region | None
    residual_signed: bool
    residual_half: bool
    blocks: int
    tiles: int
    last_groups: int
    last_rows: int
    run: int
    last_run: int
    pixel_tiles: int
    mask_unit: int
    mask_units: int
    entry_row: int
    streamed: bool = False
    ring_word: int = 0

    @property
    def chunk_units(self) -> int:
        """Mask units of an m-tile, the longest if they differ."""
        last = self.weight_tiles * self.last_rows * self.unit
        return max(last, (self.mask_units - last) // max(1, self.tiles - 1))

    @property
    def unit(self) -> int:
        """Mask units of a fetch; masks of the layer start at a multiple of it."""
        return 1 if self.layer.mode is Mode.ONE_OF_FOUR else 2

    @property
    def nest(self) -> dict[str, int]:
        """The command fields that count the loops of :mod:`spec.order`."""
        return {
            "tiles": self.tiles,
            "pixel_tiles": self.pixel_tiles,
            "top_plane": self.layer.planes - 1,
            "kernel": self.layer.kernel,
            "blocks": self.blocks,
            "passes": self.layer.mode.passes,
        }

    @property
    def weight_tiles(self) -> int:
        """Weight tiles per m-tile: taps times n-blocks."""
        return repetitions(self.nest, STORED[1:])

    @property
    def runs(self) -> int:
        """Runs per segment: weight tiles times passes times planes."""
        return repetitions(self.nest, inside("pixel_tile"))

    def segments(self, config: AcceleratorConfig) -> Iterator["Segment"]:
        """Every pair of m-tile and pixel tile, in order."""
        for place in walk(self.nest, down_to("pixel_tile")):
            m_tile, pixel_tile = place["m_tile"], place["pixel_tile"]
            yield Segment(
                m_tile, pixel_tile, self.last_run if pixel_tile == self.pixel_tiles - 1 else self.run,
                self.last_rows if m_tile == self.tiles - 1 else config.load_cycles,
            )


@dataclass(frozen=True)
class Plan:
    """A network on a build. Sizes are what it needs, whether or not the build has it.

    Parameters
    ----------
    layers : tuple of LayerPlan
    pools : dict of layer name to LayerPlan
    x_words, t_words : int
    mask_units : int
        Units of mask memory: resident masks, then two slots for chunks of streamed ones.
    entry_rows : int
    entry_steps : dict of block name to int
        Entry rows of an iteration.
    mask_unit : int
        First unit of mask memory.
    slot_units : int
        Units of a slot: whole words of the mask memory. 0 if nothing is streamed.
    ring_word : int
        First word of ring memory.
    ring_words : int
        Words of ring memory: every plane of every ring.
    rings : dict of ring name to int
        First word of each.
    """

    layers: tuple[LayerPlan, ...]
    pools: dict[str, LayerPlan]
    x_words: int
    t_words: int
    mask_units: int
    entry_rows: int
    entry_steps: dict[str, int]
    mask_unit: int = 0
    slot_units: int = 0
    ring_word: int = 0
    ring_words: int = 0
    rings: dict[str, int] = field(default_factory=dict)

    @property
    def resident_units(self) -> int:
        """Units of mask memory before the slots."""
        return self.mask_units - 2 * self.slot_units

    def slot(self, number: int) -> int:
        """First unit of the slot of chunk ``number``."""
        return self.mask_unit + self.resident_units + number % 2 * self.slot_units

    def of(self, layer: Layer) -> LayerPlan:
        """Plan of ``layer``, which may be a max pool."""
        return self.pools[layer.name] if layer.role is Role.POOL else self.layers[layer.index]


class _Maps(NamedTuple):
    """Where a layer reads and writes: the first fields of its :class:`LayerPlan`."""

    source: Region
    destination: Region | None
    residual: Region | None
    residual_signed: bool
    residual_half: bool


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def plan(
    network: Network, config: AcceleratorConfig, *, mask_unit: int = 0, entry_row: int = 0, ring_word: int = 0
) -> Plan:
    """Lay ``network`` out on ``config``, its masks from ``mask_unit``, its entries from ``entry_row``, its rings from
    ``ring_word`` on.

    The residual stream lives in X: layers that change its shape write a second region at the other end of X, the others
    update it in place (:class:`_Stream`). What a block keeps stays where it is, and the block that takes it stores in
    its place. The prepared image, the branches of the blocks and maps for the host live at the start of T; where a
    block has two inner layers, the second one's branch follows the first one's.

    Masks stay on the chip, each once, however many layers use it. Where there is no room for all, some are streamed
    (:func:`_stream`). Rings always stay.
    """
    maps, sizes = _place_maps(network, config)
    entries, entry_steps, entry_end = _place_entries(network, config, entry_row)
    rings, ring_end = _place_rings(network, ring_word)
    layers, units, unit = [], {}, mask_unit
    for layer in network.layers:
        placed = _placed(layer, maps[layer.name], entries.get(layer.name, 0), config)
        if layer.ring:
            placed = replace(placed, ring_word=rings[layer.ring.name])
        else:
            fetches = sum(s.fetches for s in placed.segments(config) if s.pixel_tile == 0)
            placed = replace(placed, mask_units=placed.unit * placed.weight_tiles * fetches)
            if not layer.owner:
                units[layer.name] = unit + unit % placed.unit
                unit = units[layer.name] + placed.mask_units
            placed = replace(placed, mask_unit=units[layer.tensor])
        layers.append(placed)
    pools = {
        pool.name: LayerPlan(pool, *maps[pool.name], _ceil(pool.inputs, config.word_bytes), *[0] * 9)
        for pool in network.pools
    }
    result = Plan(
        tuple(layers), pools, sizes["x"], sizes["t"], unit - mask_unit, entry_end - entry_row, entry_steps, mask_unit,
        ring_word=ring_word, ring_words=ring_end - ring_word, rings=rings,
    )
    return _stream(result, config)


def _placed(layer: Layer, maps: _Maps, entry_row: int, config: AcceleratorConfig) -> LayerPlan:
    """``layer`` cut into tiles, without its masks or ring."""
    blocks, tiles = _ceil(layer.inputs, config.word_bytes), _ceil(layer.outputs, config.rows)
    last_channels = layer.inputs - (blocks - 1) * config.word_bytes
    last_outputs = layer.outputs - (tiles - 1) * config.rows
    pixel_tiles = 1 if layer.role is Role.CLASSIFIER else _ceil(layer.positions, config.psum_depth)
    run = _ceil(layer.positions, pixel_tiles)
    pixel_tiles = _ceil(layer.positions, run)
    return LayerPlan(
        layer, *maps, blocks, tiles, _ceil(last_channels, GROUP), _ceil(last_outputs, config.weight_rows), run,
        layer.positions - run * (pixel_tiles - 1), pixel_tiles, 0, 0, entry_row,
    )


class _Stream:
    """Where the residual stream is in X: at one end of what is free of it, between maps that are kept at both ends."""

    def __init__(self, words: int):
        self._low, self._high = 0, words
        self._kept: list[tuple[Region, int, int]] = []
        self.words = 0  #: Of X that were taken at once.

    def updated(self, stream: Region) -> Region:
        """Where what replaces ``stream`` is: in place, unless that is kept."""
        if stream not in (region for region, *_ in self._kept):
            return stream
        return self.beside(Region("x", self._low, 0), stream.words)

    def beside(self, stream: Region, size: int) -> Region:
        """``size`` words at the other end."""
        self.words = max(self.words, sum(region.words for region, *_ in self._kept) + stream.words + size)
        behind = max(self._high - size, stream.base + stream.words)
        return Region("x", behind if stream.base == self._low else self._low, size)

    def keep(self, stream: Region) -> None:
        """Leave ``stream`` where it is."""
        self._kept.append((stream, self._low, self._high))
        if stream.base == self._low:
            self._low += stream.words
        else:
            self._high = stream.base

    def take(self) -> Region:
        """What was kept last: the stream is there again."""
        stream, self._low, self._high = self._kept.pop()
        return stream


def _place_maps(network: Network, config: AcceleratorConfig) -> tuple[dict[str, _Maps], dict[str, int]]:
    """Where each layer reads and writes, by name, and the words that takes of each memory."""
    t_words, x = 0, _Stream(config.x_words)
    maps: dict[str, _Maps] = {}

    def region(memory: str, base: int, channels: int, layer: Layer) -> Region:
        words = layer.positions * _ceil(channels, config.word_bytes)
        return Region(memory, base, words)

    for step in network.once:  # every iteration is as the first one
        layer, residual, destination = step.layer, None, None
        source = maps[network.once[step.source].layer.name].destination if step.source is not None else None
        if layer.role is Role.STEM:
            source = region("t", 0, layer.inputs, layer)
            destination = region("x", 0, layer.outputs, layer)
            t_words, x.words = source.words, destination.words
        elif layer.role in (Role.POOL, Role.SHORTCUT):
            destination = x.beside(source, region("x", 0, layer.outputs, layer).words)
        elif layer.role in (Role.INNER, Role.MAPS):
            destination = region("t", source.words if source.memory == "t" else 0, layer.outputs, layer)
            t_words = max(t_words, destination.base + destination.words)
        elif layer.role is Role.LAST:  # in place, or in that of what was kept
            residual = maps[network.once[step.residual].layer.name].destination
            destination = x.take() if step.scale.takes else x.updated(residual)
        if step.scale.keeps:
            x.keep(source)
        maps[layer.name] = _Maps(source, destination, residual, network.adds_projection(layer), step.upsampled)
    return maps, {"x": x.words, "t": t_words}


def _place_entries(
    network: Network, config: AcceleratorConfig, row: int
) -> tuple[dict[str, int], dict[str, int], int]:
    """Entry row of every layer that has one, from ``row`` on; the rows of an iteration of every block; the end."""
    entries, steps = {}, {}
    for block, layers in itertools.groupby(network.stored_layers, lambda layer: layer.block):
        step = 0
        for layer in layers:
            entries[layer.name] = row + step
            step += _ceil(layer.outputs, config.rows)
        row += step * layer.iterations
        if block is not None:
            steps[block] = step
    return entries, steps, row


def _place_rings(network: Network, word: int) -> tuple[dict[str, int], int]:
    """First word of every ring, one behind the other from ``word`` on, and the first word after them."""
    rings = {}
    for ring in network.rings:
        rings[ring.name] = word = _ceil(word, RING_UNIT) * RING_UNIT
        word += ring.planes * ring.words
    return rings, word


def _stream(resident: Plan, config: AcceleratorConfig) -> Plan:
    """``resident`` itself if its masks fit, or must; else a plan that streams some of them.

    What runs most often stays first, by iterations and by layers that use the same mask. Then come the layers with the
    fewest pixels: they have the least work for the array while the host sends a mask. Each stays if it fits beside the
    slots that the rest needs.
    """
    have = config.mask_bits // config.mask_unit_bits - resident.mask_unit
    if resident.mask_units <= have or not config.streams:
        return resident
    word = config.mask_word_bits // config.mask_unit_bits
    own = [placed for placed in resident.layers if not placed.layer.owner]
    runs: Counter = Counter()
    for placed in resident.layers:
        runs[placed.layer.tensor] += placed.layer.iterations

    def slot_of(staying: set[str]) -> int:
        chunks = [placed.chunk_units for placed in own if placed.layer.name not in staying]
        return _ceil(max(chunks, default=0), word) * word

    def need(staying: set[str]) -> int:
        units = sum(_ceil(p.mask_units, 2) * 2 for p in own if p.layer.name in staying)
        return _ceil(units, word) * word + 2 * slot_of(staying)

    staying = {placed.layer.name for placed in own if placed.layer.ring}
    for placed in sorted(own, key=lambda p: (-runs[p.layer.name], p.layer.positions, -p.mask_units)):
        more = staying | {placed.layer.name}
        if need(more) <= max(have, need(staying)):
            staying = more
    if len(staying) == len(own):
        return resident
    layers, units, unit = [], {}, resident.mask_unit
    for placed in resident.layers:
        name = placed.layer.tensor
        if name in staying:
            if not placed.layer.owner:
                units[name] = unit + unit % placed.unit
                unit = units[name] + placed.mask_units
            layers.append(replace(placed, mask_unit=units[name]))
        else:
            layers.append(replace(placed, mask_unit=0, streamed=True))
    slot = slot_of(staying)
    kept = _ceil(unit - resident.mask_unit, word) * word
    return replace(resident, layers=tuple(layers), mask_units=kept + 2 * slot, slot_units=slot)


def command_count(network: Network, lanes: int, *, traced: bool = False) -> int:
    """Commands of the program of ``network``: its layers, max pools, loops, stores (of every layer if ``traced``) of
    each of ``lanes`` lanes, and the end.
    """
    loops = loops_of(network)
    blocks = sum(len(network.block_layers(run.block)) for turns in loops for run in turns[0])
    layers = 1 + (network.pool is not None) + blocks + 1
    around = sum(2 for turns in loops if turns[1:])
    return layers + around + (layers if traced else 1) * lanes + 1
