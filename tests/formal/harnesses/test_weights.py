"""The quick proofs of formal.harnesses.weights; `make prove` has all."""

import pytest


@pytest.mark.parametrize("name", ["sign-words", "expander", "chunks", "signs-at-power-up"])
def test_it_is_proved(name, proves):
    assert proves(name) == "proved"
