"""Selection against a slow reference, and the packed form against bytes written by hand."""

import itertools
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.refusal import Refused
from spec.supermask import (
    CANDIDATES,
    GROUP,
    Mode,
    check_density,
    check_mask,
    codes,
    keep_count,
    pack,
    packed_bytes,
    passes_of,
    select,
    unpack,
)

SHAPES = [(1, 1, 1, 4), (3, 1, 1, 8), (2, 3, 3, 4), (5, 2, 2, 12)]
RAGGED = [(1, 1, 1, 1), (3, 1, 1, 6), (2, 3, 3, 5), (4, 3, 3, 3), (3, 1, 1, 9)]
DENSITIES = [0.01, 0.25, 0.3, 0.5, 0.55, 1.0]


def slow_select(scores: np.ndarray, mode: Mode, density: str) -> np.ndarray:
    """Sort everything by (-magnitude, OHWI index) and keep what fits."""
    *_, inputs = scores.shape
    flat = scores.ravel().tolist()
    order = sorted(range(len(flat)), key=lambda i: (-abs(flat[i]), i))
    limit = {Mode.ANY: GROUP, Mode.TWO_OF_FOUR: 2, Mode.ONE_OF_FOUR: 1, Mode.AT_MOST_ONE: 1}[mode]
    count = len(flat) if mode is Mode.ONE_OF_FOUR else len(flat) - floor((1 - Fraction(density)) * len(flat))
    kept, in_group = set(), {}
    for i in order:
        group = (i // inputs, i % inputs // GROUP)
        if len(kept) < count and in_group.get(group, 0) < limit:
            kept.add(i)
            in_group[group] = in_group.get(group, 0) + 1
    return np.array([i in kept for i in range(len(flat))]).reshape(scores.shape)


def random_mask(shape, mode: Mode, seed: int) -> np.ndarray:
    return select(np.random.default_rng(seed).standard_normal(shape), mode, 0.4)


@pytest.mark.parametrize("weights", [1, 2, 3, 7, 10, 100, 144, 1000, 169232, 23454912])
def test_keep_count_is_exact_for_every_hundredth(weights):
    for hundredths in range(1, 101):
        density = Fraction(hundredths, 100)
        assert keep_count(weights, hundredths / 100) == weights - floor((1 - density) * weights)


@pytest.mark.parametrize(
    ("weights", "density", "count"),
    [(10, 0.3, 3), (10, 0.31, 4), (10, 0.29, 3), (100, 0.07, 7), (1, 1e-9, 1), (5, 1, 5)],
)
def test_keep_count(weights, density, count):
    assert keep_count(weights, density) == count


@pytest.mark.parametrize("density", [0, -0.1, 1.0000001, float("nan"), float("inf")])
def test_density_is_refused(density):
    with pytest.raises(Refused, match=r"Density \(kept fraction\) must be above 0 and at most 1"):
        keep_count(10, density)


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(
    ("shape", "mode"),
    [(shape, mode) for shape in SHAPES for mode in Mode]
    + [(shape, mode) for shape in RAGGED for mode in Mode if mode is not Mode.ONE_OF_FOUR],
)
def test_select_against_the_slow_reference(shape, mode, density):
    rng = np.random.default_rng([*shape, round(100 * density)])
    for levels in (1, 2, 3, 1000):  # few levels: many ties, of both signs
        scores = rng.integers(-levels, levels + 1, shape) / 8
        assert np.array_equal(select(scores, mode, density), slow_select(scores, mode, str(density)))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_select_any_scores(data):
    shape = data.draw(st.sampled_from(SHAPES))
    mode = data.draw(st.sampled_from(list(Mode)))
    hundredths = data.draw(st.integers(1, 100))
    count = int(np.prod(shape))
    numbers = st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])
    scores = np.array(data.draw(st.lists(numbers, min_size=count, max_size=count)), np.float32).reshape(shape)
    expected = slow_select(scores, mode, f"{hundredths}/100")
    assert np.array_equal(select(scores, mode, hundredths / 100), expected)


