"""The command as the hardware sees it: every field is where ``spec.commands`` packs it."""

import random

import pytest

from rtl.base.command import COMMAND
from spec.commands import COMMAND_WORDS, FIELDS, Op, decode, encode


def test_layout_has_every_field_and_no_other():
    assert COMMAND.size == 32 * COMMAND_WORDS
    assert {name: field.width for name, field in COMMAND} == {field.name: field.width for field in FIELDS}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_field_reads_what_was_encoded(layout_of, field):
    for value in (1, (1 << field.width) - 1, random.Random(field.name).getrandbits(field.width)):
        words = encode(Op.HALT, **{field.name: value}) if field.name != "op" else encode(Op(value % len(Op)))
        assert getattr(layout_of(words), field.name) == decode(words)[field.name]
        assert decode(words)[field.name] == (value % len(Op) if field.name == "op" else value)
