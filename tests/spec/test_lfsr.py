"""The sign generator against published check values and against the definition written out bit by bit."""

import hashlib
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS, Lfsr, layer_seed, row_length, signs
from spec.refusal import Refused

PERIOD = 2**32 - 1
states = st.integers(1, PERIOD)


def stepped(state: int, steps: int) -> tuple[int, list[int]]:
    """State after ``steps`` steps and their outputs, straight from docs/design/numbers.md."""
    outputs = []
    for _ in range(steps):
        out = state & 1
        state >>= 1
        if out:
            state ^= 0xA300_0000
        outputs.append(out)
    return state, outputs


def word(bits) -> int:
    """Bit i of the result is ``bits[i]``."""
    return sum(int(bit) << i for i, bit in enumerate(bits))


@pytest.mark.parametrize(
    ("net_seed", "layer", "seed"),
    [
        (0, 0, 0x6462_5032),
        (0, 1, 0xD9C0_799C),
        (0x1234_ABCD, 7, 0x6686_53F3),
        (-0x9E37_79B9 % 2**32, 0, 1),  # the mix of 0 is 0, which no LFSR may start from
    ],
)
def test_layer_seed(net_seed, layer, seed):
    assert layer_seed(net_seed, layer) == seed


@pytest.mark.parametrize(
    ("where", "first16"),
    [((0, 0, 0), 0x5032), ((0, 0, 1), 0x89DE), ((0, 2, 2), 0x9A84), ((1, 0, 0), 0x1982), ((2, 1, 1), 0xCD01)],
)
def test_sign_words(where, first16):
    assert word(signs(0x6462_5032, 3, 3, 20)[where][:16]) == first16


def test_sign_digest():
    packed = np.packbits(signs(layer_seed(1, 2), 64, 3, 64).ravel(), bitorder="little")
    assert packed.nbytes == 64 * 9 * 64 // 8
    assert (
        hashlib.sha256(packed.tobytes()).hexdigest()
        == "04d3000e9e89bcaab247addcf69c7aefcd8c08f6902c7d19df7ea15ab64fbfd0"
    )


@given(state=states)
@settings(deadline=None, max_examples=100)
def test_step_is_the_definition(state):
    assert SIGNS.step(state) == stepped(state, 1)[0]


@given(state=states, steps=st.integers(0, 300))
@settings(deadline=None, max_examples=100)
def test_jump_is_repeated_step(state, steps):
    assert SIGNS.jump(state, steps) == stepped(state, steps)[0]


