"""`python -m flows.synth --pe N --target ecp5|ice40|xc7|asic [--route]`: what a build takes, and its routed clock.

Writes ``synth.json``, or ``area.json`` for ``asic``: every number with the tool, its version, seed and stage. A stage
that is done is not repeated. A build that does not fit the part is counted, but not routed, and refused in the end.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from console.command import CommandParser, Number, Whole, add_json, add_out, add_seed
from console.kept import kept_folder
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from flows.asic.area import estimate_area
from flows.asic.report import area_table
from flows.synth import fit, netlist, nextpnr, report, scripts
from flows.tools import yosys
from flows.tools.process import ToolFailed
from flows.tools.targets import PARTS, TARGETS, Target, target_of
from gen.options import add_build_options, config_from
from gen.verilog import accelerator_verilog
from spec.config import AcceleratorConfig
from spec.files import output_folder, write_text
from spec.refusal import Refused, run_command

__all__ = ["main", "parser"]

#: The target that is not an FPGA.
_ASIC = "asic"


def _synthesize(target: Target, verilog: str, out: Path, progress: Progress) -> Path:
    """Netlist of ``verilog``, made or found."""
    bar = progress.add_task("Yosys", total=target.steps)

    def on_step(number: int, name: str) -> None:
        progress.update(bar, completed=min(number, target.steps), description=f"Yosys: {name}")

    passes = (*yosys.preparation(target), target.synthesis)
    inputs = {"verilog": verilog, "command": passes, "techmap": target.techmap, "yosys": yosys.version()}
    folder, _ = kept_folder(
        out, "yosys", inputs, lambda folder: yosys.synthesize(target, verilog, folder, on_step)
    )
    progress.update(bar, completed=target.steps, description="Yosys")
    return folder / yosys.NETLIST


def _route(target: Target, design: Path, arguments: argparse.Namespace, out: Path, progress: Progress) -> dict:
    """What place and route says, made or found: of several seeds for the one whose placement promises most."""
    program = nextpnr.find(target.router)
    version = nextpnr.version(program)
    bar = progress.add_task(Path(program).name, total=None)

    def done(stage: str, work: Callable[..., None], seed: int) -> Path:
        inputs = {
            "netlist": design.parent.name, "options": target.router.options, "seed": seed, "mhz": arguments.mhz,
            "program": Path(program).name, "version": version,
        }
        folder, _ = kept_folder(out, stage, inputs, lambda folder: work(
            program, target.router, design, folder, seed=seed, mhz=arguments.mhz,
            on_phase=lambda phase: progress.update(bar, description=f"nextpnr, seed {seed}: {phase}"),
        ))
        return folder

    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    placed = {seed: nextpnr.expected_mhz(done("placed", nextpnr.place, seed)) for seed in seeds if len(seeds) > 1}
    best = max(placed, key=placed.get, default=arguments.seed)
    routed = nextpnr.parse_report(json.loads((done("nextpnr", nextpnr.route, best) / nextpnr.REPORT).read_text()))
    return report.route_record(Path(program).name, version, best, arguments.mhz, routed) | {
        "placed": [{"seed": seed, "expected_mhz": mhz} for seed, mhz in placed.items()]
    }


def _scripts(config: AcceleratorConfig, arguments: argparse.Namespace, out: Path) -> list[Path]:
    """Scripts for tools that are not from pip, beside the Verilog they read."""
    texts = {"foldenite.v": accelerator_verilog(config)}
    if arguments.target == "ecp5":
        target = target_of("ecp5", arguments.part).of_build(config)
        texts |= {"ecp5.sh": scripts.ecp5_script(target, arguments.mhz, arguments.seed), yosys.TECHMAP: target.techmap}
    elif arguments.target == "xc7":
        texts |= {"vivado.tcl": scripts.vivado_script(arguments.mhz)}
    return [write_text(out / file, text) for file, text in texts.items()]


def _run(config: AcceleratorConfig, arguments: argparse.Namespace, out: Path, console: Console) -> dict:
    target = target_of(arguments.target, arguments.part).of_build(config)
    with progress_bars(console, counted=False, transient=True) as progress:
        verilog = accelerator_verilog(config)
        design = _synthesize(target, verilog, out, progress)
        cells, components = netlist.count(json.loads(design.read_text()), verilog, target)
        record = {
            "target": arguments.target,
            "part": target.part,
            "pe": config.pe,
            "config": config.to_json(),
            "verilog_sha256": hashlib.sha256(verilog.encode()).hexdigest(),
            "synthesis": report.synthesis_record(config, target, yosys.version(), cells, components),
            "route": None,
        }
        misfit = fit.check_fit(target, components, config.pe)
        record |= {"fits": misfit is None, "misfit": misfit}
        if arguments.route and not misfit:
            record["route"] = _route(target, design, arguments, out, progress)
    return record


def _write_synthesis(config: AcceleratorConfig, arguments: argparse.Namespace, out: Path) -> None:
    """Synthesize for an FPGA, and route if asked; write and print what came of it.

    Raises
    ------
    Refused
        If the build does not fit, after it was written.
    """
    record = _run(config, arguments, out, screen(stderr=True))
    written = _scripts(config, arguments, out)
    text = json_text(record)
    written.append(write_text(out / "synth.json", text))
    if arguments.json:
        print(text, end="")
    else:
        screen().print(report.table(record))
        print(report.line(config.pe, arguments.target, record))
        print("\n".join(map(str, written)))
    if record["misfit"]:
        raise Refused(record["misfit"])


def _write_area(config: AcceleratorConfig, arguments: argparse.Namespace, out: Path) -> None:
    """Estimate the area in silicon; write and print it."""
    area = estimate_area(config, 1000 / arguments.mhz, out, screen(stderr=True))
    text = json_text({"pe": config.pe, "config": config.to_json()} | area)
    path = write_text(out / "area.json", text)
    if arguments.json:
        print(text, end="")
    else:
        screen().print(area_table(area))
        print(path)


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.synth", description=__doc__.splitlines()[0])
    made.add_argument(
        "--target", choices=[*TARGETS, _ASIC], default="ecp5",
        help="FPGA, or standard cells: an estimate of area (default ecp5)",
    )
    parts = "; ".join(f"{target}: {', '.join(names)}" for target, names in PARTS.items())
    made.add_argument("--part", help=f"of the target ({parts}; default: its largest)")
    made.add_argument("--route", action="store_true", help="place and route too (ecp5, ice40)")
    made.add_argument("--mhz", type=Number(above=0, most=100_000), help="clock to ask for (default 100, of asic 500)")
    add_seed(made, "of place and route")
    made.add_argument(
        "--seeds", type=Whole(1, 64), default=1,
        help="place with so many seeds, from --seed on, and route the one that promises most (default 1)",
    )
    add_out(made, "folder to write (default build/synth/TARGET-PART-peN, without PART where none is given)")
    add_json(made, "what is written")
    add_build_options(made, fit=False)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Synthesize, and route if asked; exit 0, 1 if a tool fails, or 2 if it is refused."""
    arguments = parser().parse_args(argv)
    if arguments.mhz is None:
        arguments.mhz = 500.0 if arguments.target == _ASIC else 100.0

    if arguments.route and arguments.target == _ASIC:
        raise Refused("Option --route is not for asic: its area is an estimate before any layout")
    if arguments.seeds > 1 and not arguments.route:
        raise Refused("Option --seeds says how often to place before routing; give --route, too, or leave it out")
    if arguments.route and TARGETS[arguments.target].router is None:
        raise Refused(f"Option --route is not for {arguments.target}; run the script that is written for Vivado")
    if arguments.route:
        nextpnr.find(TARGETS[arguments.target].router)
    if arguments.part is not None:
        target_of(arguments.target, arguments.part)
    config = config_from(arguments)
    name = "-".join(filter(None, (arguments.target, arguments.part, f"pe{config.pe}")))
    out = output_folder(arguments.out or Path("build", "synth", name))
    try:
        (_write_area if arguments.target == _ASIC else _write_synthesis)(config, arguments, out)
    except ToolFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
