"""Vector files: round trip, damage, and the sentence on the first difference."""

import dataclasses
import hashlib

import numpy as np
import pytest
import safetensors.numpy

from spec.golden import Trace, run
from spec.model import Model
from spec.refusal import Refused
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network
from spec.vectors import Vectors, difference, load, save


@pytest.fixture(scope="module")
def model() -> Model:
    network = residual_network("tiny", image=(6, 5, 1), classes=3, widths=(4, 8), iterations=(0, 2))
    return synthetic_model(network, 1)


@pytest.fixture(scope="module")
def vectors(model) -> Vectors:
    images = random_images(model.network, 3, seed=4)
    return Vectors(images, np.array([2, 0, -1]), run(model, images))


@pytest.fixture
def path(model, vectors, tmp_path):
    return save(tmp_path / "v.safetensors", model, vectors)


def test_round_trip(model, vectors, path):
    back = load(path, model)
    assert np.array_equal(back.images, vectors.images)
    assert back.labels.tolist() == [2, 0, -1]
    assert back.trace.logits.dtype == np.int32
    assert difference(vectors.trace, back.trace) is None
    for stored, expected in zip(back.trace.stored, vectors.trace.stored, strict=True):
        assert (stored.layer, stored.iteration) == (expected.layer, expected.iteration)
        assert stored.values.dtype == expected.values.dtype


def test_same_vectors_same_bytes(model, path, tmp_path):
    assert save(tmp_path / "again", model, load(path, model)).read_bytes() == path.read_bytes()


def test_tensors_in_another_memory_layout_are_saved_right(model, vectors, tmp_path):
    stored = tuple(dataclasses.replace(s, values=np.asfortranarray(s.values)) for s in vectors.trace.stored)
    trace = Trace(stored, np.asfortranarray(vectors.trace.logits))
    back = load(save(tmp_path / "v", model, Vectors(np.asfortranarray(vectors.images), vectors.labels, trace)), model)
    assert np.array_equal(back.images, vectors.images)
    assert difference(vectors.trace, back.trace) is None


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_first(model, vectors, tmp_path, count):
    first = vectors.first(count)
    assert len(first.images) == len(first.labels) == len(first.trace.logits) == count
    assert difference(first.trace, run(model, vectors.images[:count])) is None
    assert len(load(save(tmp_path / "v", model, first), model).images) == count


def test_another_models_vectors_are_refused(model, path):
    other = synthetic_model(model.network, 2)
    sentence = rf"belongs to model {model.hash[:12]}, not {other.hash[:12]}; export both together"
    with pytest.raises(Refused, match=sentence):
        load(path, other)


def test_absent_file_is_refused(model, tmp_path):
    with pytest.raises(Refused, match=r"Vector file .* does not exist; train.export writes one"):
        load(tmp_path / "none", model)


@pytest.mark.parametrize("fraction", [0, 0.01, 0.5, 0.999])
def test_truncated_file_is_refused(model, path, fraction):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(Refused, match=r"Vector file .* is damaged or truncated"):
        load(path, model)


@pytest.mark.parametrize("seed", range(3))
def test_one_flipped_bit_anywhere_is_refused(model, path, flips, seed):
    for flipped in flips(path.read_bytes(), seed):
        path.write_bytes(flipped)
        with pytest.raises(Refused):
            load(path, model)


@pytest.mark.parametrize("metadata", [None, {}, {"model": "x", "more": "y"}, {"foldenite": "{}"}])
def test_other_safetensors_files_are_refused(model, tmp_path, metadata):
    (tmp_path / "v").write_bytes(safetensors.numpy.save({"x": np.zeros(1)}, metadata))
    with pytest.raises(Refused, match="is a safetensors file but not vectors"):
        load(tmp_path / "v", model)


def forge(tensors, model, path):
    """Vector file with these tensors and the hash that fits them, written out."""
    hasher = hashlib.sha256(f'{{"model": "{model.hash}"}}'.encode())
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode() + tensor.tobytes())
    path.write_bytes(safetensors.numpy.save(tensors, {"model": f"{model.hash} {hasher.hexdigest()}"}))
    return path


