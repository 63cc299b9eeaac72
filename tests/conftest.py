"""What tests of several folders share: the simulator with a watchdog, small networks on small builds, and a host."""

import random
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import HealthCheck, settings

from gen.sizing import fitted
from rtl.accelerator import Core
from rtl.base.command import COMMAND
from spec.config import MEMORY_LIMITS, config_for
from spec.packets import HEADER_WORDS, PACKET_BYTES, cut
from spec.registers import counter_names, offset_of
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

#: The smallest network with everything in it: a projection, an identity block, a fold, three stages of numbers.
SMALL = {"image": (4, 4, 1), "classes": 3, "widths": (4, 8), "iterations": (0, 2), "seed": 5}


def pytest_configure():
    """Property tests have no deadline: how long an example takes says how busy the machine is, not what is right."""
    settings.register_profile("foldenite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("foldenite")


@pytest.fixture(scope="session")
def simulate():
    """``simulate(dut, testbench, *background)``: run to the end of ``testbench``; a design that hangs fails."""
    def run(dut, testbench, *background, limit=50_000):
        async def watchdog(ctx):
            await ctx.delay(limit * 1e-6)
            raise AssertionError(f"Still running after {limit} cycles")

        simulator = Simulator(dut)
        simulator.add_clock(1e-6, if_exists=True)
        simulator.add_testbench(testbench)
        for each in (watchdog, *background):
            simulator.add_testbench(each, background=True)
        simulator.run()

    return run


@pytest.fixture(scope="session")
def layout_of():
    """``layout_of(command)``: its words as the value of a ``COMMAND`` port."""
    return lambda words: COMMAND.from_bits(int.from_bytes(np.asarray(words, "<u4").tobytes(), "little"))


@pytest.fixture(scope="session")
def small_model():
    """``small_model(mode=..., bits=8, **changes)``: synthetic model of a changed :data:`SMALL` network."""
    @cache
    def build(bits=8, **changes):
        return synthetic_model(residual_network("small", **SMALL | changes), 3, bits=bits)

    return build


@pytest.fixture(scope="session")
def fitting():
    """``fitting(network, pe, **fields)``: build with memories that just hold ``network``, or as in ``fields``."""
    def build(network, pe=16, **fields):
        memories = {name: value for name, value in fields.items() if name in MEMORY_LIMITS}
        others = {"psum_depth": 16} | {name: value for name, value in fields.items() if name not in memories}
        return replace(fitted(config_for(pe, **others), network), **memories)

    return build


class Host:
    """Drives the buses of a core from a testbench; ``ready()`` says in each cycle whether it takes an output word."""

    def __init__(self, ctx, core, ready, streaming):
        self.ctx = ctx
        self.core = core
        self.ready = ready
        self.streaming = streaming

    async def write(self, register, value):
        """Write a register."""
        ctx, bus = self.ctx, self.core.s_axi
        for signal, setting in ((bus.awaddr, offset_of(register)), (bus.wdata, value), (bus.wstrb, 15)):
            ctx.set(signal, setting)
        for signal in (bus.awvalid, bus.wvalid, bus.bready):
            ctx.set(signal, 1)
        await ctx.tick().until(bus.awready & bus.wready)
        ctx.set(bus.awvalid, 0)
        ctx.set(bus.wvalid, 0)
        await ctx.tick().until(bus.bvalid)

    async def read(self, register):
        """Value of a register."""
        ctx, bus = self.ctx, self.core.s_axi
        for signal, setting in ((bus.araddr, offset_of(register)), (bus.arvalid, 1), (bus.rready, 1)):
            ctx.set(signal, setting)
        await ctx.tick().until(bus.arready)
        ctx.set(bus.arvalid, 0)
        value, = await ctx.tick().sample(bus.rdata).until(bus.rvalid)
        return value

    async def send(self, packet):
        """Send a packet."""
        ctx, bus = self.ctx, self.core.s_axis
        words = np.frombuffer(packet, "<u4").tolist()
        ctx.set(bus.tvalid, 1)
        for index, word in enumerate(words):
            ctx.set(bus.tdata, word)
            ctx.set(bus.tlast, index == len(words) - 1)
            await ctx.tick().until(bus.tready)
        ctx.set(bus.tvalid, 0)

    async def receive(self):
        """The next frame."""
        ctx, bus = self.ctx, self.core.m_axis
        payload = b""
        while True:
            ready = self.ready()
            ctx.set(bus.tready, ready)
            *_, valid, data, last = await ctx.tick().sample(bus.tvalid, bus.tdata, bus.tlast)
            if valid and ready:
                payload += data.to_bytes(4, "little")
                if last:
                    return payload

    async def infer(self, program, image, most=PACKET_BYTES):
        """Frames of one image in lane 0, sent in packets of at most ``most`` bytes, decoded, and the counters after."""
        inference, = await self.infer_batch(program, [image], most)
        return inference.tensors, inference.counts

    async def infer_batch(self, program, images, most=PACKET_BYTES):
        """Run at most as many images as there are lanes, at once: an :class:`Inference` for each."""
        for lane, image in enumerate(images):
            for part in cut(program.image_packet(image, lane), most):
                await self.send(part)
        await self.write("PROGRAM_START", program.start)
        self.streaming += program.stream_packets
        await self.ctx.tick().repeat(3)  # the first chunk now waits
        await self.write("CONTROL", 1)
        tensors = [[] for _ in range(program.config.lanes)]
        for frame in program.frames:
            tensors[frame.lane].append(frame.decode(await self.receive()))
        while not await self.read("CONTROL") & 4:
            pass
        await self.write("SNAPSHOT", 1)
        counts = {name: await self.read(f"{name}_LOW") for name in counter_names(program.config)}
        return [Inference(each, counts) for each, _ in zip(tensors, images, strict=False)]


@dataclass(frozen=True)
class Inference:
    """What an image gave: decoded frames and counters."""

    tensors: list
    counts: dict[str, int]


@pytest.fixture(scope="session")
def on_core(simulate):
    """``on_core(config, scenario)``: run ``scenario(host)`` on a fresh core.

    The host stalls ``stall`` of the words it takes, and is up to ``late`` cycles late with every chunk it streams.
    """
    def run(config, scenario, stall=0.0, late=0, seed=0, **options):
        core, rng, streaming = Core(config), random.Random(seed), []

        async def testbench(ctx):
            await scenario(Host(ctx, core, lambda: rng.random() >= stall, streaming))

        async def stream(ctx):
            while True:
                if streaming:
                    for _ in range(rng.randint(0, late)):
                        await ctx.tick()
                    await Host(ctx, core, None, None).send(streaming.pop(0))
                else:
                    await ctx.tick()

        simulate(core, testbench, stream, **options)

    return run


@pytest.fixture(scope="session")
def inferences(on_core):
    """``inferences(program, images)``: load the program into a fresh core and run the images, a lane each at a time."""
    def run(program, images, **options):
        results = []

        async def scenario(host):
            for packet in program.packets:
                await host.send(packet)
            for first in range(0, len(images), program.config.lanes):
                results.extend(await host.infer_batch(program, images[first : first + program.config.lanes]))
            assert await host.read("ERROR") == 0

        on_core(program.config, scenario, **options)
        return results

    return run


@pytest.fixture(scope="session")
def payload_of():
    """``payload_of(packet)``: its 32-bit words without the header."""
    return lambda packet: np.frombuffer(packet, "<u4")[HEADER_WORDS:].tolist()
