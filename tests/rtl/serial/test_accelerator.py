# amaranth: UnusedElaboratable=no
"""The accelerator at its two pins: register MAGIC, a lamp, and a reset that reaches the core. More of it in ``sim``."""

from rtl.serial.accelerator import SerialAccelerator
from spec.config import config_for
from spec.registers import MAGIC, offset_of
from spec.serial_link import FLAG, LINK_VERSION, Request, Status, request, response, unescape

DIVIDER = 4
BIT = DIVIDER * 1e-6
CONFIG = config_for(16, x_bytes=256, t_bytes=256, mask_bits=1024, entries=64, commands=8)


def test_requests_reach_the_core_and_answers_the_line(simulate):
    dut, answers = SerialAccelerator(CONFIG, DIVIDER), []

    async def testbench(ctx):
        async def ask(kind, payload=b""):
            for byte in request(len(answers), kind, payload):
                for level in (0, *((byte >> i) & 1 for i in range(8)), 1):
                    ctx.set(dut.rx, level)
                    await ctx.delay(BIT)
            before = len(answers)
            while len(answers) == before:
                await ctx.delay(10 * BIT)
            assert answers[-1].status is Status.OK
            return int.from_bytes(answers[-1].payload, "little")

        assert await ask(Request.RESET) == LINK_VERSION
        assert await ask(Request.READ, bytes([offset_of("MAGIC")])) == MAGIC
        assert (ctx.get(dut.failed), ctx.get(dut.busy)) == (0, 0)
        await ask(Request.SEND_LAST, b"this is no packet...")
        await ctx.delay(100e-6)
        assert ctx.get(dut.failed) == 1
        await ask(Request.RESET)
        assert ctx.get(dut.failed) == 0

    async def listen(ctx):
        body = b""
        while True:
            await ctx.negedge(dut.tx)
            await ctx.delay(1.5 * BIT)
            byte = 0
            for i in range(8):
                byte |= ctx.get(dut.tx) << i
                await ctx.delay(BIT)
            if byte != FLAG:
                body += bytes([byte])
            elif body:
                answers.append(response(unescape(body)))
                body = b""

    simulate(dut, testbench, listen)
