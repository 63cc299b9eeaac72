"""Named networks against the paper's figures, computed independently from its tables."""

import pytest

from spec.block import Kind
from spec.layer import Role
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.topologies import DEPTHS, RESNET_NAMES, depth_of, residual_network, resnet

CIFAR = {"classes": 100, "image": 32}
IMAGENET = {"classes": 1000, "image": 224}

#: depth, folded, wider: weights for CIFAR100 and for ImageNet, batch-norm sets and their channels.
SIZES = [
    (18, (), 1, 11_210_432, 11_678_912, 20, 4_800),
    (34, (), 1, 21_311_168, 21_779_648, 36, 8_512),
    (34, (3, 4), 1, 11_873_984, 12_342_464, 36, 8_512),
    (50, (), 1, 23_652_032, 25_502_912, 53, 26_560),
    (50, (3, 4), 1, 14_739_136, 16_590_016, 53, 26_560),
    (101, (), 1, 42_591_936, 44_442_816, 104, 52_672),
    (101, (3, 4), 1, 14_739_136, 16_590_016, 104, 52_672),
    (152, (3, 4), 1, 15_853_248, 17_704_128, 155, 75_712),
    (200, (3, 4), 1, 20_309_696, 22_160_576, 203, 88_000),
    (152, (), 1, 58_189_504, 60_040_384, 155, 75_712),
    (200, (), 1, 62_645_952, 64_496_832, 203, 88_000),
    (50, (), 2, 66_963_136, 68_814_016, 53, 34_112),
    (50, (3, 4), 2, 39_700_160, 41_551_040, 53, 34_112),
]

#: depth, wider: multiply-accumulates for 32 and for 224 (1e9), layers stored and executed.
WORK = [
    (18, 1, 0.5555, 1.8141, 21, 21),
    (34, 1, 1.1594, 3.6638, 27, 37),
    (50, 1, 1.2980, 4.0892, 39, 54),
    (101, 1, 2.5102, 7.8014, 39, 105),
    (152, 1, 3.7223, 11.5136, 51, 156),
    (200, 1, 4.8632, 15.0075, 99, 204),
    (50, 2, 3.6846, 11.3980, 39, 54),
]


@pytest.mark.parametrize(("depth", "folded", "wider", "cifar", "imagenet", "sets", "channels"), SIZES)
def test_sizes(depth, folded, wider, cifar, imagenet, sets, channels):
    for weights, problem in ((cifar, CIFAR), (imagenet, IMAGENET)):
        network = resnet(depth, folded=folded, wider=wider, **problem)
        assert sum(layer.weight_count for layer in network.layers) == weights
        stored = network.layers[:-1]
        assert sum(layer.iterations for layer in stored) == sets
        assert sum(layer.iterations * layer.outputs for layer in stored) == channels


@pytest.mark.parametrize(("depth", "wider", "small", "large", "stored", "executed"), WORK)
def test_work_does_not_change_with_folding(depth, wider, small, large, stored, executed):
    for gmacs, problem in ((small, CIFAR), (large, IMAGENET)):
        network = resnet(depth, wider=wider, **problem)
        assert round(network.macs / 1e9, 4) == gmacs
        assert network.macs == resnet(depth, wider=wider, folded=(), **problem).macs
        assert len(network.layers) == stored
        assert len(network.steps) - (network.pool is not None) == executed


@pytest.mark.parametrize(("folded", "stages"), [
    ((), (212_992, 1_212_416, 7_077_888, 14_942_208)),
    ((4,), (212_992, 1_212_416, 7_077_888, 10_485_760)),
    ((3, 4), (212_992, 1_212_416, 2_621_440, 10_485_760)),
    ((2, 3, 4), (212_992, 655_360, 2_621_440, 10_485_760)),
    ((1, 2, 3, 4), (143_360, 655_360, 2_621_440, 10_485_760)),
])
def test_weights_per_stage_of_the_folds(folded, stages):
    """Of ResNet-50: a fold replaces n-1 blocks by one."""
    network = resnet(50, folded=folded)
    for stage, weights in enumerate(stages, 1):
        assert sum(layer.weight_count for layer in network.layers if layer.name.startswith(f"stage{stage}.")) == weights
    assert {block.name for block in network.blocks if block.iterations > 1} == {f"stage{i}.fold" for i in folded}


def test_iterations_of_the_folded_blocks():
    found = {
        depth: [block.iterations for block in resnet(depth).blocks if block.iterations > 1] for depth in DEPTHS
    }
    assert found == {18: [], 34: [5, 2], 50: [5, 2], 101: [22, 2], 152: [35, 2], 200: [35, 2]}


def test_projections():
    """Of basic blocks where the map shrinks; of bottlenecks in stage 1 too, where the channels grow."""
    for depth, stages in ((18, (2, 3, 4)), (50, (1, 2, 3, 4))):
        names = [layer.name for layer in resnet(depth).layers if layer.role is Role.SHORTCUT]
        assert names == [f"stage{stage}.entry.shortcut" for stage in stages]


