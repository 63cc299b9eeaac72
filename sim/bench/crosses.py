"""Networks whose layers are together all that a layer can be on the simulated build, to the value and cycle."""

import cocotb

from sim.bench.harness import Harness, current_job
from sim.bench.random_networks import check
from sim.crosses import tours


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def all_crosses(dut):
    """Every network of :func:`sim.crosses.tours`."""
    harness = await Harness.start(dut)
    for made in tours(current_job().config):
        (model,) = made.models
        harness.log.info("%s", model.network.name)
        await check(harness, made, model.network.name, (True,))
    await harness.finish()
