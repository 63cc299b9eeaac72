"""Who shares which ring, and how large it is."""

import pytest

from spec.refusal import Refused
from spec.topologies import rpg
from train.nets.addressing import Addressing
from train.nets.ring_plan import Rings, Scope, planned, ring_layers, shared_out

ENDS = ("stem", "classifier")


@pytest.mark.parametrize("parts", [(), ("shortcut",), ("stem", "shortcut", "classifier")])
def test_parts_in_and_out(small_network, parts):
    network = small_network()
    (name, layers), = ring_layers(network, Scope.GLOBAL, parts).items()
    assert name == "ring"
    for layer in network.layers:
        part = layer.name.rpartition(".")[2]
        assert (layer.name in layers) == (part in parts or part.startswith("conv"))


def test_scopes(small_network):
    network, parts = small_network(), ("stem", "shortcut", "classifier")
    stages = ring_layers(network, Scope.STAGE, parts)
    assert list(stages) == ["ends", "stage1", "stage2", "stage3"]
    assert stages["ends"] == ENDS
    assert all(layer.startswith(f"{stage}.") for stage in ("stage1", "stage2") for layer in stages[stage])
    single = ring_layers(network, Scope.LAYER, parts)
    assert list(single.values()) == [(layer.name,) for layer in network.layers]


@pytest.mark.parametrize("dof", [3, 100, 1001, 4800])
@pytest.mark.parametrize("word", [1, 16])
def test_dof_is_shared_out_in_proportion(dof, word):
    weights = {"a": 1000, "b": 3000, "c": 500}
    sizes = shared_out(dof, weights, word)
    assert all(size % word == 0 and size >= word for size in sizes.values())
    if dof >= 100 * word / 8:
        assert sum(sizes.values()) == dof // word * word
        for name, size in sizes.items():
            assert abs(size - dof * weights[name] / 4500) <= word


def test_the_global_plan_is_the_ring_of_the_spec(small_network):
    network = small_network()
    plan, = planned(network, Rings(320))
    ring, = rpg(network, words=20).rings
    assert (plan.name, plan.size, plan.layers) == (ring.name, ring.size, ring.layers)


@pytest.mark.parametrize(("dof", "addressing", "words"), [
    (8, Addressing.WORD, "must be a multiple of 16 for word addressing, not 8"),
    (40, Addressing.WORD, "must be a multiple of 16 for word addressing, not 40"),
])
def test_impossible_sizes_are_refused(small_network, dof, addressing, words):
    with pytest.raises(Refused, match=words):
        planned(small_network(), Rings(dof, addressing))


def test_unknown_parts_are_refused(small_network):
    with pytest.raises(Refused, match="shortcut"):
        ring_layers(small_network(), Scope.GLOBAL, ("head",))


def test_no_values_are_no_rings(small_network):
    assert planned(small_network(), Rings(0)) == ()


def test_plain_form_and_back():
    rich = Rings(48, Addressing.HASH, flips=False, scope=Scope.LAYER, parts=("stem",))
    assert Rings.from_json(rich.to_json()) == rich
    assert all(type(value) in (str, int, bool, tuple) for value in rich.to_json().values())


@pytest.mark.parametrize(("change", "words"), [
    ({"dof": -1}, "Setting --dof must be from 0 to"),
    ({"scope": "world"}, "Setting --scope must be one of global, stage, layer, not 'world'"),
    ({"parts": "stem"}, "Setting --parts must be several in a row, not 'stem'"),
    ({"words": 1}, "Unknown key model.rings.words"),
])
def test_impossible_rings_are_refused(change, words):
    with pytest.raises(Refused, match=words):
        Rings.from_json(Rings(48).to_json() | change)