def test_forged_unchanged_is_the_same_file(model, path, tmp_path):
    assert forge(safetensors.numpy.load_file(path), model, tmp_path / "f").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("images"), "lacks tensor 'images'"),
        (lambda t: t.pop("stage2.fold.conv1@1"), "lacks tensor 'stage2.fold.conv1@1'; export the model again"),
        (lambda t: t.update(ghost=t["labels"]), "has unknown tensor 'ghost'"),
        (lambda t: t.update(labels=t["labels"][:2]), r"has labels as int64 \(2,\), not int64 \(3,\)"),
        (lambda t: t.update(labels=t["labels"].astype(np.int32)), "has labels as int32"),
        (lambda t: t.update(logits=t["logits"].astype(np.int64)), "has logits as int64"),
        (lambda t: t.update(logits=t["logits"].T.copy()[:, :2]), r"has logits as int32 \(3, 2\), not int32 \(3, 3\)"),
        (lambda t: t.update(images=t["images"].astype(np.int8)), "has images as int8"),
        (lambda t: t.update(images=t["images"][0]), "has images as"),
        (lambda t: t.update(images=np.array(3, np.uint8)), "has images as uint8"),
        (lambda t: t.update({"stem@0": t["stem@0"].view(np.int8)}), "has stem@0 as int8 .* not uint8"),
        (
            lambda t: t.update({"stage2.entry.shortcut@0": t["stage2.entry.shortcut@0"].view(np.uint8)}),
            "has stage2.entry.shortcut@0 as uint8 .* not int8",
        ),
        (lambda t: t.update({"stem@0": t["stem@0"][:, :5]}), r"stem@0 as uint8 \(3, 5, 5, 4\), not .* \(3, 6, 5, 4\)"),
    ],
)
def test_wrong_tensors_are_refused_by_name(model, path, change, sentence):
    tensors = safetensors.numpy.load_file(path)
    change(tensors)
    tensors = {name: np.ascontiguousarray(tensor).reshape(tensor.shape) for name, tensor in tensors.items()}
    with pytest.raises(Refused, match=sentence):
        load(forge(tensors, model, path), model)


def altered(trace: Trace, changes: dict) -> Trace:
    """``trace`` with 1 added at (stored index, position); stored index None alters the logits."""
    stored, logits = list(trace.stored), trace.logits.copy()
    for index, position in changes.items():
        if index is None:
            logits[position] += 1
        else:
            values = stored[index].values.copy()
            values[position] ^= 1
            stored[index] = dataclasses.replace(stored[index], values=values)
    return Trace(tuple(stored), logits)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({0: (2, 5, 4, 3)}, "layer stem iteration 0 image 2 (y 5, x 4, channel 3)"),
        ({3: (1, 2, 0, 7)}, "layer stage2.entry.shortcut iteration 0 image 1 (y 2, x 0, channel 7)"),
        (
            {8: (0, 1, 2, 6), 9: (0, 0, 0, 0), None: (0, 0)},
            "layer stage2.fold.conv1 iteration 1 image 0 (y 1, x 2, channel 6)",
        ),
        ({9: (0, 1, 2, 6)}, "layer stage2.fold.conv2 iteration 1 image 0 (y 1, x 2, channel 6)"),
        ({None: (1, 2)}, "logits image 1 class 2"),
    ],
)
def test_difference_names_the_first(vectors, changes, where):
    got = altered(vectors.trace, changes)
    index, position = next(iter(changes.items()))
    was, now = (t.logits if index is None else t.stored[index].values for t in (vectors.trace, got))
    assert difference(vectors.trace, got) == f"{where}: expected {was[position]}, got {now[position]}"


def test_no_difference(vectors):
    assert difference(vectors.trace, altered(vectors.trace, {})) is None


@pytest.mark.parametrize(("asked", "usual", "count"), [(None, 2, 2), (None, 5, 3), (1, 2, 1), (3, 2, 3)])
def test_as_many_images_as_asked_for_or_as_usual(vectors, path, asked, usual, count):
    assert vectors.count(asked, path, usual) == count


def test_more_images_than_there_are_are_refused(vectors, path):
    with pytest.raises(Refused, match=r"^Option --images must be at most 3, the images in \S+, not 4$"):
        vectors.count(4, path, 2)