def test_maps():
    """32, 32, 16, 8, 4 and 112, 56, 28, 14, 7."""
    for problem, sizes in ((CIFAR, [32, 32, 16, 8, 4]), (IMAGENET, [112, 56, 28, 14, 7])):
        network = resnet(50, **problem)
        found = [network.layers[0].out_height]
        found += [network.layer(f"stage{stage}.entry.conv3").out_height for stage in (1, 2, 3, 4)]
        assert found == sizes
        assert (network.pool is None) == (problem is CIFAR)


@pytest.mark.parametrize(("image", "channels", "stem", "classifier"), [
    (8, 1, (3, 1, False), 1), (28, 1, (3, 1, False), 4), (32, 3, (3, 1, False), 4), (64, 3, (3, 1, False), 8),
    (96, 3, (7, 2, True), 3), (224, 3, (7, 2, True), 7),
])
def test_stems(image, channels, stem, classifier):
    network = resnet(18, image=image, channels=channels)
    assert (network.stem.kernel, network.stem.stride, network.stem.pool) == stem
    assert network.image == (image, image, channels)
    assert network.layers[-1].height == classifier


def test_blocks_per_stage():
    """ResNet-101 is ResNet-50 with 17 more blocks in stage 3 (HFN, Fig. 10)."""
    assert resnet(50, counts=(3, 4, 23, 3), name="x") == resnet(101, name="x")
    longer = resnet(50, counts=(3, 4, 6, 9))
    assert [block.iterations for block in longer.blocks if block.iterations > 1] == [5, 8]
    assert len(resnet(50, counts=(1, 1, 1, 1)).blocks) == 4


def test_small_networks_unfold():
    arguments = {"image": (8, 8, 1), "classes": 10, "widths": (8, 16), "iterations": (0, 3)}
    folded, unfolded = (residual_network("x", folded=fold, **arguments) for fold in (True, False))
    assert [(block.name, block.iterations) for block in folded.blocks] == [
        ("stage1.entry", 1), ("stage2.entry", 1), ("stage2.fold", 3)
    ]
    assert [(block.name, block.iterations) for block in unfolded.blocks] == [
        ("stage1.entry", 1), ("stage2.entry", 1), ("stage2.block2", 1), ("stage2.block3", 1), ("stage2.block4", 1)
    ]
    assert folded.macs == unfolded.macs


@pytest.mark.parametrize("image", [32, 224])
@pytest.mark.parametrize("mode", [Mode.ONE_OF_FOUR, Mode.AT_MOST_ONE])
def test_modes(image, mode):
    network = resnet(50, image=image, mode=mode)
    assert {layer.mode for layer in network.layers[1:-1]} == {mode}
    assert {network.layers[0].mode, network.layers[-1].mode} == {Mode.TWO_OF_FOUR}


def test_narrow_networks():
    network = resnet(50, width=8, classes=10)
    assert (network.stem.width, [block.width for block in network.blocks][::4][:2]) == (8, [32, 64])
    assert {block.kind for block in network.blocks} == {Kind.BOTTLENECK}
    assert network.layer("stage4.fold.conv3").shape == (256, 1, 1, 64)


def test_json_round_trip():
    for image in (32, 224):
        network = resnet(50, image=image, wider=1.5)
        assert Network.from_json(network.to_json()) == network


def test_names():
    assert [resnet(18).name, resnet(50, image=224).name] == ["hf-resnet18-32", "hf-resnet50-224"]
    assert [resnet(50, folded=()).name, resnet(50, wider=2.0).name] == ["h-resnet50-32", "hf-wide-resnet50-32"]
    assert resnet(18, name="other").name == "other"
    assert [depth_of(name) for name in RESNET_NAMES] == list(DEPTHS)


@pytest.mark.parametrize("name", ["resnet", "resnet19", "vgg16", "", "resnet50x"])
def test_unknown_names_are_refused(name):
    with pytest.raises(Refused, match=f"There is no network '{name}'; the networks are resnet18, resnet34, "):
        depth_of(name)


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"depth": 19}, "no residual network of depth 19; the depths are .18, 34, 50, 101, 152, 200."),
    ({"depth": 18, "image": 0}, "Image must be height, width and channels, each at least 1, not .0, 0, 3."),
    ({"depth": 18, "counts": (2, 2, 2)}, "Give 4 stages of at least 1 block each, not .2, 2, 2."),
    ({"depth": 18, "counts": (2, 2, 2, 0)}, "Give 4 stages of at least 1 block each, not .2, 2, 2, 0."),
    ({"depth": 18, "folded": (0, 3)}, "Folded stages must be some of 1, 2, 3 and 4, not .0, 3."),
])
def test_what_there_is_not_is_refused(arguments, sentence):
    with pytest.raises(Refused, match=sentence):
        resnet(**arguments)
