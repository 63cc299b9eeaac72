"""Names that every tool takes: no port has to be escaped."""

import re

from pyosys import libyosys as ys

__all__ = ["simplify_ports"]


def simplify_ports(design: ys.Design) -> None:
    """Rename ports, which Amaranth may have named after a slice of a signal (``\\port$12$0``), to letters, digits and
    underscores (``port_12_0``). Yosys does that to other signals, but does not look at instances.
    """
    modules = [design.module(name) for name in design.modules_]
    renamed: dict[str, list[tuple[ys.IdString, ys.IdString]]] = {}
    for module in modules:
        names = [(name, _simple(module, name)) for name in list(module.ports) if not name.str()[1:].isidentifier()]
        for old, new in names:
            module.rename(old, new)
        module.fixup_ports()
        renamed[module.name.str()] = names
    for module in modules:
        for name in module.cells_:
            cell = module.cell(name)
            for old, new in renamed.get(cell.type.str(), ()):
                if cell.hasPort(old):
                    signal = ys.SigSpec(cell.getPort(old))
                    cell.unsetPort(old)
                    cell.setPort(new, signal)


def _simple(module: ys.Module, name: ys.IdString) -> ys.IdString:
    plain = chosen = "\\" + re.sub(r"\W", "_", name.str()[1:])
    number = 0
    while module.count_id(ys.IdString(chosen)):
        number += 1
        chosen = f"{plain}_{number}"
    return ys.IdString(chosen)
