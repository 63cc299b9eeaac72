"""Which blocks are loops: of shared ones as many as can be, and none whose turns would differ in more than entries."""

import dataclasses
from collections import Counter
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.compile import compile_model
from gen.loops import loops_of
from gen.plan import command_count
from sim.random_models import draw, random_config
from spec.block import Block, Stem
from spec.commands import Op, decode
from spec.hourglass import hourglass
from spec.layer import Scale
from spec.network import Network
from spec.supermask import Mode
from spec.synthetic import synthetic_model

POSE = {"image": (8, 8, 1), "joints": 3, "width": 8, "depth": 2, "stem": Stem(3, 1, 1, 8)}
DOWN, UP, KEEP, JOIN = Scale.DOWN, Scale.UP, Scale.KEEP, Scale.JOIN


def build(*described, image=(9, 6, 1)):
    """Network of blocks given as ``name``, width, iterations and scale; ``b2`` has the weights of ``b``."""
    names, blocks, channels = ["stem", "classifier"], [], 8
    for name, width, iterations, scale, *stride in described:
        other = name.rstrip("0123456789") if name[-1].isdigit() else ""
        blocks.append(Block(name, width, *(stride or [1]), iterations, scale=scale, weights_of=other))
        if not other:
            names += [f"{name}.{part.name}" for part in blocks[-1].convolutions(channels)]
        channels = width
    return Network("t", 1, image, Stem(3, 1, 1, 8), tuple(blocks), 3, 0.5, dict.fromkeys(names, Mode.ANY))


def plain(name, width=8, iterations=1, scale=Scale.SAME):
    return name, width, iterations, scale


def said(net):
    """Loops as text: turns x runs of the first one."""
    return [
        f"{len(turns)} x {' '.join(f'{run.block.name}.{run.iteration}' for run in turns[0])}" for turns in loops_of(net)
    ]


CASES = {
    "nothing shared": ([plain("a"), plain("b")], ["1 x a.0", "1 x b.0"]),
    "recurrent": ([plain("a", iterations=3), plain("b")], ["3 x a.0", "1 x b.0"]),
    "a block again": ([plain("a"), plain("a1")], ["2 x a.0"]),
    "more iterations": ([plain("a", iterations=2), plain("a1"), plain("a2", iterations=4)], ["7 x a.0"]),
    "apart": ([plain("a"), plain("b"), plain("a1")], ["1 x a.0", "1 x b.0", "1 x a1.0"]),
    "a group three times": (
        [plain("a"), plain("b"), plain("a1"), plain("b1"), plain("a2"), plain("b2")], ["3 x a.0 b.0"]
    ),
    "another order": (
        [plain("a"), plain("b"), plain("b1"), plain("a1")], ["1 x a.0", "2 x b.0", "1 x a1.0"]
    ),
    "the longer loop": (
        [plain("a"), plain("b"), plain("c"), plain("a1"), plain("b1"), plain("c1"), plain("c2")],
        ["2 x a.0 b.0 c.0", "1 x c2.0"],
    ),
    "the longer turn": (  # not a loop of the first two
        [plain("a"), plain("a1"), plain("b"), plain("a2"), plain("a3"), plain("b1")], ["2 x a.0 a1.0 b.0"]
    ),
    "unrolled within the group": (
        [plain("a"), plain("b", iterations=2), plain("c"), plain("a1"), plain("b1", iterations=2), plain("c1")],
        ["2 x a.0 b.0 b.1 c.0"],
    ),
    "unrolled around the block": (
        [plain("a"), plain("b", iterations=9), plain("a1"), plain("b1", iterations=9)],
        ["1 x a.0", "9 x b.0", "1 x a1.0", "9 x b1.0"],
    ),
    "not as often": (
        [plain("a"), plain("b", iterations=2), plain("a1"), plain("b1", iterations=3)],
        ["1 x a.0", "2 x b.0", "1 x a1.0", "3 x b1.0"],
    ),
    "scales": (
        [plain("a", scale=DOWN), plain("b", scale=UP), plain("a1", scale=DOWN), plain("b1", scale=UP)],
        ["2 x a.0 b.0"],
    ),
    "another scale": ([plain("a"), plain("b"), plain("a1", scale=KEEP), plain("b1", scale=JOIN)],
                      ["1 x a.0", "1 x b.0", "1 x a1.0", "1 x b1.0"]),
    "another size": (  # a smaller map
        [plain("a"), plain("d", scale=DOWN), plain("a1"), plain("u", scale=UP)],
        ["1 x a.0", "1 x d.0", "1 x a1.0", "1 x u.0"],
    ),
    "smaller each time": (
        [("a", 8, 1, Scale.SAME, 2), ("b", 8, 1, Scale.SAME, 2), ("a1", 8, 1, Scale.SAME, 2),
         ("b1", 8, 1, Scale.SAME, 2)],
        ["1 x a.0", "1 x b.0", "1 x a1.0", "1 x b1.0"],
    ),
    "maps left over": (
        [plain("a", scale=KEEP), plain("a1", scale=KEEP), plain("b", scale=JOIN), plain("b1", scale=JOIN)],
        ["1 x a.0", "1 x a1.0", "1 x b.0", "1 x b1.0"],
    ),
    "there and back": (  # the stream changes ends twice
        [plain("a", 16), plain("b"), plain("a1", 16), plain("b1")], ["2 x a.0 b.0"]
    ),
    "to the other end": (  # three times
        [plain("a", 16), plain("b", 12), plain("c"), plain("a1", 16), plain("b1", 12), plain("c1")],
        ["1 x a.0", "1 x b.0", "1 x c.0", "1 x a1.0", "1 x b1.0", "1 x c1.0"],
    ),
    "ends within brackets": (  # do not count: what was kept is where it was
        [plain("k", scale=KEEP), plain("a", 16), plain("b", 12), plain("c"), plain("j", scale=JOIN),
         plain("k1", scale=KEEP), plain("a1", 16), plain("b1", 12), plain("c1"), plain("j1", scale=JOIN)],
        ["2 x k.0 a.0 b.0 c.0 j.0"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loops_of_blocks(name):
    described, expected = CASES[name]
    assert said(build(*described)) == expected


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([1, 1, 1, 2])), min_size=1, max_size=9))
@settings(max_examples=200, derandomize=True)
def test_no_other_way_takes_fewer_commands(blocks):
    """Of all ways to cut blocks of two commands into loops."""
    @cache
    def fewest(first):
        if first == len(blocks):
            return 0
        ways = [2 + 2 * (blocks[first][1] > 1) + fewest(first + 1)]
        for size in range(1, len(blocks) - first):
            turn = blocks[first : first + size]
            for end in range(first + 2 * size, len(blocks) + 1, size):
                turns = [blocks[start : start + size] for start in range(first, end, size)]
                if size == 1 and len({name for (name, _), in turns}) == 1:
                    ways.append(2 + 2 + fewest(end))
                elif all(other == turn for other in turns):
                    ways.append(2 + sum(2 * runs for _, runs in turn) + fewest(end))
        return min(ways)

    seen = Counter()
    described = []
    for name, runs in blocks:
        described.append(plain(f"{name}{seen[name] or ''}", iterations=runs))
        seen[name] += 1
    assert command_count(build(*described), 1) == 4 + fewest(0)  # stem, classifier, store and halt


