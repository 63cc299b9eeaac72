"""Regenerates the frozen signs: one LFSR stream per output channel, rewound and jumped, never stored."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS

__all__ = ["WeightGenerator", "linear"]


def linear(steps: int, state: Value) -> Value:
    """``A**steps * state`` as an XOR network, read off :data:`spec.lfsr.SIGNS`."""
    return Cat((state & row).xor() for row in SIGNS.rows(steps))


class WeightGenerator(wiring.Component):
    """Signs of ``lanes`` rows at a time, ``C`` consecutive positions of each: ``signs[p][i] = out(A**i * s_p)``.

    Row ``r = group*lanes + p`` of a tile has a current state and a start state. A fetch of ``group`` uses

    - ``origin = START``: the running jump register of lane ``p``, which then moves on by ``J*lanes`` steps; the
      state becomes the row's start state (first weights of a tile of output channels);
    - ``origin = REWIND``: the row's start state (first weights of the next pixel tile);
    - otherwise the row's current state.

    With ``commit`` the current state moves past ``words`` sign words, else it stays (the same weights are fetched
    again for the next pass).

    Signs are combinational in the cycle of the fetch: latency 0, throughput ``lanes * C`` signs per cycle.
    ``seed`` takes ``lanes`` cycles: lane ``p`` gets ``A**(J*p) * seed``.

    Parameters
    ----------
    groups : int
        Fetches per full tile.
    lanes : int
        Rows per fetch.
    channels : int
        C, a multiple of 16.

    Members
    -------
    load : In(1)
        Start seeding with ``seed``.
    seed : In(32)
    seeding : Out(1)
        Not ready for fetches yet.
    fetch : In(1)
    group : In(range(groups))
    start, rewind, commit : In(1)
    words : In(range(channels // 16 + 1))
        Sign words a commit moves on by, at least 1.
    signs : Out(lanes * channels)
        Lane by lane, lowest channel first; 1 is a negative weight.
    """

    def __init__(self, *, groups: int, lanes: int, channels: int):
        if channels % SIGN_WORD:
            raise ValueError(f"channels must be a multiple of {SIGN_WORD}, not {channels!r}")
        self.groups = groups
        self.lanes = lanes
        self.channels = channels
        super().__init__({
            "load": In(1),
            "seed": In(SIGNS.width),
            "seeding": Out(1),
            "fetch": In(1),
            "group": In(range(groups)),
            "start": In(1),
            "rewind": In(1),
            "commit": In(1),
            "words": In(range(channels // SIGN_WORD + 1)),
            "signs": Out(lanes * channels),
        })

    def elaborate(self, platform):
        m = Module()

        jumps = Array(Signal(SIGNS.width, name=f"jump{p}", reset_less=True) for p in range(self.lanes))
        self._seed_lanes(m, jumps)
        for p in range(self.lanes):
            self._lane(m, p, jumps[p])
        return m

    def _seed_lanes(self, m: Module, jumps: Array) -> None:
        """Lane ``p`` starts ``J*p`` steps after the seed; one lane a cycle."""
        running = Signal(SIGNS.width, reset_less=True)
        lane = Signal(range(self.lanes + 1), init=self.lanes)
        m.d.comb += self.seeding.eq(lane != self.lanes)
        with m.If(self.load):
            m.d.sync += [running.eq(self.seed), lane.eq(0)]
        with m.Elif(self.seeding):
            m.d.sync += [jumps[lane[: max(1, (self.lanes - 1).bit_length())]].eq(running), lane.eq(lane + 1)]
            if self.lanes > 1:
                m.d.sync += running.eq(linear(ROW_STRIDE, running))

    def _lane(self, m: Module, p: int, jump: Signal) -> None:
        """State, start state and sign network of the rows ``p, p + lanes, ...``."""
        depth = max(2, self.groups)
        m.submodules[f"states{p}"] = states = memory.Memory(shape=SIGNS.width, depth=depth, init=[])
        m.submodules[f"starts{p}"] = starts = memory.Memory(shape=SIGNS.width, depth=depth, init=[])
        current, rewound = states.read_port(domain="comb"), starts.read_port(domain="comb")
        keep, begin = states.write_port(), starts.write_port()

        state = Signal(SIGNS.width, name=f"state{p}")
        m.d.comb += [
            current.addr.eq(self.group),
            rewound.addr.eq(self.group),
            state.eq(Mux(self.start, jump, Mux(self.rewind, rewound.data, current.data))),
        ]
        with m.If(self.fetch & self.start):
            m.d.sync += jump.eq(linear(ROW_STRIDE * self.lanes, jump))

        signs, after = [], state
        chain = [state]
        for word in range(self.channels // SIGN_WORD):
            signs.append(after[:SIGN_WORD])
            after = Signal(SIGNS.width, name=f"after{p}_{word}")
            m.d.comb += after.eq(linear(SIGN_WORD, chain[-1]))
            chain.append(after)
        m.d.comb += [
            self.signs.word_select(p, self.channels).eq(Cat(signs)),
            keep.addr.eq(self.group),
            keep.en.eq(self.fetch),
            keep.data.eq(Mux(self.commit, Array(chain)[self.words], state)),
            begin.addr.eq(self.group),
            begin.en.eq(self.fetch & self.start),
            begin.data.eq(state),
        ]
