"""The command as the hardware sees it: every field is where ``spec.commands`` packs it."""

import random

import pytest
from amaranth.hdl import Const

from rtl.base.command import COMMAND, whole
from spec.commands import COMMAND_WORDS, FIELDS, Op, decode, encode, halves
from spec.ring import WORDS_MAX


def test_layout_has_every_field_and_no_other():
    assert COMMAND.size == 32 * COMMAND_WORDS
    assert {name: field.width for name, field in COMMAND} == {field.name: field.width for field in FIELDS}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_field_reads_what_was_encoded(layout_of, field):
    for value in (1, (1 << field.width) - 1, random.Random(field.name).getrandbits(field.width)):
        words = encode(Op.HALT, **{field.name: value}) if field.name != "op" else encode(Op(value % len(Op)))
        assert getattr(layout_of(words), field.name) == decode(words)[field.name]
        assert decode(words)[field.name] == (value % len(Op) if field.name == "op" else value)


@pytest.mark.parametrize("value", [3, 65535, 65536, 70_001, WORDS_MAX])
def test_halves_are_one_number_again(layout_of, value):
    words = encode(Op.CONV, **halves(ring_words=value, ring_step=5))
    command = COMMAND(Const(layout_of(words).as_bits(), COMMAND.size))
    assert Const.cast(whole(command, "ring_words")).value == value
    assert Const.cast(whole(command, "ring_step")).value == 5
