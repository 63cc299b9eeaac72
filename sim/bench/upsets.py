"""Bits flipped in the memories while inferences run: what the accelerator says of it, and what it gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import cocotb
import numpy as np

from gen.cycles import predict
from rtl.base.parts import CHECKED, MEMORIES
from sim.bench.harness import Harness, current_job
from sim.bench.images import prepared, stopped, tell
from sim.errors import AcceleratorError
from spec.config import AcceleratorConfig
from spec.golden import run

#: Cycles beyond the cycle model after which an inference counts as hanging.
MARGIN = 10_000


@dataclass(frozen=True)
class Bit:
    """One stored bit: of a memory, by the handle of its words."""

    memory: str
    words: object
    address: int
    number: int

    def flip(self) -> None:
        """Turn it round, from the next clock edge on."""
        word = self.words[self.address]
        word.value = int(word.value) ^ 1 << self.number


def _words_of(dut, path: str):
    handle = dut.dut
    for name in path.split("."):
        handle = handle[name]
    return handle["memory"]


def memories_of(dut, config: AcceleratorConfig) -> dict[str, list]:
    """Handles of the arrays of words that every memory consists of, by its name."""
    copies = {"ring": config.ring_copies} | dict.fromkeys(("x", "t", "psum", "results"), config.lanes)
    found = {}
    for name, path in MEMORIES.items():
        if name in config.memory_bits:
            parts = [""] if name not in CHECKED else [".cells", ".parity"] if config.protect else [".cells"]
            numbers = range(copies.get(name, 1))
            found[name] = [_words_of(dut, f"{path.format(n)}{part}.ram") for n in numbers for part in parts]
    return found


def bit_of(name: str, arrays: Sequence, rng: Random) -> Bit:
    """Any bit of a memory, each as likely."""
    words, = rng.choices(arrays, [len(array) * len(array[0]) for array in arrays])
    return Bit(name, words, rng.randrange(len(words)), rng.randrange(len(words[0])))


async def infer_flipping(harness: Harness, images: np.ndarray, flips: Sequence[tuple[int, Bit]]) -> np.ndarray | str:
    """Logits of an inference in which bits flip, each some cycles after the start; or the name of its error.

    What stays of the flips, in memories that are written once, is taken back after it.
    """
    driver, transport = harness.driver, harness.transport
    await harness.call(driver.load_images, images)
    await harness.call(driver.start)
    passed = 0
    before = [(bit, int(bit.words[bit.address].value)) for _, bit in flips if bit.memory in CHECKED]
    for cycle, bit in sorted(flips, key=lambda flip: flip[0]):
        await transport.cycles(cycle - passed)
        passed = cycle
        bit.flip()
    try:
        return (await harness.call(driver.finish)).logits
    except AcceleratorError as error:
        return getattr(error.code, "name", str(error.code))
    finally:
        for bit, word in before:
            bit.words[bit.address].value = word
        await transport.cycles(2)


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def flip_single_bits(dut):
    """``+flips=N`` inferences, in each of which one bit flips at a random cycle, in the memories by turns. In the end
    the accelerator gives what it always gave.
    """
    harness, program, images = await prepared(dut, trace=False)
    memories, rng = memories_of(dut, program.config), Random(current_job().seed)
    images = images[: program.config.lanes]
    expected, cycles = run(program.model, images).logits, predict(program).total
    await harness.call(harness.driver.watch, MARGIN)
    for number in range(int(cocotb.plusargs["flips"])):
        if stopped():
            return
        name = list(memories)[number % len(memories)]
        bit, cycle = bit_of(name, memories[name], rng), rng.randrange(cycles)
        got = await infer_flipping(harness, images, [(cycle, bit)])
        place = {"memory": name, "address": bit.address, "bit": bit.number, "cycle": cycle}
        if isinstance(got, str):
            tell("flip", **place, outcome="detected", error=got)
        else:
            tell("flip", **place, outcome="harmless" if np.array_equal(got, expected) else "wrong", error=None)
    assert np.array_equal((await harness.call(harness.driver.infer, images)).logits, expected)
    await harness.finish()


def _drawn(memories: dict, flips: int, cycles: int, rng: Random) -> Iterator[tuple[int, Bit]]:
    """As many flips, anywhere in the lasting memories: each bit as likely as any other."""
    lasting = {name: copies for name, copies in memories.items() if name in CHECKED}
    sizes = [sum(len(words) * len(words[0]) for words in copies) for copies in lasting.values()]
    for name in rng.choices(list(lasting), sizes, k=flips):
        yield rng.randrange(cycles), bit_of(name, lasting[name], rng)


def _decisions(logits: np.ndarray) -> np.ndarray:
    """The class of every image; of maps, the pixel at which each is largest (images, maps)."""
    return logits.reshape(len(logits), -1, logits.shape[-1]).argmax(1) if logits.ndim > 2 else logits.argmax(1)


@cocotb.test(timeout_time=100_000, timeout_unit="sec")
async def serve_images(dut):
    """``+served=N`` inferences at each of ``+rates=A,B``, the mean number of flips in an inference. After an error the
    program is loaded again and the inference repeated, without flips.
    """
    harness, program, images = await prepared(dut, trace=False)
    memories, rng = memories_of(dut, program.config), np.random.default_rng(current_job().seed)
    lanes, cycles = program.config.lanes, predict(program).total
    expected = _decisions(run(program.model, images).logits)
    await harness.call(harness.driver.watch, MARGIN)
    for rate in map(float, cocotb.plusargs["rates"].split(",")):
        for number in range(int(cocotb.plusargs["served"])):
            if stopped():
                return
            chosen = [(number * lanes + lane) % len(images) for lane in range(lanes)]
            flips = list(_drawn(memories, int(rng.poisson(rate)), cycles, Random(int(rng.integers(1 << 32)))))
            got = await infer_flipping(harness, images[chosen], flips)
            if repeated := isinstance(got, str):
                await harness.call(harness.driver.load, program)
                got = (await harness.call(harness.driver.infer, images[chosen])).logits
            classes = _decisions(got)
            tell("served", rate=rate, flips=len(flips), repeated=repeated, images=chosen, classes=classes.tolist(),
                 same=int((classes == expected[chosen]).reshape(lanes, -1).all(1).sum()))
    await harness.finish()
