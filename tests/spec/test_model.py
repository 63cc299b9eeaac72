"""Model files: round trip, hashes, and what is proven of a model when it is built or loaded."""

import dataclasses
import json

import numpy as np
import pytest
import safetensors.numpy

from spec.block import Stem
from spec.layer import Role
from spec.model import CLASS_NAMES, FORMAT, VERSION, Model, load, save, with_provenance
from spec.network import Network
from spec.numerics import Requantization, accumulator_bounds
from spec.refusal import Refused
from spec.supermask import GROUP, Mode


def with_entries(model: Model, name: str, **change) -> Model:
    """``model`` with other fields in the requantization of one layer."""
    numbers = dataclasses.replace(model.requantizations[name], **change)
    return dataclasses.replace(model, requantizations=model.requantizations | {name: numbers})


def with_bits(model: Model, bits: int) -> Model:
    """``model`` with activations of ``bits`` bits and the same entries."""
    numbers = {name: dataclasses.replace(one, bits=bits) for name, one in model.requantizations.items()}
    return dataclasses.replace(model, requantizations=numbers)


def with_mask(model: Model, name: str, mask: np.ndarray) -> Model:
    return dataclasses.replace(model, masks=model.masks | {name: mask})


def test_round_trip(model, path):
    back = load(path)
    assert back.network == model.network
    assert back.hash == model.hash
    assert back.provenance == model.provenance
    assert set(back.masks) == set(model.masks)
    for name, mask in model.masks.items():
        assert np.array_equal(back.masks[name], mask)
    assert set(back.requantizations) == set(model.requantizations)
    for name, numbers in model.requantizations.items():
        for field in dataclasses.fields(Requantization):
            assert np.array_equal(getattr(back.requantizations[name], field.name), getattr(numbers, field.name))


def test_same_model_same_bytes(model, path, tmp_path):
    again = save(load(path), tmp_path / "again" / "m.safetensors")
    assert again.read_bytes() == path.read_bytes()


def test_file_holds_what_design_says(model, path):
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = json.loads(file.metadata()["foldenite"])
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    layers = model.network.layers
    assert (metadata["format"], metadata["version"]) == (FORMAT, VERSION) == ("foldenite-model", 4)
    assert metadata["sha256"] == model.hash
    assert set(tensors) == {f"{la.name}.mask" for la in layers} | {f"{la.name}.entries" for la in layers[:-1]}
    assert tensors["f.conv1.entries"].shape == (3, 8)
    assert tensors["f.conv1.entries"].dtype == np.uint32
    assert tensors["f.conv2.mask"].nbytes == 8 * 9 * 2 * 2 // 8
    assert tensors["stem.mask"].nbytes == 8 * 12 // 8
    assert model.mask_bits == 8 * sum(tensors[f"{layer.name}.mask"].nbytes for layer in layers)
    assert model.entry_count == sum(tensors[f"{layer.name}.entries"].size for layer in layers[:-1])


def test_any_memory_layout_and_any_json_provenance_is_saved_right(model, tmp_path):
    numbers = model.requantizations["f.conv1"]
    other = with_entries(
        model, "f.conv1", multiplier=np.asfortranarray(numbers.multiplier), bias=np.asfortranarray(numbers.bias)
    )
    assert other.hash == model.hash
    other = with_provenance(other, folds={2: "two", 10: "ten"}, shape=(1, 2))
    back = load(save(other, tmp_path / "m"))
    assert back.hash == other.hash
    assert np.array_equal(back.requantizations["f.conv1"].bias, numbers.bias)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: with_entries(m, "stem", shift=m.requantizations["stem"].shift - 1),
        lambda m: with_entries(m, "stem", bias_shift=m.requantizations["stem"].bias_shift ^ 1),
        lambda m: with_entries(m, "stem", residual_shift=1),
        lambda m: with_bits(m, 7),
        lambda m: with_entries(m, "f.conv2", bias=m.requantizations["f.conv2"].bias ^ np.eye(3, 8, 1, np.int64)),
        lambda m: with_entries(m, "f.conv2", multiplier=m.requantizations["f.conv2"].multiplier[[1, 0, 2]]),
        lambda m: with_mask(m, "classifier", m.masks["classifier"] ^ (np.indices((3, 1, 1, 8)).sum(axis=0) == 9)),
        lambda m: with_mask(m, "f.conv2", m.masks["f.conv2"][::-1]),
        lambda m: dataclasses.replace(m, network=dataclasses.replace(m.network, seed=8)),
        lambda m: dataclasses.replace(m, network=dataclasses.replace(m.network, name="tiny2")),
        lambda m: dataclasses.replace(m, network=dataclasses.replace(m.network, density=0.5)),
        lambda m: with_provenance(m, note="x"),
    ],
)
def test_hash_changes_with_anything(model, change):
    assert change(model).hash != model.hash


