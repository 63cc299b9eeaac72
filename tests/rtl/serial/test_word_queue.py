# amaranth: UnusedElaboratable=no
"""The queue against a list: writes and reads at random, taken back at random."""

import itertools
import random

import pytest

from rtl.serial.word_queue import WordQueue


class Model:
    """What a queue holds, as lists; ``words`` are those that may be read, the first ``read`` of them were."""

    def __init__(self):
        self.words, self.tentative, self.read = [], [], 0

    def end_of_cycle(self, pushed, popped, commit, revert, release, rewind):
        self.tentative += pushed
        if revert:
            self.tentative = []
        elif commit:
            self.words, self.tentative = self.words + self.tentative, []
        self.read += popped
        if rewind:
            self.read = 0
        elif release:
            self.words, self.read = self.words[self.read :], 0

    @property
    def used(self):
        return len(self.words) + len(self.tentative)


@pytest.mark.parametrize("depth", [2, 4, 16])
@pytest.mark.parametrize("busy", [0.2, 0.5])
def test_like_a_list(simulate, depth, busy):
    dut, model, rng = WordQueue(depth), Model(), random.Random(depth)
    seen = {"full": 0, "empty": 0, "reverted": 0, "rewound": 0, "read": 0}

    async def testbench(ctx):
        for cycle in range(2000):
            word = (rng.getrandbits(32), rng.getrandbits(1))
            likely = {"valid": busy, "ready": 1.1 - busy, "commit": 0.2, "revert": 0.03, "release": 0.1, "rewind": 0.03}
            drive = {name: int(rng.random() < chance) for name, chance in likely.items()}
            drive["ready"] &= 1 - drive["rewind"]
            ctx.set(dut.i.payload.data, word[0])
            ctx.set(dut.i.payload.last, word[1])
            for signal, name in ((dut.i.valid, "valid"), (dut.o.ready, "ready"), (dut.commit, "commit"),
                                 (dut.revert, "revert"), (dut.release, "release"), (dut.rewind, "rewind")):
                ctx.set(signal, drive[name])
            _, _, room, offered, data, last, empty = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, dut.o.payload.data, dut.o.payload.last, dut.empty)
            assert room == (model.used < depth), cycle
            assert empty == (model.read == len(model.words)), cycle
            if offered:
                assert (data, last) == model.words[model.read], cycle
            popped = offered and drive["ready"]
            seen["full"] += not room
            seen["empty"] += empty
            seen["reverted"] += drive["revert"] and bool(model.tentative)
            seen["rewound"] += drive["rewind"] and model.read > 0
            seen["read"] += popped
            model.end_of_cycle([word] if room and drive["valid"] else [], popped, drive["commit"], drive["revert"],
                               drive["release"], drive["rewind"])

    simulate(dut, testbench)
    assert min(seen.values()) > 4, seen


def test_a_word_is_read_in_three_cycles(simulate):
    dut = WordQueue(8)

    async def testbench(ctx):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.commit, 1)
        await ctx.tick().repeat(8)
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        taken = []
        for cycle in range(24):
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            taken += [cycle] * valid
        assert {after - before for before, after in itertools.pairwise(taken)} == {3}

    simulate(dut, testbench)


@pytest.mark.parametrize("depth", [0, 1, 3, 2.0])
def test_an_impossible_depth_is_refused(depth):
    with pytest.raises(ValueError, match="Depth of a queue must be a power of two from 2 on, not"):
        WordQueue(depth)
