"""What is drawn: everything that there is, on builds that meet it, the same from the same seed."""

from random import Random

import pytest

from gen.check import problems
from sim import fuzz
from sim.random_models import FEATURES, draw, features_of, random_config
from spec.config import AcceleratorConfig
from spec.model import load, save


@pytest.mark.parametrize("seed", [1, 2, 3])  # 1 is the command's own
def test_sixty_draws_have_every_feature(seed):
    assert [name for name, count in fuzz.coverage(fuzz.rounds(60, seed)).items() if count == 0] == []


def test_what_was_never_drawn_is_said():
    counts = fuzz.coverage(fuzz.rounds(1, 1))
    missing = [name for name, count in counts.items() if count == 0]
    assert 0 < len(missing) < len(FEATURES)
    assert fuzz.never_drawn(counts) == f"Never drawn: {', '.join(missing)}; draw more networks, or from another seed"
    assert fuzz.never_drawn(dict.fromkeys(counts, 1)) is None


def test_few_builds_have_lanes_rings_and_little_memory():
    builds = [random_config(Random(number), number) for number in range(4)]
    assert [config.lanes > 1 for config in builds] == [True, True, False, False]
    assert [config.ring_words > 0 for config in builds] == [True, True, False, True]
    assert [config.mask_bits < AcceleratorConfig.mask_bits for config in builds] == [False, True, False, True]


def test_sizes_fit_before_parts_are_drawn_again():
    """So networks of many blocks are no rarer than others."""
    rng, config = Random(0), random_config(Random(1), 1)
    blocks = [len(model.network.blocks) for _ in range(40) for model in draw(config, rng).models]
    assert blocks.count(0) < len(blocks) / 3  # of four counts
    assert blocks.count(3) > len(blocks) / 8


@pytest.mark.parametrize("number", [0, 1])
def test_a_draw_fits_its_build_and_comes_again(number, tmp_path):
    config = random_config(Random(4), number)
    made, again = (draw(config, Random(9)) for _ in range(2))
    for model, other in zip(made.models, again.models, strict=True):
        path = save(model, tmp_path / "a.safetensors")
        assert load(path).hash == other.hash
    for program, images in zip(made.programs(config, trace=True), made.images(), strict=True):
        assert problems(program.model, config, commands=len(program.commands)) == []
        assert 1 <= len(images) <= config.lanes
    assert features_of(made, config) == features_of(again, config) <= set(FEATURES)


def test_programs_of_a_draw_do_not_meet():
    rng, config = Random(0), random_config(Random(0), 0)
    programs = [draw(config, rng).programs(config, trace=False) for _ in range(30)]
    pairs = [drawn for drawn in programs if len(drawn) > 1]
    assert pairs
    for first, second in pairs:
        assert second.start == first.start + len(first.commands)
        assert second.plan.mask_unit >= first.plan.mask_unit + first.plan.mask_units
        assert second.plan.layers[0].entry_row == first.plan.entry_rows