def test_hash_changes_with_every_mask_bit(model):
    mask = model.masks["classifier"]
    bits = [(np.arange(mask.size) == i).reshape(mask.shape) for i in range(24)]
    hashes = {with_mask(model, "classifier", mask ^ bit).hash for bit in bits}
    assert len(hashes | {model.hash}) == 25


def test_trits_are_mask_times_sign(model):
    for layer in model.network.layers:
        trits = model.weights(layer.name)
        assert trits.dtype == np.int8
        assert np.array_equal(trits != 0, model.masks[layer.name])
    # Sign bit 1 is -1; the stem's row 0 starts at the layer's seed, whose low bits are its first signs.
    seed = model.network.seed_of(model.network.layers[0])
    signs = [1 - 2 * (seed >> n & 1) for n in range(9)]
    kept = model.masks["stem"][0, 0, 0].tolist()
    assert model.weights("stem")[0, 0, 0].tolist() == [sign * keep for sign, keep in zip(signs, kept, strict=True)]


@pytest.mark.parametrize(
    ("name", "expected"), [("stem", (0, 0)), ("a.conv1", (0, 0)), ("a.conv2", (-128, 127)), ("f.conv2", (0, 255))]
)
def test_residual_range(model, name, expected):
    assert model.residual_range(model.network.layer(name)) == expected


@pytest.mark.parametrize(("bits", "expected"), [(4, ((-8, 7), (0, 15))), (6, ((-32, 31), (0, 63)))])
def test_ranges_of_fewer_bits(model, tmp_path, bits, expected):
    """Residuals, and what a layer reads, have the network's bits; the image has bytes."""
    narrow = load(save(with_bits(model, bits), tmp_path / "m"))
    assert narrow.bits == bits
    assert tuple(narrow.residual_range(narrow.network.layer(name)) for name in ("a.conv2", "f.conv2")) == expected
    largest = [narrow.largest_input(layer) for layer in narrow.network.layers]
    assert largest == [255] + [2**bits - 1] * (len(largest) - 1)


def test_fewer_bits_are_proven_with_the_values_they_have(model):
    """Sums of bytes that would wrap may be sums of 4-bit values that do not."""
    near_the_end = {"bias": np.full((3, 8), 2**19 - 64), "bias_shift": 7, "shift": 23}
    with pytest.raises(Refused, match=r"Layer f\.conv2 can reach sums of"):
        with_entries(model, "f.conv2", **near_the_end)
    assert with_entries(with_bits(model, 4), "f.conv2", **near_the_end).bits == 4


def test_accumulators_are_proven_with_the_values_a_layer_reads():
    """A classifier sums 64 x 64 positions of 40 channels."""
    network = Network("w", 1, (64, 64, 1), Stem(1, 1, 0, 40), (), 2, 1.0, {"stem": Mode.ANY, "classifier": Mode.ANY})
    masks = {layer.name: np.ones(layer.shape, bool) for layer in network.layers}
    ones = np.ones((1, 40), np.int64)

    def model_of(bits):
        return Model(network, masks, {"stem": Requantization(ones, 0 * ones, 10, 0, 0, False, bits)})

    with pytest.raises(Refused, match="Layer classifier can reach accumulators of"):
        model_of(8)
    assert model_of(4).bits == 4


# What a model may not be: change -> sentence.


