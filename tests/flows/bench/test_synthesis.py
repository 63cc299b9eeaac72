"""A synthesis that fails says what it printed; one that works is a record of its build."""

import json

import pytest

from flows.bench.synthesis import synthesized


def test_a_build_that_cannot_be_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"^-m flows\.synth --pe 17 --out .* failed:"):
        synthesized(("--pe", "17"), tmp_path)


@pytest.mark.slow
def test_the_record_is_of_the_build(tmp_path):
    path = synthesized(("--pe", "16", "--protect", "none"), tmp_path)
    assert json.loads(path.read_text())["config"]["protect"] is False
