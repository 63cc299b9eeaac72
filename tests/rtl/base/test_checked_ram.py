"""The checked memory: every single flip of a part is seen when that part is used, and only then."""

import random

import pytest

from rtl.base.checked_ram import CheckedRam

DEPTH = 8


def run(simulate, *, parts, reads, flips=(), protect=True, far=False):
    """Fill a memory, flip each stored ``(address, part, bit)``, then read every ``(address, used)`` of ``reads``.

    Returns what was read, what was written there, and the address of the fault that each read made, or None.
    """
    rng = random.Random(parts)
    words = [rng.getrandbits(32 * parts) for _ in range(DEPTH)]
    dut, seen, faults = CheckedRam(width=32 * parts, depth=DEPTH, protect=protect, far=far), [], []

    async def testbench(ctx):
        ctx.set(dut.write.enable, (1 << parts) - 1)
        for address, word in enumerate(words):
            ctx.set(dut.write.address, address)
            ctx.set(dut.write.data, word)
            await ctx.tick()
        ctx.set(dut.write.enable, 0)
        for address, part, bit in flips:
            stored, bit = (dut.cells.data, bit) if bit < 32 else (dut.parity.data, 0)
            ctx.set(stored[address][part], ctx.get(stored[address][part]) ^ 1 << bit)
        ctx.set(dut.read_enable, 1)
        for cycle in range(len(reads) + dut.latency):
            there = cycle >= dut.latency
            ctx.set(dut.read_address, reads[cycle][0] if cycle < len(reads) else 0)
            if protect:
                ctx.set(dut.used, reads[cycle - dut.latency][1] if there else 0)
            if there:
                seen.append(ctx.get(dut.read_data))
            await ctx.tick()
            if there:
                faults.append(ctx.get(dut.fault.address) if ctx.get(dut.fault.valid) else None)

    simulate(dut, testbench)
    return seen, [words[address] for address, _ in reads], faults


@pytest.mark.parametrize("parts", [1, 2, 8])
@pytest.mark.parametrize("protect", [True, False])
@pytest.mark.parametrize("far", [True, False])
def test_words_are_read_as_written_and_no_fault(simulate, parts, protect, far):
    reads = [(address % DEPTH, (1 << parts) - 1) for address in range(2 * DEPTH)]
    seen, written, faults = run(simulate, parts=parts, reads=reads, protect=protect, far=far)
    assert seen == written
    assert faults == [None] * len(reads)


@pytest.mark.parametrize(("parts", "far"), [(1, False), (2, True)])
def test_every_single_flip_of_a_used_part_is_seen(simulate, parts, far):
    for bit in range(33):
        for part in range(parts):
            address = (bit + part) % DEPTH
            reads = [(other, (1 << parts) - 1) for other in range(DEPTH)]
            _, _, faults = run(simulate, parts=parts, reads=reads, flips=[(address, part, bit)], far=far)
            assert faults == [other if other == address else None for other in range(DEPTH)]


def test_a_part_that_nobody_uses_is_not_judged(simulate):
    reads = [(5, 0b1011), (5, 0b0100), (5, 0b0000), (4, 0b1111), (5, 0b1111)]
    _, _, faults = run(simulate, parts=4, reads=reads, flips=[(5, 2, 7)])
    assert faults == [None, 5, None, None, 5]


def test_without_protection_a_flip_is_read(simulate):
    seen, written, faults = run(simulate, parts=1, reads=[(3, 1)], flips=[(3, 0, 9)], protect=False)
    assert (seen[0] ^ written[0], faults) == (1 << 9, [None])


def test_a_zero_word_that_was_never_written_is_a_fault(simulate):
    """Odd parity: a memory that starts at zeros does not pass for a loaded one."""
    dut, found = CheckedRam(width=32, depth=4, protect=True), []

    async def testbench(ctx):
        ctx.set(dut.read_enable, 1)
        await ctx.tick().repeat(dut.latency)
        ctx.set(dut.used, 1)
        await ctx.tick()
        found.append(ctx.get(dut.fault.valid))

    simulate(dut, testbench)
    assert found == [1]
