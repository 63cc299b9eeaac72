"""The whole accelerator of 16 PEs: what an abort does, from wherever it is."""

from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Mux, Signal

from formal.harness import Inside, assert_held, free, implies
from rtl.accelerator import Core
from spec.config import config_for
from spec.registers import REGISTERS, offset_of

__all__ = ["IdleAfterAbort"]


def _bit(register: str, name: str) -> int:
    (field,) = (f for r in REGISTERS if r.name == register for f in r.fields if f.name == name)
    return 1 << field.lsb


class IdleAfterAbort(Elaboratable):
    """Address and data of a write of CONTROL.abort are taken in one cycle, in any state of the rest, and no other write
    follows. From 4 cycles later on nothing runs, and at most two words come out, held until they are taken: the one
    that was offered and the one that ends its frame. None comes out once the sender says that it has drained, which a
    start waits for.

    What multiplies, fetches, adds and stores is cut out: it may put out anything.
    """

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := Core(config_for(16, psum_depth=16, commands=4)))
        inside.cut(*(f"engine.{part}" for part in ("addresses", "lane0", "pool", "registers", "results", "weights")))
        bus, out = dut.s_axi, dut.m_axis
        free(m, bus.awaddr, bus.awvalid, bus.wdata, bus.wstrb, bus.wvalid, bus.bready)
        free(m, bus.araddr, bus.arvalid, bus.rready)
        free(m, dut.s_axis.tdata, dut.s_axis.tvalid, dut.s_axis.tlast, out.tready)
        asked, ran, age, came = Signal(), Signal(), Signal(3), Signal(3)
        asks = (
            Cat(bus.awvalid, bus.awready, bus.wvalid, bus.wready).all() & bus.wstrb.all()
            & (bus.awaddr == offset_of("CONTROL")) & (bus.wdata == _bit("CONTROL", "abort"))
        )
        settled = asked & (age >= 4)
        m.d.sync += [
            asked.eq(asked | asks),
            ran.eq(Mux(asked, ran, dut.busy)),
            age.eq(Mux(asked, age + (age != 7), 0)),
            came.eq(Mux(settled, came + (out.tvalid & out.tready), 0)),
        ]
        assert_held(m, out.tvalid, out.tready, Cat(out.tdata, out.tlast))
        holding, sender = inside["sender.holding"], out.tvalid
        quiet = Cat(
            dut.busy, inside["engine.begin"], inside["engine.sequencer.fsm_state"], inside["engine.store.fsm_state"],
            inside["registers.start"], inside["registers.registers.control__start__strobe"],
            inside["registers.bus.write__strobe"],
        ) == 0
        m.d.comb += [
            Assume(implies(asked, ~bus.awvalid & ~bus.wvalid)),
            Assert(implies(settled, ~dut.busy)),
            Assert(implies(settled, came + sender + holding <= 2)),
            Assert(implies(settled & ~inside["sender.draining"], ~sender)),
            Cover(settled & ran),
            # What is inside, which makes it inductive.
            Assert(implies(settled, quiet & (bus.bvalid == ~bus.awready) & (bus.awready == bus.wready))),
            Assert(implies(holding, sender)),
            Assert(implies(bus.bvalid, ~bus.awready & ~bus.wready)),
        ]
        return m
