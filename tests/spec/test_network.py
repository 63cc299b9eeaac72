"""Networks: order of layers and steps, refusals, JSON."""

import dataclasses
import json

import pytest

from spec.block import Block, Kind, Stem
from spec.layer import Role
from spec.lfsr import layer_seed
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.topologies import residual_network


def digits(**changes) -> Network:
    arguments = {"image": (8, 8, 1), "classes": 10, "widths": (16, 32, 64), "iterations": (0, 2, 2)}
    return residual_network("digits", **arguments | changes)


#: index, name, role, inputs, outputs, kernel, stride, pad, height, width, iterations, output height
DIGITS_LAYERS = [
    (0, "stem", Role.STEM, 9, 16, 1, 1, 0, 8, 8, 1, 8),
    (1, "stage1.entry.conv1", Role.INNER, 16, 16, 3, 1, 1, 8, 8, 1, 8),
    (2, "stage1.entry.conv2", Role.LAST, 16, 16, 3, 1, 1, 8, 8, 1, 8),
    (3, "stage2.entry.shortcut", Role.SHORTCUT, 16, 32, 1, 2, 0, 8, 8, 1, 4),
    (4, "stage2.entry.conv1", Role.INNER, 16, 32, 3, 2, 1, 8, 8, 1, 4),
    (5, "stage2.entry.conv2", Role.LAST, 32, 32, 3, 1, 1, 4, 4, 1, 4),
    (6, "stage2.fold.conv1", Role.INNER, 32, 32, 3, 1, 1, 4, 4, 2, 4),
    (7, "stage2.fold.conv2", Role.LAST, 32, 32, 3, 1, 1, 4, 4, 2, 4),
    (8, "stage3.entry.shortcut", Role.SHORTCUT, 32, 64, 1, 2, 0, 4, 4, 1, 2),
    (9, "stage3.entry.conv1", Role.INNER, 32, 64, 3, 2, 1, 4, 4, 1, 2),
    (10, "stage3.entry.conv2", Role.LAST, 64, 64, 3, 1, 1, 2, 2, 1, 2),
    (11, "stage3.fold.conv1", Role.INNER, 64, 64, 3, 1, 1, 2, 2, 2, 2),
    (12, "stage3.fold.conv2", Role.LAST, 64, 64, 3, 1, 1, 2, 2, 2, 2),
    (13, "classifier", Role.CLASSIFIER, 64, 10, 1, 1, 0, 2, 2, 1, 2),
]


@pytest.mark.parametrize("row", DIGITS_LAYERS, ids=lambda row: row[1])
def test_digits_layers(row):
    layer = digits().layers[row[0]]
    assert (*dataclasses.astuple(layer)[:11], layer.out_height) == row
    assert layer.out_width == layer.out_height
    assert layer.shape == (layer.outputs, layer.kernel, layer.kernel, layer.inputs)
    assert layer.weight_count == layer.outputs * layer.inputs * layer.kernel**2
    assert layer.positions == layer.out_height**2


def test_digits_size():
    network = digits()
    assert len(network.layers) == len(DIGITS_LAYERS)
    assert sum(layer.weight_count for layer in network.layers) == 169_232
    assert network.macs == 1_943_168


def test_digits_steps_unroll_the_recurrent_blocks():
    assert [(step.layer.name, step.iteration) for step in digits().steps] == [
        ("stem", 0),
        ("stage1.entry.conv1", 0),
        ("stage1.entry.conv2", 0),
        ("stage2.entry.shortcut", 0),
        ("stage2.entry.conv1", 0),
        ("stage2.entry.conv2", 0),
        ("stage2.fold.conv1", 0),
        ("stage2.fold.conv2", 0),
        ("stage2.fold.conv1", 1),
        ("stage2.fold.conv2", 1),
        ("stage3.entry.shortcut", 0),
        ("stage3.entry.conv1", 0),
        ("stage3.entry.conv2", 0),
        ("stage3.fold.conv1", 0),
        ("stage3.fold.conv2", 0),
        ("stage3.fold.conv1", 1),
        ("stage3.fold.conv2", 1),
        ("classifier", 0),
    ]


