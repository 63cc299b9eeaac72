"""Benchmarks: `python -m flows.bench` runs all and gathers them in ``bench.json``; with a name, one of them.

Those that route a build or need a tool that is not ours run by their name only: they are not of ``all``. A benchmark
that is done is not repeated while the machine, the tools and the code that it measures stay the same.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from console.command import CommandParser, add_json, add_out
from console.record import json_text
from console.screen import screen
from flows.bench import cifar10, cycles, latency, nngen, protection, signs, training, verilog
from flows.bench.kept import machine, measured, versions
from spec.files import output_folder, write_text
from spec.refusal import run_command

__all__ = ["ALL", "BENCHMARKS", "main", "parser"]

#: Those that run without a name. Each has ``add_options``, ``check`` (refuses bad ones), ``measure``, ``tables`` and
#: ``failed``; what it measures depends on its ``inputs`` and on the code in its ``ROOMS``.
ALL: dict[str, ModuleType] = {
    "cycles": cycles, "signs": signs, "protection": protection, "verilog": verilog, "training": training,
    "latency": latency,
}

#: Every benchmark by name; the last ones run by name only.
BENCHMARKS: dict[str, ModuleType] = {**ALL, "cifar10": cifar10, "nngen": nngen}

_SCHEMA = 2
_TABLE_WIDTH = 110


def _run(names: Sequence[str], arguments: argparse.Namespace) -> int:
    """Measure what is ``names`` and show it; 1 if something is not as it should be."""
    for name in names:
        BENCHMARKS[name].check(arguments)
    console = screen(stderr=True)
    data = {"machine": machine(), "versions": versions()}
    written = []
    for number, name in enumerate(names, start=1):
        console.print(f"{number} of {len(names)}: {BENCHMARKS[name].__doc__.splitlines()[0]}", soft_wrap=True)
        data[name], path = measured(name, BENCHMARKS[name], arguments)
        written.append(path)
    text = json_text(data, _SCHEMA)
    if len(names) > 1:
        written.append(write_text(arguments.out / "bench.json", text))
    if arguments.json:
        print(text, end="")
    else:
        wide = screen()
        wide.width = max(wide.width, _TABLE_WIDTH)
        for name in names:
            for table in BENCHMARKS[name].tables(data[name]):
                wide.print(table)
        print("\n".join(map(str, written)))
    return int(any(BENCHMARKS[name].failed(data[name]) for name in names))


def _add_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    for name in names:
        BENCHMARKS[name].add_options(parser)
    parser.add_argument("--again", action="store_true", help="measure again what is done")
    add_out(parser, "folder to write (default build/bench)", Path("build/bench"))
    add_json(parser)
    parser.set_defaults(names=tuple(names))


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.bench", description=__doc__.splitlines()[0])
    _add_options(made, list(ALL))
    commands = made.add_subparsers(
        metavar="BENCHMARK", help=f"all (default: {', '.join(ALL)}), {', '.join(BENCHMARKS)}"
    )
    _add_options(commands.add_parser("all", description=__doc__.splitlines()[0]), list(ALL))
    for name, benchmark in BENCHMARKS.items():
        _add_options(commands.add_parser(name, description=benchmark.__doc__.splitlines()[0]), [name])
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark that is named, or all; exit 0, 1 if one misses its goal, or 2 if it is refused."""
    arguments = parser().parse_args(argv)
    output_folder(arguments.out)
    return _run(arguments.names, arguments)


if __name__ == "__main__":
    run_command(main)
