"""The golden model against a second implementation in plain loops and Python integers."""

import dataclasses

import numpy as np
import pytest

from spec.block import Block, Kind, Stem
from spec.golden import Stored, Trace, predict, run
from spec.layer import Role
from spec.lfsr import layer_seed
from spec.model import Model
from spec.network import Network
from spec.numerics import Requantization
from spec.refusal import Refused
from spec.ring import Ring
from spec.supermask import Mode, select
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn

NAMES = ("stem", "a.shortcut", "a.conv1", "a.conv2", "f.conv1", "f.conv2", "classifier")
SEED = 0x1234_ABCD


def tiny_model(mode: Mode, stem: Stem, bits: int = 8) -> Model:
    """A shape-changing block and a block of three iterations whose entries all differ."""
    modes = dict.fromkeys(NAMES, mode) | {"stem": Mode.ANY}
    network = Network("tiny", SEED, (9, 7, 2), stem, (Block("a", 8, 2), Block("f", 8, 1, 3)), 4, 0.5, modes)
    rng = np.random.default_rng(9)
    masks = {la.name: select(rng.standard_normal(la.shape), la.mode, network.density) for la in network.layers}
    numbers = {}
    for layer in network.layers[:-1]:
        shape = (layer.iterations, layer.outputs)
        signed = layer.role is Role.SHORTCUT
        # Gains and offsets large enough that every layer meets both ends of its range.
        numbers[layer.name] = Requantization(
            rng.integers(-2048, 2048, shape),
            rng.integers(-(2**12), 2**12, shape),
            shift=10,
            bias_shift=bits - 1,
            residual_shift=1 if layer.name == "a.conv2" else 3 if layer.name == "f.conv2" else 0,
            signed=signed,
            bits=bits,
        )
    return Model(network, masks, numbers)


def state_after(state: int, steps: int) -> int:
    for _ in range(steps):
        state = state >> 1 ^ (0xA300_0000 if state & 1 else 0)
    return state


