"""`python -m flows.sweep MODEL`: which build suits a model, by exact cycles and estimated area.

Every legal shape of the sizes asked for, with memories that just hold the model, in the model's own mask mode or in
others (``--modes``: the same network with random masks). Prints the builds that no other beats in both LUTs and cycles,
and writes ``sweep.json`` and ``sweep.html``. Chosen is the fastest of them or, with ``--images-per-s``, the cheapest;
``--verify`` simulates it and compares every stored value and its cycles.

    python -m flows.sweep zoo/fashion-1of4.safetensors --target ecp5 --images-per-s 1000 --verify
    python -m flows.sweep zoo/fashion-1of4.safetensors --scheduler tcp://HOST:8786
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, Number, Several, Whole, add_json, add_out
from console.pages.page import both_widths, render
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from flows.sweep.area import AreaModel, read_runs
from flows.sweep.choice import Unverified, chosen, options_of, verify
from flows.sweep.drawing import front
from flows.sweep.parallel import executor
from flows.sweep.points import Limits, Point, candidates, evaluated, pareto, synthetic
from flows.tools.targets import NAMES, TARGETS
from gen.pages.figures import MODE_COLOURS
from spec.commands import LANES_MAX
from spec.config import PSUM_DEPTHS, SHAPES
from spec.files import output_folder, write_text
from spec.model import Model, load
from spec.refusal import Refused, run_command
from spec.supermask import Mode

__all__ = ["main", "parser"]

_RUNS = Path(__file__).with_name("runs.json")


def _subjects(model: Model, modes: str | None) -> dict[str, Model]:
    """The models of the sweep by mode: the given one, or its network in other modes."""
    if modes is None:
        last = model.network.layers[-2]
        return {"ring" if last.ring else str(last.mode): model}
    if model.network.rings:
        raise Refused("Option --modes is not for models with rings, whose weights have no masks")
    try:
        return {mode: synthetic(model.network, Mode(mode)) for mode in modes.split(",")}
    except ValueError:
        raise Refused(f"--modes must be some of {','.join(Mode)}, not {modes!r}") from None


def _swept(arguments: argparse.Namespace, subjects: dict[str, Model], area: AreaModel, limits: Limits) -> list[Point]:
    configs = list(candidates(arguments.sizes, arguments.depths, arguments.lanes))
    if not configs:
        raise Refused(f"No build has {' or '.join(map(str, arguments.sizes))} PEs; sizes are powers of two from 16")
    points = []
    with progress_bars(transient=True) as progress:
        task = progress.add_task("builds", total=len(configs) * len(subjects))
        with executor(arguments.scheduler, arguments.jobs) as pool:
            waiting = [
                pool.submit(evaluated, model, mode, config, area, limits)
                for mode, model in subjects.items() for config in configs
            ]
            for future in as_completed(waiting):
                points.append(future.result())
                progress.advance(task)
    return sorted((p for p in points if p), key=lambda p: (p.resources["lut"], p.cycles, p.mode, str(p.config)))


def _table(best: Sequence[Point], mhz: float) -> Table:
    table = Table(
        "mask", title="Best builds",
        caption=f"cycles per image, exact; images per second at {mhz:g} MHz; area estimated from synthesis runs of "
        "other builds; rows, PEs of a row, lanes, rows whose weights arrive in a cycle, rows that share "
        "a requantizer, pixels of a tile",
    )
    shape = ("rows", "PEs/row", "lanes", "weight rows", "shared by", "psum depth")
    headers = ("PEs", "cycles", "images/s", *NAMES.values(), *shape)
    for header in headers:
        table.add_column(header, justify="right")
    for point in best:
        config = point.config
        table.add_row(
            point.mode, str(config.pe), f"{point.cycles:,.0f}", f"{point.images_per_s:,.0f}",
            *(f"{point.resources[name]:,}" for name in NAMES),
            *map(str, (
                config.rows, config.groups, config.lanes, config.weight_rows, config.rows_per_requantizer,
                config.psum_depth,
            )),
        )
    return table


def _page(data: dict, part: str, points: Sequence[Point], best: Sequence[Point], choice: Point | None) -> str:
    used = dict.fromkeys(point.mode for point in points)
    return render(
        Path(__file__).with_name("sweep.html.j2"), data=data, part=part, points=points, best=best, choice=choice,
        modes={mode: MODE_COLOURS[mode] for mode in used if mode in MODE_COLOURS},
        drawing=both_widths(front, points, best, choice, data["limits"]["lut"]),
    )


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.sweep", description=__doc__.splitlines()[0])
    add = made.add_argument
    sizes, depths, lanes = Whole(16, 1 << 17), Whole(*PSUM_DEPTHS), Whole(1, LANES_MAX)
    add("model", type=Path, help="model file (.safetensors)")
    add("--target", choices=[name for name in TARGETS if name == "ecp5"], default="ecp5",
        help="part to fit (default ecp5)")
    add("--sizes", type=Several(sizes), default=tuple(size for size in SHAPES if size <= 1024),
        help="PEs of the builds (default: all named ones to 1024)")
    add("--depths", type=Several(depths), default=(64, 256), help="psum depths to try (default 64,256)")
    add("--lanes", type=Several(lanes), default=(1,), help="lanes to try (default 1)")
    add("--modes", help="mask modes to compare on the same network, with commas (default: the model's own)")
    add("--mhz", type=Number(above=0, most=100_000), default=80.0, help="clock the rate is for (default 80)")
    add("--luts", type=Whole(0, 1 << 31), help="at most so many (default: what the part has)")
    add("--bram", type=Whole(0, 1 << 31), help="at most so many block RAMs (default: what the part has)")
    add("--images-per-s", type=Number(least=0, most=1e12), default=0.0, help="at least so many (default 0)")
    add("--runs", type=Path, default=_RUNS, help="synthesis runs that area is estimated from (default: ours)")
    add("--verify", action="store_true", help="simulate the chosen build")
    add("--jobs", type=Whole(1, 1024), default=2, help="processes (default 2)")
    add("--scheduler", metavar="ADDRESS", help="compute on the Dask cluster at this address instead")
    add_out(made, "folder to write (default build/sweep)", Path("build/sweep"))
    add_json(made, "sweep.json")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Sweep; exit 0, 1 if no build keeps the limits, or 2 if it is refused."""
    arguments = parser().parse_args(argv)
    output_folder(arguments.out)
    target = TARGETS[arguments.target]
    given = {"lut": arguments.luts, "bram": arguments.bram}
    limits = Limits(
        {name: most if given.get(name) is None else given[name] for name, most in target.capacity.items()},
        arguments.mhz, arguments.images_per_s,
    )
    if arguments.verify and arguments.modes:
        raise Refused("Option --verify simulates the given model, so it does not go with --modes")
    runs = read_runs(arguments.runs)
    model, area = load(arguments.model), AreaModel.fitted(runs)
    points = _swept(arguments, _subjects(model, arguments.modes), area, limits)
    best = pareto(points)
    choice = chosen(best, arguments.images_per_s)
    verified = command = None
    if choice:
        model_option = [] if arguments.modes else ["--model", str(arguments.model)]  # its masks may be of another mode
        command = shlex.join(["python", "-m", "gen.build", *model_option, *options_of(choice.config)])
    if arguments.verify and choice:
        try:
            verified = verify(arguments.model, choice, arguments.out)
        except Unverified as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1

    data = {
        "network": model.network.name, "target": arguments.target, "mhz": arguments.mhz,
        "limits": limits.resources, "images_per_s": limits.images_per_s, "area_worst_relative_error": area.worst,
        "area_runs": len(runs), "verified": verified,
        "chosen": choice and choice.to_json(), "chosen_command": command, "best": [p.to_json() for p in best],
        "points": [p.to_json() for p in points],
    }
    text = json_text(data)
    page = _page(data, target.part, points, best, choice)
    written = [write_text(arguments.out / "sweep.json", text), write_text(arguments.out / "sweep.html", page)]
    if arguments.json:
        print(text, end="")
        return int(not best)
    console = screen()
    console.width = max(console.width, 120)
    console.print(_table(best, arguments.mhz))
    if choice:
        print(f"chosen: {command}")
    if verified:
        print(verified)
    if not best:
        nearest = min(points, key=lambda p: len(p.misses), default=None)
        print(f"No build keeps the limits; the nearest: {', '.join(nearest.misses)}" if nearest else
              "No build can hold the model", file=sys.stderr)
    print("\n".join(map(str, written)))
    return int(not best)


if __name__ == "__main__":
    run_command(main)
