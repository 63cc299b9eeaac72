"""The serial line: the queue between it and the host's buses."""

from amaranth.hdl import Assert, Assume, Const, Cover, Elaboratable, Module, Mux, Signal, Value

from formal.harness import Inside, any_constant, free, implies
from rtl.serial.word_queue import WordQueue

__all__ = ["WordsAtPowerUp", "WordsInOrder"]


class WordsInOrder(Elaboratable):
    """Words come out unchanged and in order, each once, or again after a rewind, and only those that were committed.

    Words are numbered, modulo four times the depth, which tells those inside apart; any one number is watched.
    """

    def elaborate(self, platform):
        m = Module()
        depth = 4
        inside = Inside(m, dut := WordQueue(depth))
        free(m, dut.i.payload, dut.i.valid, dut.commit, dut.revert, dut.o.ready, dut.release, dut.rewind)
        m.d.comb += [Assume(~(dut.commit & dut.revert)), Assume(~(dut.release & dut.rewind))]
        shape = range(4 * depth)
        written, committed, read, released = (
            Signal(shape, name=f"number_{name}") for name in ("written", "committed", "read", "released")
        )
        push, pop = dut.i.valid & dut.i.ready, dut.o.valid & dut.o.ready
        m.d.sync += [
            written.eq(Mux(dut.revert, committed, written + push)),
            committed.eq(Mux(dut.commit, written + push, committed)),
            read.eq(Mux(dut.rewind, released, read + pop)),
            released.eq(Mux(dut.release, read + pop, released)),
        ]
        watched, word = any_constant(m, shape, "watched"), Signal(33)
        with m.If(push & (written == watched)):
            m.d.sync += word.eq(dut.i.payload)

        def since(number) -> Value:
            return (number - released)[: len(released)]

        offered = Value.cast(dut.o.payload)
        m.d.comb += [
            Assert(implies(dut.o.valid, since(read) < since(committed))),
            Assert(implies(dut.o.valid & (read == watched), offered == word)),
            Assert((since(read) <= since(committed)) & (since(committed) <= since(written))),
            Assert(since(written) <= depth),
            Assert(dut.i.ready == (since(written) != depth)),
            Assert(dut.empty == (read == committed)),
            Cover(pop & (read == watched) & (watched == 2)),
            Cover(dut.o.valid & (released != read) & dut.rewind),
        ]
        # What is inside, which makes it inductive.
        numbers = {"written": written, "readable": committed, "read": read, "released": released}
        age, fetched = inside["age"], inside.read_register("ram.memory")
        m.d.comb += [
            *(Assert(number[:-1] == register) for number, register in ((n, inside[k]) for k, n in numbers.items())),
            Assert(implies(since(watched) < since(written), inside.peek("ram.memory", watched[:-2]) == word)),
            Assert(implies((age != 0) | dut.o.valid, (read != committed))),
            Assert(implies(((age != 0) | dut.o.valid) & (read == watched), Value.cast(fetched) == word)),
        ]
        return m


class WordsAtPowerUp(Elaboratable):
    """Two queues whose memories hold different things at power-up, and that are then treated alike, look alike.

    One place of the memory, any one, is watched.
    """

    def elaborate(self, platform):
        m = Module()
        depth = 4
        pair = [(Inside(m, queue := WordQueue(depth), name), queue) for name in ("one", "other")]
        (one, here), (other, there) = pair
        free(m, here.i.payload, here.i.valid, here.commit, here.revert, here.o.ready, here.release, here.rewind)
        m.d.comb += [Assume(~(here.commit & here.revert)), Assume(~(here.release & here.rewind))]
        m.d.comb += [
            Value.cast(there.i.payload).eq(here.i.payload), there.i.valid.eq(here.i.valid),
            there.o.ready.eq(here.o.ready),
            *(getattr(there, name).eq(getattr(here, name)) for name in ("commit", "revert", "release", "rewind")),
        ]
        watched = any_constant(m, range(depth), "watched")
        registers = ("written", "readable", "read", "released", "age", "o__valid")
        mine, used = one["read"], (one["written"] - one["released"])[: len(one["written"])]
        full = (watched - one["released"][:-1])[: len(watched)] < used
        arriving = (one["age"] != 0) | here.o.valid
        at = mine[:-1] == watched
        m.d.comb += [
            *(Assert(one[name] == other[name]) for name in registers),
            Assert((here.i.ready == there.i.ready) & (here.empty == there.empty)),
            Assert(implies(here.o.valid & at, Value.cast(here.o.payload) == Value.cast(there.o.payload))),
            Cover(here.o.valid & (one.peek("ram.memory", Const(3, 2)) != other.peek("ram.memory", Const(3, 2)))),
            # What is inside, which makes it inductive.
            Assert(used <= depth),
            Assert((mine - one["released"])[:3] <= (one["readable"] - one["released"])[:3]),
            Assert((one["readable"] - one["released"])[:3] <= used),
            Assert(implies(arriving, mine != one["readable"])),
            Assert(implies(full, one.peek("ram.memory", watched) == other.peek("ram.memory", watched))),
            Assert(implies(arriving & at, _arriving(one) == _arriving(other))),
        ]
        return m


def _arriving(queue: Inside) -> Value:
    """The word that comes out of the memory."""
    return Value.cast(queue.read_register("ram.memory"))
