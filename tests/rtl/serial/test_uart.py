# amaranth: UnusedElaboratable=no
"""Bytes on a line, in both directions, at rates that are a little wrong, and what noise does."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from rtl.serial.uart import UartReceiver, UartTransmitter

CYCLE = 1e-6  # of the simulator of `simulate`


async def put(ctx, line, byte, bit_s, stop=1):
    """One byte on ``line``, as a transmitter of another clock does it."""
    for level in (0, *((byte >> i) & 1 for i in range(8)), stop):
        ctx.set(line, level)
        await ctx.delay(bit_s)


def listener(dut, received):
    """Collects bytes and broken bytes (None) of a receiver."""
    async def listen(ctx):
        while True:
            _, _, valid, broken, byte = await ctx.tick().sample(dut.valid, dut.broken, dut.byte)
            assert not (valid and broken)
            if valid or broken:
                received.append(byte if valid else None)

    return listen


def receive(simulate, divider, scenario):
    dut, received = UartReceiver(divider), []

    async def testbench(ctx):
        await ctx.delay(3.3 * CYCLE)
        await scenario(ctx, dut.rx)
        ctx.set(dut.rx, 1)
        await ctx.delay(12 * divider * CYCLE)

    simulate(dut, testbench, listener(dut, received), limit=200_000)
    return received


@pytest.mark.parametrize(("divider", "deviation"), [(4, 0), (5, 0), (7, 0.02), (16, 0.04), (16, -0.04), (50, -0.04)])
def test_bytes_arrive_at_about_the_right_rate(simulate, divider, deviation):
    data = [0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, *random.Random(1).randbytes(30)]

    async def scenario(ctx, rx):
        for byte in data:
            await put(ctx, rx, byte, divider * CYCLE * (1 + deviation))

    assert receive(simulate, divider, scenario) == data


def test_a_short_low_is_no_start_bit(simulate):
    async def scenario(ctx, rx):
        ctx.set(rx, 0)
        await ctx.delay(5 * CYCLE)
        ctx.set(rx, 1)
        await ctx.delay(40 * CYCLE)
        await put(ctx, rx, 0x5A, 16 * CYCLE)

    assert receive(simulate, 16, scenario) == [0x5A]


def test_a_byte_without_stop_bit_is_broken_and_the_next_is_not(simulate):
    async def scenario(ctx, rx):
        await put(ctx, rx, 0x5A, 16 * CYCLE)
        await put(ctx, rx, 0xA5, 16 * CYCLE, stop=0)
        ctx.set(rx, 1)
        await ctx.delay(16 * CYCLE)
        await put(ctx, rx, 0x3C, 16 * CYCLE)

    assert receive(simulate, 16, scenario) == [0x5A, None, 0x3C]


def test_a_break_is_one_broken_byte_however_long(simulate):
    async def scenario(ctx, rx):
        ctx.set(rx, 0)
        await ctx.delay(1000 * CYCLE)
        ctx.set(rx, 1)
        await ctx.delay(16 * CYCLE)
        await put(ctx, rx, 0x81, 16 * CYCLE)

    assert receive(simulate, 16, scenario) == [None, 0x81]


class Loop(wiring.Component):
    """A transmitter wired to a receiver."""

    def __init__(self, divider):
        self.transmitter, self.receiver = UartTransmitter(divider), UartReceiver(divider)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmitter, m.submodules.receiver = self.transmitter, self.receiver
        m.d.comb += self.receiver.rx.eq(self.transmitter.tx)
        return m


@pytest.mark.parametrize("divider", [4, 5, 16])
@pytest.mark.parametrize("pause", [0, 0.5])
def test_what_is_transmitted_is_received(simulate, divider, pause):
    dut, rng, received = Loop(divider), random.Random(2), []
    data = list(rng.randbytes(40))

    async def testbench(ctx):
        port = dut.transmitter.i
        assert ctx.get(dut.transmitter.tx) == 1
        for byte in data:
            while rng.random() < pause:
                await ctx.tick()
            ctx.set(port.payload, byte)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
            ctx.set(port.valid, 0)
        await ctx.tick().repeat(12 * divider)
        assert ctx.get(dut.transmitter.tx) == 1

    simulate(dut, testbench, listener(dut.receiver, received))
    assert received == data


def test_bytes_follow_each_other_after_ten_bits(simulate):
    """The line itself, cycle by cycle: start bit, data, lowest bit first, a whole stop bit, the next start bit."""
    dut = UartTransmitter(4)

    async def testbench(ctx):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, 0x53)
        await ctx.tick().until(dut.i.ready)
        levels = [ctx.get(dut.tx)]
        for _ in range(79):
            _, _, level = await ctx.tick().sample(dut.tx)
            levels.append(level)
        frame = [0, 1, 1, 0, 0, 1, 0, 1, 0, 1]
        assert levels[1:] == [bit for bit in frame * 2 for _ in range(4)][: len(levels) - 1]

    simulate(dut, testbench)


@pytest.mark.parametrize("divider", [3, 0, 4.0])
@pytest.mark.parametrize("end", [UartReceiver, UartTransmitter])
def test_an_impossible_divider_is_refused(end, divider):
    with pytest.raises(ValueError, match="A bit must last a whole number of cycles, at least 4, not"):
        end(divider)
