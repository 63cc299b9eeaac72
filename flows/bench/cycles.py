"""Cycles against the model, utilization, simulation speed, sizes, bytes over the pins; the digits network.

`python -m flows.bench cycles`. Ratios and counts only. Cycles and speed are measured on the Verilog by ``python -m
sim.run``; masks are random, because neither cycles nor sizes depend on which weights a mask keeps.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from console.command import Several, Whole
from console.progress import progress_bars
from gen.compile import compile_model
from gen.cycles import CommandCycles, predict
from spec.config import config_for
from spec.layer import Role
from spec.model import Model, save
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

__all__ = ["ROOMS", "add_options", "check", "cycle_row", "digits_model", "failed", "inputs", "measure", "size_row",
           "tables"]

ROOMS = ("spec", "rtl", "gen", "sim", "flows/bench/cycles.py")

#: The build that sizes on the chip are of.
_SIZE = 16


def digits_model(mode: Mode) -> Model:
    """The demo's network with random masks."""
    network = residual_network(
        f"digits-{mode}", image=(8, 8, 1), classes=10, widths=(16, 32, 64), iterations=(0, 2, 2), mode=mode
    )
    return synthetic_model(network, seed=1)


def size_row(model: Model, mode: Mode) -> dict:
    """What ``model`` stores: mask bits per weight in the file and on the chip, batch-norm bits on the chip; bytes of
    masks and batch norms beside those of dense int8 weights, of the folded network and of the unfolded one.
    """
    program = compile_model(model, config_for(_SIZE))
    weights = model.network.weight_count
    inner = [layer for layer in model.network.layers if layer.role not in (Role.STEM, Role.CLASSIFIER)]
    unfolded = sum(step.layer.weight_count for step in model.network.steps)
    channel_iterations = sum(numbers.multiplier.size for numbers in model.requantizations.values())
    unit = program.config.mask_unit_bits
    return {
        "mode": str(mode),
        "weights": weights,
        "stored_bytes": model.stored_bytes,
        "dense_int8_bytes": weights,
        "dense_int8_over_stored": weights / model.stored_bytes,
        "unfolded_int8_over_stored": unfolded / model.stored_bytes,
        "mask_bits": model.mask_bits,
        "mask_bits_per_weight": model.mask_bits / weights,
        "mask_bits_per_block_weight_on_chip": (
            sum(program.plan.of(layer).mask_units for layer in inner) * unit
            / sum(layer.weight_count for layer in inner)
        ),
        "mask_bits_on_chip": program.plan.mask_units * unit,
        "entries": model.entry_count,
        "entry_bits_per_channel_and_iteration_on_chip": (
            program.plan.entry_rows * 32 * program.config.rows / channel_iterations
        ),
    }


def cycle_row(model: Model, mode: Mode, pe: int, report: dict) -> dict:
    """Cycles of ``model`` on ``pe`` PEs: ``report`` of the simulation beside the model, and where they go.

    Utilization is dense-equivalent MAC per PE and cycle as a share of the ``4/q`` that the mode allows.
    """
    commands = predict(compile_model(model, config_for(pe))).commands
    edges = {layer.name for layer in model.network.layers if layer.role in (Role.STEM, Role.CLASSIFIER)}
    blocks = [command for command in commands if command.passes and command.layer not in edges]
    rest = [command for command in commands if command not in blocks]

    def share(part: Sequence[CommandCycles]) -> float:
        return sum(c.macs * c.passes for c in part) / (4 * pe * sum(c.cycles for c in part))

    return {
        "pe": pe,
        "mode": str(mode),
        "cycles_measured": report["cycles_per_image_measured"],
        "cycles_predicted": report["cycles_per_image_predicted"],
        "measured_over_predicted": report["cycles_per_image_measured"] / report["cycles_per_image_predicted"],
        "block_layer_utilization": share(blocks),
        "block_layer_cycles": sum(command.cycles for command in blocks),
        "rest_cycles": {command.label: command.cycles for command in rest},
        "dense_equivalent_macs_per_pe_and_cycle": report["dense_equivalent_macs_per_pe_and_cycle"],
        "simulated_cycles_per_s": report["simulated_cycles_per_s"],
        "pin_bytes_per_image": (
            report["image_bytes_per_image"] + report["streamed_mask_bytes_per_image"] + report["output_bytes_per_image"]
        ),
        "pin_bytes_per_image_if_int8_weights_were_fetched": report["conventional_bytes_per_image"],
        "pin_bytes_saved_ratio": report["traffic_saved_ratio"],
        "values_compared": report["values_compared"],
        "mismatches": report["mismatches"],
    }


