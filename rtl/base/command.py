"""The command as a layout: field positions come from :mod:`spec.commands` and nowhere else."""

from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from spec.commands import COMMAND_WORDS, FIELDS

__all__ = ["COMMAND", "WIDTHS", "in_pairs", "whole"]

#: Bits of every field by name.
WIDTHS = {field.name: field.width for field in FIELDS}

#: All fields of a command at their bits; some overlap because ``op`` decides which are meant.
COMMAND = data.FlexibleLayout(
    32 * COMMAND_WORDS,
    {field.name: data.Field(unsigned(field.width), 32 * field.word + field.lsb) for field in FIELDS},
)


def in_pairs(command: data.View) -> Value:
    """Whether every pass of ``command``, or of those of its fields that are kept, adds a pair of each group."""
    return command.passes != 1


def whole(command: data.View, name: str) -> Value:
    """The field ``name`` of ``command`` and its high bits, which are a field of their own
    (:func:`spec.commands.halves`).
    """
    return Cat(command[name], command[f"{name}_high"])
