"""`python -m flows.report BUILD`: one page that shows a build with a model, from what is known of it.

BUILD is a folder that ``gen.build --model`` wrote. Results of other commands are taken from the folders they were
written to; what is not given is predicted, or left out with the command that makes it.

    python -m gen.build --pe 64 --model zoo/fashion-1of4.safetensors --out build/mine
    python -m sim.run zoo/fashion-1of4.safetensors --pe 64 --images 2 --out build/mine/sim
    python -m flows.synth --pe 64 --route --out build/mine/synth
    python -m flows.report build/mine
"""

from collections.abc import Sequence
from pathlib import Path

from console.command import CommandParser, add_out
from flows.report.folder import read_results
from flows.report.page import page
from flows.report.points import of_model, of_papers
from spec.files import output_file, write_text
from spec.model import load
from spec.refusal import run_command

__all__ = ["main", "parser"]


def _beside(given: Path | None, usual: Path) -> Path | None:
    """The file that was asked for, or the usual one if it is there."""
    return given or (usual if usual.is_file() else None)


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.report", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("build", type=Path, metavar="BUILD", help="folder that gen.build --model wrote")
    add("--simulation", type=Path, metavar="DIR", help="what sim.run wrote (default: BUILD/sim, if there)")
    add("--synthesis", type=Path, metavar="JSON", help="by flows.synth (default: BUILD/synth/synth.json, if there)")
    add("--energy", type=Path, metavar="JSON", help="an energy estimate (default: BUILD/energy.json, if there)")
    add("--waves", type=Path, metavar="JSON", help="an excerpt of signals (default: BUILD/waves.json, if there)")
    add("--models", type=Path, nargs="*", default=[], help="further models in the drawing of accuracy against size")
    add_out(made, "page to write (default: BUILD/report.html)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; exit 0, or 2 if something is not what it should be."""
    arguments = parser().parse_args(argv)
    out = output_file(arguments.out or arguments.build / "report.html")
    build, simulation = arguments.build, arguments.simulation or arguments.build / "sim"
    wanted = arguments.simulation is not None
    results = read_results(build, {
        "simulation": simulation / "report.json" if wanted else _beside(None, simulation / "report.json"),
        "layers": simulation / "layers.json" if wanted else _beside(None, simulation / "layers.json"),
        "synthesis": _beside(arguments.synthesis, build / "synth" / "synth.json"),
        "energy": _beside(arguments.energy, build / "energy.json"),
        "waves": _beside(arguments.waves, build / "waves.json"),
    })
    ours = [of_model(results.model.network.name, results.model)]
    ours += [of_model(path.stem, load(path)) for path in arguments.models]

    text = page(results, [*of_papers(), *dict.fromkeys(point for point in ours if point)])
    print(write_text(out, text))
    return 0


if __name__ == "__main__":
    run_command(main)
