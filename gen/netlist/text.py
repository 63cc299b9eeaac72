"""What Yosys writes, in words that linters take: initial values in blocks of their own, repetitions as such."""

import re

__all__ = ["polished"]

_HEADER = re.compile(r"\A/\*.*\*/\n")
_INITIAL = re.compile(r"^(  (?:output )?reg (?:signed )?(?:\[\d+:\d+\] )?)(\S+)( ?) = (.*);$", re.MULTILINE)
_RUN = re.compile(r"(?<=[{,] )([^\s,{}][^,{}]*?)(?:, \1(?=,| \}))+")


def polished(text: str) -> str:
    """The Verilog ``text`` of Yosys without the line that names its version. ``reg a = 0;`` is ``reg a;`` and
    ``initial a = 0;``: in SystemVerilog the former happens before anything can see it. ``{ a, a, a }`` is ``{3{a}}``.
    """
    text = _INITIAL.sub(r"\1\2\3;\n  initial \2\3 = \4;", _HEADER.sub("", text))
    return _RUN.sub(lambda run: f"{{ {1 + run[0].count(', ')}{{{run[1]}}} }}", text)
