"""What harnesses are made of: a component stays as it is, and everything in it is in reach."""

import pytest
from amaranth.hdl import Module, Signal

from formal.harness import Inside, rtlil_of
from formal.proofs import PROOFS
from rtl.accelerator import Core
from rtl.host.counters import Counters
from rtl.serial.word_queue import WordQueue
from spec.config import config_for


def inside(component):
    return Inside(Module(), component)


def test_registers_are_found_by_name_and_place():
    queue = inside(WordQueue(4))
    assert len(queue["written"]) == 3
    assert len(queue["ram.fetched"]) == 33
    assert len(queue.peek("ram.memory", Signal(2))) == 33


@pytest.mark.parametrize("path", ["nothing", "ram.nothing"])
def test_a_name_that_is_not_there_is_an_error(path):
    with pytest.raises(KeyError, match="0 signals are called"):
        inside(WordQueue(4))[path]


def test_what_is_no_memory_has_no_words():
    with pytest.raises(KeyError, match="ram is no memory"):
        inside(WordQueue(4)).peek("ram", Signal(2))


def test_registers_without_a_name_are_found_by_width():
    assert len(inside(Counters()).unnamed(9)) == 9
    with pytest.raises(IndexError):
        inside(Counters()).unnamed(5)


def test_a_part_that_is_cut_out_puts_out_anything():
    core = inside(Core(config_for(16)))
    core.cut("engine.lane0")
    lane = core._at(["engine", "lane0"])
    assert lane.subfragments == []
    assert set(lane.statements) == {"comb"}


@pytest.mark.parametrize("proof", [
    pytest.param(proof, id=proof.name, marks=() if proof.quick else pytest.mark.slow) for proof in PROOFS
])
def test_the_same_harness_gives_the_same_text_with_claims_and_cases_in_it(proof):
    text = rtlil_of(proof.harness())
    assert text == rtlil_of(proof.harness())
    assert 'FLAVOR "assert"' in text
    assert 'FLAVOR "cover"' in text
