"""A 3x3 convolution, 16 to 16 channels on 8x8, on 16 PEs and as NNgen makes it: cycles, MAC/cycle, LUTs.

`python -m flows.bench nngen`. Ours: the exact model's cycles of such a layer inside a network, and a lean build whose
memories just hold that network, synthesized here. Theirs: the Verilog that NNgen writes, with nine multipliers (one for
each weight of the kernel) unless ``--nngen-parallel`` says more, simulated by Icarus Verilog beside NNgen's model of a
memory, its outputs compared with numpy, and synthesized by the same Yosys commands. Their cycles hold the transfers of
image, weights and result, ours do not: activations and masks are on the chip.
"""

import argparse
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from console.command import Number, Whole
from console.progress import progress_bars
from flows.bench.nngen_design import DESIGN, EXPECTED, TESTBENCH, TOP, need_nngen
from flows.bench.synthesis import memory_options, synthesized
from flows.tools import yosys
from flows.tools.process import ToolLate, run_tool
from flows.tools.targets import target_of
from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import AcceleratorConfig, config_for
from spec.files import output_folder
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

__all__ = [
    "ROOMS", "add_options", "check", "failed", "inputs", "lean_options", "measure", "our_row", "resources", "simulated",
    "tables", "their_row",
]

ROOMS = (
    "spec", "rtl", "gen", "flows/synth", "flows/tools", "flows/bench/nngen.py", "flows/bench/nngen_design.py",
    "flows/bench/synthesis.py",
)

_SIZE, _CHANNELS, _PE = 8, 16, 16
_MACS = _SIZE * _SIZE * _CHANNELS * _CHANNELS * 9
_KERNEL = 9  # multipliers of NNgen for a pair of channels
_KINDS = ("lut", "ff", "bram", "dsp")
_LAYER = "stage1.entry.conv1"
_MODES = (Mode.ANY, Mode.ONE_OF_FOUR)


def _network(mode: Mode) -> Network:
    """One block of two such convolutions behind a stem."""
    return residual_network(
        "convolution", image=(_SIZE, _SIZE, 3), classes=10, widths=(_CHANNELS,), iterations=(0,), mode=mode
    )


def lean_options() -> tuple[str, ...]:
    """Options of ``flows.synth`` for the lean build that just holds the network in every mode."""
    config = fitted(config_for(_PE, streams=False), *map(_network, _MODES))
    return ("--pe", str(_PE), "--lean", *memory_options(config))


def our_row(record: dict, mode: Mode) -> dict:
    """Cycles of the convolution in ``mode`` on the build of a ``synth.json``, and what that takes."""
    program = compile_model(synthetic_model(_network(mode), seed=1), AcceleratorConfig.from_json(record["config"]))
    (command,) = (command for command in predict(program).commands if command.layer == _LAYER)
    used = {kind: record["synthesis"]["resources"][kind]["used"] for kind in _KINDS}
    return _row(f"ours, {mode}, {_PE} PEs", command.cycles, used, "cycle model")


def their_row(cycles: int | None, used: dict | None, parallel: int, seconds: float, mismatches: int) -> dict:
    """NNgen's; None is what did not end in ``seconds``."""
    return _row(
        f"NNgen, {_KERNEL * parallel**2} multipliers", cycles, used or dict.fromkeys(_KINDS),
        _notes(cycles, used, seconds),
    ) | {"mismatches": mismatches}


def _notes(cycles: int | None, used: dict | None, seconds: float) -> str:
    stages = {"simulation": cycles, "synthesis": used}
    late = [name for name, result in stages.items() if result is None]
    return f"{' and '.join(late)} did not end in {seconds:g} s" if late else "simulated"


def _row(design: str, cycles: int | None, used: dict, note: str) -> dict:
    rate = None if cycles is None else _MACS / cycles
    per_lut = None if rate is None or used["lut"] is None else rate / used["lut"]
    return {"design": design, "cycles": cycles, "mac_per_cycle": rate, **used, "mac_per_cycle_per_lut": per_lut,
            "note": note, "mismatches": 0}


def resources(netlist: dict) -> dict:
    """LUTs and so on of NNgen's design, from the netlist that Yosys wrote."""
    total, target = Counter(), target_of("ecp5")
    for cell in netlist["modules"][TOP]["cells"].values():
        total.update(target.cost(cell["type"]))
    return {kind: total[kind] for kind in _KINDS}