@pytest.mark.parametrize(
    ("mode", "scores", "kept"),
    [
        (Mode.ANY, [1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0, 0]),
        (Mode.ANY, [1, -2, 2, 1, 3, 1, 1, -1], [0, 1, 1, 0, 1, 0, 0, 0]),
        (Mode.TWO_OF_FOUR, [9, 8, 7, 6, 1, 1, 1, 1], [1, 1, 0, 0, 1, 0, 0, 0]),
        (Mode.TWO_OF_FOUR, [1, 2, 2, 2, 2, 2, 2, 1], [0, 1, 1, 0, 1, 0, 0, 0]),
        (Mode.ONE_OF_FOUR, [1, 2, -2, 2, 0, 0, 0, 0], [0, 1, 0, 0, 1, 0, 0, 0]),
        (Mode.AT_MOST_ONE, [1, 2, -2, 2, 0, 0, 0, 0], [0, 1, 0, 0, 1, 0, 0, 0]),
    ],
)
def test_ties_go_to_the_lower_index(mode, scores, kept):
    assert select(np.array(scores, float).reshape(1, 1, 1, 8), mode, 0.3).ravel().tolist() == [bool(k) for k in kept]


def test_ties_go_to_the_lower_ohwi_index_across_outputs():
    kept = select(np.ones((2, 2, 2, 4)), Mode.ANY, 0.5)
    assert kept[0].all()
    assert not kept[1].any()


def test_at_most_one_keeps_the_largest_groups_only():
    scores = np.array([9, 8, 0, 0, 0, 0, 3, -4, 1, 0, 0, 0], float).reshape(1, 1, 1, 12)
    assert np.flatnonzero(select(scores, Mode.AT_MOST_ONE, 1 / 6)).tolist() == [0, 7]
    assert np.flatnonzero(select(scores, Mode.AT_MOST_ONE, 0.25)).tolist() == [0, 7, 8]


@pytest.mark.parametrize(("mode", "most"), [(Mode.TWO_OF_FOUR, 2), (Mode.ONE_OF_FOUR, 1), (Mode.AT_MOST_ONE, 1)])
def test_density_one_keeps_what_the_mode_allows(mode, most):
    mask = select(np.random.default_rng(5).standard_normal((4, 3, 3, 8)), mode, 1.0)
    assert (mask.reshape(-1, GROUP).sum(axis=1) == most).all()


def test_select_leaves_the_scores_alone():
    scores = np.random.default_rng(6).standard_normal((2, 3, 3, 8))
    before = scores.copy()
    for mode in Mode:
        select(scores, mode, 0.3)
    assert np.array_equal(scores, before)


def test_nan_scores_are_refused():
    with pytest.raises(Refused, match="Scores must be numbers, but some are NaN"):
        select(np.array([1.0, np.nan, 2.0, 3.0]).reshape(1, 1, 1, 4), Mode.ANY, 0.5)


@pytest.mark.parametrize(
    ("mode", "mask", "stored"),
    [
        (Mode.ANY, [[1, 0, 0, 0, 0, 0, 0, 1]], [0b1000_0001]),
        (Mode.ANY, [[0, 1, 0, 0, 0, 0, 1, 1], [1, 1, 1, 0, 0, 0, 0, 0]], [0b1100_0010, 0b0000_0111]),
        (Mode.ANY, [[1, 1, 0], [0, 1, 1], [1, 0, 0]], [0b0110_0011, 0b0000_0001]),  # rows padded to 4
        (Mode.ANY, [[0, 0, 0, 0, 1]], [0b0001_0000]),
        (Mode.TWO_OF_FOUR, [[0, 1, 0, 1, 1, 0, 0, 0]], [0b0001_1010]),
        (Mode.AT_MOST_ONE, [[0, 1, 0, 0, 0, 0, 0, 0]], [0b0000_0010]),
        (Mode.ONE_OF_FOUR, [[1, 0, 0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0, 0, 1]], [0b1110_0100]),
        (Mode.ONE_OF_FOUR, [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], [0b0001_1011, 0b01]),
    ],
)
def test_stored_bytes(mode, mask, stored):
    array = np.array(mask, bool)
    array = array.reshape(len(mask), 1, 1, -1)
    assert pack(array, mode).tolist() == stored
    assert packed_bytes(array.shape, mode) == len(stored)
    assert np.array_equal(unpack(np.array(stored, np.uint8), array.shape, mode, "x"), array)


