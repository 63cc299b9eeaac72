"""The chosen build: which it is, the options that make it, and that a simulation of another one is no proof."""

import argparse
from dataclasses import replace

import pytest

from flows.sweep.choice import Unverified, chosen, options_of, verify
from flows.sweep.points import Point
from gen.compile import compile_model
from gen.cycles import predict
from gen.options import add_build_options, config_from
from spec.config import config_for
from spec.model import load

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


@pytest.mark.slow
def test_a_simulation_proves_the_cycles_of_the_sweep_and_no_others(tmp_path, model_file):
    cycles = predict(compile_model(load(model_file), BEST[0].config)).total
    point = replace(BEST[0], cycles=float(cycles))
    assert f"{cycles:,} cycles per image are as predicted" in verify(model_file, point, tmp_path)
    with pytest.raises(Unverified, match=f"{cycles:,}.0 cycles measured, {cycles + 1:,}.0 in the sweep"):
        verify(model_file, replace(point, cycles=cycles + 1.0), tmp_path)
