"""Command fields: what is used together does not overlap, and packing inverts."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.commands import ADDRESS_BITS, COMMAND_WORDS, FIELDS, LANES_MAX, Op, Source, decode, encode, halves
from spec.refusal import Refused
from spec.ring import WORDS_MAX

BY_NAME = {field.name: field for field in FIELDS}

_WEIGHTED = set(BY_NAME) - {"iterations", "entry_step", "count", "lane"}
_HALVES = {"ring_words", "ring_start", "ring_step", "ring_row_step"}
_RING = {"ring_base"} | _HALVES | {f"{name}_high" for name in _HALVES}
_CONVOLUTION = _WEIGHTED - _RING
#: Of a layer that draws from a ring instead of having masks.
_DRAWN = _WEIGHTED - {"mask_base"}
#: Fields that mean something to each op; only those may not share bits.
USED = {
    Op.HALT: {"op"},
    Op.CONV: _CONVOLUTION,
    Op.CLASSIFY: _CONVOLUTION,
    Op.STORE: {"op", "source", "source_base", "count", "lane"},
    Op.LOOP: {"op", "iterations", "entry_step"},
    Op.ENDLOOP: {"op"},
    Op.MAXPOOL: {
        "op", "source", "to_t", "kernel", "stride", "pad", "height", "width", "blocks", "out_pixels", "out_width",
        "source_base", "out_base", "step_x", "step_row", "step_tap",
    },
}


def bits_of(name):
    field = BY_NAME[name]
    return {(field.word, bit) for bit in range(field.lsb, field.lsb + field.width)}


@st.composite
def commands(draw):
    """An op and values for fields it uses, the extremes often."""
    op = draw(st.sampled_from(Op))
    values = {}
    for name in draw(st.sets(st.sampled_from(sorted(USED[op])))) - {"op"}:
        top = (1 << BY_NAME[name].width) - 1
        values[name] = draw(st.sampled_from([0, 1, top]) | st.integers(0, top))
    return op, values


def test_every_op_and_field_is_covered():
    assert set(USED) == set(Op)
    assert set().union(*USED.values(), _DRAWN) == set(BY_NAME)
    assert len(BY_NAME) == len(FIELDS)


@pytest.mark.parametrize("used", [*USED.values(), _DRAWN], ids=[*(op.name for op in USED), "ring"])
def test_fields_of_an_op_do_not_overlap(used):
    for one, other in itertools.combinations(sorted(used), 2):
        assert not bits_of(one) & bits_of(other), f"{one} and {other} share bits"


@pytest.mark.parametrize("field", FIELDS, ids=BY_NAME)
def test_field_lies_in_one_word(field):
    assert 0 <= field.word < COMMAND_WORDS
    assert 0 <= field.lsb < field.lsb + field.width <= 32
    assert field.doc


@pytest.mark.parametrize("op", [Op.HALT, Op.LOOP, Op.ENDLOOP])
def test_control_flow_is_in_the_first_word_alone(op):
    """The sequencer acts on these without reading the rest."""
    assert {BY_NAME[name].word for name in USED[op]} == {0}


def test_widths_hold_what_they_must():
    assert max(Op) < 1 << BY_NAME["op"].width
    assert max(Source) < 1 << BY_NAME["source"].width
    assert 1 << BY_NAME["lane"].width >= LANES_MAX
    assert {BY_NAME[name].width for name in ("source_base", "out_base", "residual_base")} == {ADDRESS_BITS}


@given(commands())
def test_decode_inverts_encode(command):
    op, values = command
    words = encode(op, **values)
    assert (words.dtype, words.shape) == (np.uint32, (COMMAND_WORDS,))
    decoded = decode(words)
    assert set(decoded) == set(BY_NAME)
    assert {name: decoded[name] for name in USED[op]} == dict.fromkeys(USED[op], 0) | {"op": op} | values


@given(commands())
def test_encode_sets_the_bits_of_its_fields_and_no_others(command):
    op, values = command
    allowed = set().union(*(bits_of(name) for name in {"op", *values}))
    words = encode(op, **values)
    assert {(w, b) for w in range(COMMAND_WORDS) for b in range(32) if int(words[w]) >> b & 1} <= allowed


@pytest.mark.parametrize("field", [field for field in FIELDS if field.name != "op"], ids=lambda field: field.name)
def test_each_field_is_where_it_says(field):
    top = (1 << field.width) - 1
    words = encode(Op.HALT, **{field.name: top}).tolist()
    assert words == [top << field.lsb if word == field.word else 0 for word in range(COMMAND_WORDS)]


@pytest.mark.parametrize("field", [field for field in FIELDS if field.name != "op"], ids=lambda field: field.name)
@pytest.mark.parametrize("beyond", ["negative", "too large"])
def test_value_that_does_not_fit_is_refused(field, beyond):
    value = -1 if beyond == "negative" else 1 << field.width
    sentence = rf"^Command field {field.name} must fit {field.width} bits, not {value}$"
    with pytest.raises(Refused, match=sentence):
        encode(Op.CONV, **{field.name: value})


def test_unknown_field_is_refused():
    with pytest.raises(Refused, match=r"^Unknown command field 'kernels'$"):
        encode(Op.CONV, kernels=3)


@pytest.mark.parametrize("value", [0, 1, 65535, 65536, 70001, WORDS_MAX])
def test_halves_of_ring_words(value):
    """Programs of rings of at most 65,535 words are what they were when a field had 16 bits."""
    fields = decode(encode(Op.CONV, **halves(**dict.fromkeys(_HALVES, value))))
    for name in _HALVES:
        assert fields[name] + (fields[f"{name}_high"] << 16) == value
        assert bool(fields[f"{name}_high"]) == (value > 65535)
