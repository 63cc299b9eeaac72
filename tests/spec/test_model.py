"""Model files: round trip, and every kind of damage refused with its sentence."""

import dataclasses
import hashlib
import json
import random

import numpy as np
import pytest
import safetensors.numpy

from spec.block import Block, Stem
from spec.layer import Role
from spec.model import CLASS_NAMES, FORMAT, VERSION, Model, load, save, with_provenance
from spec.network import Network
from spec.numerics import Requantization, accumulator_bounds
from spec.refusal import Refused
from spec.supermask import GROUP, Mode
from spec.synthetic import synthetic_model

MODES = {
    "stem": Mode.ANY,
    "a.shortcut": Mode.AT_MOST_ONE,
    "a.conv1": Mode.ANY,
    "a.conv2": Mode.ONE_OF_FOUR,
    "f.conv1": Mode.TWO_OF_FOUR,
    "f.conv2": Mode.ONE_OF_FOUR,
    "classifier": Mode.ANY,
}
PROVENANCE = {"recipe": "synthetic", "rate": 1e-05, "by": "Ægir", "accuracy": {"float": 0.5}}


@pytest.fixture(scope="module")
def model() -> Model:
    """A projection shortcut, a recurrent block, all modes, padding bits in the packed stem (9 channels)."""
    network = Network("tiny", 7, (5, 6, 1), Stem(3, 1, 1, 8), (Block("a", 8, 2), Block("f", 8, 1, 3)), 3, 0.4, MODES)
    return with_provenance(synthetic_model(network, 1), **PROVENANCE)


@pytest.fixture
def path(model, tmp_path):
    return save(model, tmp_path / "m.safetensors")


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


# Damage to the bytes.


def test_absent_file_is_refused(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(Refused, match=r"Model file .* (does not exist|is no regular file); .*train.export"):
            load(path)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, 0.25, 0.5, 0.9, -100, -2, -1])
def test_truncated_file_is_refused(path, length):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * length) if 0 < length < 1 else length])
    with pytest.raises(Refused, match="is damaged or truncated"):
        load(path)


@pytest.mark.parametrize("tail", [b"\0", b"more"])
def test_longer_file_is_refused(path, tail):
    path.write_bytes(path.read_bytes() + tail)
    with pytest.raises(Refused, match="is damaged or truncated"):
        load(path)


@pytest.mark.parametrize("seed", range(10))
def test_one_flipped_bit_anywhere_is_refused(path, seed):
    content = path.read_bytes()
    rng = random.Random(seed)
    for position in rng.sample(range(len(content)), 100):
        flipped = bytearray(content)
        flipped[position] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(Refused):
            load(path)


@pytest.mark.parametrize(("was", "now"), [(b"1e-05", b"1E-05"), (rb"u00c6", rb"u00C6")])
def test_a_flip_that_leaves_the_same_json_is_refused(path, was, now):
    content = path.read_bytes()
    assert content.count(was) == 1
    path.write_bytes(content.replace(was, now))
    with pytest.raises(Refused, match="has altered metadata"):
        load(path)


# Files that say something wrong, with a hash that fits.


def contents(model, tmp_path):
    """Metadata and tensors of the model's file, to be altered."""
    with safetensors.safe_open(save(model, tmp_path / "whole"), framework="numpy") as file:
        return json.loads(file.metadata()["foldenite"]), {name: file.get_tensor(name) for name in sorted(file.keys())}


def sha256(metadata: dict, tensors: dict) -> str:
    """The file's hash, written out: JSON with sorted keys, then each tensor's name, type, shape and bytes."""
    hasher = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode() + tensor.tobytes())
    return hasher.hexdigest()


def forge(metadata, tensors, path):
    """Write a file whose hash fits whatever it says."""
    if isinstance(metadata, dict) and "sha256" in metadata:
        metadata["sha256"] = sha256({key: value for key, value in metadata.items() if key != "sha256"}, tensors)
    text = json.dumps(metadata, sort_keys=True)
    path.write_bytes(safetensors.numpy.save(tensors, {"foldenite": text}))
    return path


def test_forged_unchanged_is_the_same_file(model, tmp_path):
    path = forge(*contents(model, tmp_path), tmp_path / "forged")
    assert path.read_bytes() == (tmp_path / "whole").read_bytes()


MISSING = object()


