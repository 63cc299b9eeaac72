"""Regenerates the frozen signs: one LFSR stream per output channel, rewound and jumped, never stored."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.streams import Streams, stream_members, walk_streams
from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS

__all__ = ["WeightGenerator", "linear"]


def linear(steps: int, state: Value) -> Value:
    """``A**steps * state`` as an XOR network, read off :data:`spec.lfsr.SIGNS`."""
    return Cat((state & row).xor() for row in SIGNS.rows(steps))


class WeightGenerator(wiring.Component):
    """Signs of ``ports`` rows at a time, ``C`` consecutive positions of each: ``signs[p][i] = out(A**i * s_p)``.

    The states ``s_p`` are followed by :func:`rtl.weights.streams.walk_streams`: rows start ``J`` steps apart, a word
    is 16.

    Signs stand from the cycle after their fetch to the next fetch: latency 1, throughput ``ports * C`` signs per cycle.
    ``seed`` takes ``ports`` cycles: port ``p`` gets ``A**(J*p) * seed``.

    Parameters
    ----------
    fetches : int
        Fetches per full tile.
    ports : int
        Rows per fetch.
    channels : int
        C, a multiple of 16.

    Members
    -------
    load : In(1)
        Start seeding with ``seed``.
    seed : In(32)
    seeding : Out(1)
        No fetch may come in the next cycle.
    fetch : In(1)
    index : In(range(fetches))
        Which fetch of the tile.
    start, rewind, commit : In(1)
    words : In(range(channels // 16 + 1))
        Sign words a commit moves on by, at least 1.
    signs : Out(ports * channels)
        Port by port, lowest channel first; 1 is a negative weight.
    """

    def __init__(self, *, fetches: int, ports: int, channels: int):
        if channels % SIGN_WORD:
            raise ValueError(f"channels must be a multiple of {SIGN_WORD}, not {channels!r}")
        self.fetches = fetches
        self.ports = ports
        self.channels = channels
        super().__init__(stream_members(fetches=fetches, words=channels // SIGN_WORD) | {
            "seed": In(SIGNS.width),
            "signs": Out(ports * channels),
        })

    def elaborate(self, platform):
        m = Module()

        def ahead(state, suffix):
            states = [state]
            for word in range(self.channels // SIGN_WORD):
                after = Signal(SIGNS.width, name=f"after{suffix}_{word}")
                m.d.comb += after.eq(linear(SIGN_WORD, states[-1]))
                states.append(after)
            return states

        positions_by_port = walk_streams(m, self, Streams(
            width=SIGNS.width, fetches=self.fetches, ports=self.ports, first=self.seed, seeding=self.ports,
            latency=1,
            next_row=lambda running: linear(ROW_STRIDE, running),
            next_rows=lambda jump: linear(ROW_STRIDE * self.ports, jump),
            ahead=ahead,
        ))
        for p, states in enumerate(positions_by_port):
            m.d.comb += self.signs.word_select(p, self.channels).eq(Cat(state[:SIGN_WORD] for state in states[:-1]))
        return m
