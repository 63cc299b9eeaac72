"""Fields of commands are as wide as a build needs: commands of random programs fit, and some fill their fields."""

import dataclasses
from random import Random

import pytest

from gen.compile import compile_model
from gen.sizing import fitted
from sim.random_models import draw, random_config
from spec.commands import FIELDS, Op, decode
from spec.config import config_for
from spec.extents import field_bits
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

_WIDTHS = {field.name: field.width for field in FIELDS}

#: Fields that mean something, by command; those that share their bits with others mean nothing there.
_LAYER = (
    "height", "width", "out_width", "blocks", "run", "last_run", "pixel_tiles", "tiles", "last_rows", "last_groups",
)
_MEANT = {
    Op.CONV: (*_LAYER, "out_pixels", "out_step", "entry_base"), Op.CLASSIFY: _LAYER,
    Op.MAXPOOL: ("height", "width", "out_width", "out_pixels", "blocks"), Op.STORE: ("count",),
    Op.LOOP: ("entry_step",),
}


def _extents(program):
    """Bits of every field that means something in a command of ``program``."""
    seen = [
        (name, decode(command.words)[name]) for command in program.commands for name in _MEANT.get(command.op, ())
    ]
    return {name: max(value for other, value in seen if other == name).bit_length() for name, _ in seen}


@pytest.mark.parametrize("number", range(12))
def test_fields_of_random_programs_have_all_their_bits(number):
    rng = Random(number)
    config = random_config(rng, number)
    bits = field_bits(config)
    for program in draw(config, rng).programs(config, trace=True):
        assert {name: needed for name, needed in _extents(program).items() if needed > bits[name]} == {}


def test_a_build_for_one_network_fills_some():
    network = residual_network("small", image=(16, 16, 3), classes=10, widths=(16, 40), iterations=(2, 3))
    config = fitted(config_for(16), network)
    bits, needed = field_bits(config), _extents(compile_model(synthetic_model(network, 1), config, trace=True))
    assert all(bits[name] >= need for name, need in needed.items())
    assert {name for name, need in needed.items() if bits[name] == need} >= {"last_rows", "last_groups", "entry_base"}


def test_bits_of_a_build():
    config = config_for(16, x_bytes=4096, t_bytes=2048, entries=512)
    bits = field_bits(config)
    assert {name: bits[name] for name in ("height", "run", "out_pixels", "pixel_tiles", "tiles", "entry_base")} == {
        "height": 9, "run": 9, "out_pixels": 9, "pixel_tiles": 3, "tiles": 8, "entry_base": 7,
    }
    assert (bits["count"], bits["last_rows"], bits["last_groups"]) == (11, 3, 3)
    assert bits["seed"] == 32
    large = dataclasses.replace(config, x_bytes=1 << 26, entries=1 << 20)
    assert {name for name, width in field_bits(large).items() if width > _WIDTHS[name]} == set()
