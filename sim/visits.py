"""How the array makes one sum: in which order its partial sums come, and what each must be."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from gen.compile import Program
from gen.cycles import predict
from sim.compare import Mismatch
from spec.golden import Execution
from spec.layer import Layer, Role
from spec.model import Model
from spec.order import inside, walk
from spec.ring import digits
from spec.supermask import passes_of

__all__ = ["Site", "Visit", "begins_plane", "locate", "partial_sums", "trits_of", "visits"]


@dataclass(frozen=True)
class Site:
    """Where on the accelerator a stored value is computed.

    Parameters
    ----------
    command : int
        Which of the executed commands, loops not counted.
    start, end : int
        Cycles after the start between which the cycle model has it.
    channel, m_tile, row : int
        Output channel, its tile, its row of the array.
    pixel, pixel_tile, psum : int
        Output pixel in raster order, its tile, and its address in the psum memory. The classifier sums over all pixels
        into the address of the m-tile.
    skip : int
        Visits that this psum address has before, in the same command.
    memory : str
        "x", "t", or "psum" for a logit.
    address, part : int
        Word of that memory, and 32-bit part of it.
    """

    command: int
    start: int
    end: int
    channel: int
    m_tile: int
    row: int
    pixel: int
    pixel_tile: int
    psum: int
    skip: int
    memory: str
    address: int
    part: int


@dataclass(frozen=True)
class Visit:
    """One addition to a sum: the word of n-block ``block`` at tap ``(ky, kx)`` in pass ``index`` (at ``pixel``).

    ``plane`` is that of a ring, None in a layer with masks.
    """

    ky: int
    kx: int
    block: int
    index: int
    pixel: int | None = None
    plane: int | None = None

    def __str__(self) -> str:
        at = "" if self.pixel is None else f", pixel {self.pixel}"
        plane = "" if self.plane is None else f"plane {self.plane}, "
        return f"{plane}ky {self.ky}, kx {self.kx}, n-block {self.block}, pass {self.index}{at}"


def locate(program: Program, mismatch: Mismatch) -> Site:
    """The site of the value that ``mismatch`` found wrong."""
    layer, config, placed = mismatch.step.layer, program.config, program.plan.of(mismatch.step.layer)
    commands = predict(program).commands
    command = next(
        index for index, c in enumerate(commands) if (c.label, c.iteration) == (layer.name, mismatch.step.iteration)
    )
    channel = mismatch.place[-1]
    m_tile, row = divmod(channel, config.rows)
    pixel = pixel_tile = skip = address = 0
    psum, memory = m_tile, "psum"
    if layer.role is not Role.CLASSIFIER:
        y, x, _ = mismatch.place
        pixel = y * layer.out_width + x
        destination = placed.destination
        memory = destination.memory
        address = destination.base + pixel * -(-layer.outputs // config.word_bytes) + channel // config.word_bytes
    if layer.role not in (Role.CLASSIFIER, Role.POOL):
        pixel_tile, psum = divmod(pixel, placed.run)
        before = itertools.takewhile(
            lambda segment: (segment.m_tile, segment.pixel_tile) != (m_tile, pixel_tile), placed.segments(config)
        )
        skip = sum(psum < segment.run for segment in before) * placed.runs
    timing = commands[command]
    return Site(
        command, timing.start, timing.start + timing.cycles, channel, m_tile, row, pixel, pixel_tile, psum, skip,
        memory, address, channel % config.word_bytes // 4,
    )


def visits(program: Program, mismatch: Mismatch) -> list[Visit]:
    """Every addition to the sum that ``mismatch`` is about, in order; none for the max pool."""
    layer, placed = mismatch.step.layer, program.plan.of(mismatch.step.layer)
    if layer.role is Role.POOL:
        return []
    pixels = range(layer.positions) if layer.role is Role.CLASSIFIER else (None,)
    return [
        Visit(at["ky"], at["kx"], at["block"], at["pass"], pixel, at["plane"] if layer.ring else None)
        for at in walk(placed.nest, inside("pixel_tile")) for pixel in pixels
    ]


def begins_plane(order: list[Visit], number: int) -> bool:
    """Whether visit ``number`` counts the sum before it three times: the first of a plane but the highest."""
    return number > 0 and order[number].plane != order[number - 1].plane


def trits_of(model: Model, layer: Layer, channel: int, plane: int | None) -> np.ndarray:
    """Trits (K, K, N) of an output channel, of one plane if the layer draws from a ring."""
    return digits(model.weights(layer.name)[channel], layer.planes)[plane or 0].astype(np.int64)


def partial_sums(program: Program, site: Site, execution: Execution, image: int) -> np.ndarray:
    """What the accumulator of ``site`` must hold after each of its :func:`visits`: int64 array."""
    layer = execution.layer
    model, size = program.model, program.config.word_bytes
    inputs = execution.inputs[image].astype(np.int64)
    if layer.role is Role.CLASSIFIER:
        met = inputs.reshape(-1, layer.inputs)  # (positions, N)
    else:
        padded = np.pad(inputs, ((layer.pad, layer.pad), (layer.pad, layer.pad), (0, 0)))
        y, x = (layer.stride * i for i in divmod(site.pixel, layer.out_width))
        met = padded[y : y + layer.kernel, x : x + layer.kernel].reshape(1, -1)  # (1, K*K*N)
    nest = program.plan.of(layer).nest
    ky, kx, channels = np.indices(layer.shape[1:])
    lengths = [loop.iterations(nest) for loop in inside("plane")]
    found = [np.zeros(1, np.int64)]
    for plane in reversed(range(layer.planes)):
        trits = trits_of(model, layer, site.channel, plane)
        kept = trits != 0
        added = passes_of(layer.inputs, layer.mode)[channels]
        at = {"ky": ky, "kx": kx, "block": channels // size, "pass": added}  # each (K, K, N)
        visit = np.ravel_multi_index([at[loop.name][kept] for loop in inside("plane")], lengths)
        sums = np.zeros((math.prod(lengths), len(met)), np.int64)
        np.add.at(sums, visit, (met * trits.ravel())[:, kept.ravel()].T)
        found.append(3 * found[-1][-1] + sums.ravel().cumsum())
    return np.concatenate(found[1:])
