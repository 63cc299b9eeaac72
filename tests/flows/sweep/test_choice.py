"""The chosen build: which it is, the options that make it, and that a simulation of another one is no proof."""

import argparse

import pytest

from flows.sweep.choice import Unverified, chosen, options_of, verify
from flows.sweep.points import Point
from gen.options import add_build_options, config_from
from spec.config import config_for

BEST = [Point("1of4", config_for(pe), 100.0 / pe, float(pe), {"lut": pe}, ()) for pe in (16, 32, 64)]


def test_the_fastest_or_the_cheapest_that_is_fast_enough():
    assert chosen(BEST, 0.0) is BEST[-1]
    assert chosen(BEST, 10.0) is BEST[0]
    assert chosen([], 0.0) is None


@pytest.mark.parametrize("config", [
    config_for(16), config_for(256, x_bytes=1024, weight_rows=4),
    config_for(64, groups=4, rows=8, lanes=2, psum_depth=100, entries=64, mask_bits=4096, ring_words=32),
])
def test_options_make_the_build(config):
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    assert config_from(parser.parse_args(options_of(config))) == config


def test_a_simulation_that_fails_is_told(tmp_path):
    with pytest.raises(Unverified, match=r"sim\.run .*nowhere\.safetensors --pe 16 .* failed"):
        verify(tmp_path / "nowhere.safetensors", BEST[0], tmp_path)