@given(state=states, first=st.integers(0, 2**40), second=st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_jumps_add(state, first, second):
    assert SIGNS.jump(SIGNS.jump(state, first), second) == SIGNS.jump(state, first + second)


@given(state=states)
@settings(deadline=None, max_examples=100)
def test_low_bits_are_the_next_outputs(state):
    assert state & 0xFFFF == word(stepped(state, 16)[1])


@pytest.mark.parametrize("kind", [np.uint32, np.uint64, np.int64])
def test_arrays_step_and_jump_as_ints_do(kind):
    values = [1, 2, 0x8000_0001, PERIOD, 0x6462_5032]
    array = np.array(values, kind)
    assert SIGNS.step(array).tolist() == [SIGNS.step(value) for value in values]
    assert SIGNS.jump(array, ROW_STRIDE).tolist() == [SIGNS.jump(value, ROW_STRIDE) for value in values]


@pytest.mark.parametrize("steps", [0, 1, 2, SIGN_WORD, 1000, ROW_STRIDE, 64 * ROW_STRIDE])
def test_rows_are_the_transposed_columns(steps):
    columns, rows = SIGNS.columns(steps), SIGNS.rows(steps)
    assert len(columns) == len(rows) == 32
    for bit in range(32):
        for source in range(32):
            assert rows[bit] >> source & 1 == columns[source] >> bit & 1


@given(state=states)
@settings(deadline=None, max_examples=50)
def test_rows_give_each_bit_of_the_jump(state):
    jumped = word((mask & state).bit_count() & 1 for mask in SIGNS.rows(ROW_STRIDE))
    assert jumped == stepped_far(state)


def stepped_far(state: int) -> int:
    """State a row further, by squaring the definition: A**65521 = A**65536 undone 15 times."""
    for _ in range(15):  # inverse step: the top bit of a state tells the output that led to it
        out = state >> 31
        state = ((state ^ (0xA300_0000 if out else 0)) << 1 | out) & PERIOD
    columns = [1 << bit for bit in range(32)]
    columns = [stepped(column, 1)[0] for column in columns]
    for _ in range(16):
        columns = [xor_of(columns, column) for column in columns]
    return xor_of(columns, state)


def xor_of(columns, state: int) -> int:
    result = 0
    for bit, column in enumerate(columns):
        if state >> bit & 1:
            result ^= column
    return result


def test_leap_of_a_word_is_cheap_hardware():
    fan_in = [mask.bit_count() for mask in SIGNS.rows(SIGN_WORD)]
    assert max(fan_in) == 4
    assert sum(terms - 1 for terms in fan_in) == 48


def test_period_is_maximal():
    factors = (3, 5, 17, 257, 65537)
    assert np.prod(factors, dtype=object) == PERIOD
    assert SIGNS.jump(1, PERIOD) == 1
    assert all(SIGNS.jump(1, PERIOD // factor) != 1 for factor in factors)


@pytest.mark.parametrize(("width", "taps"), [(3, 0b110), (4, 0b1100), (7, 0b1100000), (8, 0b10111000)])
def test_small_generators_visit_every_state(width, taps):
    lfsr, state, seen = Lfsr(width, taps), 1, set()
    while state not in seen:
        seen.add(state)
        state = lfsr.step(state)
    assert seen == set(range(1, 2**width))
    assert lfsr.jump(1, 2**width - 1) == 1


def test_row_stride_separates_the_rows():
    assert ROW_STRIDE == 65521
    assert all(ROW_STRIDE % divisor for divisor in range(2, 256))
    assert gcd(ROW_STRIDE, PERIOD) == 1


@pytest.mark.parametrize(
    ("seed", "outputs", "kernel", "inputs"), [(1, 3, 1, 1), (0x6462_5032, 2, 3, 17), (PERIOD, 4, 2, 16), (7, 2, 1, 40)]
)
def test_signs_against_the_definition(seed, outputs, kernel, inputs):
    got = signs(seed, outputs, kernel, inputs)
    assert got.shape == (outputs, kernel, kernel, inputs)
    assert got.dtype == np.uint8
    padded = 16 * ((inputs + 15) // 16)
    start = seed
    for m in range(outputs):
        stream = stepped(start, kernel * kernel * padded)[1]
        for ky in range(kernel):
            for kx in range(kernel):
                at = (ky * kernel + kx) * padded
                assert got[m, ky, kx].tolist() == stream[at : at + inputs]
        start = stepped_far(start)


def test_a_row_starts_a_stride_of_steps_after_the_one_before():
    second = stepped(12345, ROW_STRIDE)[0]
    assert np.array_equal(signs(12345, 2, 3, 8)[1], signs(second, 1, 3, 8)[0])


def test_signs_are_balanced():
    assert abs(signs(layer_seed(3, 3), 256, 3, 64).mean() - 0.5) < 0.005  # 147,456 signs: 4 sigma


@pytest.mark.parametrize(
    ("kernel", "inputs", "length"), [(1, 1, 16), (1, 16, 16), (1, 17, 32), (3, 64, 576), (3, 20, 288), (1, 4095, 4096)]
)
def test_row_length(kernel, inputs, length):
    assert row_length(kernel, inputs) == length


def test_the_longest_row_is_allowed():
    assert signs(1, 1, 1, 65520).size == 65520


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: layer_seed(-1, 0), "Network seed must be an integer from 0 to 4294967295, not -1"),
        (lambda: layer_seed(2**32, 0), "Network seed .* not 4294967296"),
        (lambda: layer_seed(0, -1), "Layer index must be zero or more, not -1"),
        (lambda: signs(0, 1, 1, 16), "Layer seed must be an integer from 1 to 4294967295, not 0"),
        (lambda: signs(2**32, 1, 1, 16), "Layer seed .* not 4294967296"),
        (lambda: signs(1, 1, 1, 65521), "A row of 1x1x65521 weights needs 65536 signs, but rows start only 65521"),
        (lambda: signs(1, 1, 3, 7281), "A row of 3x3x7281 weights needs 65664 signs"),
    ],
)
def test_refusals(call, sentence):
    with pytest.raises(Refused, match=sentence):
        call()
