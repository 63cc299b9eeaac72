"""How the streams of a layer's rows are followed: where each row is and began, kept, rewound and jumped.

Signs (:mod:`rtl.weights.generator`) and ring words (:mod:`rtl.weights.ring_walk`) differ in what a position is and
how it steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory
from amaranth.lib.wiring import In, Out

from rtl.base.choice import choose

__all__ = ["Streams", "stream_members", "walk_streams"]


def stream_members(*, fetches: int, words: int) -> dict:
    """Members of a component whose streams :func:`walk_streams` follows."""
    return {
        "load": In(1),
        "seeding": Out(1),
        "fetch": In(1),
        "index": In(range(fetches)),
        "start": In(1),
        "rewind": In(1),
        "commit": In(1),
        "words": In(range(words + 1)),
    }


@dataclass(frozen=True, kw_only=True)
class Streams:
    """How many streams there are, when their positions stand, and how a position moves.

    Parameters
    ----------
    width : int
        Bits of a position.
    fetches, ports : int
        Fetches of a full tile, and rows of each.
    first : Value
        Position of row 0, taken with ``load``.
    seeding : int
        Cycles from ``load`` to the first fetch, at least ``ports``: port ``p`` gets row ``p`` in the ``p``-th of them.
    latency : 0 or 1
        Cycles from a fetch to its positions. With 1 a register parts finding a position from moving it on.
    next_row, next_rows : position -> position
        The same place one row on, and ``ports`` rows on.
    ahead : (position, port's suffix) -> positions
        Zero, one, two, ... words on, as many as a fetch uses and one more.
    """

    width: int
    fetches: int
    ports: int
    first: Value
    seeding: int
    latency: int
    next_row: Callable[[Value], Value]
    next_rows: Callable[[Value], Value]
    ahead: Callable[[Value, str], Sequence[Value]]


def walk_streams(m: Module, port, streams: Streams) -> list[Sequence[Value]]:
    """Follow the streams of the rows of a fetch and return, for each of its ports, the positions of a fetch.

    Row ``r = index*ports + p`` of a tile has a current position and a start. Fetch ``index`` of the tile begins

    - with ``start``: at the running jump register of port ``p``, which then moves on by ``ports`` rows; this becomes
      the row's start (first weights of a tile of output channels);
    - with ``rewind``: at the row's start (first weights of the next plane or pixel tile);
    - otherwise at the row's current position.

    With ``commit`` the current position moves past ``words`` words, else it stays (the same weights are fetched again
    for the next pass).

    Timing: positions stand in the cycle of the fetch, or, with a ``latency`` of 1, from the next one to the next fetch.
    ``seeding`` says that no fetch may come as many cycles later.

    Parameters
    ----------
    port
        Signals of :func:`stream_members`.
    """
    jumps = _seeded(m, port, streams)
    found = Signal(_found(port))
    m.d["sync" if streams.latency else "comb"] += [
        found.valid.eq(port.fetch),
        found.index.eq(port.index),
        found.words.eq(Mux(port.commit, port.words, 0)),
    ]
    return [_follow(m, port, f"{p}", jumps[p], found, streams) for p in range(streams.ports)]


def _seeded(m: Module, port, streams: Streams) -> Array:
    """The jump register of every port, which gets the position of its first row while seeding."""
    ports, seeding = streams.ports, streams.seeding
    jumps = Array(Signal(streams.width, name=f"jump{p}", reset_less=True) for p in range(ports))
    running = Signal(streams.width, reset_less=True)
    row = Signal(range(seeding + 1), init=seeding)
    busy = seeding - streams.latency
    m.d.comb += port.seeding.eq(row < busy if busy else 0)
    with m.If(port.load):
        m.d.sync += [running.eq(streams.first), row.eq(0)]
    with m.Elif(row != seeding):
        m.d.sync += row.eq(row + 1)
        if seeding == ports:
            m.d.sync += jumps[row[: max(1, (ports - 1).bit_length())]].eq(running)
        else:
            for p in range(ports):
                with m.If(row == p):
                    m.d.sync += jumps[p].eq(running)
        if ports > 1:
            m.d.sync += running.eq(streams.next_row(running))
    return jumps


def _found(port) -> data.StructLayout:
    """A fetch whose positions stand: which of the tile, and the words they move past, 0 without ``commit``."""
    return data.StructLayout({"valid": 1, "index": port.index.shape(), "words": port.words.shape()})


def _follow(m: Module, port, suffix: str, jump: Signal, found: data.View, streams: Streams) -> Sequence[Value]:
    """Position and start of the rows of one port."""
    width, depth, latency = streams.width, max(2, streams.fetches), streams.latency
    m.submodules[f"states{suffix}"] = states = memory.Memory(shape=width, depth=depth, init=[])
    m.submodules[f"starts{suffix}"] = starts = memory.Memory(shape=width, depth=depth, init=[])
    current, rewound = states.read_port(domain="comb"), starts.read_port(domain="comb")
    keep, begin = states.write_port(), starts.write_port()

    # The position of a row that was fetched the cycle before is not in the memory yet.
    begins, fresh = port.start | port.rewind, found.valid & (found.index == port.index) if latency else Const(0)
    origins = (current.data, keep.data if latency else current.data, rewound.data, jump)
    begun = choose(m, f"begun{suffix}", origins, Cat(Mux(begins, port.start, fresh), begins))
    state = Signal(width, name=f"state{suffix}", reset_less=True)
    m.d.comb += [current.addr.eq(port.index), rewound.addr.eq(port.index)]
    if latency:
        with m.If(port.fetch):
            m.d.sync += state.eq(begun)
    else:
        m.d.comb += state.eq(begun)
    with m.If(port.fetch & port.start):
        m.d.sync += jump.eq(streams.next_rows(jump))
    positions = streams.ahead(state, suffix)
    m.d.comb += [
        keep.addr.eq(found.index),
        keep.en.eq(found.valid),
        keep.data.eq(Array(positions)[found.words]),
        begin.addr.eq(port.index),
        begin.en.eq(port.fetch & port.start),
        begin.data.eq(jump),
    ]
    return positions
