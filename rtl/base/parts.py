"""Where each component is: its path of instances below the top module, for whoever looks into the hierarchy.

Synthesis, energy, reports, waveforms and the simulation's bench read it here: a component that moves is renamed
once.
"""

from collections.abc import Mapping

__all__ = ["CHECKED", "CORE", "ENGINE", "LANE", "MEMORIES", "PATHS"]

CORE = "core"  #: Engine and host port.
ENGINE = f"{CORE}.engine"
LANE = f"{ENGINE}.lane"  #: Of lane 0 and so on, with the number behind it; without it, of all.

#: Components by the name they are counted under. Rings are there only in builds that have them.
PATHS: Mapping[str, str] = {
    "host.registers": f"{CORE}.registers",
    "host.loader": f"{CORE}.loader",
    "host.sender": f"{CORE}.sender",
    "host.cycle_counters": f"{CORE}.cycle_counters",
    "sequencer": f"{ENGINE}.sequencer",
    "addresses": f"{ENGINE}.addresses",
    "results": f"{ENGINE}.results",
    "pool": f"{ENGINE}.pool",
    "store": f"{ENGINE}.store",
    "weights": f"{ENGINE}.weights",
    "weights.walk": f"{ENGINE}.weights.walk",
    "weights.chunks": f"{ENGINE}.weights.chunks",
    "weights.masks": f"{ENGINE}.weights.masks",
    "weights.rings": f"{ENGINE}.weights.rings",
    "weights.signs": f"{ENGINE}.weights.signs",
    "weights.registers": f"{ENGINE}.registers",
    "lane": LANE,
    "lane.x": f"{LANE}.x",
    "lane.t": f"{LANE}.t",
    "lane.array": f"{LANE}.array",
    "lane.accumulator": f"{LANE}.accumulator",
    "lane.requantizers": f"{LANE}.requantizers",
    "lane.pool": f"{LANE}.pool",
}

#: Where each memory is, by the name of ``AcceleratorConfig.memory_bits``: one that may be checked has its words in
#: ``cells`` and their bits in ``parity``. Of the ring memory there are copies, whose number goes into the braces, and
#: of a lane's memories as many as lanes.
MEMORIES: Mapping[str, str] = {
    "program": f"{ENGINE}.sequencer.program",
    "mask": f"{ENGINE}.weights.masks",
    "entries": f"{ENGINE}.results.memory",
    "ring": f"{ENGINE}.weights.rings.copy{{}}",
    "x": f"{LANE}{{}}.x.ram",
    "t": f"{LANE}{{}}.t.ram",
    "psum": f"{LANE}{{}}.accumulator.psums",
    "results": f"{LANE}{{}}.accumulator.results",
}

#: Those that may be checked: the host writes them once, and they hold the model.
CHECKED = ("program", "mask", "entries", "ring")
