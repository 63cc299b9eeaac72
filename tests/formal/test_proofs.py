"""The list of proofs: names, claims, and a wrong version for each."""

from pathlib import Path

from formal.mutants import load
from formal.proof import SOLVERS
from formal.proofs import PROOFS


def test_names_are_unique_and_claims_are_sentences():
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)
    assert all(proof.claim[0].isupper() and proof.claim.endswith(".") for proof in PROOFS)
    assert all(proof.solver in SOLVERS for proof in PROOFS)


def test_every_proof_kills_a_mutant():
    assert {mutant.proof for mutant in load()} == {proof.name for proof in PROOFS}


def test_the_quick_proofs_are_tests():
    """In tests/formal/harnesses, by name."""
    texts = "".join(path.read_text() for path in Path(__file__).with_name("harnesses").glob("test_*.py"))
    assert [proof.name for proof in PROOFS if proof.quick and f'"{proof.name}"' not in texts] == []
