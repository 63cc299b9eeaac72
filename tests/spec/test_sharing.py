"""Blocks that use the weights of earlier ones: what they have, what is stored of them, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest
import safetensors.numpy

from spec.block import Block, Kind, Stem
from spec.budgets import Budget
from spec.golden import run
from spec.layer import Scale
from spec.lfsr import layer_seed
from spec.model import Model, load, save
from spec.network import Network
from spec.refusal import Refused
from spec.ring import Ring
from spec.sharing import owners
from spec.supermask import Mode, packed_bytes
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn, rings_of_stages, rpg

GROUP = (
    Block("a", 8, scale=Scale.DOWN), Block("b", 8, iterations=2), Block("c", 8, scale=Scale.UP),
)
AGAIN = tuple(dataclasses.replace(block, name=f"{block.name}2", weights_of=block.name) for block in GROUP)


def network(*blocks, width=8, mode=Mode.ANY, **changes):
    names, channels = ["stem", "classifier"], width
    for block in blocks:
        if not block.weights_of:
            names += [f"{block.name}.{part.name}" for part in block.convolutions(channels)]
        channels = block.width
    stem = Stem(3, 1, 1, width)
    return Network("net", 1, (9, 6, 1), stem, blocks, 3, 0.4, dict.fromkeys(names, mode) | changes)


def test_layers_use_the_weights_of_those_of_the_same_name():
    net = network(*GROUP, *AGAIN)
    assert {layer.name: layer.owner for layer in net.layers if layer.owner} == {
        f"{block}2.conv{number}": f"{block}.conv{number}" for block in "abc" for number in (1, 2)
    } == owners(8, net.blocks)
    assert [layer.index for layer in net.layers] == list(range(14))
    assert [layer.name for layer in net.own_layers] == [
        "stem", *(f"{block}.conv{number}" for block in "abc" for number in (1, 2)), "classifier"
    ]
    assert [layer.name for layer in net.users["b.conv1"]] == ["b.conv1", "b2.conv1"]
    assert (net.layer("b2.conv1").tensor, net.layer("b.conv1").tensor) == ("b.conv1", "b.conv1")
    assert net.weight_count == 9 * 8 + 6 * 9 * 64 + 3 * 8
    assert net.macs == 54 * 9 * 8 + 2 * 576 * (2 * 15 + 4 * 15 + 2 * 54) + 3 * 8


def test_signs_are_those_of_the_owner_and_later_layers_count_on():
    net = network(*GROUP, *AGAIN)
    assert net.seed_of(net.layer("a2.conv2")) == net.seed_of(net.layer("a.conv2")) == layer_seed(1, 2)
    assert net.seed_of(net.layer("classifier")) == layer_seed(1, 13)


def test_modes_and_draws_are_those_of_the_owner():
    plain = network(*GROUP, *AGAIN, **{"a.conv1": Mode.ONE_OF_FOUR})
    assert plain.layer("a2.conv1").mode is Mode.ONE_OF_FOUR
    assert plain.layer("a2.conv2").mode is Mode.ANY
    ring = Ring("r", 41, 3, ("a.conv2", "c.conv1", "classifier"))
    net = drawn(plain, ring)
    assert net.layer("a2.conv2").ring == net.layer("a.conv2").ring == ring
    assert net.draws["a2.conv2"] == net.draws["a.conv2"]
    assert net.draws["classifier"].start == 2 * 8 * 9 % 41  # as if a2 and c2 were not there
    assert set(net.draws) == {"a.conv2", "a2.conv2", "c.conv1", "c2.conv1", "classifier"}
    of_ring = rpg(plain, words=9).rings[0].layers
    assert of_ring == tuple(layer.name for layer in net.own_layers[1:-1])
    assert [ring.name for ring in rings_of_stages(plain, words=9).rings] == ["a", "b", "c"]


def test_the_same_weights_with_the_same_entries_are_one_more_iteration():
    """A recurrent block of three iterations, and one of two before one that has its weights, store the same. (Signs of
    the classifiers differ, whose numbers do.)
    """
    folded = synthetic_model(network(Block("f", 8, iterations=3)), 5)
    net = network(Block("f", 8, iterations=2), Block("g", 8, weights_of="f"))
    numbers = dict(folded.requantizations)
    for part in ("conv1", "conv2"):
        numbers[f"f.{part}"], numbers[f"g.{part}"] = numbers[f"f.{part}"].split([2, 1])
    again = Model(net, folded.masks, numbers)
    images = random_images(net, 3, 7)
    one, other = run(folded, images), run(again, images)
    for a, b in zip(one.stored, other.stored, strict=True):
        assert np.array_equal(a.values, b.values), b.layer.name
    assert one.stored[-1].values.any()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_file_has_each_mask_once_and_all_entries(mode, tmp_path):
    net = network(*GROUP, *AGAIN, mode=mode, stem=Mode.ANY)
    model = synthetic_model(net, 2)
    tensors = safetensors.numpy.load_file(save(model, tmp_path / "m.safetensors"))
    assert {name for name in tensors if name.endswith(".mask")} == {f"{layer.name}.mask" for layer in net.own_layers}
    assert {name for name in tensors if name.endswith(".entries")} == {
        f"{layer.name}.entries" for layer in net.stored_layers
    }
    assert model.mask_bits == 8 * sum(packed_bytes(layer.shape, layer.mode) for layer in net.own_layers)
    back = load(tmp_path / "m.safetensors")
    assert back.hash == model.hash
    assert back.weights("c2.conv2") is back.weights("c.conv2")
    assert not np.array_equal(*(model.requantizations[f"{block}.conv1"].multiplier for block in ("a", "a2")))


def test_shifts_are_those_of_all_that_share():
    model = synthetic_model(network(*GROUP, *AGAIN), 2)
    for users in model.network.users.values():
        numbers = [model.requantizations[user.name] for user in users if user.name != "classifier"]
        assert len({(n.shift, n.bias_shift, n.residual_shift, n.signed, n.bits) for n in numbers}) <= 1
    for key, sentence in (
        ("shift", "shift must be"), ("bias_shift", "bias shift must be"), ("residual_shift", "residual shift must be")
    ):
        wrong = dataclasses.replace(
            model.requantizations["c2.conv2"], **{key: getattr(model.requantizations["c2.conv2"], key) ^ 1}
        )
        # Small enough that nothing else is wrong with it.
        wrong = dataclasses.replace(wrong, multiplier=wrong.multiplier * 0, bias=wrong.bias * 0)
        with pytest.raises(Refused, match=rf"^Layer c2\.conv2 uses the weights of c\.conv2, so its {sentence} \d+, as "
                                          r"there, not \d+; export both together$"):
            dataclasses.replace(model, requantizations=model.requantizations | {"c2.conv2": wrong})


def test_another_mask_is_refused():
    model = synthetic_model(network(*GROUP, *AGAIN), 2)
    with pytest.raises(Refused, match=r"^Unknown layer 'a2\.conv1' has mask; the layers are "):
        dataclasses.replace(model, masks=model.masks | {"a2.conv1": model.masks["a.conv1"]})


def test_json_round_trip_and_what_was_before():
    """Descriptions of networks that share nothing keep their bytes."""
    net = network(*GROUP, *AGAIN)
    data = json.loads(json.dumps(net.to_json()))
    assert [block.get("weights_of") for block in data["blocks"]] == [None, None, None, "a", "b", "c"]
    assert Network.from_json(data) == net
    assert "weights_of" not in json.dumps(network(*GROUP).to_json())
    data["blocks"][3]["weights_of"] = 1
    with pytest.raises(Refused, match=r"^Key network\.blocks\[3\]\.weights_of must be of type str, not 1$"):
        Network.from_json(data)


REFUSED = [
    ((Block("a", 8), Block("b", 8, weights_of="c")),
     r"^Block b uses the weights of block 'c', which there is not; the blocks are \['a', 'b'\]$"),
    ((Block("a", 8), Block("b", 8, weights_of="stem")), r"^Block b uses the weights of block 'stem', which there is "),
    ((Block("a", 8, weights_of="b"), Block("b", 8)),
     r"^Block a uses the weights of block 'b', which does not come before it; let the later one use those of the "
     r"earlier one$"),
    ((Block("a", 8, weights_of="a"),), r"^Block a uses the weights of block 'a', which does not come before it; "),
    ((Block("a", 8), Block("b", 8, weights_of="a"), Block("c", 8, weights_of="b")),
     r"^Block c uses the weights of block 'b', which uses those of block 'a' itself; name that one$"),
    ((Block("a", 8), Block("b", 12, weights_of="a")),
     r"^Block b uses the weights of block 'a', but has width 12, not 8; make them the same, or give it weights of its "
     r"own$"),
    ((Block("a", 12), Block("b", 12, weights_of="a")), r"^Block b .* but has input channels 12, not 8; make "),
    ((Block("a", 8), Block("b", 8, 2, weights_of="a")), r"^Block b .* but has stride 2, not 1; make "),
    ((Block("a", 8), Block("b", 8, wider=0.5, weights_of="a")), r"^Block b .* but has wider 0\.5, not 1\.0; make "),
    ((Block("a", 8), Block("b", 8, kind=Kind.BOTTLENECK, weights_of="a")),
     r"^Block b .* but has kind bottleneck, not basic; make "),
]


@pytest.mark.parametrize(("blocks", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_weights_that_cannot_be_used_are_refused(blocks, sentence):
    with pytest.raises(Refused, match=sentence):
        network(*blocks)


def test_scale_iterations_and_size_may_differ():
    net = network(
        Block("a", 8), Block("d", 8, scale=Scale.DOWN, weights_of="a"), Block("b", 8, iterations=3, weights_of="a"),
        Block("u", 8, scale=Scale.UP, weights_of="a"),
    )
    assert [layer.out_height for layer in net.users["a.conv1"]] == [9, 5, 5, 9]
    trace = run(synthetic_model(net, 3), random_images(net, 1, 1))
    assert all(len(np.unique(stored.values)) > 2 for stored in trace.stored)


def test_a_mode_or_a_ring_of_a_layer_without_its_own_weights_is_refused():
    sentence = (r"^Layer b\.conv1 of network 'net' uses the weights of a\.conv1, so it has no mode and no ring of its "
                r"own; leave it out$")
    blocks = (Block("a", 8), Block("b", 8, weights_of="a"))
    with pytest.raises(Refused, match=sentence):
        network(*blocks, **{"b.conv1": Mode.ANY})
    with pytest.raises(Refused, match=sentence):
        drawn(network(*blocks), Ring("r", 4, 2, ("a.conv2", "b.conv1")))


def test_a_network_may_run_more_weights_than_it_may_have():
    """The budget is of what is stored."""
    blocks = (Block("a", 2048), Block("b", 2048, weights_of="a"))
    assert network(*blocks, width=2048).weight_count < Budget.WEIGHTS.most < 2 * 18 * 2048**2
