"""Which part of the accelerator a cell of the netlist belongs to; the parts that area and energy are split into."""

import re

from rtl.base.parts import PATHS

__all__ = ["PARTS", "part_of"]

#: Parts by the component a cell is in; the longest path counts. Copies (lanes, rows) count as one, and what is glue
#: between the components named here belongs to the control.
_PART_OF = {PATHS[component]: part for component, part in {
    "lane.array": "PE array",
    "lane.accumulator": "accumulator",
    "lane.requantizers": "requantizer",
    "lane.pool": "max pool",
    "pool": "max pool",
    "lane": "activations' ports",
    "weights": "weight generation",
    "weights.registers": "weight registers",
    "addresses": "addresses",
    "results": "results' walk",
    "store": "host",
    "host.loader": "host",
    "host.sender": "host",
    "host.registers": "host",
    "host.cycle_counters": "host",
}.items()}
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