@pytest.mark.parametrize(
    ("where", "value", "sentence"),
    [
        (("format",), "other", "declares format 'other', not 'foldenite-model'"),
        (("format",), MISSING, "declares format None"),
        (("format",), ["foldenite-model"], "declares format .'foldenite-model'., not"),
        (("version",), 2, "has version 2, but this Foldenite reads version 4; export it again"),
        (("version",), "1", "has version '1'"),
        (("version",), True, "has version True"),
        (("version",), 2.0, "has version 2.0"),
        (("version",), MISSING, "has version None"),
        (("extra",), 1, "has unknown key 'extra'; the keys are"),
        (("provenance",), MISSING, "has missing key 'provenance'"),
        (("sha256",), MISSING, "has missing key 'sha256'"),
        (("network",), MISSING, "has missing key 'network'"),
        (("network",), [], "Key network must be an object"),
        (("network",), None, "Key network must be an object"),
        (("network", "blocks"), 5, "Key network.blocks must be a list, not 5"),
        (("network", "blocks", 0), None, r"Key network.blocks\[0\] must be an object"),
        (("network", "blocks", 1, "iterations"), 10**30, "model file .* has an integer beyond 64 bits"),
        (("network", "blocks", 1, "iterations"), 10**12, "Block f has 1,000,000,000,000 iterations, more"),
        (("network", "seed"), "7", "Key network.seed must be of type int"),
        (("network", "stem", "kernel"), 3.0, "Key network.stem.kernel must be of type int"),
        (("network", "classes"), 10**12, "tiny has 1,000,000,000,000 classes, more than the 65,536 allowed"),
        (("network", "classes"), 10**4, "Mask of layer classifier must be 10000 bytes"),
        (("network", "modes", "stem"), {"any": 1}, "Key network.modes: .* is not a valid Mode"),
        (("network", "modes", "f.conv1"), "1of4", "Mask of layer f.conv1 must be 36 bytes"),
        (("network", "depth"), 3, "Unknown key network.depth"),
        (("requantizations",), [], "Key requantizations must map layer names to numbers, not .."),
        (("requantizations",), None, "Key requantizations must map layer names to numbers"),
        (("requantizations", "stem"), MISSING, "must give .'shift', .* for layer stem, not None"),
        (("requantizations", "stem"), [1, 2, 3, 4], "must give .* for layer stem, not .1, 2, 3, 4."),
        (("requantizations", "stem", "shift"), MISSING, "must give .* for layer stem"),
        (("requantizations", "stem", "rounding"), 1, "must give .* for layer stem"),
        (("requantizations", "stem", "shift"), "10", "Key requantizations.stem.shift has a wrong type: '10'"),
        (("requantizations", "stem", "shift"), 10.0, "Key requantizations.stem.shift has a wrong type: 10.0"),
        (("requantizations", "stem", "bias_shift"), True, "Key requantizations.stem.bias_shift has a wrong type: True"),
        (("requantizations", "stem", "residual_shift"), None, "residual_shift has a wrong type: None"),
        (("requantizations", "stem", "signed"), 0, "Key requantizations.stem.signed has a wrong type: 0"),
        (("requantizations", "stem", "bits"), MISSING, "must give .* for layer stem"),
        (("requantizations", "stem", "bits"), 8.0, "Key requantizations.stem.bits has a wrong type: 8.0"),
        (("requantizations", "f.conv1", "bits"), 6, "f.conv1 stores activations of 6 bits, but the stem of 8"),
        (("requantizations", "stem", "signed"), True, "Layer stem: signed must be False"),
        (("requantizations", "stem", "shift"), 10**18, "Layer stem: shift must be from 1 to 31"),
        (("requantizations", "stem", "residual_shift"), -(10**18), "residual shift must be from 0 to 3"),
        (("requantizations", "ghost"), {}, "has numbers for unknown layer 'ghost'"),
        (("provenance",), [], "Provenance must be an object, not .."),
        (("provenance",), "trained", "Provenance must be an object, not 'trained'"),
        (("provenance",), None, "Provenance must be an object, not None"),
    ],
)
def test_wrong_metadata_is_refused_by_name(model, tmp_path, where, value, sentence):
    metadata, tensors = contents(model, tmp_path)
    *parents, key = where
    place = metadata
    for parent in parents:
        place = place[parent]
    if value is MISSING:
        del place[key]
    else:
        place[key] = value
    with pytest.raises(Refused, match=sentence):
        load(forge(metadata, tensors, tmp_path / "forged"))


