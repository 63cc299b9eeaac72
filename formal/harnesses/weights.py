"""The weights: signs, masks, and the chunks that the host streams."""

from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.hdl._ast import Initial

from formal.harness import Inside, any_constant, any_value, free, implies, past
from rtl.base.ports import Chunk, Weight
from rtl.lane.candidates import Candidates
from rtl.lane.selector import Selector
from rtl.weights.chunk_queue import ChunkQueue
from rtl.weights.expander import Expander
from rtl.weights.generator import WeightGenerator, linear
from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS
from spec.supermask import GROUP

__all__ = ["ChunksInOrder", "EveryWeight", "SignJumps", "SignWords", "SignsAtPowerUp", "SignsRewound"]


def _stepped(m: Module, state: Value, steps: int) -> list[Value]:
    """``state`` and those after it, each a step on, as :meth:`spec.lfsr.Lfsr.step` defines it."""
    states = [state]
    for step in range(steps):
        before, after = states[-1], Signal(SIGNS.width, name=f"step{step}")
        m.d.comb += after.eq((before >> 1) ^ (before[0].replicate(SIGNS.width) & SIGNS.taps))
        states.append(after)
    return states


class SignWords(Elaboratable):
    """The network of XORs for 16 steps is 16 single steps, and the low half of a state is what they put out."""

    def elaborate(self, platform):
        m = Module()
        state = Signal(SIGNS.width)
        free(m, state)
        states = _stepped(m, state, SIGN_WORD)
        m.d.comb += [
            Assert(linear(SIGN_WORD, state) == states[-1]),
            Assert(state[:SIGN_WORD] == Cat(one[0] for one in states[:-1])),
            Cover(states[-1] == 3),
        ]
        return m


class SignJumps(Elaboratable):
    """The network for a jump of one row is as many single steps: the first network is one step, and each of the
    following is the one before twice, with one step more where the binary number of the jump has a 1.

    Seen at every state with a single 1. All networks are XORs of bits of the state, so they agree at all others, too.
    """

    def elaborate(self, platform):
        m = Module()
        state, bit = Signal(SIGNS.width), Signal(range(SIGNS.width))
        free(m, bit)
        m.d.comb += [
            state.eq(1 << bit),
            Assert(linear(1, state) == _stepped(m, state, 1)[-1]),
            Cover(linear(ROW_STRIDE, state)[0]),
        ]
        steps = 1
        for more in map(int, f"{ROW_STRIDE:b}"[1:]):
            half, twice = Signal(SIGNS.width, name=f"half{steps}"), Signal(SIGNS.width, name=f"twice{steps}")
            m.d.comb += [half.eq(linear(steps, state)), twice.eq(linear(steps, half))]
            steps = 2 * steps + more
            m.d.comb += Assert(linear(steps, state) == _stepped(m, twice, more)[-1])
        return m


class EveryWeight(Elaboratable):
    """The term of a group is the sum of its bytes that the mask keeps in this pass, with their signs: through the
    expander, the candidates of the word, and the selection of a PE a cycle later.
    """

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = Expander(groups=1)
        m.submodules.candidates = candidates = Candidates(groups=1)
        free(m, dut.mask, dut.codes, dut.signs, dut.coded, dut.pairs, dut.second, dut.used, candidates.word)
        one = Mux(dut.coded, dut.used << dut.codes, dut.mask)
        two = (dut.mask & (0b11 << Mux(dut.second, 2, 0)))[:GROUP]
        kept, wanted = Signal(GROUP), Signal(signed(GROUP * 8))
        terms = [
            Mux(kept[i], Mux(dut.signs[i], -candidates.word.word_select(i, 8), candidates.word.word_select(i, 8)), 0)
            for i in range(GROUP)
        ]
        m.submodules.selector = selector = Selector()
        weight = Weight(past(m, dut.weights.as_value()))
        term, carry = Mux(weight.idle, 0, selector.term).as_signed(), weight.negate & ~weight.idle
        m.d.comb += [
            selector.candidates.eq(candidates.candidates[0]),
            selector.select.eq(weight.select), selector.negate.eq(weight.negate),
            candidates.inside.eq(1), candidates.pairs.eq(dut.pairs), candidates.second.eq(dut.second),
            Assume(~(dut.coded & dut.pairs)), Assume(implies(dut.second, dut.pairs)),
            Assume(implies(~dut.coded & ~dut.pairs, ((dut.mask & (dut.mask - 1))[:GROUP] == 0))),
            kept.eq(Mux(dut.pairs, two, one)),
            wanted.eq(sum(terms)),
            Assert(Initial() | (term + carry == past(m, wanted).as_signed())),
            Cover(~dut.weights[0].idle & dut.coded), Cover(term + carry == -510), Cover(term + carry == -1),
        ]
        return m


