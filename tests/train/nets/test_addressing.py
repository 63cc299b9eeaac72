"""Every addressing against a slow loop, even usage, and the same addresses for ever."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from spec import ring as ring_weights
from spec.lfsr import signs
from spec.refusal import Refused
from train.nets.addressing import Addressing, Slot, addresses, hashes, mixed, permutation, usage

EVEN = (Addressing.PLAIN, Addressing.ELEMENT, Addressing.SHUFFLE)

#: Sizes below a slot, between slots, above all slots together.
SIZES = (16, 112, 720, 1072, 4096)


def split(table, slots):
    return np.split(table, np.cumsum([slot.weight_count for slot in slots])[:-1])


@pytest.mark.parametrize("size", SIZES)
def test_plain_reads_on_and_wraps(slots, size):
    want, place = [], 0
    for slot in slots:
        for _ in range(slot.weight_count):
            want.append(place % size)
            place += 1
    assert addresses(Addressing.PLAIN, False, size, slots).tolist() == want


@pytest.mark.parametrize("size", SIZES)
def test_element_permutes_what_plain_reads_slot_by_slot(slots, size):
    plain = split(addresses(Addressing.PLAIN, False, size, slots), slots)
    element = split(addresses(Addressing.ELEMENT, False, size, slots), slots)
    for slot, before, after in zip(slots, plain, element, strict=True):
        keys = hashes(slot.seed, 0, slot.weight_count).tolist()
        order = sorted(range(slot.weight_count), key=lambda t, keys=keys: keys[t])
        assert after.tolist() == [before[t] for t in order]
        assert after.tolist() != before.tolist()


@pytest.mark.parametrize("size", [16, 112, 720, 1072])
def test_word_draws_what_the_spec_unpacks(slots, size):
    values = np.random.default_rng(0).integers(-121, 122, size, dtype=np.int8)
    table = addresses(Addressing.WORD, True, size, slots)
    drawn = split(np.concatenate([values, -values])[table], slots)
    draws = ring_weights.draws(size // 16, [(slot.shape, slot.seed) for slot in slots])
    for slot, draw, got in zip(slots, draws, drawn, strict=True):
        assert np.array_equal(got.reshape(slot.shape), ring_weights.unpack(values, slot.shape, draw, slot.seed))


@pytest.mark.parametrize("addressing", list(Addressing))
def test_flips_are_the_signs_of_the_layer_but_for_hashing(slots, addressing):
    plain, flipped = (addresses(addressing, flips, 112, slots) for flips in (False, True))
    assert np.array_equal(flipped % 112, plain)
    negative = split(flipped // 112, slots)
    lfsr = [signs(slot.seed, slot.shape[0], slot.shape[1], slot.shape[3]).ravel() for slot in slots]
    same = [np.array_equal(got, want) for got, want in zip(negative, lfsr, strict=True)]
    assert all(same) if addressing is not Addressing.HASH else not any(same)
    assert 0.45 < np.concatenate(negative).mean() < 0.55


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("addressing", EVEN)
def test_values_are_evenly_used(slots, addressing, size):
    count = sum(slot.weight_count for slot in slots)
    used = usage(addresses(addressing, True, size, slots), size)
    assert used.sum() == count
    assert set(used.tolist()) <= {count // size, math.ceil(count / size)}


@pytest.mark.parametrize("size", [16, 112, 720])
def test_words_are_evenly_used_by_each_layer(slots, size):
    padded = [replace(slot, shape=(*slot.shape[:3], 16 * -(-slot.shape[3] // 16))) for slot in slots]
    for slot, part in zip(padded, split(addresses(Addressing.WORD, False, size, padded), padded), strict=True):
        used = usage(part, size)
        assert set(used.tolist()) <= {slot.weight_count // size, math.ceil(slot.weight_count / size)}


@pytest.mark.parametrize("addressing", [Addressing.RANDOM, Addressing.HASH])
def test_baselines_use_values_as_chance_has_it(addressing):
    slot = Slot("large", (64, 3, 3, 64), 12345)
    used = usage(addresses(addressing, False, 128, (slot,)), 128)
    mean = slot.weight_count / 128
    assert 0.7 < used.var() / (mean * (1 - 1 / 128)) < 1.4  # binomial
    assert used.max() > math.ceil(mean)


def test_slots_of_one_shape_get_addresses_of_their_own():
    twins = (Slot("a", (8, 3, 3, 16), 1), Slot("b", (8, 3, 3, 16), 2))
    for addressing in set(Addressing) - {Addressing.PLAIN}:
        first, second = split(addresses(addressing, True, 1152, twins), twins)
        assert (first == second).mean() < 0.1


def test_the_mixer_is_that_of_splitmix64():
    # The first output of the reference generator from state 0.
    assert int(mixed(np.array([0x9E37_79B9_7F4A_7C15], np.uint64))[0]) == 0xE220_A839_7B1D_CDAF


def test_hashes_of_seeds_and_purposes_differ():
    streams = [hashes(seed, purpose, 1000).tolist() for seed in (1, 2) for purpose in (0, 1)]
    assert len(set().union(*streams)) == 4000
    assert streams[0][:2] == [0x7ADF_1507_1F54_B904, 0x1FDD_CF30_CF19_08EC]


#: SHA-256, first 16 digits, of the addresses of the slots on a ring of 112 values. Stored seeds mean these.
PINNED = {
    Addressing.ELEMENT: "98b8dfba4c8974ac",
    Addressing.PLAIN: "ae517f2669977608",
    Addressing.WORD: "ee3ca0fe76d611bb",
    Addressing.SHUFFLE: "71a0fdbe91f8e362",
    Addressing.RANDOM: "1fd582072104ede1",
    Addressing.HASH: "45702de4aa7df662",
}


@pytest.mark.parametrize("addressing", list(Addressing))
def test_addresses_stay_the_same_for_ever(slots, addressing):
    table = addresses(addressing, True, 112, slots)
    assert table.dtype == np.int32
    assert hashlib.sha256(table.astype("<i4").tobytes()).hexdigest()[:16] == PINNED[addressing]


def test_permutation_is_one():
    for count in (1, 2, 1000):
        assert sorted(permutation(5, count).tolist()) == list(range(count))


@pytest.mark.parametrize(("size", "addressing", "words"), [
    (0, Addressing.PLAIN, "must have from 1 to 1073741823 values, not 0"),
    (1 << 30, Addressing.ELEMENT, "must have from 1"),
    (24, Addressing.WORD, "must have a multiple of 16 values, not 24"),
])
def test_impossible_rings_are_refused(slots, size, addressing, words):
    with pytest.raises(Refused, match=words):
        addresses(addressing, True, size, slots)