@pytest.mark.parametrize("said", [5, None, [], "", "0" * 64])
def test_wrong_hash_is_refused(model, tmp_path, said):
    metadata, tensors = contents(model, tmp_path)
    text = json.dumps(metadata | {"sha256": said}, sort_keys=True)
    (tmp_path / "forged").write_bytes(safetensors.numpy.save(tensors, {"foldenite": text}))
    with pytest.raises(Refused, match="does not match its SHA-256"):
        load(tmp_path / "forged")


def padding_set(tensors):
    tensors["stem.mask"][1] |= 0b0000_1000  # channel 11 of 9, in row 0


def third_of_a_group(tensors):
    tensors["f.conv1.mask"][0] |= 0b0111


def unused_code_bits(tensors):
    tensors["a.conv2.mask"] = np.append(tensors["a.conv2.mask"], np.uint8(0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.update(ghost=np.zeros(1, np.uint8)), "has unknown tensor 'ghost'; the network has no such layer"),
        (lambda t: t.update({"classifier.entries": t["stem.entries"]}), "has unknown tensor 'classifier.entries'"),
        (lambda t: t.pop("f.conv2.mask"), "lacks tensor 'f.conv2.mask'"),
        (lambda t: t.pop("f.conv2.entries"), "lacks tensor 'f.conv2.entries'"),
        (padding_set, "Mask of layer stem has padding bits that are not zero; the file is damaged"),
        (third_of_a_group, "Layer f.conv1 is declared 2of4 but a group keeps [34]"),
        (unused_code_bits, "Mask of layer a.conv2 must be 36 bytes"),
        (lambda t: t.update({"stem.mask": t["stem.mask"].view(np.int8)}), "Mask of layer stem must be 12 bytes"),
        (lambda t: t.update({"stem.mask": t["stem.mask"].reshape(2, 6)}), "Mask of layer stem must be 12 bytes"),
        (
            lambda t: t.update({"stem.entries": t["stem.entries"].view(np.int32)}),
            "Tensor stem.entries must be uint32 of shape .*, not int32",
        ),
        (lambda t: t.update({"stem.entries": t["stem.entries"].astype(np.float32)}), "must be uint32 of shape"),
        (lambda t: t.update({"stem.entries": t["stem.entries"].ravel()}), "must be uint32 of shape .*, not uint32 .8,"),
        (lambda t: t.update({"f.conv1.entries": t["f.conv1.entries"][:2]}), "f.conv1.entries must .* shape .3, 8."),
        (lambda t: t.update({"stem.entries": t["stem.entries"].T}), "stem.entries must be uint32 of shape .1, 8."),
    ],
)
def test_wrong_tensors_are_refused_by_name(model, tmp_path, change, sentence):
    metadata, tensors = contents(model, tmp_path)
    change(tensors)
    with pytest.raises(Refused, match=sentence):
        load(forge(metadata, tensors, tmp_path / "forged"))


@pytest.mark.parametrize("value", [[], 3, None, "text", True])
def test_metadata_that_is_no_object_is_refused(tmp_path, value):
    with pytest.raises(Refused, match="has metadata that is no JSON object"):
        load(forge(value, {"x": np.zeros(1)}, tmp_path / "forged"))


@pytest.mark.parametrize("text", ["", "{", '{"format": }', "[" * 100_000, "1" * 5000, "{'format': 1}"])
def test_metadata_that_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "forged"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(1)}, {"foldenite": text}))
    with pytest.raises(Refused, match=r"Metadata of model file .* is damaged: it is not JSON"):
        load(path)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"foldenite": "{}", "other": "x"}])
def test_other_safetensors_files_are_refused(tmp_path, metadata):
    path = tmp_path / "forged"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(1)}, metadata))
    with pytest.raises(Refused, match="is a safetensors file but not a Foldenite model"):
        load(path)


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "F8_E8M0"])
def test_types_that_numpy_lacks_are_refused(tmp_path, kind):
    size = 2 if kind == "BF16" else 1
    header = {"__metadata__": {"foldenite": "{}"}, "x": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    path = tmp_path / "forged"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    with pytest.raises(Refused, match="is damaged or truncated"):
        load(path)


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