class ChunksInOrder(Elaboratable):
    """Chunks leave as they came, in order, each once; numbers are modulo 8, and at most two are inside."""

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := ChunkQueue())
        arrives, ends = any_value(1), any_value(1)
        arrived, taken = Signal(), Signal()
        free(m, dut.chunk.first, dut.chunk.end, dut.clear)
        m.d.comb += [
            arrived.eq(arrives & dut.room), dut.chunk.valid.eq(arrived), taken.eq(ends & dut.head.valid),
            dut.free.eq(taken),
        ]
        came, went = Signal(3), Signal(3)
        watched, kept = any_constant(m, 3, "watched"), Signal(Chunk)
        m.d.sync += [came.eq(came + arrived), went.eq(Mux(dut.clear, came + arrived, went + taken))]
        with m.If(arrived & (came == watched)):
            m.d.sync += kept.eq(dut.chunk)
        second = Chunk(inside["second"])
        m.d.comb += [
            Assert((came - went)[:3] == dut.head.valid + second.valid),
            Assert(implies(dut.head.valid & (went == watched), Value.cast(dut.head) == Value.cast(kept))),
            Assert(implies(second.valid, dut.head.valid)),
            Assert(implies(second.valid & ((went + 1)[:3] == watched), Value.cast(second) == Value.cast(kept))),
            Assert(dut.room == ((came - went)[:3] != 2)),
            Cover(taken & (went == watched) & (watched == 5)),
        ]
        return m


class SignsRewound(Elaboratable):
    """The signs of a fetch are those of its row's state, word after word; ``rewind`` goes back to where the row began,
    a commit moves on by its words, and nothing else moves.

    One row, of any fetch, is watched from its start on.
    """

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := WeightGenerator(fetches=2, ports=1, channels=32))
        free(m, dut.load, dut.seed, dut.fetch, dut.index, dut.start, dut.rewind, dut.commit, dut.words)
        watched, begun = any_constant(m, dut.index.shape(), "watched"), Signal()
        first, current, shown = (Signal(SIGNS.width, name=name) for name in ("first", "current", "shown"))
        jump, state, found = inside["jump0"], inside["state0"], inside["found"]
        pending, words = found[0] & (found[1 : 1 + len(dut.index)] == watched), found[1 + len(dut.index) :]
        here, known = dut.fetch & (dut.index == watched), Signal()
        at = Mux(dut.start, jump, Mux(dut.rewind, first, current))
        with m.If(here & (dut.start | begun)):
            m.d.sync += [begun.eq(1), shown.eq(at), current.eq(_moved(m, at, Mux(dut.commit, dut.words, 0)))]
            with m.If(dut.start):
                m.d.sync += first.eq(jump)
        with m.If(dut.fetch):
            m.d.sync += known.eq(here & (dut.start | begun))
        stored = Mux(pending, _moved(m, state, words), inside.peek("states0", watched))
        m.d.comb += [
            Assert(implies(begun, (stored == current) & (inside.peek("starts0", watched) == first))),
            Assert(implies(known, begun & (state == shown))),
            Assert(implies(pending & begun, known)),
            Assert(implies(known, dut.signs == Cat(_moved(m, shown, word)[:SIGN_WORD] for word in range(2)))),
            Cover(known & past(m, here & dut.rewind) & (dut.signs[:4] == 5)),
        ]
        return m


class SignsAtPowerUp(Elaboratable):
    """Two generators whose memories hold different things at power-up, and that are then treated alike, give the same
    signs of every row that was started. One row, of any fetch, is watched.
    """

    def elaborate(self, platform):
        m = Module()
        pair = [WeightGenerator(fetches=2, ports=1, channels=16) for _ in range(2)]
        one, other = (Inside(m, dut, name) for dut, name in zip(pair, ("one", "other"), strict=True))
        for name in ("load", "seed", "fetch", "index", "start", "rewind", "commit", "words"):
            free(m, getattr(pair[0], name))
            m.d.comb += getattr(pair[1], name).eq(getattr(pair[0], name))
        dut = pair[0]
        watched, begun, shown = any_constant(m, dut.index.shape(), "watched"), Signal(), Signal()
        here = dut.fetch & (dut.index == watched)
        with m.If(here & dut.start):
            m.d.sync += begun.eq(1)
        with m.If(dut.fetch):
            m.d.sync += shown.eq(here)
        found = one["found"]
        pending = found[0] & (found[1 : 1 + len(dut.index)] == watched)
        m.d.comb += [
            Assume(implies(here, dut.start | begun)),
            Assert(implies(shown, pair[0].signs == pair[1].signs)),
            Cover(shown & (one.peek("states0", ~watched) != other.peek("states0", ~watched))),
            # What is inside, which makes it inductive.
            *(Assert(one[name] == other[name]) for name in ("jump0", "found", "running", "row")),
            Assert(implies(shown, begun & (one["state0"] == other["state0"]))),
            Assert(implies(pending, shown)),
            *(
                Assert(implies(begun & hold, one.peek(memory, watched) == other.peek(memory, watched)))
                for memory, hold in (("starts0", 1), ("states0", ~pending))
            ),
        ]
        return m


def _moved(m: Module, state: Value, words) -> Value:
    """``state`` that many sign words on."""
    ahead = [state]
    for _ in range(2):
        after = Signal(SIGNS.width, name="after_words")
        m.d.comb += after.eq(linear(SIGN_WORD, ahead[-1]))
        ahead.append(after)
    return ahead[words] if isinstance(words, int) else Array(ahead)[words]
