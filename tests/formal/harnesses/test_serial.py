"""The quick proofs of formal.harnesses.serial; `make prove` has all."""

import pytest


@pytest.mark.parametrize("name", ["word-queue", "words-at-power-up"])
def test_it_is_proved(name, proves):
    assert proves(name) == "proved"
