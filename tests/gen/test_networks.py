"""Whole networks on the engine: every stored value is the golden model's, every counter the cycle model's."""

from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest

from gen.check import problems
from gen.compile import compile_model
from gen.cycles import predict
from gen.plan import command_count
from spec import golden
from spec.block import Block, Kind, Stem
from spec.config import config_for
from spec.hourglass import hourglass
from spec.layer import Role, Scale
from spec.network import Head, Network
from spec.numerics import Requantization
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, resnet

BOTTLENECK = {"classes": 3, "kind": Kind.BOTTLENECK}
POOLED = dict.fromkeys(("stem", "classifier"), Mode.ANY)

SCALES = {"k": Scale.KEEP, "d": Scale.DOWN, "u": Scale.UP, "j": Scale.JOIN}
LAYERS = ("stem", "maps", *(f"{name}.conv{number}" for name in SCALES for number in (1, 2)))

#: A bottleneck with a stride and a folded one; a folded one behind a pooled stem; a pool of two words per pixel; maps
#: that are kept, of two words per pixel and odd sizes.
NETWORKS = {
    "bottleneck": residual_network(
        "t", image=(3, 4, 1), widths=(8, 16), iterations=(0, 2), mode=Mode.ANY, stem=Stem(3, 1, 1, 4),
        **BOTTLENECK
    ),
    "pooled": residual_network(
        "t", image=(9, 7, 1), widths=(16,), iterations=(2,), mode=Mode.ONE_OF_FOUR, stem=Stem(5, 2, 2, 8, True),
        **BOTTLENECK
    ),
    "pool": Network("t", 3, (5, 4, 1), Stem(1, 1, 0, 20, True), (), 2, 0.5, POOLED),
    "scales": Network(
        "t", 3, (3, 3, 1), Stem(1, 1, 0, 20), tuple(Block(name, 20, wider=0.2, scale=scale)
        for name, scale in SCALES.items()), 3, 0.5, dict.fromkeys(LAYERS, Mode.ANY), head=Head.MAPS
    ),
    "hourglass": hourglass(
        "t", image=(4, 5, 1), joints=6, width=8, depth=2, mode=Mode.TWO_OF_FOUR, stem=Stem(3, 1, 1, 4)
    ),
    "shared": hourglass(
        "t", image=(3, 2, 1), joints=3, width=4, depth=1, stacks=2, iterations=2, mode=Mode.ONE_OF_FOUR, shared=True,
        stem=Stem(3, 1, 1, 4)
    ),
}


@pytest.mark.parametrize(("name", "lanes", "bits"), [
    ("bottleneck", 1, 8), ("pooled", 1, 5), ("pool", 2, 8), ("scales", 1, 8), ("shared", 1, 8),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (
        ("bottleneck", 1, 6), ("bottleneck", 1, 4), ("pooled", 1, 8), ("pool", 1, 8),
        ("scales", 2, 6), ("hourglass", 1, 6),
    )),
])
def test_traced_networks(inferences, fitting, name, lanes, bits):
    """Every lane has its image, and a second inference leaves the last lane without one."""
    network = NETWORKS[name]
    model = synthetic_model(network, 4, bits=bits)
    config = fitting(network, 16 * lanes, lanes=lanes)
    program = compile_model(model, config, trace=True)
    images = random_images(network, max(1, 2 * lanes - 1), seed=6)
    trace = golden.run(model, images)
    results = inferences(program, images)
    assert len(results) == len(images)
    cycles = predict(program)
    counts = {"TOTAL": cycles.total} | {cause.name: count for cause, count in cycles.causes.items()}
    stored = [*(s.values for s in trace.stored), trace.logits]
    for image, result in enumerate(results):
        assert len(result.tensors) == len(network.steps)
        for frame, got, want in zip(program.frames_by_lane[0], result.tensors, stored, strict=True):
            assert np.array_equal(got, want[image]), (image, frame.step.layer.name, frame.step.iteration)
        assert result.counts == counts


def test_two_branches_of_a_bottleneck_lie_side_by_side(fitting):
    network = residual_network("t", image=(8, 8, 1), widths=(16, 24), iterations=(0, 2), **BOTTLENECK)
    placed = compile_model(synthetic_model(network, 1), fitting(network)).plan
    for layer in network.layers:
        part = placed.of(layer)
        if layer.role is Role.INNER and layer.name.endswith("conv2"):
            first = part.source
            assert (first.memory, part.destination.memory) == ("t", "t")
            assert part.destination.base == first.base + first.words
    assert placed.t_words == 64 + 64  # stage1: both of 8x8 maps of one word


def test_pool_beyond_a_command_is_refused():
    network = Network("t", 0, (4097, 1, 1), Stem(1, 1, 0, 4, True), (), 2, 0.5, POOLED)
    config = config_for(16, x_bytes=1 << 20, t_bytes=1 << 20)
    found = problems(SimpleNamespace(network=network), config, commands=command_count(network, 1))
    limit = "has input height 4097, but a command holds at most 4095"
    assert [(p.layer, p.reason) for p in found][:2] == [("stem", limit), ("pool", limit)]


def test_memory_for_both_branches_and_the_pooled_map_is_asked_for():
    network = NETWORKS["pooled"]
    found = [str(p) for p in problems(
        SimpleNamespace(network=network), config_for(16, x_bytes=256, t_bytes=256), commands=command_count(network, 1)
    )]
    assert found == [
        "network: needs 416 bytes of X memory, 160 more than the 256 there are; "
        "build with --x-bytes 416 or use a smaller network",
        "network: needs 640 bytes of T memory, 384 more than the 256 there are; "
        "build with --t-bytes 640 or use a smaller network",
    ]


@pytest.mark.parametrize(("depth", "image", "pe", "goal", "excess"), [
    (18, 32, 16, 8_720_000, 0.003), (18, 32, 256, 548_000, 0.0), (50, 32, 64, 5_111_000, 0.0),
    (50, 32, 256, 1_280_000, 0.0), (50, 224, 256, 4_370_000, 0.004), (18, 32, 4096, 35_000, 0.0),
    (50, 32, 4096, 81_600, 0.0),
])
def test_predicted_cycles_meet_the_goals(fitting, depth, image, pe, goal, excess):
    """The cycles per image that the microarchitecture study promised for networks of full width, mode 1of4."""
    network = resnet(depth, image=image, mode=Mode.ONE_OF_FOUR)
    numbers = Requantization(np.zeros((1, 1), int), np.zeros((1, 1), int), 1, 0, 0, False)
    unmasked = SimpleNamespace(network=network, requantizations=defaultdict(lambda: numbers))  # cycles need no masks
    total = predict(compile_model(unmasked, fitting(network, pe, psum_depth=64))).per_image
    assert goal * 0.95 < total <= goal * (1 + excess)