def test_many_blocks_take_no_time():
    """As many as there may be: some 500,000 comparisons, where trying every group took two minutes."""
    of_one = build(plain("a"), *(plain(f"a{i}") for i in range(1, 1024)))
    assert [len(turns) for turns in loops_of(of_one)] == [255, 255, 255, 255, 4]


def test_every_run_of_every_block_is_in_a_loop_once():
    net = hourglass("h", stacks=3, iterations=2, shared=True, **POSE)
    runs = [(run.block.name, run.iteration) for turns in loops_of(net) for turn in turns for run in turn]
    assert runs == [(block.name, t) for block in net.blocks for t in range(block.iterations)]


def test_a_loop_counts_to_255_and_goes_on_in_another():
    described = [plain("a", iterations=200), *(plain(f"a{i}", iterations=50) for i in range(1, 4))]
    assert [len(turns) for turns in loops_of(build(*described))] == [250, 100]
    pairs = [plain(f"{name}{i or ''}") for i in range(9) for name in "ab"]
    assert said(build(*pairs)) == ["9 x a.0 b.0"]
    many = build(*(plain(name) for name in "ab"))
    copies = [dataclasses.replace(b, name=f"{b.name}{i}", weights_of=b.name) for i in range(256) for b in many.blocks]
    assert sorted(map(len, loops_of(dataclasses.replace(many, blocks=(*many.blocks, *copies))))) == [2, 255]


@pytest.mark.parametrize(("shared", "count"), [(False, 68), (True, 30)])
def test_commands_of_three_stacks(fitting, shared, count):
    """Stem, enter, maps, store, halt: 6. A stack has 22, its loop 2 more; without begin and join 18."""
    net = hourglass("h", stacks=3, shared=shared, **POSE)
    program = compile_model(synthetic_model(net, 1), fitting(net))
    assert count == (6 + 22 + 2 if shared else 6 + 18 + 2 * 22)
    assert len(program.commands) == command_count(net, 1) == count


@pytest.fixture(scope="module")
def programs():
    """Of random networks on random builds, traced and plain."""
    found = []
    for number in range(32):
        config = random_config(Random(number), number % 8)
        found += draw(config, Random(100 + number)).programs(config, trace=bool(number % 2))
    return found


def test_turns_differ_in_their_entries_alone(programs):
    """In what is executed, each turn is what the hardware makes of the loop: ``entry_step`` rows on, nothing else."""
    loops = 0
    for program in programs:
        network = program.model.network
        assert command_count(network, program.config.lanes, traced=program.traced) == len(program.commands)
        ran = [(c.placed.layer.name, t) for c, t in program.executed if c.op in (Op.CONV, Op.CLASSIFY, Op.MAXPOOL)]
        assert ran == [(step.layer.name, step.iteration) for step in network.steps]
        step = None
        for command in program.commands:
            if command.op is Op.LOOP:
                step, turns = command.fields["entry_step"], command.fields["iterations"]
                loops += len(network.users) < len(network.layers)
            elif command.op is Op.ENDLOOP:
                step = None
            assert len(command.later) == (turns - 1 if step is not None and command.op is not Op.LOOP else 0)
            for turn, later in enumerate(command.later, 1):
                found = decode(later.words)
                found["entry_base"] -= turn * step if command.op is Op.CONV else 0
                assert found == decode(command.words), later.label
    assert loops > 5


def test_a_program_is_never_longer_than_unrolled(programs):
    for program in programs:
        computed = [c for c in program.commands if c.op in (Op.CONV, Op.CLASSIFY, Op.MAXPOOL)]
        around = sum(c.op in (Op.LOOP, Op.ENDLOOP) for c in program.commands)
        assert len(computed) + around <= len(program.model.network.steps)
