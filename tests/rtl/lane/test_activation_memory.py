"""The activation memory against an array of bytes: columns, host parts, priority, latency."""

import numpy as np
import pytest

from rtl.base.ram import Ram
from rtl.lane.activation_memory import ActivationMemory


@pytest.mark.parametrize(("word_bytes", "rows", "words"), [(16, 4, 8), (16, 16, 5), (32, 8, 16), (64, 4, 6)])
def test_random_traffic(simulate, word_bytes, rows, words):
    rng = np.random.default_rng(word_bytes + rows)
    dut = ActivationMemory(word_bytes=word_bytes, rows=rows, words=words)
    model = np.zeros((words, word_bytes), np.uint8)
    expected, seen = [], []
    collisions, stored_later = 0, []

    async def testbench(ctx):
        nonlocal collisions, stored_later
        ctx.set(dut.read.enable, 1)
        for part in range(words * word_bytes // 4):
            ctx.set(dut.host.enable, 1)
            ctx.set(dut.host.address, part)
            await ctx.tick()
        for _ in range(600):
            host, result, meant = rng.random() < 0.3, rng.random() < 0.6, rng.random() < 0.7
            part, data = int(rng.integers(words * word_bytes // 4)), rng.integers(0, 256, 4, np.uint8)
            word, column = int(rng.integers(words)), int(rng.integers(word_bytes // rows))
            stored, address = rng.integers(0, 256, rows, np.uint8), int(rng.integers(words))
            for port, value in (
                (dut.read.address, address), (dut.host.enable, host), (dut.host.address, part),
                (dut.host.data, int.from_bytes(data.tobytes(), "little")),
                (dut.store.enable, result), (dut.meant, meant),
                (dut.store.address, word), (dut.store.column, column),
                (dut.result, int.from_bytes(stored.tobytes(), "little")),
            ):
                ctx.set(port, value)
            expected.append(model[address].tobytes())
            for place, value in stored_later:  # a write takes a cycle to the memory
                place[:] = value
            if result:
                stored_later = [(model[word, column * rows : (column + 1) * rows], stored)] * int(meant)
            else:
                stored_later = [(model.reshape(-1, 4)[part], data)] * int(host)
            collisions += host and result
            await ctx.tick()
            seen.append(ctx.get(dut.word).to_bytes(word_bytes, "little"))

    simulate(dut, testbench)
    assert seen[Ram.LATENCY - 1 :] == expected[: 1 - Ram.LATENCY]
    assert collisions > 50


def test_a_disabled_read_holds_its_word(simulate):
    dut = ActivationMemory(word_bytes=16, rows=4, words=4)

    async def testbench(ctx):
        ctx.set(dut.host.enable, 1)
        for part in range(16):
            ctx.set(dut.host.address, part)
            ctx.set(dut.host.data, part + 1)
            await ctx.tick()
        ctx.set(dut.host.enable, 0)
        words = [sum(4 * address + part + 1 << 32 * part for part in range(4)) for address in range(4)]
        ctx.set(dut.read.enable, 1)
        for address in (1, 2):
            ctx.set(dut.read.address, address)
            await ctx.tick()
        ctx.set(dut.read.enable, 0)
        ctx.set(dut.read.address, 3)
        for _ in range(3):
            assert ctx.get(dut.word) == words[1]
            await ctx.tick()
        ctx.set(dut.read.enable, 1)
        for expected in (words[2], words[3]):
            await ctx.tick()
            assert ctx.get(dut.word) == expected

    simulate(dut, testbench)
