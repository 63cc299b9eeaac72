"""Proofs as tests."""

import pytest

from formal.proofs import PROOFS
from formal.prover import prove


@pytest.fixture
def proves(tmp_path):
    """Outcome of the proof of that name."""
    return lambda name: prove(next(proof for proof in PROOFS if proof.name == name), tmp_path).outcome
