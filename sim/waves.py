"""`python -m sim.waves MODEL --pe N`: some signals around the start of an iteration of a folded block, cycle by cycle.

Writes them as JSON, for ``flows.report``, and the whole waveform beside it as VCD. The block runs the same layers again
with the same masks and signs: the excerpt shows the array going from the last layer of an iteration to the first of the
next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vcdvcd import VCDVCD

from console.command import CommandParser, Whole, add_out
from console.record import write_json
from console.screen import screen
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.options import add_build_options, config_from
from rtl.base.parts import ENGINE, LANE, PATHS
from rtl.base.ports import Cause
from sim import waveform
from sim.builds import simulation_of
from sim.job import Job
from sim.session import follow
from sim.verilator import View
from spec.files import build_root, output_file
from spec.model import load
from spec.refusal import Refused, run_command
from spec.synthetic import random_images

__all__ = ["SIGNALS", "Boundary", "boundary", "main", "parser", "sampled"]

_DUT = "testbench.dut."


@dataclass(frozen=True)
class _Signal:
    """A signal of the excerpt: its name there, in the Verilog, and bits; ``names`` replace its values."""

    name: str
    path: str
    width: int
    names: Mapping[int, str] | None = None


#: What is shown, from masks to stored results.
SIGNALS = (
    _Signal("cause", f"{ENGINE}.cause", 3, {cause.value: cause.name.lower() for cause in Cause}),
    _Signal("mask read", f"{PATHS['weights.masks']}.read_enable", 1),
    _Signal("mask address", f"{PATHS['weights.masks']}.read_address", 0),
    _Signal("signs", f"{PATHS['weights']}.signs", 16),
    _Signal("weights swap", f"{PATHS['weights.registers']}.swap", 1),
    _Signal("X read", f"{LANE}0.x.read__enable", 1),
    _Signal("X address", f"{LANE}0.x.read__address", 0),
    _Signal("psum address", f"{LANE}0.accumulator.step__read_address", 0),
    _Signal("sum valid", f"{LANE}0.accumulator.step__valid", 1),
    _Signal("result stored", f"{PATHS['results']}.store__enable", 1),
    _Signal("result address", f"{PATHS['results']}.store__address", 24),
)


@dataclass(frozen=True)
class Boundary:
    """Where an iteration begins: block, iteration, and the cycle of its first command."""

    block: str
    iteration: int
    cycle: int


def boundary(program: Program, block: str | None) -> Boundary:
    """The start of iteration 1 of ``block``, or of the first recurrent one.

    Raises
    ------
    Refused
        If the network has no such block that runs twice.
    """
    network = program.model.network
    folded = [b.name for b in network.blocks if b.iterations > 1]
    if not folded or block not in (None, *folded):
        raise Refused(f"Network {network.name!r} has no recurrent block {block or ''}; it has {folded or 'none'}")
    name = block or folded[0]
    first = next(c for c in predict(program).commands if c.layer.startswith(f"{name}.") and c.iteration == 1)
    return Boundary(name, 1, first.start)


def sampled(dump: Path, first: int, count: int) -> list[dict]:
    """Values of :data:`SIGNALS` in the cycles ``first`` to ``first + count - 1``, as the wrapper counts them."""
    waves = VCDVCD(str(dump))
    names = {name.partition("[")[0]: name for name in waves.signals}
    counter = waves[names["testbench.cycle"]]
    times = {int(value, 2): time for time, value in counter.tv if set(value) <= {"0", "1"}}

    def value(signal: _Signal, cycle: int):
        bits = waves[names[_DUT + signal.path]][times[cycle]]
        if bits is None or not set(bits) <= {"0", "1"}:
            return None
        return (signal.names or {}).get(int(bits, 2), int(bits, 2))

    return [
        {"name": signal.name, "width": signal.width, "values": [value(signal, first + i) for i in range(count)]}
        for signal in SIGNALS
    ]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.waves", description=__doc__.splitlines()[0])
    made.add_argument("model", type=Path, help="model file (.safetensors)")
    made.add_argument("--block", help="recurrent block (default: the first)")
    made.add_argument("--before", type=Whole(0, 1000), default=20, help="cycles before the iteration (default 20)")
    made.add_argument("--after", type=Whole(1, 1000), default=40, help="cycles from its start on (default 40)")
    add_out(made, "file to write (default build/waves.json)", build_root() / "waves.json")
    add_build_options(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate one image, or one per lane, and write the excerpt; exit 0, or 2 if there is nothing to show."""
    arguments = parser().parse_args(argv)
    output_file(arguments.out)
    model = load(arguments.model)
    config = config_from(arguments, model.network)
    program = compile_model(model, config, trace=False)
    at = boundary(program, arguments.block)
    before = min(arguments.before, at.cycle)
    folder = arguments.out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    images = folder / "images.npy"
    np.save(images, random_images(model.network, config.lanes, seed=1))
    window = (at.cycle - before, at.cycle + arguments.after)
    job = Job(config, str(arguments.model.resolve()), str(images.resolve()), window=window)
    dump = (folder / "waves.vcd").resolve()
    dump.unlink(missing_ok=True)
    with screen(stderr=True).status(f"building and simulating {config.pe} PEs with waveforms"):
        (event,) = follow(simulation_of(config, view=View.WAVES), "dump_window", job, folder, dump_file=dump)
    first = event["cycle"] + window[0]
    waveform.cut(dump, first, event["cycle"] + window[1])
    excerpt = {
        "text": f"Block {at.block} begins iteration {at.iteration} in cycle {at.cycle:,} of the inference: other batch "
                "norms, the same masks and signs, fetched and made again.",
        "first_cycle": window[0],
        "signals": sampled(dump, first, before + arguments.after),
    }
    print(write_json(arguments.out, excerpt))
    print(dump)
    return 0


if __name__ == "__main__":
    run_command(main)
