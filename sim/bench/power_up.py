"""Power-up: registers and memories start anywhere, and one reset is enough."""

from pathlib import Path

import cocotb
from cocotb.triggers import Timer

from sim.bench.harness import Harness, subject
from spec.supermask import Mode


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def one_reset_is_enough(dut):
    """The first inference after power-up is right; what stood on the outputs before is left in ``before_reset.txt``."""
    await Timer(1, "ns")
    Path("before_reset.txt").write_text(f"{int(dut.m_axis_tdata.value)} {int(dut.s_axi_rdata.value)}\n")
    harness, of = await Harness.start(dut), subject("tiny", Mode.ANY)
    assert not await harness.call(harness.driver.read, "ERROR"), "An error is pending after reset"
    await harness.load(of, trace=True)
    await harness.check_inference(of, 0)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(mode=list(Mode))
async def memories_start_anywhere(dut, mode):
    """No value that the host did not load is used."""
    harness, of = await Harness.start(dut), subject("small", mode)
    await harness.load(of, trace=True)
    await harness.check_inference(of, 0)
    await harness.finish()