def test_stored_bits_are_in_ohwi_order():
    shape = (2, 3, 3, 4)
    for index in np.ndindex(shape):
        mask = np.zeros(shape, bool)
        mask[index] = True
        m, ky, kx, n = index
        bit = ((m * 3 + ky) * 3 + kx) * 4 + n
        assert int.from_bytes(pack(mask, Mode.ANY).tobytes(), "little") == 1 << bit


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("shape", "mode"),
    [(shape, mode) for shape in SHAPES for mode in Mode]
    + [(shape, mode) for shape in RAGGED for mode in Mode if mode is not Mode.ONE_OF_FOUR],
)
def test_pack_round_trip(shape, mode, seed):
    mask = random_mask(shape, mode, seed)
    packed = pack(mask, mode)
    back = unpack(packed, shape, mode, "x")
    assert packed.shape == (packed_bytes(shape, mode),)
    assert back.dtype == bool
    assert np.array_equal(back, mask)


@pytest.mark.parametrize(
    ("shape", "mode", "size"),
    [
        ((64, 3, 3, 64), Mode.ANY, 4608),
        ((64, 3, 3, 64), Mode.TWO_OF_FOUR, 4608),
        ((64, 3, 3, 64), Mode.ONE_OF_FOUR, 2304),
        ((16, 1, 1, 9), Mode.ANY, 24),
        ((1, 1, 1, 1), Mode.ANY, 1),
        ((3, 1, 1, 4), Mode.ONE_OF_FOUR, 1),
    ],
)
def test_packed_bytes(shape, mode, size):
    assert packed_bytes(shape, mode) == size


def test_codes_name_the_kept_channel():
    mask = np.zeros((1, 1, 1, 16), bool)
    mask[0, 0, 0, [3, 4, 10, 13]] = True
    assert codes(mask).tolist() == [[[[3, 0, 2, 1]]]]
    assert codes(mask).dtype == np.uint8


@pytest.mark.parametrize(
    ("mode", "most", "passes"),
    [(Mode.ANY, 4, 2), (Mode.TWO_OF_FOUR, 2, 2), (Mode.ONE_OF_FOUR, 1, 1), (Mode.AT_MOST_ONE, 1, 1)],
)
def test_passes(mode, most, passes):
    assert (mode.most, mode.passes) == (most, passes)


@pytest.mark.parametrize(
    ("mode", "mask", "sentence"),
    [
        (Mode.TWO_OF_FOUR, [1, 1, 1, 0], "Layer L is declared 2of4 but a group keeps 3"),
        (Mode.TWO_OF_FOUR, [0, 0, 0, 0, 1, 1, 1, 1], "2of4 but a group keeps 4"),
        (Mode.AT_MOST_ONE, [1, 0, 0, 0, 0, 1, 0, 1], "Layer L is declared max1of4 but a group keeps 2"),
        (Mode.ONE_OF_FOUR, [1, 1, 0, 0], "Layer L is declared 1of4 but a group keeps 2"),
        (Mode.ONE_OF_FOUR, [1, 0, 0, 0, 0, 0, 0, 0], "1of4 but a group keeps 0"),
        (Mode.ONE_OF_FOUR, [1, 0, 0, 0, 1], "Mode 1of4 needs whole groups of 4 input channels, not 5 channels"),
    ],
)
def test_broken_structure_is_refused(mode, mask, sentence):
    with pytest.raises(Refused, match=sentence):
        check_mask(np.array(mask, bool).reshape(1, 1, 1, -1), mode, "L")


