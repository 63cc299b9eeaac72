"""Benchmarks: `python -m flows.bench` (or `cycles`) of the hardware, `python -m flows.bench train` of training."""

import argparse
from collections.abc import Sequence

from flows.bench import cycles, training
from spec.refusal import run_command

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark that is named, or that of the hardware."""
    parser = argparse.ArgumentParser(prog="python -m flows.bench", description=cycles.__doc__.splitlines()[0])
    cycles.add_options(parser)
    parser.set_defaults(run=cycles.run)
    commands = parser.add_subparsers(metavar="BENCHMARK", help="cycles (default) or train")
    for name, benchmark in (("cycles", cycles), ("train", training)):
        command = commands.add_parser(name, description=benchmark.__doc__.splitlines()[0])
        benchmark.add_options(command)
        command.set_defaults(run=benchmark.run)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    run_command(main)
