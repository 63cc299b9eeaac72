"""Runs one image again and watches a value being made."""

import dataclasses
from pathlib import Path

from gen.compile import Program
from sim import waveform
from sim.builds import simulation_of
from sim.divergence import Watched
from sim.job import Job, Watch
from sim.session import follow
from sim.verilator import View
from sim.visits import Site

__all__ = ["Watcher"]


class Watcher:
    """``watcher(site, sums)`` simulates image ``image`` of ``job`` with ``program`` and looks at ``site``.

    Leaves the waveform of the 200 cycles around the moment at which the value goes wrong.

    Parameters
    ----------
    frame : int
    place : tuple of int
        The value among those that the program sends.
    out : Path
        Folder for the waveform.

    Attributes
    ----------
    waveform : Path
    cycle : int
        Clock cycle of the moment in it: 100 are before, 99 after.
    """

    def __init__(self, job: Job, program: Program, image: int, frame: int, place: tuple[int, ...], out: Path):
        self.job = job
        self.program = program
        self.image = image
        self.frame = frame
        self.place = place
        self.out = out
        self.waveform = (out / "mismatch.vcd").resolve()
        self.cycle = 0

    def __call__(self, site: Site, sums: list[int]) -> Watched:
        """What was seen. Raises ``SimulationFailed`` if the simulation fails."""
        watch = Watch(
            self.image, self.program.traced, self.frame, self.place, site.command, site.memory, site.address, site.part,
            site.psum, site.row, site.skip, tuple(sums), site.end,
        )
        self.waveform.unlink(missing_ok=True)
        simulation = simulation_of(self.job.config, view=View.WAVES)
        job = dataclasses.replace(self.job, watch=watch)
        (event,) = follow(simulation, "watch_value", job, self.out / "waveform", dump_file=self.waveform)
        self.cycle = event["cycle"]
        waveform.cut(self.waveform, self.cycle - watch.before, self.cycle + watch.after)
        return Watched(event["stored"], tuple(event["sums"]), tuple(event["cycles"]), event["got"])
