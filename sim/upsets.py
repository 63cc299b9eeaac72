"""`python -m sim.upsets MODEL --flips 500`: single bits flipped while inferences run; which are noticed, which harm.

Every inference of the first part has one flip, at a random cycle, in each memory by turns: it is *detected* if the
accelerator ends with an error, *harmless* if all logits are right, else *wrong*. In the second part many bits may flip
in the memories that hold the model, with and without their protection; after an error the host loads the model again
and repeats the inference.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from console.command import CommandParser, Number, Several, Whole, add_json, add_out, add_seed
from console.progress import progress_bars
from console.record import json_text, write_json
from console.screen import screen
from gen.compile import compile_model
from gen.options import add_build_options, config_from
from rtl.base.parts import CHECKED
from sim.builds import simulation_of
from sim.job import Job
from sim.session import follow
from sim.subject import Subject, add_subject_options, subject_of
from sim.verilator import SimulationFailed, View
from spec.config import MEMORY_LIMITS, AcceleratorConfig
from spec.files import build_root, output_folder
from spec.model import load
from spec.refusal import Refused, run_command

__all__ = ["main", "parser"]

_OUTCOMES = ("detected", "harmless", "wrong")


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.upsets", description=__doc__.splitlines()[0])
    add_subject_options(made, images=8)
    made.add_argument(
        "--flips", type=Whole(0, 10_000_000), default=500, help="inferences with a single flip (default 500)"
    )
    made.add_argument(
        "--rates", type=Several(Number(least=0, most=1e6)), default=(0.1, 1.0, 10.0),
        help="mean flips per inference in the memories that hold the model (default 0.1,1,10)",
    )
    made.add_argument(
        "--served", type=Whole(0, 1_000_000), default=24, help="inferences at each rate, 0 for none (default 24)"
    )
    add_build_options(made, fit=False)
    add_seed(made, "flips")
    add_out(made, "folder for upsets.json and the simulations (default build/upsets/NAME)")
    add_json(made)
    return made


class _Upsets:
    """One call of the command."""

    def __init__(self, arguments: argparse.Namespace):
        path = Path(arguments.model)
        self.model = load(path)
        arguments.fit = all(getattr(arguments, name) is None for name in MEMORY_LIMITS)  # which no one asked for
        self.config = config_from(arguments, self.model.network)
        compile_model(self.model, self.config)
        self.subject: Subject = subject_of(arguments, self.model)
        if len(self.subject.images) < self.config.lanes:
            raise Refused(
                f"A build of {self.config.lanes} lanes needs as many images, not {len(self.subject.images)}; "
                "use fewer --lanes or more --images"
            )
        self.arguments = arguments
        self.out = output_folder(arguments.out or build_root() / "upsets" / path.stem)
        self.out.mkdir(parents=True, exist_ok=True)
        self.path, self.images = path.resolve(), (self.out / "images.npy").resolve()
        np.save(self.images, self.subject.images)

    def _events(self, test: str, config: AcceleratorConfig, count: int, **plusargs) -> Iterator[dict]:
        job = Job(config, str(self.path), str(self.images), seed=self.arguments.seed)
        name = f"{test}-{'parity' if config.protect else 'none'}"
        with progress_bars(screen(stderr=True), transient=True) as bars:
            task = bars.add_task(f"building {name}", total=count)
            simulation = simulation_of(config, view=View.MEMORIES)
            bars.update(task, description=name)
            for event in follow(simulation, test, job, self.out / name, module="sim.bench.upsets", **plusargs):
                bars.advance(task)
                yield event

    def single(self) -> list[dict]:
        """Every single flip and what became of it."""
        flips = self.arguments.flips
        return list(self._events("flip_single_bits", self.config, flips, flips=flips)) if flips else []

    def curve(self) -> list[dict]:
        """One row per rate and protection: decisions and repetitions."""
        rates, served, rows = self.arguments.rates, self.arguments.served, []
        if not rates or not served:
            return rows
        for protect in dict.fromkeys((False, self.config.protect)):
            config = replace(self.config, protect=protect)
            given = {"rates": ",".join(map(str, rates)), "served": served}
            events = list(self._events("serve_images", config, len(rates) * served, **given))
            rows += [self._row(rate, protect, [e for e in events if e["rate"] == rate]) for rate in rates]
        return rows

    def _row(self, rate: float, protect: bool, events: Sequence[dict]) -> dict:
        labels = self.subject.labels
        images = sum(len(event["images"]) for event in events)
        labelled = bool((labels >= 0).all())
        right = sum(
            int(labels[image] == found)
            for event in events for image, found in zip(event["images"], event["classes"], strict=True) if labelled
        )
        return {
            "flips_per_inference": rate,
            "protect": "parity" if protect else "none",
            "inferences": len(events),
            "same_decision": sum(event["same"] for event in events) / images,
            "accuracy": right / images if labelled else None,
            "repeated": sum(event["repeated"] for event in events) / len(events),
        }


def _counts(flips: Sequence[dict]) -> dict[str, dict[str, int]]:
    """Outcomes by memory, in the order in which memories came first."""
    found: dict[str, Counter] = {}
    for flip in flips:
        found.setdefault(flip["memory"], Counter())[flip["outcome"]] += 1
    return {memory: {outcome: counter[outcome] for outcome in _OUTCOMES} for memory, counter in found.items()}


def _tables(record: dict) -> Iterator[Table]:
    table = Table(title=f"Single flips, protection: {record['protect']}")
    for name in ("memory", "flips", *_OUTCOMES):
        table.add_column(name, justify="left" if name == "memory" else "right")
    for memory, counts in record["memories"].items():
        table.add_row(memory, str(sum(counts.values())), *(str(counts[outcome]) for outcome in _OUTCOMES))
    yield table
    table = Table(title="Flips in program, masks, entries and rings")
    for name in ("flips per inference", "protection", "same decision", "accuracy", "repeated"):
        table.add_column(name, justify="left" if name == "protection" else "right")
    for row in record["curve"]:
        accuracy = "" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        table.add_row(
            f"{row['flips_per_inference']:g}", row["protect"], f"{row['same_decision']:.1%}", accuracy,
            f"{row['repeated']:.1%}",
        )
    yield table


def main(argv: Sequence[str] | None = None) -> int:
    """Flip and print; exit 1 if a protected build gave a wrong result for a single flip of what it protects."""
    arguments = parser().parse_args(argv)
    console = screen(stderr=arguments.json)
    call = _Upsets(arguments)
    try:
        flips, curve = call.single(), call.curve()
    except SimulationFailed as failure:
        console.print(f"simulation failed: {failure}")
        return 1
    record = {
        "model": call.model.network.name,
        "pe": call.config.pe,
        "protect": "parity" if call.config.protect else "none",
        "seed": arguments.seed,
        "memories": _counts(flips),
        "errors": dict(Counter(flip["error"] for flip in flips if flip["error"])),
        "curve": curve,
        "flips": flips,
    }
    if arguments.json:
        print(json_text(record), end="")
    for table in _tables(record):
        console.print(table)
    console.print(f"wrote {write_json(call.out / 'upsets.json', record)}", soft_wrap=True)
    harm = sum(record["memories"].get(memory, {}).get("wrong", 0) for memory in CHECKED)
    return int(call.config.protect and harm > 0)


if __name__ == "__main__":
    run_command(main)