def simulated(log: str, expected: list[int]) -> tuple[int, int]:
    """Cycles, and how many values are not as ``expected``, from what the testbench printed.

    Raises
    ------
    RuntimeError
        If it did not print them all.
    """
    words = [line.split() for line in log.splitlines()]
    cycles = [int(word[1]) for word in words if word[:1] == ["cycles"]]
    values = [word[1] for word in words if word[:1] == ["value"]]
    if len(cycles) != 1 or len(values) != len(expected):
        raise RuntimeError(f"NNgen's testbench printed {len(values)} of {len(expected)} values: {log[-500:]}")
    return cycles[0], sum(value != str(number) for value, number in zip(values, expected, strict=True))


def tables(data: dict) -> list[Table]:
    """For people."""
    made = Table("design", title="A 3x3 convolution, 16 to 16 channels on 8x8",
                 caption="by the same Yosys commands, for ECP5; NNgen's cycles hold its transfers from and to memory")
    for column in ("cycles", "MAC/cycle", "LUT", "FF", "block RAM", "DSP", "MAC/cycle/LUT"):
        made.add_column(column, justify="right")
    made.add_column("cycles by")
    formats = {"cycles": ",", "mac_per_cycle": ".2f"} | dict.fromkeys(_KINDS, ",") | {"mac_per_cycle_per_lut": ".5f"}
    for row in data["rows"]:
        shown = ("" if row[name] is None else format(row[name], how) for name, how in formats.items())
        made.add_row(row["design"], *shown, row["note"])
    return [made]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--nngen-seconds", type=Number(above=0, most=1e6), default=500.0,
                        help="most that simulation and synthesis of NNgen's design may take, each (default 500)")
    parser.add_argument("--nngen-parallel", type=Whole(1, 16), default=1,
                        help="input and output channels that NNgen's design takes at a time (default 1)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse to run without NNgen and Icarus Verilog."""
    need_nngen()
    if shutil.which("iverilog") is None:
        raise Refused("This benchmark needs Icarus Verilog, which is not on PATH; install it (Debian: apt-get install "
                      "iverilog)")


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"seconds": arguments.nngen_seconds, "parallel": arguments.nngen_parallel,
            "nngen": importlib.metadata.version("nngen")}


def measure(arguments: argparse.Namespace) -> dict:
    """A row for each of our modes, and NNgen's."""
    record = json.loads(synthesized(lean_options(), arguments.out / "nngen-ours").read_text())
    folder = output_folder(arguments.out / "nngen")
    limit, parallel = arguments.nngen_seconds, arguments.nngen_parallel
    with progress_bars(counted=False, transient=True) as progress:
        _generate(folder, parallel, progress)
        cycles, mismatches = _simulate(folder, limit, progress)
        used = _synthesize(folder, limit, progress)
    theirs = their_row(cycles, used, parallel, limit, mismatches)
    return {"rows": [*(our_row(record, mode) for mode in _MODES), theirs]}


def _generate(folder: Path, parallel: int, progress: Progress) -> None:
    progress.add_task("NNgen", total=None)
    numbers = map(str, (_SIZE, _CHANNELS, parallel))
    command = [sys.executable, "-m", "flows.bench.nngen_design", *numbers, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{result.stdout}{result.stderr}")


def _simulate(folder: Path, seconds: float, progress: Progress) -> tuple[int | None, int]:
    """Cycles, None if it did not end, and mismatches."""
    bar = progress.add_task("Icarus Verilog", total=None)
    compiled = ["iverilog", "-g2005", "-s", "testbench", "-o", "testbench.vvp", TESTBENCH]
    run_tool(compiled, folder, "iverilog.log", lambda line: None)
    try:
        run_tool(["vvp", "-N", "testbench.vvp"], folder, "vvp.log", lambda line: None, seconds=seconds)
    except ToolLate:
        return None, 0
    finally:
        progress.update(bar, total=1, completed=1)
    return simulated((folder / "vvp.log").read_text(), json.loads((folder / EXPECTED).read_text()))


def _synthesize(folder: Path, seconds: float, progress: Progress) -> dict | None:
    """Resources, None if it did not end: by the commands of ours, of which only the name of the top differs."""
    ecp5 = target_of("ecp5")
    target = replace(ecp5, synthesis=ecp5.synthesis.replace("-top foldenite", f"-top {TOP}"), techmap="")
    bar = progress.add_task("Yosys", total=target.steps)
    try:
        yosys.synthesize(
            target, (folder / DESIGN).read_text(), folder,
            lambda number, name: progress.update(bar, completed=number, description=f"Yosys: {name}"), seconds=seconds,
        )
    except ToolLate:
        return None
    return resources(json.loads((folder / yosys.NETLIST).read_text()))


def failed(data: dict) -> bool:
    """Whether NNgen's design computes something else."""
    return any(row["mismatches"] for row in data["rows"])
