"""The simulator's half of ``sim.run``: runs images and tells the other half, event by event."""

import json
import time
from pathlib import Path

import cocotb
import numpy as np

from gen.compile import Program, compile_model
from gen.cycles import predict
from sim.bench.harness import Harness, current_job
from sim.compare import command_counters
from spec.model import load

#: Cycles that anything may take beyond twice the cycle model, and the factor by which stalls may stretch it.
SLACK, STRETCH = 10_000_000, 50


def tell(event: str, **values) -> None:
    """Append one event to ``events.jsonl``."""
    with open("events.jsonl", "a") as file:
        file.write(json.dumps({"event": event, **values}) + "\n")


def stopped() -> bool:
    """Whether the other half has seen enough."""
    return Path("stop").exists()


async def prepared(dut, *, trace: bool) -> tuple[Harness, Program, np.ndarray]:
    """The job's model loaded, and its images."""
    job = current_job()
    program = compile_model(load(job.model), job.config, trace=trace)
    limit = 2 * predict(program).total * (STRETCH if job.stall else 1) + SLACK
    harness = await Harness.start(dut, limit)
    if job.stall:
        harness.transport.stall(job.stall, job.seed)
    await harness.call(harness.driver.load, program)
    return harness, program, np.load(job.images)


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def run_images(dut):
    """Every image through the traced program, whose tensors are left in files; then through the plain program."""
    harness, traced, images = await prepared(dut, trace=True)
    tell("loaded", cycle=harness.transport.cycle)
    for number, image in enumerate(images):
        if stopped():
            return
        result = await harness.call(harness.driver.infer, image)
        np.savez(f"traced-{number}.npz", *result.frames)
        tell("traced", image=number, counters=result.counters)

    plain = compile_model(traced.model, traced.config, trace=False)
    await harness.call(lambda: harness.driver.load(plain, commands_only=True))
    for number, image in enumerate(images):
        if stopped():
            return
        before = harness.transport.bytes_in, harness.transport.bytes_out
        await harness.call(harness.driver.load_image, image)
        image_in = harness.transport.bytes_in
        begin, cycle = time.perf_counter(), harness.transport.cycle
        await harness.call(harness.driver.start)
        await harness.transport.wait_irq_async()
        seconds, cycles = time.perf_counter() - begin, harness.transport.cycle - cycle
        result = await harness.call(harness.driver.finish)
        after = harness.transport.bytes_in, harness.transport.bytes_out
        traffic = [image_in - before[0], after[0] - image_in, after[1] - before[1]]
        commands = command_counters(harness.transport.counts_at_ends, result.counters)
        measured = {"counters": result.counters, "seconds": seconds, "cycles": cycles, "traffic": traffic}
        measured["commands"] = commands
        tell("plain", image=number, logits=result.logits.tolist(), **measured)
    harness.transport.stall(0, seed=0)
    await harness.finish()


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def cut_waveform(dut):
    """Find the cycle in which one value is stored; run the image again and write the waveform around that cycle."""
    cut = current_job().cut
    harness, _, images = await prepared(dut, trace=cut.trace)
    dut.watch_t.value = cut.memory == "t"
    dut.watch_address.value = cut.address
    dut.watch_part.value = cut.part
    dut.watch_first.value = cut.first
    dut.watch_end.value = cut.end if cut.memory != "psum" else cut.first
    await harness.call(harness.driver.infer, images[cut.image])
    stored, never = int(dut.watch_cycle.value), (1 << 32) - 1
    cycle = cut.end - 1 if stored == never else stored
    await harness.call(harness.driver.load_image, images[cut.image])
    await harness.call(harness.driver.start)
    await harness.transport.cycles(8)
    start = int(dut.started.value)
    first = max(start + cycle - cut.margin, harness.transport.cycle + 1)
    dut.dump_from.value = first
    await harness.transport.cycles(start + cycle + cut.margin - harness.transport.cycle)
    tell("cut", stored=None if stored == never else stored, cycle=start + cycle)