def _simulate(path: Path, pe: int, images: int, out: Path) -> dict:
    """Report of ``python -m sim.run``, in a process of its own because flows and sim do not import each other."""
    folder = out / f"{path.stem}-pe{pe}"
    command = [sys.executable, "-m", "sim.run", str(path), "--pe", str(pe), "--images", str(images)]
    result = subprocess.run([*command, "--out", str(folder)], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{result.stdout}{result.stderr}")
    return json.loads((folder / "report.json").read_text())


def tables(data: dict) -> list[Table]:
    """For people."""
    cycles = Table(
        "PEs", "mode", "cycles", "/ model", "% of peak", "MAC/PE/cycle", "sim cycles/s", "pin bytes", "saved", "wrong",
        title="Digits network on the Verilog",
        caption="cycles measured / model; block layers' share of their mode's peak; dense-equivalent MAC; bytes over "
        "the pins per image, and how many times as many fetched int8 weights would take",
    )
    for row in data["rows"]:
        cycles.add_row(
            str(row["pe"]), row["mode"], f"{row['cycles_measured']:,.0f}", f"{row['measured_over_predicted']:.6f}",
            f"{100 * row['block_layer_utilization']:.1f}", f"{row['dense_equivalent_macs_per_pe_and_cycle']:.3f}",
            f"{row['simulated_cycles_per_s']:,.0f}", f"{row['pin_bytes_per_image']:,.0f}",
            f"{row['pin_bytes_saved_ratio']:.0f}x", str(row["mismatches"]),
        )
    sizes = Table(
        "mode", "weights", "bytes", "int8 / bytes", "unfolded", "mask (file)", "mask (chip)", "batch norm (chip)",
        title="What is stored",
        caption="masks and batch norms; dense int8 weights over that, folded and unfolded; bits per weight; bits per "
        "weight of the blocks; bits per channel and iteration",
    )
    for row in data["sizes"]:
        sizes.add_row(
            row["mode"], f"{row['weights']:,}", f"{row['stored_bytes']:,}", f"{row['dense_int8_over_stored']:.2f}",
            f"{row['unfolded_int8_over_stored']:.2f}", f"{row['mask_bits_per_weight']:.4f}",
            f"{row['mask_bits_per_block_weight_on_chip']:.4f}",
            f"{row['entry_bits_per_channel_and_iteration_on_chip']:.1f}",
        )
    return [cycles, sizes]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--images", type=Whole(1, 1_000_000), default=4, help="images per simulation (default 4)")
    parser.add_argument(
        "--sizes", type=Several(Whole(16, 1 << 17)), default=(16, 64), help="PEs to simulate (default 16,64)"
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be."""
    for pe in arguments.sizes:
        config_for(pe)


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"images": arguments.images, "sizes": list(arguments.sizes)}


def measure(arguments: argparse.Namespace) -> dict:
    """Simulate every mode on every size: ``rows`` by PEs, and ``sizes`` of the models."""
    rows, sizes = [], []
    with progress_bars() as progress:
        task = progress.add_task("simulating", total=len(Mode) * len(arguments.sizes))
        for mode in Mode:
            model = digits_model(mode)
            path = save(model, arguments.out / f"digits-{mode}.safetensors")
            sizes.append(size_row(model, mode))
            for pe in arguments.sizes:
                progress.update(task, description=f"simulating {mode} on {pe} PEs")
                rows.append(cycle_row(model, mode, pe, _simulate(path, pe, arguments.images, arguments.out)))
                progress.advance(task)
    return {"rows": sorted(rows, key=lambda row: row["pe"]), "sizes": sizes}


def failed(data: dict) -> bool:
    """Whether a cycle or a value differs from the models."""
    return any(row["mismatches"] or row["cycles_measured"] != row["cycles_predicted"] for row in data["rows"])
