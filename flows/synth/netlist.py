"""Counts cells of a flattened netlist, in all and by the component they came from.

A register, adder, multiplier or memory belongs to the module of the Verilog line it was made from, which Yosys keeps
with the cell; what is in a memory wrapper belongs to the module around it, and other small parts that a target may map
are counted like LUTs. LUTs lose their origin when they are mapped:
one belongs to the component that it feeds, directly or through other LUTs; of several, to the one it feeds most. So the
components add up to the total, which is of the flattened and optimized design.
"""

import bisect
import re
from collections import Counter, defaultdict

from flows.tools.targets import NAMES, Target
from rtl.base.parts import CORE, ENGINE, LANE, PATHS
from rtl.base.ram import RAM_MODULE
from rtl.lane.lane import MAPPED_MODULES

__all__ = ["Counts", "ModuleMap", "component_of", "count"]

#: Cells, and resources, by component.
Counts = dict[str, Counter]

#: A component of this name holds what feeds nothing but pins.
_PINS = "pins"

#: Parts of the engine that are told apart one level further.
_DIVIDED = ("lane", "weights")


def component_of(path: str) -> str:
    """Component that the module, instance or cell ``path`` belongs to: a part of the host port (``host.registers`` and
    so on), of the engine, of a lane or of the weights' way to the array (``weights.registers`` holds them there).
    Copies, such as the rows' requantizers or the lanes, are one component.
    """
    parts = [re.sub(r"\d+$", "", re.sub(r"\$\d+", "", part)) for part in path.split(".")]
    parts = parts[parts[0] == "foldenite" :]  # cells are named without the top, modules with it
    if parts and parts[0].startswith("foldenite_lane"):
        parts[:1] = LANE.split(".")
    if not parts:
        return "foldenite"
    path = ".".join(parts)
    if f"{path}.".startswith(f"{PATHS['weights.registers']}."):
        return "weights.registers"
    if path.startswith(f"{ENGINE}."):
        part, *inner = path.removeprefix(f"{ENGINE}.").split(".")
        return f"{part}.{inner[0]}" if inner and part in _DIVIDED else part
    if path.startswith(f"{CORE}.") and path != ENGINE:
        return f"host.{parts[1]}"
    return parts[-1]


class ModuleMap:
    """Which module every line of a Verilog text is in."""

    def __init__(self, verilog: str):
        self.lines, self.names = [], []
        for number, line in enumerate(verilog.splitlines(), start=1):
            if found := re.match(r"module (?:\\(\S+)|(\w+))", line):
                self.lines.append(number)
                self.names.append(found[1] or found[2])

    def at(self, source: str) -> str | None:
        """Module of ``source``, which is ``file:line...``, perhaps several with ``|`` between; of several the first."""
        for place in source.split("|"):
            if found := re.match(r"foldenite\.v:(\d+)", place):
                index = bisect.bisect_right(self.lines, int(found[1])) - 1
                return self.names[index] if index >= 0 else None
        return None


def count(netlist: dict, verilog: str, target: Target) -> tuple[Counter, Counts]:
    """Cells by type, and resources by component, of a netlist that Yosys wrote of ``verilog``."""
    module = netlist["modules"]["foldenite"]
    cells = module["cells"]
    owners = _owners(module, ModuleMap(verilog), target)
    types = Counter(cell["type"] for cell in cells.values() if not cell["type"].startswith("$"))
    components: Counts = defaultdict(Counter)
    for name, cell in cells.items():
        cost = target.cost(cell["type"])
        if cost:
            components[owners.get(name, _PINS)].update(cost)
    return types, {name: Counter({r: components[name][r] for r in NAMES}) for name in sorted(components)}


def _owners(module: dict, modules: ModuleMap, target: Target) -> dict[str, str]:
    """Component of every cell."""
    cells = module["cells"]
    wrapped = _wrapped_nets(module)
    owners = {}
    readers, feeds = defaultdict(list), {}
    for name, cell in cells.items():
        outputs = [bit for port, way in cell["port_directions"].items() if way == "output"
                   for bit in cell["connections"][port]]
        feeds[name] = outputs
        for port, way in cell["port_directions"].items():
            if way == "input":
                for bit in cell["connections"][port]:
                    readers[bit].append(name)
        origin = modules.at(cell["attributes"].get("src", ""))
        if origin in MAPPED_MODULES:
            origin = None
        if origin == RAM_MODULE:
            origin = next((wrapped[bit] for bit in outputs if bit in wrapped), None)
        if origin is None and name.startswith(f"{CORE}.") and _made_of_memory(cell, target):
            origin = name.rpartition(".")[0]  # named by the memory
        if origin:
            owners[name] = component_of(origin)
    _follow(cells, owners, readers, feeds)
    return owners


def _made_of_memory(cell: dict, target: Target) -> bool:
    """Whether a cell without a line of Verilog is a block RAM, a distributed RAM or a register of one."""
    cost = target.cost(cell["type"])
    return bool(cost) and ("RAM" in cell["type"] or "DPR" in cell["type"] or "lut" not in cost)


def _follow(cells: dict, owners: dict[str, str], readers: dict, feeds: dict) -> None:
    """Give every cell without an origin that of the cells it feeds, from the registers backwards."""
    waiting = [name for name in cells if name not in owners]
    while waiting:
        later, found = [], {}
        for name in waiting:
            fed = [owners.get(reader) for bit in feeds[name] for reader in readers[bit] if reader != name]
            if None in fed:
                later.append(name)
            elif fed:
                votes = Counter(fed)
                found[name] = min(votes, key=lambda owner: (-votes[owner], owner))
            else:
                found[name] = _PINS
        if not found:  # a loop
            found = dict.fromkeys(later, _PINS)
            later = []
        owners |= found
        waiting = later


def _wrapped_nets(module: dict) -> dict[int, str]:
    """Path of the module around the memory wrapper, by net of its registers."""
    nets = {}
    for name, net in module["netnames"].items():
        *path, leaf = name.split(".")
        if leaf in ("read_data", "fetched") and path[-1:] == ["ram"]:
            around = ".".join(path[: path.index("ram")])
            for bit in net["bits"]:
                if len(nets.get(bit, "")) < len(around):
                    nets[bit] = around
    return nets
