"""Every option of a build reaches its configuration."""

import argparse
import dataclasses

import pytest

from gen.options import add_build_options, config_from
from gen.sizing import fitted
from spec.config import AcceleratorConfig, config_for
from spec.refusal import Refused
from spec.supermask import Mode
from spec.topologies import residual_network, rpg

#: A value other than the default of a 64-PE build for every field.
OTHER = {
    "groups": 8, "rows": 4, "lanes": 2, "weight_rows": 2, "psum_depth": 100, "x_bytes": 64 * 100, "t_bytes": 64 * 50,
    "mask_bits": 64 * 3200, "entries": 16 * 99, "commands": 77, "modes": (Mode.TWO_OF_FOUR, Mode.ANY),
    "ring_words": 4096, "protect": False, "counters": "total", "max_pool": False, "streams": False,
    "rows_per_requantizer": 4, "upsample": True, "psum_bits": 21,
    "watchdog": False,
}


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    return config_from(parser.parse_args(list(arguments)))


def as_options(fields):
    special = {"modes": ",".join, "protect": {False: "none", True: "parity"}.get}
    for name, value in fields.items():
        if name in ("max_pool", "streams", "watchdog"):
            yield f"--no-{name.replace('_', '-')}"
            continue
        if name == "upsample":
            yield "--upsample"
            continue
        yield from (f"--{name.replace('_', '-')}", special.get(name, str)(value))


def test_defaults_are_those_of_the_named_shape():
    assert parsed() == config_for(16)
    assert parsed("--pe", "256") == config_for(256)
    assert parsed("--pe", "4096") == config_for(4096) == parsed("--pe", "4096", "--lanes", "4")


def test_every_field_has_an_option():
    assert set(OTHER) == {field.name for field in dataclasses.fields(AcceleratorConfig)}
    assert parsed("--pe", "64", *as_options(OTHER)) == AcceleratorConfig(**OTHER)


@pytest.mark.parametrize("name", sorted(set(OTHER) - {"groups", "rows", "lanes"}))
def test_one_option_changes_one_field(name):
    got = parsed("--pe", "64", *as_options({name: OTHER[name]}))
    assert got == dataclasses.replace(config_for(64), **{name: OTHER[name]})
    assert got != config_for(64)


LEAN = {"counters": "total", "max_pool": False, "streams": False, "protect": False, "watchdog": False}


def test_a_lean_build_leaves_out_what_it_can_but_for_what_is_given():
    assert parsed("--lean") == parsed(*as_options(LEAN)) == config_for(16, **LEAN)
    assert parsed("--lean", "--counters", "all") == config_for(16, **LEAN | {"counters": "all"})
    assert parsed("--lean", "--protect", "parity", "--no-streams") == config_for(16, **LEAN | {"protect": True})


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--modes", "any,3of4"], "--modes must be some of any,2of4,1of4,max1of4, not 'any,3of4'"),
    (["--modes", ""], "--modes must be some of any,2of4,1of4,max1of4, not ''"),
    (["--groups", "4"], "Give both groups"),
    (["--pe", "17"], "There is no named shape of 17 PEs"),
    (["--pe", "16", "--groups", "4", "--rows", "8"], "4 groups x 8 rows make 32 PEs, not 16"),
    (["--lanes", "2"], "There is no named shape of 16 PEs in 2 lanes"),
    (["--lanes", "3"], "lanes (L) must be a power of two from 1 to 8, not 3"),
    (["--features", "masks,ring"], "--features with ring needs --ring-words N, or --fit and a model with a ring"),
    (["--features", "masks", "--ring-words", "16"], "--features without ring contradicts a ring memory of 16 words"),
    (["--features", "ring"], "--features must be masks or masks,ring, not 'ring'"),
    (["--features", "masks,rings"], "--features must be masks or masks,ring, not 'masks,rings'"),
    (["--ring-words", "17"], "ring_words must be a multiple of 16, from 0 to 2097152, not 17"),
])
def test_impossible_builds_are_refused(arguments, sentence):
    with pytest.raises(Refused) as refusal:
        parsed(*arguments)
    assert sentence in str(refusal.value)


def test_features_say_what_the_ring_memory_says_too():
    plain, ring = parsed("--features", "masks"), parsed("--features", "masks,ring", "--ring-words", "32")
    assert plain == config_for(16)
    assert ring == parsed("--ring-words", "32") == config_for(16, ring_words=32)
    network = rpg(residual_network("t", image=(4, 4, 1), classes=3, widths=(4,), iterations=(2,)), words=9, planes=2)
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    fit = config_from(parser.parse_args(["--features", "masks,ring", "--fit"]), network)
    assert fit.ring_words == 32
    with pytest.raises(Refused, match="--features without ring contradicts a ring memory of 32 words"):
        config_from(parser.parse_args(["--features", "masks", "--fit"]), network)


def test_fit_gives_every_class_a_psum_unless_told_otherwise():
    network = residual_network("t", image=(4, 4, 1), classes=1000, widths=(4,), iterations=(0,))
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    assert config_from(parser.parse_args(["--fit"]), network).psum_depth == 250
    assert config_from(parser.parse_args(["--fit", "--psum-depth", "20"]), network).psum_depth == 20


def test_fit_sizes_the_memories_for_the_model():
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(16,), iterations=(2,))
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    options = parser.parse_args(["--pe", "64", "--fit", "--psum-depth", "20"])
    assert config_from(options, network) == fitted(config_for(64, psum_depth=20), network)
    with pytest.raises(Refused, match="Option --fit needs a model"):
        config_from(options)
    options = parser.parse_args(["--pe", "64", "--fit", "--entries", "64"])
    with pytest.raises(Refused, match="--fit and --entries contradict"):
        config_from(options, network)
