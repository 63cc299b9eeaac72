"""The quick proofs of formal.harnesses.lane; `make prove` has all."""

import pytest


@pytest.mark.parametrize("name", ["shifts-left", "shifts-right", "shifts-right-ring"])
def test_it_is_proved(name, proves):
    assert proves(name) == "proved"
