# amaranth: UnusedElaboratable=no
"""The memory wrapper against a model: latency, enables, parts, and who wins."""

import random

import pytest
from amaranth.back import rtlil

from rtl.base.ram import RAM_MODULE, RAM_VERILOG, Ram


class Macro:
    """Platform with memories of its own."""

    ram_module = RAM_MODULE


def model(operations, depth, part, parts):
    """``read_data`` after every (write address, data, enable, read address, read enable)."""
    words, fetched, read_data = [[0] * parts for _ in range(depth)], 0, 0
    for write_address, write_data, write_enable, read_address, read_enable in operations:
        if read_enable:
            read_data = fetched
            fetched = sum(value << part * i for i, value in enumerate(words[read_address]))
        for i in range(parts):
            if write_enable >> i & 1:
                words[write_address][i] = write_data >> part * i & (1 << part) - 1
        yield read_data


@pytest.mark.parametrize(("width", "depth", "part"), [(8, 2, 8), (32, 16, 32), (64, 5, 32), (96, 16, 24), (7, 4, 1)])
def test_random_operations_match_the_model(simulate, width, depth, part):
    rng = random.Random(f"{width} {depth} {part}")
    dut, parts = Ram(width=width, depth=depth, part=part), width // part
    fill = [(address, rng.getrandbits(width), (1 << parts) - 1, 0, 0) for address in range(depth)]
    operations = fill + [(0, 0, 0, 0, 1)] * Ram.LATENCY + [
        (rng.randrange(depth), rng.getrandbits(width), rng.getrandbits(parts) * (rng.random() < 0.7),
         rng.randrange(depth), int(rng.random() < 0.8))
        for _ in range(600)
    ]
    seen = []

    async def testbench(ctx):
        ports = (dut.write.address, dut.write.data, dut.write.enable, dut.read_address, dut.read_enable)
        for operation in operations:
            for port, value in zip(ports, operation, strict=True):
                ctx.set(port, value)
            await ctx.tick()
            seen.append(ctx.get(dut.read_data))

    simulate(dut, testbench)
    skip = depth + Ram.LATENCY
    assert seen[skip:] == list(model(operations, depth, part, parts))[skip:]


def test_part_is_the_word_by_default():
    assert Ram(width=24, depth=4).part == 24


@pytest.mark.parametrize(("width", "depth", "part"), [(0, 4, None), (8, 1, None), (8, 4, 3)])
def test_impossible_memory_is_refused(width, depth, part):
    with pytest.raises(ValueError, match=r"^A memory needs width >= 1, depth >= 2 and a part that divides width, not "):
        Ram(width=width, depth=depth, part=part)


def test_a_platform_can_bring_its_own_memory():
    text = rtlil.convert(Ram(width=64, depth=5, part=32), platform=Macro(), emit_src=False)
    assert f"cell \\{RAM_MODULE} " in text
    for parameter, value in {"WIDTH": 64, "DEPTH": 5, "ADDRESS": 3, "PART": 32}.items():
        assert f"parameter \\{parameter} {value}\n" in text
        assert f"parameter {parameter} =" in RAM_VERILOG
    assert "cell $mem" not in text
