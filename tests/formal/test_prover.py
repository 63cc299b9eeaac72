"""Verdicts: what is true is proved, what is not is refuted with a waveform, and what says nothing is told apart."""

import importlib.metadata
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal

from formal import prover
from formal.harness import free
from formal.proof import SOLVERS, Proof
from spec.refusal import Refused


class Counts(Elaboratable):
    """A counter to 5 that a free input holds, with claims of the test."""

    def __init__(self, claims):
        self.claims = claims

    def elaborate(self, platform):
        m = Module()
        count, go = Signal(4), Signal()
        free(m, go)
        with m.If(go):
            m.d.sync += count.eq(count + 1)
        with m.If(go & (count == 5)):
            m.d.sync += count.eq(0)
        m.d.comb += self.claims(count, go)
        return m


def verdict(folder, *claims, **settings):
    proof = Proof("counts", lambda: Counts(lambda count, go: [claim(count, go) for claim in claims]), "", **settings)
    return prover.prove(proof, folder)


def cover(count, go):
    return Cover(count == 5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_holds_for_all_time_is_proved(solver, tmp_path):
    assert verdict(tmp_path, lambda count, go: Assert(count <= 5), cover, solver=solver).outcome == prover.PROVED


@pytest.mark.parametrize(("claim", "depth", "outcome"), [
    (lambda count, go: Assert(count != 1), 3, prover.REFUTED),
    (lambda count, go: Assert(count <= 4), 2, prover.REFUTED),  # found beyond the depth
    (lambda count, go: Assert(count != 9), 2, prover.NOT_INDUCTIVE),
    (lambda count, go: Assume(count[0] & ~count[0]), 2, prover.EMPTY),
    (lambda count, go: Assume(count < 3), 2, prover.EMPTY),  # what is to happen cannot
])
def test_what_is_no_proof_says_why(claim, depth, outcome, tmp_path):
    found = verdict(tmp_path, claim, cover, depth=depth)
    assert found.outcome == outcome
    assert (found.waveform != "") == (outcome in (prover.REFUTED, prover.NOT_INDUCTIVE))
    assert not found.waveform or "$enddefinitions" in Path(found.waveform).read_text()


def test_a_bounded_proof_looks_at_the_first_cycles_alone(tmp_path):
    found = verdict(tmp_path, lambda count, go: Assert(count != 9), cover, bounded="no invariant", depth=8)
    assert found.outcome == prover.PROVED


def test_a_missing_tool_is_named_with_its_remedy(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(Refused, match=r"^Proofs need amaranth, .*: pip install amaranth$"):
        prover.check_tools()


def test_z3_without_its_program_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(Refused, match="pip install --force-reinstall z3-solver"):
        prover.check_tools()
