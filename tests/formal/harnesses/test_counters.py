"""The proof of formal.harnesses.counters, which takes minutes."""

import pytest


@pytest.mark.slow
def test_it_is_proved(proves):
    assert proves("counters") == "proved"
