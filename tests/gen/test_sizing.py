"""Memories that just hold a network: the network fits, and one unit less of anything does not."""

import dataclasses

import pytest

from gen.check import problems
from gen.plan import command_count
from gen.sizing import fitted
from spec.block import Stem
from spec.config import MEMORY_LIMITS, config_for
from spec.hourglass import hourglass
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network, rings_of_stages

SMALL = residual_network("small", image=(16, 16, 3), classes=10, widths=(16, 40), iterations=(2, 3))


def found(network, config):
    commands = command_count(network, config.lanes, traced=True)
    return [str(p) for p in problems(synthetic_model(network, 1), config, commands=commands)]


@pytest.mark.parametrize("pe", [16, 64, 256])
def test_it_fits_and_not_a_unit_less_would(pe):
    config = fitted(config_for(pe), SMALL)
    assert found(SMALL, config) == []
    for name, memory in (("x_bytes", "X"), ("t_bytes", "T"), ("entries", "entry"), ("commands", "program")):
        unit = MEMORY_LIMITS[name][0](config)
        less = dataclasses.replace(config, **{name: getattr(config, name) - unit})
        (problem,) = found(SMALL, less)
        assert f"{memory} memory" in problem
        assert f"--{name.replace('_', '-')} {getattr(config, name)}" in problem


def test_rings_fit_and_not_a_unit_less_would():
    network = rings_of_stages(SMALL, words=21, planes=3)  # the second begins 64 words after the first
    config = fitted(config_for(16), SMALL, network)
    assert config.ring_words == 128
    assert found(network, config) == []
    (problem,) = found(network, dataclasses.replace(config, ring_words=112))
    assert problem == (
        "network: needs 127 words of ring memory, 15 more than the 112 there are; build with --ring-words 128, or give "
        "its rings fewer words or planes"
    )


def test_residuals_of_half_the_size_come_with_a_network_that_adds_them():
    one = hourglass("h", image=(8, 8, 1), joints=3, width=8, depth=1, stem=Stem(3, 1, 1, 8))
    other = residual_network("t", image=(4, 4, 1), classes=2, widths=(4,), iterations=(0,))
    assert [fitted(config_for(16), *networks).upsample for networks in ((one,), (other,), (other, one))] == [
        True, False, True
    ]
    assert fitted(config_for(16, upsample=True), other).upsample


def test_no_mask_is_streamed():
    config = fitted(config_for(64, mask_bits=1024), SMALL)
    (mask_unit, _, _) = MEMORY_LIMITS["mask_bits"]
    padded = config.word_bytes * config.rows
    assert config.mask_bits % mask_unit(config) == 0
    assert config.mask_bits >= sum(layer.weight_count for layer in SMALL.layers)
    assert config.mask_bits < sum(layer.weight_count + layer.kernel**2 * 4 * padded for layer in SMALL.layers)


def test_small_networks_get_the_least_memories():
    tiny = residual_network("tiny", image=(1, 1, 1), classes=2, widths=(4,), iterations=(0,), mode=Mode.ANY)
    config = fitted(config_for(16), tiny)
    assert (config.x_bytes, config.t_bytes, config.entries) == (256, 256, 16)


def test_several_networks_each_fit():
    other = residual_network("other", image=(8, 8, 1), classes=100, widths=(96,), iterations=(5,), mode=Mode.ANY)
    config = fitted(config_for(64), SMALL, other)
    alone = [fitted(config_for(64), network) for network in (SMALL, other)]
    for name in MEMORY_LIMITS:
        assert getattr(config, name) == max(getattr(one, name) for one in alone)


def test_everything_else_stays():
    before = config_for(128, psum_depth=40, weight_rows=4, modes=(Mode.ANY,))
    after = fitted(before, SMALL)
    assert all(
        getattr(after, field.name) == getattr(before, field.name)
        for field in dataclasses.fields(before) if field.name not in MEMORY_LIMITS
    )


def test_a_network_beyond_every_build_is_refused():
    huge = residual_network("huge", image=(1900, 1900, 1), classes=2, widths=(17,), iterations=(0,))
    with pytest.raises(Refused, match="Network huge needs x_bytes of 115520000, but a build has at most 67108864"):
        fitted(config_for(16), huge)
