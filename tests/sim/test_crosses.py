"""What a layer can be at once: what the spec says, and networks that have it all."""

import re

import pytest

from sim.crosses import BUILDS, Cross, crosses_of, every_cross, networks, possible, tours, why_impossible
from spec.layer import Role
from spec.supermask import Mode

PLAIN = Cross("inner", 3, 1, "any", False, False, "8", "one")


@pytest.mark.parametrize("changes", [
    {}, {"weights": "ring", "folded": True}, {"stride": 3, "streamed": True}, {"role": "shortcut", "kernel": 1},
    {"role": "pool", "stride": 2, "weights": "none"}, {"role": "classifier", "kernel": 1, "weights": "1of4"},
    {"role": "last", "kernel": 1, "weights": "1of4", "folded": True, "streamed": True, "bits": "fewer"},
])
def test_what_networks_have_is_possible(changes):
    cross = PLAIN._replace(**changes)
    assert cross in possible()
    assert why_impossible(cross) is None


@pytest.mark.parametrize(("changes", "why"), [
    ({"stride": 2, "folded": True}, r"spec.network: Block b changes the shape .* cannot be folded over 2 iterations"),
    ({"weights": "ring", "streamed": True}, "gen.plan streams no layer whose weights are 'ring'"),
    ({"role": "stem"}, "spec.network makes no stem of kernel 3 and stride 1"),
    ({"role": "classifier", "kernel": 1, "folded": True}, "makes no classifier with weights 'any' in a folded block"),
    ({"weights": "none"}, "spec.network makes no inner with weights 'none'"),
])
def test_what_is_impossible_has_the_reason_of_who_refuses_it(changes, why):
    cross = PLAIN._replace(**changes)
    assert cross not in possible()
    assert re.search(why, why_impossible(cross))


def test_every_cross_is_possible_or_has_a_reason():
    reasons = {cross: why_impossible(cross) for cross in every_cross()}
    assert {cross for cross, why in reasons.items() if why is None} == possible()
    assert {cross.weights for cross in possible()} == {*map(str, Mode), "ring", "none"}
    assert {cross.role for cross in possible()} == set(map(str, Role))


@pytest.mark.parametrize("config", BUILDS, ids=["one lane", "two lanes"])
def test_networks_have_all_that_is_possible(config):
    found = set()
    for network, bits in networks():
        found |= crosses_of(network, bits, config)
    lanes = "one" if config.lanes == 1 else "several"
    assert found == {cross for cross in possible() if cross.lanes == lanes}


def test_networks_have_activations_of_all_widths():
    assert {bits for _, bits in networks()} == {4, 5, 6, 7, 8}


def test_a_tour_fits_its_build_and_has_an_image_for_each_lane():
    config = BUILDS[1]
    made, (network, bits) = next(tours(config)), next(networks())
    (program,), (images,) = made.programs(config, trace=True), made.images()
    assert program.model.network == network
    assert {numbers.bits for numbers in program.model.requantizations.values()} == {bits}
    assert len(images) == 2


def test_a_cross_is_readable():
    assert str(PLAIN) == "inner, 3x3, stride 1, any, 8 bits, one lane"
    folded = PLAIN._replace(folded=True, streamed=True, lanes="several", bits="fewer")
    assert str(folded) == "inner, 3x3, stride 1, any, folded, streamed, fewer bits, several lanes"
