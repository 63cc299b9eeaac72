"""Model files with rings: round trip, what is stored, and what is refused."""

import dataclasses

import numpy as np
import pytest
import safetensors

from spec.block import Stem
from spec.model import Model, load, save
from spec.network import Network
from spec.numerics import Requantization, accumulator_bounds
from spec.refusal import Refused
from spec.ring import Ring
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import drawn, residual_network


@pytest.fixture(scope="module")
def model() -> Model:
    """Two rings, a folded block that draws from both, and masks beside them."""
    plain = residual_network("t", image=(6, 5, 1), classes=3, widths=(4, 8), iterations=(0, 3), mode=Mode.TWO_OF_FOUR)
    return synthetic_model(drawn(
        plain, Ring("p", 7, 3, ("stage1.entry.conv1", "stage2.fold.conv1")), Ring("q", 5, 5, ("stage2.fold.conv2",)),
    ), 2)


def test_round_trip(model, tmp_path):
    path = save(model, tmp_path / "m")
    back = load(path)
    assert (back.network, back.hash) == (model.network, model.hash)
    assert {name: ring.tolist() for name, ring in back.rings.items()} == {
        name: ring.tolist() for name, ring in model.rings.items()
    }
    assert save(back, tmp_path / "again").read_bytes() == path.read_bytes()
    for layer in model.network.layers:
        assert np.array_equal(back.weights(layer.name), model.weights(layer.name))


def test_file_has_rings_instead_of_masks(model, tmp_path):
    with safetensors.safe_open(save(model, tmp_path / "m"), framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    drawing = {name for ring in model.network.rings for name in ring.layers}
    masked = [layer for layer in model.network.layers if layer.name not in drawing]
    assert {name for name in tensors if not name.endswith(".entries")} == {
        "p.ring", "q.ring", *(f"{layer.name}.mask" for layer in masked),
    }
    assert (tensors["p.ring"].dtype, tensors["p.ring"].shape) == (np.int8, (112,))
    assert model.ring_bits == 8 * 16 * (7 + 5)
    assert model.mask_bits == 8 * sum(tensors[f"{layer.name}.mask"].nbytes for layer in masked)
    assert model.stored_bytes == sum(tensor.nbytes for tensor in tensors.values())


def test_hash_changes_with_every_value(model):
    hashes = {model.hash}
    for name, ring in model.rings.items():
        for i in range(0, ring.size, 5):
            changed = ring.copy()
            changed[i] += 1 if changed[i] < 0 else -1
            hashes.add(dataclasses.replace(model, rings=model.rings | {name: changed}).hash)
    assert len(hashes) == 1 + 23 + 16


def with_rings(model, **rings):
    return dataclasses.replace(model, rings=model.rings | rings)


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda m: dataclasses.replace(m, rings={}), "Ring 'p' has no values"),
    (lambda m: with_rings(m, r=m.rings["p"]), r"Unknown ring 'r' has values; the rings are \['p', 'q'\]"),
    (lambda m: with_rings(m, p=m.rings["q"]), r"Ring p must be int8 \(112,\), not int8 \(80,\)"),
    (lambda m: with_rings(m, p=m.rings["p"].astype(int)), r"Ring p must be int8 \(112,\), not int64"),
    (lambda m: with_rings(m, p=np.full(112, 14, np.int8)), "Ring p has a value of magnitude 14, but 3 planes hold"),
    (
        lambda m: dataclasses.replace(m, masks=m.masks | {"stage1.entry.conv1": m.masks["stem"]}),
        "Unknown layer 'stage1.entry.conv1' has mask",
    ),
])
def test_impossible_models_are_refused(model, change, sentence):
    with pytest.raises(Refused, match=sentence):
        change(model)


def one_ring(positions):
    """A classifier of 1000 channels, summed over some positions, whose weights are all +-121."""
    modes = {"stem": Mode.ANY, "classifier": Mode.ANY}
    network = drawn(
        Network("w", 1, (positions, 1, 1), Stem(1, 1, 0, 1000), (), 2, 1.0, modes), Ring("r", 1, 5, ("classifier",))
    )
    ones = np.ones((1, 1000), np.int64)
    masks = {"stem": np.ones((1000, 1, 1, 1), bool)}
    numbers = {"stem": Requantization(ones, ones, 10, 0, 0, False)}
    return Model(network, masks, numbers, {}, {"r": np.full(16, 121, np.int8)})


def test_accumulators_of_rings_have_32_bits():
    """More than the 24 of masks, but not any number of positions."""
    low, high = accumulator_bounds(one_ring(1).weights("classifier"))
    assert (high - low == 1000 * 121 * 255).all()
    most = (1 << 31) // int(max(high.max(), -low.min()))
    one_ring(most)
    sentence = "classifier can reach accumulators of .*, beyond 32 bits; give its ring fewer planes or give it fewer"
    with pytest.raises(Refused, match=sentence):
        one_ring(most + 1)
