"""`python -m sim.networks`: whole networks on builds of every size, each through ``python -m sim.run``, as one table.

Networks are trained ones of the zoo, or have random masks and batch norms calibrated on random images
(:mod:`spec.synthetic`), which changes neither work nor cycles. All runs of a size share one build, with memories that
hold the largest of its networks, and those with rings another. A run that is done is kept in the output folder and not
repeated while model, build and sources are the same, so the command can be stopped and started again.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, add_json, add_out
from console.kept import digest_of_code, kept_record
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from gen.sizing import fitted
from sim.network_list import Run, read_list
from spec.config import MEMORY_LIMITS, AcceleratorConfig, config_for
from spec.files import build_root, output_folder, write_text
from spec.model import load, save
from spec.refusal import Refused, run_command
from spec.synthetic import synthetic_model

__all__ = ["default_list", "main", "parser"]

_ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("spec", "rtl", "gen", "sim")
_TABLE_WIDTH = 136  #: Characters; a narrower table would lose digits.


def default_list() -> Path:
    """The list that is run where no other is given."""
    return Path(__file__).with_suffix(".toml")


def _size(run: Run) -> tuple[int, bool]:
    """What the builds are by: PEs, and whether there is a ring memory."""
    return run.pe, bool(run.network.rings)


def _builds(runs: Sequence[Run]) -> dict[tuple[int, bool], AcceleratorConfig]:
    """A build per size, for all networks that run on it."""
    return {
        size: fitted(config_for(size[0]), *(run.network for run in runs if _size(run) == size))
        for size in sorted({_size(run) for run in runs})
    }


def _model_file(run: Run, out: Path) -> Path:
    """Its model file, made unless it is a trained one or the very same is there."""
    if run.model:
        return run.model
    path = out / "models" / f"{run.model_name}.safetensors"
    try:
        if load(path).network == run.network:
            return path
    except Refused:
        pass
    return save(synthetic_model(run.network, seed=0, calibration_images=1), path)


def _command(run: Run, model: Path, config: AcceleratorConfig, images: int) -> list[str]:
    """The ``sim.run`` command of ``run``, as one would type it at the root of the tree."""
    model = model.relative_to(_ROOT) if model.is_relative_to(_ROOT) else model
    sizes = [part for name in MEMORY_LIMITS for part in (f"--{name.replace('_', '-')}", str(getattr(config, name)))]
    features = ["--upsample"] if config.upsample else []
    return ["python", "-m", "sim.run", str(model), "--pe", str(run.pe), "--images", str(images), *sizes, *features]


def _execute(run: Run, model: Path, config: AcceleratorConfig, out: Path) -> dict:
    """Row of ``run``, simulated."""
    command = _command(run, model, config, images=config.lanes)
    report = out / "runs" / run.name / "report.json"
    report.unlink(missing_ok=True)
    begin = time.perf_counter()
    result = subprocess.run(
        [sys.executable, *command[1:], "--out", str(report.parent)],
        capture_output=True, text=True, check=False, cwd=_ROOT,
        env=os.environ | {"FOLDENITE_BUILD": str(build_root())},  # where the caller's is, not beside the code
    )
    seconds = time.perf_counter() - begin
    if not report.is_file():
        raise Refused(f"Run {run.name} ended without a report: {(result.stderr or result.stdout).strip()[-2000:]}")
    return _row(run, json.loads(report.read_text()), seconds, command)


def _kept(run: Run, config: AcceleratorConfig, out: Path, sources: str, *, again: bool) -> dict:
    """Row of ``run``: the kept one if nothing has changed since, else a new one, which is kept unless it is wrong."""
    model = _model_file(run, out)
    key = {"model": hashlib.sha256(model.read_bytes()).hexdigest(), "build": config.to_json(), "sources": sources}
    return kept_record(
        out / "rows" / f"{run.name}.json", key, lambda: _execute(run, model, config, out), again=again,
        keep=lambda row: not row["problem"],
    )


def _row(run: Run, report: dict, seconds: float, command: list[str]) -> dict:
    """What ``report`` says of ``run``, units in the keys."""
    measured, predicted = report["cycles_per_image_measured"], report["cycles_per_image_predicted"]
    reached = report["dense_equivalent_macs_per_pe_and_cycle"]
    problem = report["mismatch"]
    if problem is None and measured != predicted:
        problem = f"{measured} cycles measured, {predicted} predicted"
    if problem is None and reached < run.goal:
        problem = f"{reached:.3f} MAC per PE and cycle, below the goal of {run.goal}"
    speed = report["simulated_cycles_per_s"]
    return {
        "name": run.name,
        "network": run.model.stem if run.model else run.network.name,
        "trained": run.model is not None,
        "mode": run.mode,
        "pe": run.pe,
        "images": report["images"],
        "cycles_per_image_measured": measured,
        "cycles_per_image_predicted": predicted,
        "dense_equivalent_macs_per_pe_and_cycle": reached,
        "goal_macs_per_pe_and_cycle": run.goal,
        "simulated_cycles_per_s": speed,
        "simulated_dense_equivalent_macs_per_s": speed and speed * reached * run.pe,
        "seconds": seconds,
        "values_compared": report["values_compared"],
        "mismatches": report["mismatches"],
        "problem": problem,
        "command": " ".join(command),
    }


def _table(rows: Sequence[dict]) -> Table:
    table = Table(
        "network", "weights", title="Whole networks on the Verilog",
        caption="cycles per image, measured and as the model says; dense-equivalent MAC; simulation speed; wall-clock "
        "seconds of the whole run; stored values and logits compared",
    )
    for header in (
        "PEs", "cycles", "model", "MAC/PE/cycle", "goal", "cycles/s", "GMAC/s", "seconds", "values", "wrong"
    ):
        table.add_column(header, justify="right")
    for row in rows:
        speed, work = row["simulated_cycles_per_s"], row["simulated_dense_equivalent_macs_per_s"]
        table.add_row(
            row["network"], row["mode"], str(row["pe"]), f"{row['cycles_per_image_measured'] or 0:,.0f}",
            f"{row['cycles_per_image_predicted']:,.0f}", f"{row['dense_equivalent_macs_per_pe_and_cycle'] or 0:.3f}",
            f"{row['goal_macs_per_pe_and_cycle']}", f"{speed or 0:,.0f}", f"{(work or 0) / 1e9:.3f}",
            f"{row['seconds']:.0f}", f"{row['values_compared']:,}", str(row["mismatches"]),
        )
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.networks", description=__doc__.splitlines()[0])
    made.add_argument("--list", type=Path, default=default_list(), help="runs (default sim/networks.toml)")
    made.add_argument(
        "--only", default="", metavar="TEXT", help="runs with TEXT in their name, say resnet50-32-1of4 (default: all)"
    )
    made.add_argument("--again", action="store_true", help="repeat runs that are done")
    add_out(made, "folder to write (default build/networks)", build_root() / "networks")
    add_json(made, "the rows")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the list; exit 1 if a value or a cycle is wrong or a goal is missed, 2 if a run is impossible."""
    arguments = parser().parse_args(argv)
    listed = read_list(arguments.list)
    runs = [run for run in listed if arguments.only in run.name]
    if not runs:
        names = ", ".join(run.name for run in listed)
        raise Refused(f"No run has {arguments.only!r} in its name; the runs are {names}")
    builds, sources, out = _builds(listed), digest_of_code(_ROOT, _ROOMS), output_folder(arguments.out).resolve()
    rows = []
    with progress_bars(counted=False, speed_estimate_period=1e9) as progress:
        task = progress.add_task("", total=sum(run.effort for run in runs))
        for number, run in enumerate(sorted(runs, key=lambda run: run.effort), 1):
            progress.update(task, description=f"{number} of {len(runs)}: {run.name}")
            rows.append(_kept(run, builds[_size(run)], out, sources, again=arguments.again))
            progress.advance(task, run.effort)
    order = {run.name: place for place, run in enumerate(runs)}
    rows.sort(key=lambda row: order[row["name"]])
    text = json_text({"rows": rows})
    written = write_text(out / "networks.json", text)
    if arguments.json:
        print(text, end="")
    else:
        console = screen()
        console.width = max(console.width, _TABLE_WIDTH)
        console.print(_table(rows))
        print(written)
    problems = [row for row in rows if row["problem"]]
    for row in problems:
        print(f"{row['name']}: {row['problem']}", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    run_command(main)
