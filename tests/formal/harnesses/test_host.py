"""The quick proofs of formal.harnesses.host; `make prove` has all."""

import pytest


@pytest.mark.parametrize("name", [
    "axi-answers", "starts", "frames", "frames-apart", "loader", "loader-lanes", "loader-abort", "clear",
])
def test_it_is_proved(name, proves):
    assert proves(name) == "proved"
