"""Every operand is as wide as its operation, and the results are what they were."""

import pytest
from pyosys import libyosys as ys

from gen.netlist.signals import A, B, Y
from gen.netlist.widths import level

EXPRESSIONS = [
    "a + b", "a - c", "c * d", "a & c", "a | b", "a ^ d", "a == c", "c != d", "a < b", "d >= a", "a >> c[1:0]",
    "a << c[1:0]", "d >>> c[1:0]", "d <<< c[1:0]", "!a", "!c", "-d", "~c", "a + 1'd1", "d + e", "d * e", "e < d",
    "d == e", "d >>> 1", "$signed(c) + d", "a[c]", "-$signed(c)",
]
WIDTHS = [1, 3, 9]


def source(expression, width):
    return (
        "module top(input [4:0] a, input [4:0] b, input [1:0] c, input signed [5:0] d, input signed [2:0] e,\n"
        f"  output [{width - 1}:0] y);\n  assign y = {expression};\nendmodule\n"
    )


def levelled(design):
    for name in list(design.modules_):
        level(design.module(name))
    return design


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_operands_are_as_wide_as_their_operation(read, expression, width):
    module = levelled(read(source(expression, width))).module(ys.IdString("\\top"))
    for name in module.cells_:
        cell = module.cell(name)
        kind = cell.type.str()
        sizes = {port: cell.getPort(port).size() for port in (A, B, Y) if cell.hasPort(port)}
        for port, size in sizes.items():
            assert cell.getParam(ys.IdString(f"{port.str()}_WIDTH")).as_int() == size
        if kind in ("$eq", "$ne", "$lt", "$le", "$gt", "$ge"):
            assert sizes[A] == sizes[B]
        elif kind in ("$shl", "$sshl", "$shr", "$sshr", "$not", "$neg"):
            assert sizes[A] <= sizes[Y] if kind in ("$shr", "$sshr") else sizes[A] == sizes[Y]
        elif kind in ("$add", "$sub", "$mul", "$and", "$or", "$xor"):
            assert sizes[A] == sizes[B] == sizes[Y]
        assert kind != "$logic_not" or sizes[A] == 1


def test_results_are_what_they_were(read, written, proved_equal):
    """All expressions in one module, each of all widths."""
    ports, lines, number = [], [], 0
    for expression in EXPRESSIONS:
        for width in WIDTHS:
            ports.append(f"output [{width - 1}:0] y{number}")
            lines.append(f"  assign y{number} = {expression};")
            number += 1
    inputs = "input [4:0] a, input [4:0] b, input [1:0] c, input signed [5:0] d, input signed [2:0] e"
    text = "module top(" + ", ".join([inputs, *ports]) + ");\n" + "\n".join(lines) + "\nendmodule\n"
    assert proved_equal(text, written(levelled(read(text))))
    assert not proved_equal(text, written(levelled(read(text.replace("a + b", "a + b + 1'd1")))))
