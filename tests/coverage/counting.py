"""A bench of three cycles, for a test of coverage itself."""

import cocotb
from cocotb.triggers import FallingEdge


@cocotb.test()
async def three_cycles(dut):
    """One in reset, two without."""
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(2):
        await FallingEdge(dut.clk)
