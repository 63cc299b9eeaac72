"""The command as a layout: field positions come from :mod:`spec.commands` and nowhere else."""

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Value, unsigned
from amaranth.lib import data

from spec.commands import COMMAND_WORDS, FIELDS

__all__ = ["COMMAND", "WIDTHS", "in_codes", "in_pairs", "narrow", "whole"]

#: Bits of every field by name.
WIDTHS = {field.name: field.width for field in FIELDS}


def _layout(widths: Mapping[str, int]) -> data.FlexibleLayout:
    return data.FlexibleLayout(
        32 * COMMAND_WORDS,
        {field.name: data.Field(unsigned(widths[field.name]), 32 * field.word + field.lsb) for field in FIELDS},
    )


#: All fields of a command at their bits; some overlap because ``op`` decides which are meant.
COMMAND = _layout(WIDTHS)


def narrow(command: data.View, widths: Mapping[str, int]) -> data.View:
    """``command``, of whose fields only as many bits count as ``widths`` says (:func:`spec.extents.field_bits`)."""
    return data.View(_layout(widths), Value.cast(command))


def in_pairs(command: data.View, always: bool | None = None) -> Value:
    """Whether every pass of ``command``, or of those of its fields that are kept, adds a pair of each group.

    ``always`` says it of all commands of a build, if they are alike in this: then there is nothing to decide.
    """
    return command.passes != 1 if always is None else Const(always)


def in_codes(command: data.View, always: bool | None = None) -> Value:
    """Whether masks of ``command`` are 2-bit codes; likewise."""
    return command.coded if always is None else Const(always)


def whole(command: data.View, name: str) -> Value:
    """The field ``name`` of ``command`` and its high bits, which are a field of their own
    (:func:`spec.commands.halves`).
    """
    return Cat(command[name], command[f"{name}_high"])
