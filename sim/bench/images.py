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

#: Cycles by which a dump begins early, and ends late.
EARLY = 4

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
    """Every image through the traced program, whose tensors are left in files; then through the plain program.

    Each inference takes as many images as there are lanes, the last one what is left.
    """
    harness, traced, images = await prepared(dut, trace=True)
    numbers = range(len(images))
    lanes = traced.config.lanes
    batches = [numbers[first : first + lanes] for first in numbers[::lanes]]
    tell("loaded", cycle=harness.transport.cycle)
    for batch in batches:
        if stopped():
            return
        result = await harness.call(harness.driver.infer, images[batch])
        for number, tensors in zip(batch, result.frames, strict=True):
            np.savez(f"traced-{number}.npz", *tensors)
        tell("traced", images=list(batch), counters=result.counters)

    plain = compile_model(traced.model, traced.config, trace=False)
    await harness.call(lambda: harness.driver.load(plain, commands_only=True))
    for batch in batches:
        if stopped():
            return
        before = harness.transport.bytes_in, harness.transport.bytes_out
        await harness.call(harness.driver.load_images, images[batch])
        image_in = harness.transport.bytes_in
        begin, cycle = time.perf_counter(), harness.transport.cycle
        await harness.call(harness.driver.start)
        await harness.transport.wait_irq_async()
        seconds, cycles = time.perf_counter() - begin, harness.transport.cycle - cycle
        result = await harness.call(harness.driver.finish)
        after = harness.transport.bytes_in, harness.transport.bytes_out
        traffic = [image_in - before[0], after[0] - image_in, after[1] - before[1]]
        commands = command_counters(harness.transport.counts_at_ends, harness.counter_names)
        measured = {"counters": result.counters, "seconds": seconds, "cycles": cycles, "traffic": traffic}
        measured["commands"] = commands
        tell("plain", images=list(batch), logits=result.logits.tolist(), **measured)
    harness.transport.stall(0, seed=0)
    await harness.finish()


NEVER = (1 << 32) - 1  #: What the wrapper says of a store that it has not seen.


def sums_seen(dut) -> tuple[list[int], list[int]]:
    """Accumulators that the wrapper saw after the visits it was told to watch, and their cycles after the start."""
    count = min(max(0, int(dut.visited.value) - int(dut.watch_skip.value)), len(current_job().watch.sums))
    half = 1 << current_job().config.widths.acc - 1
    sums = [(int(dut.visit_acc[i].value) + half) % (2 * half) - half for i in range(count)]
    return sums, [int(dut.visit_cycle[i].value) for i in range(count)]


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def watch_value(dut):
    """Watch one value being made; run the image again and write the waveform around the moment it goes wrong.

    It runs in the lane it was in, beside the same images. The dump begins a little early, because it takes no signals
    in its first cycle; the other half cuts it.
    """
    watch = current_job().watch
    harness, program, images = await prepared(dut, trace=watch.trace)
    lanes = program.config.lanes
    lane = watch.image % lanes
    batch = images[watch.image - lane :][:lanes]
    dut.watch_lane.value = lane
    dut.watch_command.value = watch.command
    dut.watch_t.value = watch.memory == "t"
    for name in ("address", "part", "psum", "row", "skip"):
        getattr(dut, f"watch_{name}").value = getattr(watch, name)
    result = await harness.call(harness.driver.infer, batch)
    cycle = int(dut.watch_cycle.value)
    stored = None if cycle == NEVER or watch.memory == "psum" else cycle
    sums, cycles = sums_seen(dut)
    wrong = (when for when, got, expected in zip(cycles, sums, watch.sums, strict=False) if got != expected)
    moment = next(wrong, watch.end - 1 if stored is None else stored)

    await harness.call(harness.driver.load_images, batch)
    first = moment - watch.before - EARLY
    if first > EARLY:
        dut.dump_since.value = first
    else:  # before the start, or so soon after it that Python could be late
        dut.dump_from.value = harness.transport.cycle + 1
        await harness.transport.cycles(watch.before + EARLY)
    before = int(dut.started.value)
    await harness.call(harness.driver.start)
    while (start := int(dut.started.value)) == before:
        await harness.transport.cycles(1)
    await harness.transport.cycles(max(0, start + moment + watch.after + EARLY - harness.transport.cycle))
    got = int(result.frames[lane][watch.frame][watch.place])
    tell("watched", stored=stored, sums=sums, cycles=cycles, got=got, moment=moment, cycle=start + moment)


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def dump_window(dut):
    """Run the first images through the plain program; the dump begins a little before the window, and ends after it."""
    first, end = current_job().window
    harness, program, images = await prepared(dut, trace=False)
    await harness.call(harness.driver.load_images, images[: program.config.lanes])
    dut.dump_since.value = first - EARLY
    before = int(dut.started.value)
    await harness.call(harness.driver.start)
    while (start := int(dut.started.value)) == before:
        await harness.transport.cycles(1)
    await harness.transport.cycles(max(0, start + end + EARLY - harness.transport.cycle))
    tell("dumped", cycle=start)


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def record_activity(dut):
    """One inference of the job's images; all that switches in it, and while its results are read, goes to a file."""
    harness, _, images = await prepared(dut, trace=False)
    await harness.call(harness.driver.load_images, images)
    begin = harness.transport.cycle + 2
    dut.dump_from.value = begin
    await harness.transport.cycles(EARLY)
    await harness.call(harness.driver.start)
    result = await harness.call(harness.driver.finish)
    cycles = harness.transport.cycle - begin
    tell("recorded", logits=result.logits.tolist(), cycles=cycles, total=result.counters["TOTAL"])
