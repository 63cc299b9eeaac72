"""What one simulator process is asked to do: written by the process that starts it, read by the cocotb test."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from spec.config import AcceleratorConfig
from spec.files import write_text

__all__ = ["Job", "Watch"]


@dataclass(frozen=True)
class Watch:
    """Which value to look for, and how much of the waveform to keep around the moment at which it goes wrong.

    Parameters
    ----------
    image : int
    trace : bool
        Whether the program is the one that sends every stored tensor.
    frame : int
    place : tuple of int
        The value among those sent of the image.
    command : int
        Executed command that makes it.
    memory : str
        "x", "t", or "psum" for a logit, whose store is not looked for.
    address, part : int
        Word, and 32-bit part of it.
    psum, row, skip : int
        Address of its partial sums, row, and earlier visits of the address to leave out.
    sums : tuple of int
        Expected after each visit; the first one that differs is the moment. If none does, it is the store.
    end : int
        Cycle after the start that is the moment if neither is seen.
    before, after : int
        Cycles of the waveform before the moment, and from it on.
    """

    image: int
    trace: bool
    frame: int
    place: tuple[int, ...]
    command: int
    memory: str
    address: int
    part: int
    psum: int
    row: int
    skip: int
    sums: tuple[int, ...]
    end: int
    before: int = 100
    after: int = 100


@dataclass(frozen=True)
class Job:
    """A simulated build, and for ``sim.run`` what to run on it.

    Parameters
    ----------
    config : AcceleratorConfig
    model : str
        Model file.
    images : str
        uint8 array (B, H, W, C) as ``.npy``.
    stall : float
        Probability that a channel pauses.
    seed : int
        For the pauses.
    watch : Watch, optional
        Value to look for.
    window : (int, int), optional
        Cycles after the start of an inference, first and end, to dump.
    """

    config: AcceleratorConfig
    model: str = ""
    images: str = ""
    stall: float = 0.0
    seed: int = 1
    watch: Watch | None = None
    window: tuple[int, int] | None = None

    def save(self, path: Path) -> Path:
        """Write the job to ``path`` and return the path."""
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        watch = None if self.watch is None else dataclasses.asdict(self.watch)
        return write_text(path, json.dumps(data | {"config": self.config.to_json(), "watch": watch}, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Job":
        """The job in ``path``."""
        data = json.loads(Path(path).read_text())
        watch = data["watch"]
        if watch is not None:
            watch = Watch(**(watch | {"place": tuple(watch["place"]), "sums": tuple(watch["sums"])}))
        window = data["window"] and tuple(data["window"])
        return cls(**(data | {
            "config": AcceleratorConfig.from_json(data["config"]), "watch": watch, "window": window,
        }))
