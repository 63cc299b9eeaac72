"""How the streams of a layer's rows are followed: where each row is and began, kept, rewound and jumped.

Signs (:mod:`rtl.weights.generator`) and ring words (:mod:`rtl.weights.ring_walk`) differ in what a position is and
how it steps.
"""

from collections.abc import Callable, Sequence

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, memory
from amaranth.lib.wiring import In, Out

__all__ = ["stream_members", "walk_streams"]


def stream_members(*, groups: int, words: int) -> dict:
    """Members of a component whose streams :func:`walk_streams` follows."""
    return {
        "load": In(1),
        "seeding": Out(1),
        "fetch": In(1),
        "group": In(range(groups)),
        "start": In(1),
        "rewind": In(1),
        "commit": In(1),
        "words": In(range(words + 1)),
    }


def walk_streams(
    m: Module,
    port,
    *,
    width: int,
    groups: int,
    lanes: int,
    first: Value,
    seeding: int,
    latency: int,
    next_row: Callable[[Value], Value],
    next_rows: Callable[[Value], Value],
    ahead: Callable[[Value, str], Sequence[Value]],
) -> list[Sequence[Value]]:
    """Follow the streams of ``lanes`` rows at a time and return, for every lane, the positions of a fetch.

    Row ``r = group*lanes + p`` of a tile has a current position and a start. A fetch of ``group`` begins

    - with ``start``: at the running jump register of lane ``p``, which then moves on by ``lanes`` rows; this becomes
      the row's start (first weights of a tile of output channels);
    - with ``rewind``: at the row's start (first weights of the next plane or pixel tile);
    - otherwise at the row's current position.

    With ``commit`` the current position moves past ``words`` words, else it stays (the same weights are fetched again
    for the next pass).

    Timing: positions stand in the cycle of the fetch, or, with a ``latency`` of 1, from the next one to the next fetch.

    Parameters
    ----------
    port
        Signals of :func:`stream_members`.
    width : int
        Bits of a position.
    first : Value
        Position of row 0, taken with ``load``.
    seeding : int
        Cycles from ``load`` to the first fetch, at least ``lanes``: lane ``p`` gets row ``p`` in the ``p``-th of them.
    latency : 0 or 1
        Cycles from a fetch to its positions. With 1 a register parts finding a position from moving it on.
    next_row, next_rows : position -> position
        The same place one row on, and ``lanes`` rows on.
    ahead : (position, lane's suffix) -> positions
        Zero, one, two, ... words on, as many as a fetch uses and one more.
    """
    jumps = Array(Signal(width, name=f"jump{p}", reset_less=True) for p in range(lanes))
    running = Signal(width, reset_less=True)
    lane = Signal(range(seeding + 1), init=seeding)
    m.d.comb += port.seeding.eq(lane != seeding)
    with m.If(port.load):
        m.d.sync += [running.eq(first), lane.eq(0)]
    with m.Elif(port.seeding):
        m.d.sync += lane.eq(lane + 1)
        if seeding == lanes:
            m.d.sync += jumps[lane[: max(1, (lanes - 1).bit_length())]].eq(running)
        else:
            for p in range(lanes):
                with m.If(lane == p):
                    m.d.sync += jumps[p].eq(running)
        if lanes > 1:
            m.d.sync += running.eq(next_row(running))
    found = Signal(_found(port))
    m.d["sync" if latency else "comb"] += [
        found.valid.eq(port.fetch),
        found.group.eq(port.group),
        found.words.eq(Mux(port.commit, port.words, 0)),
    ]
    return [
        _follow(
            m, port, f"{p}", jumps[p], found, width=width, groups=groups, latency=latency, next_rows=next_rows,
            ahead=ahead,
        )
        for p in range(lanes)
    ]


def _found(port) -> data.StructLayout:
    """A fetch whose positions stand: its group, and the words they move past, 0 without ``commit``."""
    return data.StructLayout({"valid": 1, "group": port.group.shape(), "words": port.words.shape()})


def _follow(
    m: Module, port, lane: str, jump: Signal, found: data.View, *, width, groups, latency, next_rows, ahead
) -> Sequence[Value]:
    """Position and start of the rows of one lane."""
    depth = max(2, groups)
    m.submodules[f"states{lane}"] = states = memory.Memory(shape=width, depth=depth, init=[])
    m.submodules[f"starts{lane}"] = starts = memory.Memory(shape=width, depth=depth, init=[])
    current, rewound = states.read_port(domain="comb"), starts.read_port(domain="comb")
    keep, begin = states.write_port(), starts.write_port()

    # The position of a group that was fetched the cycle before is not in the memory yet.
    last = Mux(found.valid & (found.group == port.group), keep.data, current.data) if latency else current.data
    begun = Mux(port.start, jump, Mux(port.rewind, rewound.data, last))
    state = Signal(width, name=f"state{lane}", reset_less=True)
    m.d.comb += [current.addr.eq(port.group), rewound.addr.eq(port.group)]
    if latency:
        with m.If(port.fetch):
            m.d.sync += state.eq(begun)
    else:
        m.d.comb += state.eq(begun)
    with m.If(port.fetch & port.start):
        m.d.sync += jump.eq(next_rows(jump))
    positions = ahead(state, lane)
    m.d.comb += [
        keep.addr.eq(found.group),
        keep.en.eq(found.valid),
        keep.data.eq(Array(positions)[found.words]),
        begin.addr.eq(port.group),
        begin.en.eq(port.fetch & port.start),
        begin.data.eq(jump),
    ]
    return positions