def test_macs_count_iterations_and_the_pooled_classifier_once():
    once, thrice = digits(iterations=(1, 0, 0)), digits(iterations=(3, 0, 0))
    assert thrice.macs - once.macs == 2 * 2 * 64 * 16 * 16 * 9
    classifier = once.layer("classifier")
    assert (classifier.macs, classifier.positions) == (640, 4)


@pytest.mark.parametrize(
    ("mode", "edge"),
    [(Mode.ANY, Mode.ANY), (Mode.TWO_OF_FOUR, Mode.TWO_OF_FOUR), (Mode.ONE_OF_FOUR, Mode.TWO_OF_FOUR)],
)
def test_modes_of_a_residual_network(mode, edge):
    network = digits(mode=mode)
    assert {layer.mode for layer in network.layers[1:-1]} == {mode}
    assert {network.layers[0].mode, network.layers[-1].mode} == {edge}


def test_seeds_count_weight_tensors():
    network = digits(seed=0x1234_ABCD)
    assert [network.seed_of(layer) for layer in network.layers] == [layer_seed(0x1234_ABCD, i) for i in range(14)]
    assert network.seed_of(network.layer("stage2.fold.conv2")) == 0x6686_53F3


def test_rectangular_images_and_stem_geometry():
    network = Network("t", 0, (9, 6, 2), Stem(5, 2, 1, 4), (), 2, 0.5, {"stem": Mode.ANY, "classifier": Mode.ANY})
    stem = network.layer("stem")
    assert (stem.inputs, stem.out_height, stem.out_width, stem.kernel, stem.pad) == (50, 4, 2, 1, 0)


def test_block_layers():
    network = digits()
    names = [layer.name for layer in network.block_layers(network.blocks[1])]
    assert names == ["stage2.entry.shortcut", "stage2.entry.conv1", "stage2.entry.conv2"]


def test_unknown_layer_is_refused():
    with pytest.raises(Refused, match=r"Unknown layer 'conv9'; network 'digits' has \['stem', 'stage1.entry.conv1'"):
        digits().layer("conv9")


# A network of one entry block and one recurrent block; `change` replaces fields of it.
BLOCKS = (Block("a", 8, 2), Block("f", 8, 1, 3))
NAMES = ("stem", "a.shortcut", "a.conv1", "a.conv2", "f.conv1", "f.conv2", "classifier")


def small(**change) -> Network:
    network = Network("small", 7, (6, 5, 2), Stem(3, 1, 1, 4), BLOCKS, 3, 0.3, dict.fromkeys(NAMES, Mode.ANY))
    return dataclasses.replace(network, **change)


