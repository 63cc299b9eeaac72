"""Which part of the accelerator a cell of the netlist belongs to; the parts that area and energy are split into."""

import re

__all__ = ["PARTS", "part_of"]

#: Parts by the instance a cell is in, below the top module; the longest counts. Copies (lanes, rows) count as one, and
#: what is glue between the instances named here belongs to the control.
_PART_OF = {
    "core.engine.lane.array": "PE array",
    "core.engine.lane.accumulator": "accumulator",
    "core.engine.lane.requantizers": "requantizer",
    "core.engine.lane.pool": "max pool",
    "core.engine.pool": "max pool",
    "core.engine.lane": "activations' ports",
    "core.engine.weights": "weight generation",
    "core.engine.registers": "weight registers",
    "core.engine.addresses": "addresses",
    "core.engine.results": "results' walk",
    "core.engine.store": "host",
    "core.loader": "host",
    "core.sender": "host",
    "core.registers": "host",
    "core.cycle_counters": "host",
}
_GLUE = "control"

#: All of them, in the order in which they are shown.
PARTS = (*dict.fromkeys(_PART_OF.values()), _GLUE)


def part_of(path: str) -> str:
    """Part that the cell ``path`` belongs to, a path of instances with dots."""
    names = [re.sub(r"\d+$", "", name) for name in path.split(".")]
    for length in range(len(names), 0, -1):
        if (part := _PART_OF.get(".".join(names[:length]))) is not None:
            return part
    return _GLUE
