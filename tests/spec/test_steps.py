"""Who reads what, against walks written down by hand; outputs are held as long as somebody reads them."""

import pytest

from spec.block import Block, Kind, Stem
from spec.network import Network
from spec.refusal import Refused
from spec.steps import Outputs
from spec.supermask import Mode


def network(*blocks, pool=False, width=8):
    made = {"name": "net", "seed": 1, "image": (9, 7, 3), "stem": Stem(3, 1, 1, width, pool), "blocks": blocks,
            "classes": 3, "density": 0.3}
    layers = ["stem", "classifier"]
    channels = width
    for block in blocks:
        layers += [f"{block.name}.{part.name}" for part in block.convolutions(channels)]
        channels = block.width
    return Network(**made, modes=dict.fromkeys(layers, Mode.ANY))


def said(net):
    return [(step.layer.name, step.iteration, step.source, step.residual) for step in net.steps]


def test_a_plain_block_adds_what_it_read():
    assert said(network(Block("b", 8))) == [
        ("stem", 0, None, None), ("b.conv1", 0, 0, None), ("b.conv2", 0, 1, 0), ("classifier", 0, 2, None),
    ]


def test_a_projection_reads_what_the_block_reads_and_is_added_at_its_end():
    net = network(Block("b", 16, 2, kind=Kind.BOTTLENECK), pool=True)
    assert said(net) == [
        ("stem", 0, None, None), ("pool", 0, 0, None), ("b.shortcut", 0, 1, None), ("b.conv1", 0, 1, None),
        ("b.conv2", 0, 3, None), ("b.conv3", 0, 4, 2), ("classifier", 0, 5, None),
    ]
    assert {name: layer.name for name, layer in net.added.items()} == {"b.conv3": "b.shortcut"}
    assert [net.adds_projection(layer) for layer in net.layers] == [False] * 4 + [True, False]


def test_each_iteration_reads_the_one_before():
    net = network(Block("b", 8, iterations=3))
    assert said(net)[1:] == [
        ("b.conv1", 0, 0, None), ("b.conv2", 0, 1, 0), ("b.conv1", 1, 2, None), ("b.conv2", 1, 3, 2),
        ("b.conv1", 2, 4, None), ("b.conv2", 2, 5, 4), ("classifier", 0, 6, None),
    ]
    assert [step.layer.name for step in net.unrolled({"b": 1})] == ["stem", "b.conv1", "b.conv2", "classifier"]
    assert {name: layer.name for name, layer in net.added.items()} == {"b.conv2": "stem"}
    assert not any(net.adds_projection(layer) for layer in net.layers)


def test_what_a_layer_adds_takes_no_unrolling():
    """A damaged file may say any number of iterations, and is asked what it adds before it is refused."""
    net = network(Block("b", 8, iterations=3))
    assert set(net.added) == {"b.conv2"}
    assert "steps" not in vars(net)


def test_a_step_is_found_by_its_name():
    net = network(Block("b", 8, iterations=2))
    assert net.step("b.conv2", 1) is net.steps[4]
    assert net.step("classifier") is net.steps[-1]
    with pytest.raises(Refused, match=r"Network 'net' never runs layer 'b\.conv2' in an iteration 2"):
        net.step("b.conv2", 2)


def test_outputs_are_handed_to_those_that_read_them_and_then_let_go():
    net = network(Block("a", 16, 2), Block("b", 16, iterations=2))
    outputs, most = Outputs(net.steps, "image"), 0
    for number, step in enumerate(net.steps):
        source, residual = outputs.take()
        assert source == ("image" if step.source is None else step.source)
        assert residual == step.residual
        most = max(most, len(outputs._held))
        outputs.put(number)
    assert most == 1  # beside what is taken: the stream that will be added, or the shortcut
    assert set(outputs._held) == {len(net.steps) - 1}