def modes(**change) -> dict:
    return dict.fromkeys(NAMES, Mode.ANY) | change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": -1}, "Network seed must be an integer from 0 to 4294967295, not -1"),
        ({"seed": 2**32}, "Network seed .* not 4294967296"),
        ({"density": 0.0}, "Density .* must be above 0 and at most 1, not 0.0"),
        ({"density": 1.5}, "Density .* not 1.5"),
        ({"density": float("nan")}, "Density .* not nan"),
        ({"image": (6, 5)}, r"Image must be height, width and channels, each at least 1, not \(6, 5\)"),
        ({"image": (6, 0, 1)}, "Image must be"),
        ({"image": ()}, "Image must be"),
        ({"stem": Stem(0, 1, 1, 4)}, "Stem needs kernel, stride and width of at least 1"),
        ({"stem": Stem(3, 0, 1, 4)}, "Stem needs"),
        ({"stem": Stem(3, 1, -1, 4)}, "Stem needs .* no negative padding"),
        ({"stem": Stem(3, 1, 1, 0)}, "Stem needs"),
        ({"stem": Stem(9, 1, 1, 4)}, "Layer stem shrinks a .* map to nothing; use fewer strides"),
        ({"stem": Stem(181, 1, 90, 4)}, "Layer stem has rows longer than 65521 signs; use fewer input channels"),
        ({"classes": 1}, "Classifier needs at least 2 classes, not 1"),
        ({"blocks": (Block("a", 8, 2), Block("a", 8))}, r"Block names must be unique .* not \['a', 'a'\]"),
        ({"blocks": (Block("stem", 8),)}, "Block names must be unique and not empty, 'stem', 'pool' or 'classifier'"),
        ({"blocks": (Block("classifier", 8),)}, "Block names must be"),
        ({"blocks": (Block("", 8),)}, "Block names must be"),
        ({"blocks": (Block("a", 0),)}, "Block a needs width, stride and iterations of at least 1"),
        ({"blocks": (Block("a", 8, 0),)}, "Block a needs"),
        ({"blocks": (Block("a", 8, 1, 0),)}, "Block a needs"),
        (
            {"blocks": (Block("f", 8, 1, 2),)},
            "Block f changes the shape .width 4 to 8, stride 1., so it cannot be folded over 2 iterations; put it",
        ),
        ({"blocks": (Block("f", 4, 2, 2),)}, "Block f changes the shape .width 4 to 4, stride 2."),
        ({"modes": modes(b=Mode.ANY)}, "Unknown layer 'b' in the modes of network 'small'; its layers are .'stem', "),
        ({"modes": dict.fromkeys(NAMES[1:], Mode.ANY)}, "Layer 'stem' of network 'small' has no mode; give one of any"),
        (
            {"modes": modes(stem=Mode.ONE_OF_FOUR)},
            "Layer stem has 18 input channels, which 1of4 cannot group by 4; give it mode any or 2of4",
        ),
        (
            {"image": (6, 5, 3), "stem": Stem(1, 1, 0, 4), "modes": modes(stem=Mode.TWO_OF_FOUR)},
            "Layer stem has 3 input channels, too few for 2of4; give it mode any",
        ),
        ({"image": (6, 5, 2), "stem": Stem(3, 1, 1, 7281)}, "Layer a.conv1 has rows longer than 65521 signs"),
    ],
)
def test_impossible_networks_are_refused(change, sentence):
    with pytest.raises(Refused, match=sentence):
        small(**change)


@pytest.mark.parametrize(("width", "wider", "kind", "usual"), [
    (8, 0.1, Kind.BASIC, "8"), (8, 1.1, Kind.BASIC, "8"), (6, 1.0, Kind.BOTTLENECK, "1.5"), (8, 0, Kind.BASIC, "8"),
    (8, -1.0, Kind.BASIC, "8"), (8, float("nan"), Kind.BASIC, "8"), (8, float("inf"), Kind.BOTTLENECK, "2"),
])
def test_impossible_inner_widths_are_refused(width, wider, kind, usual):
    sentence = f"Block a of width {width} cannot have {wider!r} times the usual {usual} inner channels"
    with pytest.raises(Refused, match=sentence):
        small(blocks=(Block("a", width, 2, 1, kind, wider), BLOCKS[1]))


