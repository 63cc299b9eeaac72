"""Regenerates the frozen signs: one LFSR stream per output channel, rewound and jumped, never stored."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.streams import stream_members, walk_streams
from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS

__all__ = ["WeightGenerator", "linear"]


def linear(steps: int, state: Value) -> Value:
    """``A**steps * state`` as an XOR network, read off :data:`spec.lfsr.SIGNS`."""
    return Cat((state & row).xor() for row in SIGNS.rows(steps))


class WeightGenerator(wiring.Component):
    """Signs of ``lanes`` rows at a time, ``C`` consecutive positions of each: ``signs[p][i] = out(A**i * s_p)``.

    The states ``s_p`` are followed by :func:`rtl.weights.streams.walk_streams`: rows start ``J`` steps apart, a word
    is 16.

    Signs stand from the cycle after their fetch to the next fetch: latency 1, throughput ``lanes * C`` signs per cycle.
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
        super().__init__(stream_members(groups=groups, words=channels // SIGN_WORD) | {
            "seed": In(SIGNS.width),
            "signs": Out(lanes * channels),
        })

    def elaborate(self, platform):
        m = Module()

        def ahead(state, lane):
            states = [state]
            for word in range(self.channels // SIGN_WORD):
                after = Signal(SIGNS.width, name=f"after{lane}_{word}")
                m.d.comb += after.eq(linear(SIGN_WORD, states[-1]))
                states.append(after)
            return states

        lanes = walk_streams(
            m, self, width=SIGNS.width, groups=self.groups, lanes=self.lanes, first=self.seed, seeding=self.lanes,
            latency=1,
            next_row=lambda running: linear(ROW_STRIDE, running),
            next_rows=lambda jump: linear(ROW_STRIDE * self.lanes, jump),
            ahead=ahead,
        )
        for p, states in enumerate(lanes):
            m.d.comb += self.signs.word_select(p, self.channels).eq(Cat(state[:SIGN_WORD] for state in states[:-1]))
        return m
