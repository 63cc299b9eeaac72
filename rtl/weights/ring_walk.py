"""Which ring words the rows of a layer draw: additions modulo the ring's size, rewound and jumped like the signs."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.streams import Streams, stream_members, walk_streams
from spec.ring import WORDS_MAX

__all__ = ["POSITION_BITS", "RingWalk", "add_modulo"]

POSITION_BITS = WORDS_MAX.bit_length()  #: Bits of a ring word's index.


def add_modulo(a: Value, b: Value, size: Value) -> Value:
    """``(a + b) mod size`` for ``a < size`` and ``b <= size``: one adder, one subtracter."""
    total = a + b
    rest = total - size
    return Mux(rest[-1], total, rest)[:POSITION_BITS]


class RingWalk(wiring.Component):
    """Ring words of ``ports`` rows at a time, ``words`` consecutive ones of each:
    ``addresses[p][w] = (s_p + w*step) mod size``.

    The positions ``s_p`` are followed by :func:`rtl.weights.streams.walk_streams`: rows start ``row_step`` words apart.

    Addresses are combinational in the cycle of the fetch: latency 0, throughput ``ports * words`` addresses per cycle.
    Each is one modular addition, because the multiples of the step are registers that settle while ports are seeded.

    Parameters
    ----------
    fetches : int
        Fetches per full tile.
    ports : int
        Rows per fetch.
    words : int
        Words of a row per fetch.
    seeding : int
        Cycles from ``load`` to the first fetch: at least ``ports``, and enough to double 1 to ``words``.

    Members
    -------
    load : In(1)
        Take ``first``, ``step``, ``row_step`` and ``size``.
    first, step, row_step, size : In(20)
        Ring word of row 0, ring words from one word to the next and from one row to the next, and R.
    seeding : Out(1)
        No fetch may come in this cycle.
    fetch : In(1)
    index : In(range(fetches))
        Which fetch of the tile.
    start, rewind, commit : In(1)
    words : In(range(words + 1))
        Words a commit moves on by, at least 1.
    addresses : Out(ArrayLayout(20, ports * words))
        Port by port.
    """

    def __init__(self, *, fetches: int, ports: int, words: int, seeding: int):
        if seeding < ports or 1 << seeding < words:
            raise ValueError(f"{seeding} cycles do not seed {ports} ports of {words} words")
        self.fetches = fetches
        self.ports = ports
        self.tile_words = words
        self.seed_cycles = seeding
        super().__init__(stream_members(fetches=fetches, words=words) | {
            "first": In(POSITION_BITS),
            "step": In(POSITION_BITS),
            "row_step": In(POSITION_BITS),
            "size": In(POSITION_BITS),
            "addresses": Out(data.ArrayLayout(POSITION_BITS, ports * words)),
        })

    def elaborate(self, platform):
        m = Module()

        size, row_step, rows_step = (
            Signal(POSITION_BITS, name=name, reset_less=True) for name in ("ring_size", "row_step_held", "rows_step")
        )
        multiples = [Signal(POSITION_BITS, name=f"step{k}", reset_less=True) for k in range(1, self.tile_words + 1)]
        seeded = Signal(range(self.ports + 1), reset_less=True)
        with m.If(self.load):
            m.d.sync += [size.eq(self.size), row_step.eq(self.row_step), multiples[0].eq(self.step)]
            m.d.sync += [rows_step.eq(0), seeded.eq(0)]
        with m.Elif(seeded != self.ports):
            m.d.sync += [rows_step.eq(add_modulo(rows_step, row_step, size)), seeded.eq(seeded + 1)]
        for k in range(2, self.tile_words + 1):
            m.d.sync += multiples[k - 1].eq(add_modulo(multiples[k // 2 - 1], multiples[k - k // 2 - 1], size))

        def ahead(position, suffix):
            positions = [position]
            for word, multiple in enumerate(multiples):
                after = Signal(POSITION_BITS, name=f"after{suffix}_{word}")
                m.d.comb += after.eq(add_modulo(position, multiple, size))
                positions.append(after)
            return positions

        positions_by_port = walk_streams(m, self, Streams(
            width=POSITION_BITS, fetches=self.fetches, ports=self.ports, first=self.first,
            seeding=self.seed_cycles, latency=0,
            next_row=lambda running: add_modulo(running, row_step, size),
            next_rows=lambda jump: add_modulo(jump, rows_step, size),
            ahead=ahead,
        ))
        for p, positions in enumerate(positions_by_port):
            for word, position in enumerate(positions[:-1]):
                m.d.comb += self.addresses[p * self.tile_words + word].eq(position)
        return m
