"""What every cocotb test begins with: a reset accelerator, a driver on it, and small models to run."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import cocotb
from cocotb.task import bridge

from gen.compile import Program, compile_model
from sim.compare import first_mismatch
from sim.driver import Driver, Result, check_counters
from sim.transport import CocotbTransport
from spec.config import AcceleratorConfig
from spec.golden import run
from spec.network import residual_network
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model

__all__ = ["LIMIT", "Harness", "Subject", "subject", "test_config"]

#: Longest inference of a test network, with a wide margin.
LIMIT = 2_000_000


def test_config() -> AcceleratorConfig:
    """Configuration of the simulated build, from ``+config=FILE``."""
    return AcceleratorConfig.from_json(json.loads(Path(cocotb.plusargs["config"]).read_text()))


test_config.__test__ = False


class Subject:
    """A small model with images and what the golden model stores on them.

    Two stages, one with a projection, both with a recurrent block; no size is a multiple of a word or a tile: 9x11
    pixels are more than a tile of pixels, 20 channels more than a word of the small builds.

    Parameters
    ----------
    mode : Mode
        Mask structure of its layers.
    seed : int
        Signs, masks and batch norms.
    """

    IMAGES = 3

    def __init__(self, mode: Mode, seed: int = 1):
        network = residual_network(
            f"small-{mode}-{seed}", image=(9, 11, 3), classes=10, widths=(12, 20), iterations=(3, 2), mode=mode, seed=seed
        )
        self.model = synthetic_model(network, seed)
        self.images = random_images(network, self.IMAGES, seed=7)
        self.golden = run(self.model, self.images)

    def program(self, *, trace: bool, after: Program | None = None) -> Program:
        """The model compiled for the simulated build; its memories follow those of ``after``."""
        bases = {}
        if after is not None:
            first = after.plan.layers[0]
            bases = {
                "command_base": after.start + len(after.commands),
                "mask_base": first.mask_unit + after.plan.mask_units,
                "entry_base": first.entry_row + after.plan.entry_rows,
            }
        return compile_model(self.model, test_config(), trace=trace, **bases)

    def check(self, program: Program, result: Result, image: int) -> None:
        """Assert that ``result`` is what the golden model says of image ``image``, and that its cycles add up."""
        mismatch = first_mismatch("golden model", self.golden, image, program.frames, result.frames)
        assert mismatch is None, f"Image {image} of {self.model.network.name}: {mismatch}"
        check_counters(result.counters)


@functools.cache
def subject(mode: Mode, seed: int = 1) -> Subject:
    """The small model of ``mode`` and ``seed``; made once per process."""
    return Subject(mode, seed)


class Harness:
    """An accelerator out of reset with a driver that has identified it."""

    def __init__(self, dut):
        self.transport = CocotbTransport(dut, LIMIT)
        self.driver = Driver(self.transport, test_config())

    @classmethod
    async def start(cls, dut) -> "Harness":
        """Reset the accelerator and identify it."""
        harness = cls(dut)
        await harness.transport.reset()
        await harness.call(harness.driver.identify)
        return harness

    async def call(self, function: Callable, *arguments):
        """Run blocking code (the driver) while the simulation goes on."""
        return await bridge(function)(*arguments)

    async def load(self, of: Subject, *, trace: bool) -> Program:
        """Load the program of ``of``."""
        program = of.program(trace=trace)
        await self.call(self.driver.load, program)
        return program

    async def check_inference(self, of: Subject, image: int) -> Result:
        """Run the selected program, which is of ``of``, on image ``image`` and check everything about it."""
        result = await self.call(self.driver.infer, of.images[image])
        of.check(self.driver.program, result, image)
        return result

    async def finish(self, violations: int = 0) -> None:
        """Assert that nothing more comes out and that the accelerator kept to the protocol."""
        await self.transport.cycles(20)
        assert self.transport.sink.empty(), "The accelerator sent a frame nobody asked for"
        assert self.transport.violations == violations, f"{self.transport.violations} violations of the AXI protocol"
