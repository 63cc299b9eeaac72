"""The PE array against numpy: adders exhaustively, whole rows with random and extreme words."""

import itertools

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.lane.pe_array import PeArray, add_with_carry, array_latency, row_sum_bits, tree_latency
from spec.supermask import CANDIDATES


class Adder(wiring.Component):
    """:func:`add_with_carry` of two widths, with ports."""

    a: In(signed(5))
    b: In(signed(4))
    carry: In(1)
    total: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.total.eq(add_with_carry(self.a, self.b, self.carry))
        return m


def test_add_with_carry(simulate):
    dut = Adder()

    async def testbench(ctx):
        for a, b, carry in itertools.product(range(-16, 16), range(-8, 8), range(2)):
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            ctx.set(dut.carry, carry)
            assert ctx.get(dut.total) == a + b + carry

    simulate(dut, testbench)


def random_weights(rng, rows, groups):
    """(select, negate, valid) of every PE; some rows have all weights, and all of one sign."""
    select, negate = rng.integers(0, 4, (rows, groups)), rng.integers(0, 2, (rows, groups))
    valid = rng.random((rows, groups)) < 0.7
    valid[0] = valid[1] = True
    negate[0], negate[1] = 0, 1
    return np.stack([select, negate, valid.astype(int)], axis=-1)


def row_sums(weights, word, pairs, second):
    """Sums that the definition gives for one word of bytes: of the four bytes of a group, or of two and what they make
    together.
    """
    select, negate, valid = weights[..., 0], weights[..., 1], weights[..., 2]
    bytes_ = word.reshape(-1, 4)
    if pairs:
        bytes_ = bytes_[:, 2 * second : 2 * second + 2] @ np.transpose(CANDIDATES)
    taken = np.take_along_axis(np.broadcast_to(bytes_, (*select.shape, 4)), select[..., None], -1)[..., 0]
    return (taken * valid * (1 - 2 * negate)).sum(axis=1).tolist()


def packed(row):
    """Bits of the weights of a row, as :class:`rtl.base.ports.Weight` has them."""
    weights = enumerate(row.tolist())
    return sum((select | negate << 2 | (1 - valid) << 3) << 4 * g for g, (select, negate, valid) in weights)


@pytest.mark.parametrize(("groups", "rows"), [(4, 4), (8, 4), (16, 4), (32, 2)])
def test_rows_match_numpy(simulate, groups, rows):
    """Weights change between two words, as a swap changes them, a cycle late. So do modes and pairs."""
    rng = np.random.default_rng(groups)
    dut = PeArray(groups=groups, rows=rows)
    latency = array_latency(groups)
    expected, seen = [], []

    def sums(ctx):
        return [ctx.get(dut.sums[r]) + (ctx.get(dut.carries) >> r & 1) for r in range(rows)]

    async def testbench(ctx):
        for number in range(8):
            tile, pairs, second = random_weights(rng, rows, groups), number % 4 > 0, number % 4 > 1
            if pairs:
                tile[:2, :, 0] = 2  # the largest sums
            for i in range(40):
                word = rng.integers(0, 256, 4 * groups) if i else np.full(4 * groups, 255)
                ctx.set(dut.word, int.from_bytes(bytes(word.tolist()), "little"))
                inside = i % 7 < 6
                for port, value in ((dut.inside, inside), (dut.pairs, pairs), (dut.second, second)):
                    ctx.set(port, value)
                expected.append(row_sums(tile, word * inside, pairs, second))
                await ctx.tick()
                seen.append(sums(ctx))
                for r in range(rows):
                    ctx.set(dut.weights[r], packed(tile[r]))
        for _ in range(latency - 1):
            await ctx.tick()
            seen.append(sums(ctx))

    simulate(dut, testbench)
    assert seen[latency - 1 :] == expected
    assert expected[40][:2] == [510 * groups, -510 * groups]


@pytest.mark.parametrize(("groups", "bits", "latency"), [(4, 12, 1), (8, 13, 2), (16, 14, 2), (32, 15, 3), (64, 16, 3)])
def test_widths_and_latency(groups, bits, latency):
    assert row_sum_bits(groups) == bits
    assert 1 << bits - 1 > 510 * groups >= 1 << bits - 3
    assert (tree_latency(groups), array_latency(groups)) == (latency, latency + 2)