@pytest.mark.parametrize(
    ("mode", "mask"),
    [
        (Mode.ANY, [1, 1, 1, 1, 0, 0, 0, 0]),
        (Mode.TWO_OF_FOUR, [0, 0, 1, 1, 1, 1, 0, 0]),  # four in a row, but two in each aligned group
        (Mode.TWO_OF_FOUR, [0, 0, 0, 0, 1]),
        (Mode.ONE_OF_FOUR, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Mode.AT_MOST_ONE, [0, 0, 0, 0, 1, 0, 0, 0]),
    ],
)
def test_sound_structure_is_accepted(mode, mask):
    array = np.array(mask, bool).reshape(1, 1, 1, -1)
    check_mask(array, mode, "L")
    assert np.array_equal(unpack(pack(array, mode), array.shape, mode, "L"), array)


@pytest.mark.parametrize(
    ("packed", "shape", "mode", "sentence"),
    [
        ([0, 0], (1, 1, 1, 8), Mode.ANY, "Mask of layer L must be 1 bytes .* in mode any, not uint8 .2,."),
        ([], (1, 1, 1, 8), Mode.ANY, "must be 1 bytes"),
        ([0b0000_1000], (1, 1, 1, 3), Mode.ANY, "Mask of layer L has padding bits that are not zero"),
        ([0b0001_0000], (1, 1, 1, 4), Mode.ANY, "padding bits"),
        ([0b0000_0111], (1, 1, 1, 4), Mode.TWO_OF_FOUR, "2of4 but a group keeps 3"),
        ([0b0000_0100], (1, 1, 1, 4), Mode.ONE_OF_FOUR, "padding bits"),
        ([0], (1, 1, 1, 5), Mode.ONE_OF_FOUR, "whole groups"),
    ],
)
def test_unpack_refuses(packed, shape, mode, sentence):
    with pytest.raises(Refused, match=sentence):
        unpack(np.array(packed, np.uint8), shape, mode, "L")


@pytest.mark.parametrize("packed", [np.zeros(1, np.int8), np.zeros((1, 1), np.uint8), np.zeros(1, bool)])
def test_unpack_refuses_other_types(packed):
    with pytest.raises(Refused, match="Mask of layer L must be 1 bytes"):
        unpack(packed, (1, 1, 1, 8), Mode.ANY, "L")


def test_select_refuses_ragged_groups():
    with pytest.raises(Refused, match="use mode any or 2of4"):
        select(np.ones((1, 1, 1, 6)), Mode.ONE_OF_FOUR, 0.3)


def test_a_pair_of_every_group_is_added_in_a_pass():
    assert passes_of(10, Mode.ANY).tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 0, 0]
    assert passes_of(10, Mode.AT_MOST_ONE).tolist() == 10 * [0]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("hundredth", range(1, 101))
def test_a_density_that_is_accepted_is_kept(mode, hundredth):
    """And one that a mode does not keep is refused, naming what it does keep, which is then accepted."""
    density, scores = hundredth / 100, np.random.default_rng(hundredth).permutation(3200).reshape(4, 2, 2, 200) + 1.0
    kept = int(select(scores, mode, density).sum())
    if kept == keep_count(scores.size, density):
        check_density(density, mode, "Option --density")
        return
    with pytest.raises(Refused, match=rf"Option --density \({density}\) contradicts mode {mode}, which") as refusal:
        check_density(density, mode, "Option --density")
    check_density(float(str(refusal.value).split("keeps ")[1].removeprefix("at most ").split(";")[0]), mode, "again")
    assert "mode any" in str(refusal.value) or "or any" in str(refusal.value)


def test_a_pair_of_weights_is_a_candidate_or_its_negative_or_nothing():
    """Every ternary pair but (0, 0), each once."""
    found = sorted(pair for a, b in CANDIDATES for pair in ((a, b), (-a, -b)))
    assert found == sorted(set(itertools.product((-1, 0, 1), repeat=2)) - {(0, 0)})
