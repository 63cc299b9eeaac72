"""What every cocotb test begins with: a reset accelerator, a driver on it, and small models to run."""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import cocotb
import numpy as np
from cocotb.task import bridge

from gen.compile import Program, compile_model
from sim.compare import first_mismatch
from sim.driver import Driver, Result, check_counters
from sim.job import Job
from sim.transport import CocotbTransport
from spec.commands import LANES_MAX
from spec.golden import run
from spec.registers import counter_names
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg

__all__ = ["LIMIT", "Harness", "SmallModel", "current_job", "subject"]

#: Longest inference of a test network, with a wide margin.
LIMIT = 2_000_000


@functools.cache
def current_job() -> Job:
    """The job of this simulator process, from ``+job=FILE``."""
    return Job.load(Path(cocotb.plusargs["job"]))


#: Image sizes, widths and iterations of the networks that tests run. No size is a multiple of a word or a tile.
_NETWORKS = {
    "small": {"image": (9, 11, 3), "widths": (12, 20), "iterations": (3, 2)},  # tiles of pixels, words and channels
    "tiny": {"image": (5, 6, 3), "widths": (8, 12), "iterations": (2, 0)},  # short, for tests that run it many times
}


class SmallModel:
    """A small model with images and what the golden model stores on them. It has a projection and a recurrent block.

    Parameters
    ----------
    size : str
        "small" or "tiny".
    mode : Mode
        Mask structure of its layers.
    seed : int
        Signs, masks, rings and batch norms.
    ring : (int, int), optional
        Words and planes of a ring that all layers of the blocks draw from.
    """

    IMAGES = LANES_MAX  #: Enough for lanes that all differ.

    def __init__(self, size: str, mode: Mode, seed: int, ring: tuple[int, int] | None = None):
        network = residual_network(f"{size}-{mode}-{seed}", classes=10, mode=mode, seed=seed, **_NETWORKS[size])
        if ring is not None:
            network = rpg(network, words=ring[0], planes=ring[1])
        self.model = synthetic_model(network, seed)
        self.images = random_images(network, self.IMAGES, seed=7)
        self.golden = run(self.model, self.images)

    def program(self, *, trace: bool, after: Program | None = None) -> Program:
        """The model compiled for the simulated build; its memories follow those of ``after``."""
        return compile_model(
            self.model, current_job().config, trace=trace, **({} if after is None else after.bases_after)
        )

    def batch(self, first: int, count: int | None = None) -> np.ndarray:
        """Image ``first`` and those that follow it, in a circle; as many as there are lanes by default."""
        count = current_job().config.lanes if count is None else count
        return self.images[[(first + lane) % self.IMAGES for lane in range(count)]]

    def image_packets(self, program: Program, first: int) -> list[bytes]:
        """Packets that load a batch from image ``first`` on."""
        return [program.image_packet(image, lane) for lane, image in enumerate(self.batch(first))]

    def check(self, program: Program, result: Result, first: int) -> None:
        """Assert that ``result`` is what the golden model says of a batch from image ``first`` on, and that its cycles
        add up.
        """
        for lane, tensors in enumerate(result.frames):
            image = (first + lane) % self.IMAGES
            frames = program.frames_by_lane[lane]
            mismatch = first_mismatch("golden model", self.golden, image, frames, tensors)
            if mismatch is not None:
                raise AssertionError(f"Image {image} of {self.model.network.name} in lane {lane}: {mismatch}")
        check_counters(result.counters)


@functools.cache
def subject(size: str, mode: Mode, seed: int = 1, ring: tuple[int, int] | None = None) -> SmallModel:
    """The subject of these parameters; made once per process."""
    return SmallModel(size, mode, seed, ring)


class Harness:
    """An accelerator out of reset with a driver that has identified it."""

    def __init__(self, dut, limit: int):
        self.transport = CocotbTransport(dut, limit)
        self.driver = Driver(self.transport, current_job().config)
        self.log = dut._log
        self.counter_names = counter_names(self.driver.config)

    @classmethod
    async def start(cls, dut, limit: int = LIMIT) -> "Harness":
        """Reset the accelerator and identify it; no operation may take more than ``limit`` cycles."""
        harness = cls(dut, limit)
        await harness.transport.reset()
        await harness.call(harness.driver.identify)
        return harness

    async def call(self, function: Callable, *arguments):
        """Run blocking code (the driver) while the simulation goes on."""
        return await bridge(function)(*arguments)

    async def load(self, of: SmallModel, *, trace: bool) -> Program:
        """Load the program of ``of``."""
        program = of.program(trace=trace)
        await self.call(self.driver.load, program)
        return program

    async def check_inference(self, of: SmallModel, first: int, count: int | None = None) -> Result:
        """Run the selected program, which is of ``of``, on a batch from image ``first`` on and check all about it."""
        images = of.batch(first, count)
        result = await self.call(self.driver.infer, images)
        assert len(result.frames) == len(result.logits) == len(images)
        of.check(self.driver.program, result, first)
        return result

    async def check_queued_image(self, of: SmallModel) -> None:
        """A batch from image 1 on, sent while one from image 0 on runs, is taken after it and disturbs nothing."""
        program = self.driver.program
        await self.call(self.driver.load_images, of.batch(0))
        await self.call(self.driver.start)
        await self.transport.send_later_async(of.image_packets(program, 1))
        of.check(program, await self.call(self.driver.finish), 0)
        await self.transport.source.wait()
        await self.call(self.driver.start)
        of.check(program, await self.call(self.driver.finish), 1)

    async def check_disturbed(
        self, of: SmallModel, length: int, moments: int, disturb: Callable[[], Awaitable]
    ) -> None:
        """``moments`` times: start image 0, ``disturb`` it in a random one of ``length`` cycles, then check image 1."""
        rng = Random(cocotb.RANDOM_SEED)
        for _ in range(moments):
            moment = rng.randrange(1, length)
            self.log.info("disturbing cycle %d of %d (seed %d)", moment, length, cocotb.RANDOM_SEED)
            await self.call(self.driver.load_images, of.batch(0))
            await self.call(self.driver.start)
            await self.transport.cycles(moment)
            await disturb()
            await self.check_inference(of, 1)

    async def finish(self, violations: int = 0) -> None:
        """Assert that nothing more comes out and that the accelerator kept to the protocol."""
        await self.transport.cycles(20)
        assert self.transport.sink.empty(), "The accelerator sent a frame nobody asked for"
        assert self.transport.violations == violations, f"{self.transport.violations} violations of the AXI protocol"
