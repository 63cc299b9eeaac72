"""Maps that are kept for later blocks: who reads them, and what is refused."""

import json

import pytest

from spec.block import Block, Stem
from spec.layer import Role, Scale
from spec.network import Head, Network
from spec.refusal import Refused
from spec.supermask import Mode


def network(*blocks, image=(9, 6, 1), width=8, head=Head.CLASSES, classes=3):
    names, channels = ["stem", head.layer], width
    for block in blocks:
        names += [f"{block.name}.{part.name}" for part in block.convolutions(channels)]
        channels = block.width
    modes = dict.fromkeys(names, Mode.ANY)
    return Network("net", 1, image, Stem(3, 1, 1, width), blocks, classes, 0.3, modes, head=head)


def said(net):
    return [(step.layer.name, step.source, step.residual, str(step.scale)) for step in net.steps]


def test_down_and_up():
    net = network(Block("d", 8, scale=Scale.DOWN), Block("u", 8, scale=Scale.UP))
    assert said(net) == [
        ("stem", None, None, "same"), ("d.pool", 0, None, "down"), ("d.conv1", 1, None, "same"),
        ("d.conv2", 2, 1, "same"), ("u.conv1", 0, None, "same"), ("u.conv2", 4, 3, "up"),
        ("classifier", 5, None, "same"),
    ]
    assert [step.layer.name for step in net.steps if step.upsampled] == ["u.conv2"]
    pool, = net.pools
    assert (pool.role, pool.block, pool.height, pool.width, pool.out_height, pool.out_width) == (
        Role.POOL, "d", 9, 6, 5, 3
    )
    assert net.pool is None
    assert [layer.index for layer in net.layers] == list(range(6))
    assert [layer.name for layer in net.block_layers(net.blocks[0])] == ["d.pool", "d.conv1", "d.conv2"]
    assert (net.layer("d.conv1").height, net.layer("u.conv1").height, net.layers[-1].height) == (5, 9, 9)


def test_brackets_within_brackets_and_a_stride_for_a_pool():
    net = network(
        Block("k", 8, scale=Scale.KEEP), Block("s", 8, 2, scale=Scale.KEEP), Block("u", 8, scale=Scale.UP),
        Block("j", 8, scale=Scale.JOIN),
    )
    assert said(net) == [
        ("stem", None, None, "same"), ("k.conv1", 0, None, "keep"), ("k.conv2", 1, 0, "same"),
        ("s.shortcut", 2, None, "keep"), ("s.conv1", 2, None, "same"), ("s.conv2", 4, 3, "same"),
        ("u.conv1", 2, None, "same"), ("u.conv2", 6, 5, "up"),  # on what s kept
        ("j.conv1", 0, None, "same"), ("j.conv2", 8, 7, "join"),  # on what k kept
        ("classifier", 9, None, "same"),
    ]


REFUSED = [
    ((Block("a", 8, scale=Scale.UP),),
     r"^Block a has scale up, but no block before it keeps a map for it; give one scale down or keep$"),
    ((Block("a", 8, scale=Scale.DOWN), Block("b", 8)),
     r"^Block a keeps a map that no block behind it takes; give one scale up or join$"),
    ((Block("a", 8, iterations=2, scale=Scale.DOWN), Block("b", 8, scale=Scale.UP)),
     r"^Block a has scale down, so it cannot be folded over 2 iterations; put a recurrent block behind it$"),
    ((Block("a", 16, scale=Scale.DOWN), Block("b", 16, scale=Scale.UP)),
     r"^Block b of width 16 and stride 1 adds 16 channels to what it computes of the 8 that block a kept; make all "
     r"three 8, and the stride 1$"),
    ((Block("a", 8, scale=Scale.DOWN), Block("b", 8, 2, scale=Scale.UP)), r"^Block b of width 8 and stride 2 adds 8 "),
    ((Block("a", 8, scale=Scale.DOWN), Block("b", 8, scale=Scale.JOIN)),
     r"^Layer b\.conv2 adds a map of 5x3 to one of 9x6 by scale join, which takes 9x6; change the strides in between, "
     r"or the scale$"),
    ((Block("a", 8, 2, scale=Scale.DOWN), Block("b", 8, scale=Scale.UP)),
     r"^Layer b\.conv2 adds a map of 3x2 to one of 9x6 by scale up, which takes 5x3; "),
    ((Block("a", 8, scale=Scale.KEEP), Block("b", 8, scale=Scale.UP)),
     r"^Layer b\.conv2 adds a map of 9x6 to one of 9x6 by scale up, which takes 5x3; "),
]


@pytest.mark.parametrize(("blocks", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_together_is_refused(blocks, sentence):
    with pytest.raises(Refused, match=sentence):
        network(*blocks)


def test_a_description_says_scales_and_head_only_if_there_are_any():
    """Files written before there were any keep their hashes."""
    plain = network(Block("a", 8)).to_json()
    assert "head" not in plain
    assert "scale" not in plain["blocks"][0]
    net = network(Block("a", 8, scale=Scale.DOWN), Block("b", 8, scale=Scale.UP), head=Head.MAPS, classes=1)
    data = json.loads(json.dumps(net.to_json()))
    assert (data["head"], [block["scale"] for block in data["blocks"]]) == ("maps", ["down", "up"])
    assert Network.from_json(data) == net
    with pytest.raises(Refused, match=r"^Key network\.head must be one of \['classes', 'maps'\], not 'boxes'$"):
        Network.from_json(data | {"head": "boxes"})
    data["blocks"][0]["scale"] = "left"
    with pytest.raises(Refused, match=r"^Key network\.blocks\[0\]\.scale must be one of \['same', .*\], not 'left'$"):
        Network.from_json(data)


def test_a_network_needs_a_map():
    with pytest.raises(Refused, match=r"^Network 'net' needs at least one map, not 0$"):
        network(head=Head.MAPS, classes=0)
    net = network(head=Head.MAPS, classes=1)
    assert (net.layers[-1].name, net.layers[-1].role, net.stored_layers) == ("maps", Role.MAPS, net.layers)
