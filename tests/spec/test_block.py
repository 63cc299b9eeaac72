"""Stems and residual blocks by themselves."""

import pytest

from spec.block import Block, Kind, Stem
from spec.layer import Role, Scale
from spec.refusal import Refused

SHORTCUT = ("shortcut", Role.SHORTCUT, 8, 16, 1, 2)


@pytest.mark.parametrize(("block", "layers"), [
    (Block("b", 16, 2), [SHORTCUT, ("conv1", Role.INNER, 8, 16, 3, 2), ("conv2", Role.LAST, 16, 16, 3, 1)]),
    (Block("b", 8), [("conv1", Role.INNER, 8, 8, 3, 1), ("conv2", Role.LAST, 8, 8, 3, 1)]),
    (Block("b", 8, wider=0.5), [("conv1", Role.INNER, 8, 4, 3, 1), ("conv2", Role.LAST, 4, 8, 3, 1)]),
    (Block("b", 16, 2, kind=Kind.BOTTLENECK), [
        SHORTCUT, ("conv1", Role.INNER, 8, 4, 1, 1), ("conv2", Role.INNER, 4, 4, 3, 2),
        ("conv3", Role.LAST, 4, 16, 1, 1),
    ]),
])
def test_layers_of_a_block(block, layers):
    assert [tuple(layer) for layer in block.convolutions(8)] == layers
    assert block.reshapes(8) == (len(layers) > (3 if block.kind is Kind.BOTTLENECK else 2))


@pytest.mark.parametrize(("part", "sentence"), [
    (Block("b", 0), "Block b needs width, stride and iterations of at least 1"),
    (Block("b", 4, stride=0), "Block b needs width, stride and iterations of at least 1"),
    (Block("b", 4, iterations=0), "Block b needs width, stride and iterations of at least 1"),
    (Block("b", 4, wider=0.3), r"cannot have 0.3 times the usual 4 inner channels: it needs a whole number"),
    (Block("b", 4, wider=0.0), r"cannot have 0.0 times the usual 4 inner channels"),
    (Block("b", 4, wider=float("inf")), r"cannot have inf times the usual 4 inner channels"),
    (Block("b", 6, kind=Kind.BOTTLENECK), r"cannot have 1.0 times the usual 1.5 inner channels"),
    (Stem(0, 1, 0, 4), "Stem needs kernel, stride and width of at least 1 and no negative padding"),
    (Stem(3, 1, -1, 4), "Stem needs kernel, stride and width of at least 1 and no negative padding"),
])
def test_what_cannot_be_is_refused(part, sentence):
    with pytest.raises(Refused, match=sentence):
        part.check()


@pytest.mark.parametrize("part", [
    Block("b", 1), Block("b", 4, kind=Kind.BOTTLENECK), Block("b", 4, wider=0.25), Stem(1, 1, 0, 1),
])
def test_the_smallest_that_can_be(part):
    part.check()


@pytest.mark.parametrize("block", [
    Block("b", 16, 2), Block("b", 8, 1, 3, Kind.BOTTLENECK, 2.0, Scale.DOWN), Block("b", 8, weights_of="a"),
])
def test_json_round_trip(block):
    assert Block.from_json(block.to_json(), "here") == block


def test_a_block_of_before_there_were_scales_is_written_as_then():
    assert "scale" not in Block("b", 8).to_json()
    assert Block("b", 8, scale=Scale.UP).to_json()["scale"] == "up"


def test_a_block_of_before_there_was_sharing_is_written_as_then():
    assert "weights_of" not in Block("b", 8).to_json()
    assert Block("b", 8, weights_of="a").to_json()["weights_of"] == "a"


def test_a_kind_that_there_is_not_is_refused_by_its_key():
    with pytest.raises(Refused, match=r"Key here.kind must be one of .'basic', 'bottleneck'., not 'wide'"):
        Block.from_json(Block("b", 8).to_json() | {"kind": "wide"}, "here")
