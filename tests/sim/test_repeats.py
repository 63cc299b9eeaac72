"""Blocks that are there again: groups that may be, and stacks that are loops."""

from random import Random

import pytest

from gen.loops import loops_of
from sim.repeats import repeated, stacks
from spec.block import Block
from spec.layer import Scale
from spec.sharing import check_sharing

BLOCKS = [
    Block("a", 8, iterations=2), Block("b", 16), Block("k", 16, scale=Scale.DOWN), Block("c", 16),
    Block("u", 16, scale=Scale.UP), Block("d", 8), Block("e", 5, 2),
]


@pytest.fixture(scope="module")
def drawn():
    return [repeated(BLOCKS, 8, Random(seed)) for seed in range(300)]


def test_what_is_there_again_may_use_the_weights(drawn):
    for blocks in drawn:
        check_sharing(8, blocks)
        assert [block for block in blocks if not block.weights_of] == BLOCKS
        names = [block.name for block in blocks]
        assert len(set(names)) == len(names)


def test_every_map_is_still_taken_by_who_took_it(drawn):
    for blocks in drawn:
        kept = []
        for block in blocks:
            if block.scale.keeps:
                kept.append(block.name[1:])  # behind the first letter is which copy it is of
            elif block.scale.takes:
                assert kept.pop() == block.name[1:]
        assert kept == []


def test_groups_are_of_all_lengths_and_at_all_places(drawn):
    first = [[b.weights_of for b in blocks if b.weights_of] for blocks in drawn]
    assert [] in first
    groups = {tuple(dict.fromkeys(names)) for names in first if names}
    assert {("a",), ("c",), ("k", "c", "u"), ("b", "k", "c", "u", "d"), ("a", "b", "k", "c", "u", "d")} <= groups
    assert all("e" not in names for names in groups)
    assert {names.count("a") for names in first} >= {0, 1, 2, 3}
    behind = {blocks[[b.weights_of for b in blocks].index("a") - 1].name for blocks in drawn
              if any(b.weights_of == "a" for b in blocks)}
    assert {"a", "d"} <= behind
    assert {b.iterations for blocks in drawn for b in blocks if b.weights_of == "a"} == {1, 2, 3, 4}
    assert {b.iterations for blocks in drawn for b in blocks if b.weights_of == "c"} == {1}


def test_stacks_are_loops():
    loops = [[(len(turns), len(turns[0])) for turns in loops_of(network) if turns[1:]] for network in stacks()]
    assert loops == [[(3, 10)], [(2, 10)], [(2, 12)]]
    assert [bool(network.rings) for network in stacks()] == [False, True, False]