def test_bottleneck_layers():
    """Stride in the 3x3, projection in the first block though its stride is 1, inner channels alone widened."""
    network = residual_network(
        "t", image=(8, 8, 1), classes=3, widths=(16, 32), iterations=(0, 2), kind=Kind.BOTTLENECK,
        stem=Stem(3, 1, 1, 4),
    )
    rows = [
        (la.name, la.role, la.inputs, la.outputs, la.kernel, la.stride, la.pad, la.height, la.out_height, la.iterations)
        for la in network.layers[1:-1]
    ]
    assert rows == [
        ("stage1.entry.shortcut", Role.SHORTCUT, 4, 16, 1, 1, 0, 8, 8, 1),
        ("stage1.entry.conv1", Role.INNER, 4, 4, 1, 1, 0, 8, 8, 1),
        ("stage1.entry.conv2", Role.INNER, 4, 4, 3, 1, 1, 8, 8, 1),
        ("stage1.entry.conv3", Role.LAST, 4, 16, 1, 1, 0, 8, 8, 1),
        ("stage2.entry.shortcut", Role.SHORTCUT, 16, 32, 1, 2, 0, 8, 4, 1),
        ("stage2.entry.conv1", Role.INNER, 16, 8, 1, 1, 0, 8, 8, 1),
        ("stage2.entry.conv2", Role.INNER, 8, 8, 3, 2, 1, 8, 4, 1),
        ("stage2.entry.conv3", Role.LAST, 8, 32, 1, 1, 0, 4, 4, 1),
        ("stage2.fold.conv1", Role.INNER, 32, 8, 1, 1, 0, 4, 4, 2),
        ("stage2.fold.conv2", Role.INNER, 8, 8, 3, 1, 1, 4, 4, 2),
        ("stage2.fold.conv3", Role.LAST, 8, 32, 1, 1, 0, 4, 4, 2),
    ]
    wide = [(part.inputs, part.outputs) for part in Block("a", 16, 2, 1, Kind.BOTTLENECK, 1.5).convolutions(12)]
    assert wide == [(12, 16), (12, 6), (6, 6), (6, 16)]
    assert [part.outputs for part in Block("a", 16, wider=2.0).convolutions(16)] == [32, 16]


@pytest.mark.parametrize(("image", "stem", "pooled"), [
    ((24, 24, 3), Stem(7, 2, 3, 8, True), (6, 6)), ((9, 6, 1), Stem(3, 1, 1, 5, True), (5, 3)),
    ((1, 2, 1), Stem(1, 1, 0, 4, True), (1, 1)),
])
def test_pool_follows_the_stem(image, stem, pooled):
    network = Network("t", 0, image, stem, (), 2, 0.5, {"stem": Mode.ANY, "classifier": Mode.ANY})
    pool = network.pool
    assert (pool.index, pool.name, pool.role, pool.weight_count, pool.macs) == (-1, "pool", Role.POOL, 0, 0)
    assert (pool.kernel, pool.stride, pool.pad, pool.inputs, pool.outputs) == (3, 2, 1, stem.width, stem.width)
    assert (pool.height, pool.width) == (network.layers[0].out_height, network.layers[0].out_width)
    assert (pool.out_height, pool.out_width) == pooled
    assert (network.layers[-1].height, network.layers[-1].width) == pooled
    assert [step.layer.name for step in network.steps] == ["stem", "pool", "classifier"]
    assert [layer.name for layer in network.layers] == ["stem", "classifier"]


def test_no_pool_unless_the_stem_says_so():
    assert small().pool is None


def test_shortcut_there_exactly_where_the_shape_changes():
    assert [layer.name for layer in small().layers if layer.role is Role.SHORTCUT] == ["a.shortcut"]


@pytest.mark.parametrize(("widths", "iterations"), [((16,), (1, 2)), ((), ()), ((16, 32), (1,))])
def test_residual_network_wants_one_count_per_width(widths, iterations):
    with pytest.raises(Refused, match="Give one iteration count per stage width"):
        digits(widths=widths, iterations=iterations)


@pytest.mark.parametrize("network", [small(), digits(), digits(mode=Mode.ONE_OF_FOUR, seed=2**32 - 1, density=0.07)])
def test_json_round_trip(network):
    text = json.dumps(network.to_json())
    back = Network.from_json(json.loads(text))
    assert back == network
    assert back.layers == network.layers
    assert json.dumps(back.to_json()) == text
    assert isinstance(back.image, tuple)


