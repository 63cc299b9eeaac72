"""A synthesis that fails says what it printed; one that works is a record of its build."""

import json

import pytest

from flows.bench.synthesis import memory_options, synthesized
from flows.synth.__main__ import parser
from gen.options import config_from
from spec.config import config_for


def test_a_build_that_cannot_be_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"^-m flows\.synth --pe 17 --out .* failed:"):
        synthesized(("--pe", "17"), tmp_path)


def test_options_give_every_memory():
    config = config_for(16, x_bytes=2048, t_bytes=4096, mask_bits=8192, entries=512, commands=33, ring_words=64)
    assert config_from(parser().parse_args(["--pe", "16", *memory_options(config)])) == config


@pytest.mark.slow
def test_the_record_is_of_the_build(tmp_path):
    path = synthesized(("--pe", "16", "--protect", "none"), tmp_path)
    assert json.loads(path.read_text())["config"]["protect"] is False
