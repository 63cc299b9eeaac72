"""Programs that no compiler makes: every field of their commands is anything it has bits for, they may begin beyond the
memory, and any watchdog looks after them. They may run for ever, wait for ever or stop with an error; after an abort
the accelerator is ready, and a clean inference is right.
"""

from random import Random

import cocotb

from sim.bench.harness import Harness, current_job, subject
from sim.driver import bit
from sim.moves import random_command
from spec.commands import COMMAND_WORDS
from spec.packets import Target, packet
from spec.supermask import Mode

PROGRAMS = 40  #: Of one run, unless ``+programs=`` says otherwise.
_COMMANDS = 4  #: Of each.
_MOST_CYCLES = 1500  #: Before its abort.

START, IDLE_AND_READY = bit("CONTROL", "start"), bit("CONTROL", "idle") | bit("CONTROL", "ready")


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def random_programs(dut):
    """One after the other; every tenth is followed by an inference."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.ONE_OF_FOUR)
    rng, memory = Random(cocotb.RANDOM_SEED), current_job().config.commands
    for number in range(int(cocotb.plusargs.get("programs", PROGRAMS))):
        start = rng.randrange(memory - _COMMANDS + 1)
        words = b"".join(random_command(rng).astype("<u4").tobytes() for _ in range(_COMMANDS))
        await harness.transport.send_async(packet(Target.PROGRAM, start * COMMAND_WORDS, words))
        await harness.call(harness.driver.write, "PROGRAM_START", rng.choice((start, rng.getrandbits(16))))
        await harness.call(harness.driver.write, "WATCHDOG", rng.getrandbits(rng.choice((8, 32))))
        await harness.call(harness.driver.write, "CONTROL", START)
        await harness.transport.cycles(rng.randint(1, _MOST_CYCLES))
        await harness.call(harness.driver.abort)
        control = await harness.call(harness.driver.read, "CONTROL")
        assert control & IDLE_AND_READY == IDLE_AND_READY, f"Program {number} runs on after an abort"
        if number % 10 == 9:
            await harness.call(harness.driver.watch, None)
            await harness.load(of, trace=True)
            await harness.check_inference(of, number)
    await harness.finish()
