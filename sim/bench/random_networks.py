"""Every value and every cycle of the networks that :mod:`sim.random_models` draws."""

from collections.abc import Sequence
from random import Random

import cocotb

from gen.cycles import predict
from sim.bench.harness import Harness, current_job
from sim.compare import expected_counters, first_mismatch
from sim.random_models import Draw, draw
from spec.golden import run

NETWORKS = 4  #: Draws of one run, unless ``+networks=`` says otherwise.


async def check(harness: Harness, made: Draw, where: str, traced: Sequence[bool]) -> None:
    """Run ``made`` and assert values and cycles, once for each of ``traced``: whether every stored value is sent, or
    the logits alone. ``where`` says what it is.
    """
    batches, config = made.images(), current_job().config
    traces = [run(model, images) for model, images in zip(made.models, batches, strict=True)]
    for trace_all in traced:
        programs = made.programs(config, trace=trace_all)
        for program in programs:
            await harness.call(harness.driver.load, program)
        for program, images, trace in zip(programs, batches, traces, strict=True):
            await harness.call(harness.driver.select, program)
            result = await harness.call(harness.driver.infer, images)
            for lane, tensors in enumerate(result.frames):
                mismatch = first_mismatch("golden model", trace, lane, program.frames_by_lane[lane], tensors)
                if mismatch is not None:
                    raise AssertionError(f"{where}: lane {lane}: {mismatch}")
            expected = expected_counters(predict(program))
            assert result.counters == expected, f"{where}: {result.counters} != {expected}"


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def random_networks(dut):
    """Whatever is drawn from the run's seed, each model alone or with another one resident."""
    harness = await Harness.start(dut)
    rng, config = Random(cocotb.RANDOM_SEED), current_job().config
    for number in range(int(cocotb.plusargs.get("networks", NETWORKS))):
        made = draw(config, rng)
        where = f"Seed {cocotb.RANDOM_SEED}, draw {number}: {[model.network for model in made.models]}"
        harness.log.info("%s", where)
        await check(harness, made, where, (True, False))
    await harness.finish()
