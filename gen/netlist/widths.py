"""Operands as wide as their operation: Verilog has rules for other widths, which linters do not let anyone rely on."""

from pyosys import libyosys as ys

from gen.netlist.signals import A_SIGNED, A_WIDTH, B_SIGNED, B_WIDTH, Y_WIDTH, A, B, Y, fresh, one_of, zeros

__all__ = ["level"]

#: ``y = a op b`` modulo ``2**len(y)``: what lies beyond the width of ``y`` in an operand does not matter.
_MODULAR = one_of("add", "sub", "mul", "and", "or", "xor", "xnor", "not", "neg", "shl", "sshl", "pos")

#: Operations with one operand to extend; the other is an amount, or is not there.
_UNARY = one_of("not", "neg", "shl", "sshl", "shr", "sshr", "shift", "pos")

_COMPARISONS = one_of("eq", "ne", "eqx", "nex", "lt", "le", "gt", "ge")

_RIGHT_SHIFTS = one_of("shr", "sshr", "shift")

_LOGIC_NOT = one_of("logic_not")


def level(module: ys.Module) -> None:
    """Give the operands of every operation of ``module`` one width, that of its result if it is a number.

    Operands are extended by zeros, or by their sign if the operation is signed. A result that is narrower than what is
    shifted right gets bits that nobody reads; ``!a`` of a number becomes ``a == 0``.
    """
    for name in list(module.cells_):
        cell = module.cell(name)
        if cell.type in _LOGIC_NOT:
            _compare_with_zero(cell)
        if cell.type in _RIGHT_SHIFTS:
            _widen_result(module, cell)
        if cell.type in _MODULAR or cell.type in _RIGHT_SHIFTS:
            width = cell.getPort(Y).size()
            operands = (A,) if cell.type in _UNARY else (A, B)
        elif cell.type in _COMPARISONS:
            width = max(cell.getPort(A).size(), cell.getPort(B).size())
            operands = (A, B)
        else:
            continue
        for port in operands:
            _extend(cell, port, width, cell.getParam(A_SIGNED).as_bool())


def _extend(cell: ys.Cell, port: ys.IdString, width: int, is_signed: bool) -> None:
    signal = ys.SigSpec(cell.getPort(port))
    if signal.size() != width:
        signal.extend_u0(width, is_signed)
        cell.setPort(port, signal)
        cell.setParam(A_WIDTH if port == A else B_WIDTH, ys.Const(width, 32))


def _widen_result(module: ys.Module, cell: ys.Cell) -> None:
    result, width = ys.SigSpec(cell.getPort(Y)), cell.getPort(A).size()
    if result.size() < width:
        result.append(ys.SigSpec(fresh(module, "shifted", width - result.size())))
        cell.setPort(Y, result)
        cell.setParam(Y_WIDTH, ys.Const(width, 32))


def _compare_with_zero(cell: ys.Cell) -> None:
    width = cell.getPort(A).size()
    if width == 1:
        return
    cell.type = ys.IdString("$eq")
    cell.setPort(B, zeros(width))
    cell.setParam(B_WIDTH, ys.Const(width, 32))
    cell.setParam(B_SIGNED, ys.Const(0, 1))
    cell.setParam(A_SIGNED, ys.Const(0, 1))