def slow_weights(model: Model) -> dict[str, np.ndarray]:
    """mask x sign, every stream stepped one output at a time, and so is the way from row to row."""
    weights = {}
    for layer in model.network.layers:
        trits = np.zeros(layer.shape, object)
        start = layer_seed(SEED, layer.index)
        for m in range(layer.outputs):
            state = start
            for ky in range(layer.kernel):
                for kx in range(layer.kernel):
                    for n in range(-(-layer.inputs // 16) * 16):
                        if n < layer.inputs and model.masks[layer.name][m, ky, kx, n]:
                            trits[m, ky, kx, n] = -1 if state & 1 else 1
                        state = state_after(state, 1)
            start = state_after(start, 65521)
        weights[layer.name] = trits
    return weights


def slow_conv(image, weights, stride, pad):
    """Image (H, W, N) and weights (M, K, K, N) to accumulators, position by position."""
    height, width, channels = image.shape
    outputs, kernel = weights.shape[:2]
    padded = np.zeros((height + 2 * pad, width + 2 * pad, channels), object)
    padded[pad : pad + height, pad : pad + width] = image
    rows, columns = (height + 2 * pad - kernel) // stride + 1, (width + 2 * pad - kernel) // stride + 1
    acc = np.zeros((rows, columns, outputs), object)
    for y, x, m in np.ndindex(acc.shape):
        for ky, kx, n in np.ndindex(kernel, kernel, channels):
            acc[y, x, m] += weights[m, ky, kx, n] * padded[y * stride + ky, x * stride + kx, n]
    return acc


def slow_store(acc, numbers: Requantization, iteration: int, residual=None):
    low, high = {
        (8, False): (0, 255), (8, True): (-128, 127), (6, False): (0, 63), (6, True): (-32, 31), (4, False): (0, 15),
        (4, True): (-8, 7),
    }[numbers.bits, numbers.signed]
    stored = np.zeros(acc.shape, object)
    for y, x, m in np.ndindex(acc.shape):
        z = acc[y, x, m] * int(numbers.multiplier[iteration, m])
        z += int(numbers.bias[iteration, m]) * 2**numbers.bias_shift
        if residual is not None:
            z += residual[y, x, m] * 2 ** (numbers.shift + numbers.residual_shift)
        z += 2 ** (numbers.shift - 1)
        stored[y, x, m] = min(max(z // 2**numbers.shift, low), high)
    return stored


def slow_run(model: Model, weights, image):
    """Stored activations by (layer, iteration) in order, and logits, of the network `tiny_model` describes."""
    stem, numbers, stored = model.network.stem, model.requantizations, {}

    def conv(name, inputs, stride, pad, iteration=0, residual=None):
        acc = slow_conv(inputs, weights[name], stride, pad)
        stored[name, iteration] = slow_store(acc, numbers[name], iteration, residual)
        return stored[name, iteration]

    kernels = weights["stem"].reshape(stem.width, stem.kernel, stem.kernel, -1)  # n = (ky*K + kx)*C + c
    acc = slow_conv(image, kernels, stem.stride, stem.pad)
    stored["stem", 0] = x = slow_store(acc, numbers["stem"], 0)
    shortcut = conv("a.shortcut", x, 2, 0)
    x = conv("a.conv2", conv("a.conv1", x, 2, 1), 1, 1, 0, shortcut)
    for t in range(3):
        x = conv("f.conv2", conv("f.conv1", x, 1, 1, t), 1, 1, t, x)
    logits = slow_conv(x, weights["classifier"], 1, 0).sum(axis=(0, 1))
    return stored, logits


def test_rings_against_plain_loops():
    """All layers draw, from rings of 5 and of 2 planes, with the folded block's weights the same in every iteration."""
    network = tiny_model(Mode.ANY, Stem(3, 1, 1, 8)).network
    model = synthetic_model(drawn(network, Ring("p", 11, 5, NAMES[:4]), Ring("q", 4, 2, NAMES[4:])), 6)
    weights = {name: model.weights(name).astype(object) for name in NAMES}
    assert [max(abs(weights[name]).max() for name in names) for names in (NAMES[:4], NAMES[4:])] == [121, 4]
    (image,) = random_images(network, 1, seed=5)
    trace = run(model, image[None])
    stored, logits = slow_run(model, weights, image.astype(object))
    for got in trace.stored:
        assert got.values[0].tolist() == stored[got.layer.name, got.iteration].tolist()
    assert trace.logits[0].tolist() == logits.tolist()


@pytest.mark.parametrize("stem", [Stem(3, 1, 1, 8), Stem(3, 2, 0, 8), Stem(1, 1, 0, 8)], ids=str)
@pytest.mark.parametrize("mode", list(Mode))
def test_against_plain_loops(mode, stem):
    compare_with_plain_loops(tiny_model(mode, stem))


@pytest.mark.parametrize("bits", [4, 6])
def test_fewer_bits_against_plain_loops(bits):
    compare_with_plain_loops(tiny_model(Mode.ANY, Stem(3, 1, 1, 8), bits))


def compare_with_plain_loops(model):
    images = random_images(model.network, 2, seed=5)
    images[1, :4] = 0
    trace = run(model, images)
    weights = slow_weights(model)
    seen = {}
    for i, image in enumerate(images):
        stored, logits = slow_run(model, weights, image.astype(object))
        assert [(s.layer.name, s.iteration) for s in trace.stored] == list(stored)
        for got in trace.stored:
            expected = stored[got.layer.name, got.iteration]
            assert got.values[i].tolist() == expected.tolist()
            seen.setdefault(got.layer.name, set()).update(expected.ravel().tolist())
        assert trace.logits[i].tolist() == logits.tolist()
    # The comparison is worth something: both ends of each range occur, and the middle.
    for name, values in seen.items():
        low = -(2 ** (model.bits - 1)) if name == "a.shortcut" else 0
        high = low + 2**model.bits - 1
        assert (min(values), max(values)) == (low, high), name
        assert len(values) > 3, name


BOTTLENECK_NAMES = ("a.shortcut", "a.conv1", "a.conv2", "a.conv3", "f.conv1", "f.conv2", "f.conv3")


def bottleneck_model() -> Model:
    """A pooled stem, a bottleneck that shrinks the map, and one of two iterations whose inner channels are doubled."""
    bottleneck = Kind.BOTTLENECK
    network = Network(
        "tiny", SEED, (13, 9, 2), Stem(3, 1, 1, 6, True),
        (Block("a", 8, 2, 1, bottleneck), Block("f", 8, 1, 2, bottleneck, 2.0)), 4, 0.5,
        dict.fromkeys(("stem", *BOTTLENECK_NAMES, "classifier"), Mode.ANY),
    )
    return synthetic_model(network, 6)


def slow_bottleneck_run(model: Model, weights, image):
    """As `slow_run`, of the network of `bottleneck_model`."""
    stored = {}

    def conv(name, inputs, stride, pad, iteration=0, residual=None):
        acc = slow_conv(inputs, weights[name], stride, pad)
        stored[name, iteration] = slow_store(acc, model.requantizations[name], iteration, residual)
        return stored[name, iteration]

    acc = slow_conv(image, weights["stem"].reshape(6, 3, 3, 2), 1, 1)
    stored["stem", 0] = x = slow_store(acc, model.requantizations["stem"], 0)
    pooled = np.zeros((7, 5, 6), object)
    for y, column, n in np.ndindex(pooled.shape):
        window = [x[i, j, n] for i in range(2 * y - 1, 2 * y + 2) for j in range(2 * column - 1, 2 * column + 2)
                  if 0 <= i < 13 and 0 <= j < 9]
        pooled[y, column, n] = max(window)
    stored["pool", 0] = x = pooled
    shortcut = conv("a.shortcut", x, 2, 0)
    x = conv("a.conv3", conv("a.conv2", conv("a.conv1", x, 1, 0), 2, 1), 1, 0, 0, shortcut)
    for t in range(2):
        x = conv("f.conv3", conv("f.conv2", conv("f.conv1", x, 1, 0, t), 1, 1, t), 1, 0, t, x)
    return stored, slow_conv(x, weights["classifier"], 1, 0).sum(axis=(0, 1))


def test_bottlenecks_and_pool_against_plain_loops():
    model = bottleneck_model()
    images = random_images(model.network, 2, seed=5)
    trace, weights = run(model, images), slow_weights(model)
    for i, image in enumerate(images):
        stored, logits = slow_bottleneck_run(model, weights, image.astype(object))
        assert [(s.layer.name, s.iteration) for s in trace.stored] == list(stored)
        for got in trace.stored:
            assert got.values[i].tolist() == stored[got.layer.name, got.iteration].tolist()
        assert trace.logits[i].tolist() == logits.tolist()
    assert {stored.values.dtype for stored in trace.stored if stored.layer.role is Role.POOL} == {np.dtype(np.uint8)}


def test_types_and_shapes():
    model = tiny_model(Mode.ANY, Stem(3, 1, 1, 8))
    trace = run(model, random_images(model.network, 3, seed=1))
    steps = [step for step in model.network.steps if step.layer.role is not Role.CLASSIFIER]
    assert [(s.layer, s.iteration) for s in trace.stored] == [(step.layer, step.iteration) for step in steps]
    for stored in trace.stored:
        layer = stored.layer
        assert stored.values.shape == (3, layer.out_height, layer.out_width, layer.outputs)
        assert stored.values.dtype == (np.int8 if layer.role is Role.SHORTCUT else np.uint8)
    assert (trace.logits.dtype, trace.logits.shape) == (np.int32, (3, 4))


def test_images_do_not_meet():
    model = synthetic_model(tiny_model(Mode.ANY, Stem(3, 1, 1, 8)).network, 3)
    images = random_images(model.network, 5, seed=2)
    together = run(model, images).logits
    assert len({tuple(row) for row in together.tolist()}) == 5
    assert [run(model, images[i : i + 1]).logits[0].tolist() for i in range(5)] == together.tolist()
    assert np.concatenate(list(predict(model, images, batch=2))).tolist() == together.tolist()
    assert [len(chunk) for chunk in predict(model, images, batch=2)] == [2, 2, 1]


def test_every_iteration_uses_its_own_entries():
    model = tiny_model(Mode.TWO_OF_FOUR, Stem(3, 1, 1, 8))
    images = random_images(model.network, 1, seed=3)
    before = {(s.layer.name, s.iteration): s.values for s in run(model, images).stored}
    numbers = model.requantizations["f.conv1"]
    for t in range(3):
        bias = numbers.bias.copy()
        bias[t] += 2**12
        changed = dataclasses.replace(
            model, requantizations=model.requantizations | {"f.conv1": dataclasses.replace(numbers, bias=bias)}
        )
        after = {(s.layer.name, s.iteration): s.values for s in run(changed, images).stored}
        different = [key for key in before if not np.array_equal(before[key], after[key])]
        assert different[0] == ("f.conv1", t)


@pytest.mark.parametrize(
    ("logits", "classes"),
    [([[1, 3, 3, 2]], [1]), ([[0, 0, 0, 0]], [0]), ([[-5, -7, -5, -6]], [0]), ([[1, 2, 3, 4], [4, 4, 3, 4]], [3, 0])],
)
def test_ties_go_to_the_lowest_class(logits, classes):
    assert Trace((), np.array(logits, np.int32)).classes.tolist() == classes


def test_an_empty_batch_has_no_results():
    model = tiny_model(Mode.ANY, Stem(3, 1, 1, 8))
    trace = run(model, np.zeros((0, 9, 7, 2), np.uint8))
    assert trace.logits.shape == (0, 4)
    assert trace.classes.tolist() == []
    assert {len(stored.values) for stored in trace.stored} == {0}


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (np.zeros((1, 7, 9, 2), np.uint8), r"not uint8 \(1, 7, 9, 2\)"),
        (np.zeros((9, 7, 2), np.uint8), r"not uint8 \(9, 7, 2\)"),
        (np.zeros((1, 9, 7, 1), np.uint8), "not uint8"),
        (np.zeros((1, 9, 7, 2), np.int64), r"not int64 \(1, 9, 7, 2\)"),
        (np.zeros((1, 9, 7, 2), np.float32), "not float32"),
        (np.zeros((1, 9, 7, 2), np.int8), "not int8"),
    ],
)
def test_other_images_are_refused(images, got):
    model = tiny_model(Mode.ANY, Stem(3, 1, 1, 8))
    with pytest.raises(Refused, match=r"Images for network 'tiny' must be uint8 \(count, 9, 7, 2\), " + got):
        run(model, images)


def test_stored_values_name_their_layer():
    model = tiny_model(Mode.ANY, Stem(3, 1, 1, 8))
    first = run(model, random_images(model.network, 1, seed=0)).stored[0]
    assert isinstance(first, Stored)
    assert (first.layer.name, first.iteration) == ("stem", 0)
