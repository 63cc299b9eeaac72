"""Stacks that share weights, each its own turn of a loop: every value, and every cycle."""

import cocotb

from sim.bench.harness import Harness, current_job
from sim.bench.random_networks import check
from sim.random_models import Draw
from sim.repeats import stacks
from spec.synthetic import synthetic_model


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize(bits=[8, 5])
async def values_and_cycles(dut, bits):
    """Every network of :func:`sim.repeats.stacks`, traced and plain."""
    harness, lanes = await Harness.start(dut), current_job().config.lanes
    for seed, network in enumerate(stacks(), 1):
        model = synthetic_model(network, seed, calibration_images=2, bits=bits)
        await check(harness, Draw((model,), (lanes,), seed), network.name, (True, False))
    await harness.finish()