def wide_model(multiplier: int) -> Model:
    """Model whose stem keeps all of its 16384 inputs, each channel with this multiplier."""
    network = Network("w", 1, (2, 2, 16384), Stem(1, 1, 0, 8), (), 2, 1.0, {"stem": Mode.ANY, "classifier": Mode.ANY})
    masks = {layer.name: np.ones(layer.shape, bool) for layer in network.layers}
    ones = np.ones((1, 8), np.int64)
    return Model(network, masks, {"stem": Requantization(multiplier * ones, 0 * ones, 10, 0, 0, False)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: dataclasses.replace(m, masks=m.masks | {"x": m.masks["stem"]}), "Unknown layer 'x' has mask"),
        (lambda m: dataclasses.replace(m, masks={}), "Layer 'a.conv1' has no mask"),
        (
            lambda m: dataclasses.replace(m, requantizations=m.requantizations | {"classifier": None}),
            "Unknown layer 'classifier' has batch-norm entries",
        ),
        (lambda m: dataclasses.replace(m, requantizations={}), "Layer 'a.conv1' has no batch-norm entries"),
        (lambda m: dataclasses.replace(m, provenance=["x"]), r"Provenance must be an object, not \['x'\]"),
        (
            lambda m: with_mask(m, "stem", m.masks["stem"][..., :8]),
            r"Mask of layer stem must be bool \(8, 1, 1, 9\), not bool \(8, 1, 1, 8\)",
        ),
        (lambda m: with_mask(m, "stem", m.masks["stem"].astype(np.uint8)), "layer stem must be bool .* not uint8"),
        (lambda m: with_mask(m, "f.conv1", m.masks["f.conv1"] | True), "f.conv1 is declared 2of4 but a group keeps 4"),
        (lambda m: with_mask(m, "f.conv2", m.masks["f.conv2"] & False), "f.conv2 is declared 1of4 but .* keeps 0"),
        (
            lambda m: with_entries(m, "f.conv1", multiplier=np.ones((1, 8), np.int64)),
            r"multipliers of layer f.conv1 must be integers of shape \(3, 8\) .* not int64 \(1, 8\)",
        ),
        (lambda m: with_entries(m, "f.conv1", bias=np.ones((3, 7), np.int64)), "biases .* f.conv1 .* not int64 .3, 7."),
        (lambda m: with_entries(m, "f.conv1", bias=np.ones((3, 8))), "f.conv1 must be integers .* not float64"),
        (lambda m: with_entries(m, "stem", shift=0), "Layer stem: shift must be from 1 to 31, not 0"),
        (lambda m: with_bits(m, 3), "Layer stem: bits must be from 4 to 8, not 3"),
        (lambda m: with_bits(m, 9), "Layer stem: bits must be from 4 to 8, not 9"),
        (
            lambda m: with_entries(m, "a.conv2", bits=4),
            "Layer a.conv2 stores activations of 4 bits, but the stem of 8; all layers of a network store as many",
        ),
        (lambda m: with_entries(m, "stem", signed=True), "Layer stem: signed must be False for a layer of role stem"),
        (lambda m: with_entries(m, "a.shortcut", signed=False), "a.shortcut: signed must be True for .* shortcut"),
        (
            lambda m: with_entries(m, "stem", bias_shift=8),
            "Layer stem: bias shift must be from 0 to 7, not 8",
        ),
        (lambda m: with_entries(m, "f.conv2", shift=24, residual_shift=3), "Layer f.conv2 can reach sums of"),
        (lambda m: wide_model(2047), "Layer stem can reach sums of .* beyond 32 bits; export it again"),
    ],
)
def test_impossible_models_are_refused(model, change, sentence):
    with pytest.raises(Refused, match=sentence):
        change(model)


def test_an_accumulator_that_could_wrap_is_refused():
    network = Network("w", 1, (256, 256, 4), Stem(1, 1, 0, 8), (), 2, 1.0, {"stem": Mode.ANY, "classifier": Mode.ANY})
    masks = {layer.name: np.ones(layer.shape, bool) for layer in network.layers}
    ones = np.ones((1, 8), np.int64)
    with pytest.raises(Refused, match=r"Layer classifier can reach accumulators of .*, beyond 24 bits; lower"):
        Model(network, masks, {"stem": Requantization(ones, ones, 10, 0, 0, False)})


@pytest.mark.parametrize(("trits", "bits"), [
    ([[1]], 9), ([[-1]], 9), ([[0]], 1), ([[1, 1, 1], [-1, 0, 0]], 11), ([[1, 0], [-1, -1]], 10),
])
def test_bits_of_a_sum(monkeypatch, trits, bits):
    """Of one byte 9, of two 10, of three 11, whichever their sign, and for the worst of all outputs."""
    model = wide_model(1)
    stem = model.network.layers[0]
    monkeypatch.setattr(Model, "weights", lambda *_: np.array(trits, np.int8)[:, None, None])
    assert model.psum_bits(stem) == bits


def test_as_many_bits_as_the_least_and_the_greatest_sum_need():
    model = wide_model(1)
    for layer in model.network.layers:
        low, high = model.accumulator_range(layer)
        half = 1 << model.psum_bits(layer) - 1
        assert -half <= low.min()
        assert high.max() < half
        assert low.min() < -(half // 2) or high.max() >= half // 2


def test_the_widest_sum_is_allowed():
    model = wide_model(16)
    low, high = accumulator_bounds(model.weights("stem"))
    largest = int(min(2**31 // -low.min(), (2**31 - 1 - 2**9) // high.max()))
    assert wide_model(largest).requantizations["stem"].multiplier.max() == largest
    with pytest.raises(Refused, match="can reach sums"):
        wide_model(largest + 1)


def test_an_interrupted_write_keeps_the_old_model(model, path, monkeypatch):
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(with_provenance(model, more=1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_fixture_has_every_feature(model):
    layers = model.network.layers
    assert {layer.mode for layer in layers} == set(Mode)
    assert {layer.role for layer in layers} == set(Role) - {Role.POOL, Role.MAPS}  # nothing to store, another head
    assert any(layer.inputs % GROUP for layer in layers)


def test_classes_are_called_what_they_were_trained_as_or_by_their_numbers(model):
    assert CLASS_NAMES not in model.provenance
    assert model.class_names == ("0", "1", "2")
    assert with_provenance(model, **{CLASS_NAMES: ["cat", "dog", "owl"]}).class_names == ("cat", "dog", "owl")
    fewer = with_provenance(model, **{CLASS_NAMES: ["cat", "dog"]})
    with pytest.raises(Refused, match=r"^Model \S+ names 2 classes, but has 3; export it again$"):
        _ = fewer.class_names
