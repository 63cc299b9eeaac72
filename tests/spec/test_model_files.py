"""Model files that are damaged, or that say something wrong with a hash that fits, are refused with their sentence."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from spec.model import load, save
from spec.refusal import Refused

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
def test_one_flipped_bit_anywhere_is_refused(path, flips, seed):
    for flipped in flips(path.read_bytes(), seed):
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