def test_integer_density_is_a_number():
    data = json.loads(json.dumps(small().to_json())) | {"density": 1}
    assert Network.from_json(data).density == 1


MISSING = object()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ((), 3, "Key network must be an object, not 3"),
        ((), [], "Key network must be an object"),
        (("colour",), 1, r"Unknown key network.colour; the keys are \['name', 'seed'"),
        (("stem", "bias"), 1, r"Unknown key network.stem.bias; the keys are \['kernel', 'stride', 'pad', 'width', 'p"),
        (("stem", "pool"), MISSING, "Missing key network.stem.pool"),
        (("stem", "pool"), 1, "Key network.stem.pool must be of type bool, not 1"),
        (("blocks", 1, "bias"), 1, r"Unknown key network.blocks\[1\].bias"),
        (("blocks", 1, "kind"), MISSING, r"Missing key network.blocks\[1\].kind"),
        (("blocks", 1, "kind"), "wide", r"Key network.blocks\[1\].kind must be one of \['basic', 'bottleneck'\], not"),
        (("blocks", 1, "kind"), [], r"Key network.blocks\[1\].kind must be one of"),
        (("blocks", 1, "wider"), "2", r"Key network.blocks\[1\].wider must be of type float, not '2'"),
        (("seed",), MISSING, "Missing key network.seed"),
        (("modes",), MISSING, "Missing key network.modes"),
        (("stem", "pad"), MISSING, "Missing key network.stem.pad"),
        (("blocks", 0, "iterations"), MISSING, r"Missing key network.blocks\[0\].iterations"),
        (("name",), 5, "Key network.name must be of type str, not 5"),
        (("seed",), "7", "Key network.seed must be of type int, not '7'"),
        (("seed",), 7.0, "Key network.seed must be of type int, not 7.0"),
        (("seed",), True, "Key network.seed must be of type int, not True"),
        (("seed",), None, "Key network.seed must be of type int, not None"),
        (("density",), "0.3", "Key network.density must be of type float, not '0.3'"),
        (("density",), True, "Key network.density must be of type float"),
        (("classes",), [], "Key network.classes must be of type int"),
        (("stem",), [3, 1, 1, 4], "Key network.stem must be an object, not .3, 1, 1, 4."),
        (("stem", "kernel"), "3", "Key network.stem.kernel must be of type int, not '3'"),
        (("blocks",), {}, "Key network.blocks must be a list, not {}"),
        (("blocks",), None, "Key network.blocks must be a list, not None"),
        (("blocks", 0), "a", r"Key network.blocks\[0\] must be an object, not 'a'"),
        (("blocks", 1, "stride"), 1.5, r"Key network.blocks\[1\].stride must be of type int, not 1.5"),
        (("image",), 5, "Key network.image must be three integers, not 5"),
        (("image",), [6, 5, "2"], "Key network.image must be three integers"),
        (("image",), [6, 5, True], "Key network.image must be three integers"),
        (("image",), [6, 5, 2, 1], "Image must be height, width and channels"),
        (("modes",), [], "Key network.modes must map layer names to modes, not .."),
        (("modes", "stem"), "3of4", r"Key network.modes: '3of4' is not a valid Mode; the modes are \['any', '2of4',"),
        (("modes", "stem"), None, "Key network.modes: None is not a valid Mode"),
        (("modes", "stem"), [], "Key network.modes: .. is not a valid Mode"),
        (("modes", "stem"), MISSING, "Layer 'stem' of network 'small' has no mode"),
    ],
)
def test_bad_json_is_refused_by_name(path, value, sentence):
    data = {"network": json.loads(json.dumps(small().to_json()))}
    *parents, key = ("network", *path)
    place = data
    for parent in parents:
        place = place[parent]
    if value is MISSING:
        del place[key]
    else:
        place[key] = value
    with pytest.raises(Refused, match=sentence):
        Network.from_json(data["network"])
