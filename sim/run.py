"""`python -m sim.run MODEL --pe N`: run images through the Verilog and compare everything it stores.

Every image runs twice: through a program that sends every stored activation of every layer and iteration, compared with
the golden model and, where the model has vectors, with the deployed torch model; and through the plain program, whose
logits are compared again and whose cycles are compared with the cycle model.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.options import add_build_options, config_from
from sim.builds import simulation_of
from sim.compare import Mismatch, expected_counters, first_mismatch, value_count
from sim.job import Cut, Job
from sim.report import Report
from sim.session import follow
from sim.verilator import BUILD, SimulationFailed
from spec import golden, vectors
from spec.files import write_text
from spec.model import load
from spec.network import Role
from spec.refusal import Refused, run_command
from spec.synthetic import random_images

__all__ = ["main"]

_COLUMNS = (
    TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
)


@dataclass(frozen=True)
class _Subject:
    """Images, their labels, and the traces they are compared with, by name of the reference."""

    images: np.ndarray
    labels: np.ndarray
    traces: dict[str, golden.Trace]


def _subject(model, path: Path | None, default: Path, count: int, seed: int) -> _Subject:
    """The first ``count`` images of the vector file, or random images where there is none."""
    if path is None and not default.is_file():
        images, labels, traces = random_images(model.network, count, seed), np.full(count, -1), {}
    else:
        found = vectors.load(path or default, model).first(count)
        images, labels, traces = found.images, found.labels, {"torch": found.trace}
    if not len(images):
        raise Refused(f"There are no images to run: {count} asked for")
    return _Subject(images, labels, {"golden model": golden.run(model, images)} | traces)


def _cut(mismatch: Mismatch, program: Program, image: int) -> Cut:
    """Where and when ``program`` stores the value that ``mismatch`` found wrong."""
    step = mismatch.step
    command = next(
        c for c in predict(program).commands
        if (c.label, c.iteration) == (step.layer.name, step.iteration)
    )
    memory, address, part = "psum", 0, 0
    if step.layer.role is not Role.CLASSIFIER:
        region = program.plan.of(step.layer).destination
        y, x, channel = mismatch.place
        blocks = -(-step.layer.outputs // program.config.word_bytes)
        memory = region.memory
        address = region.base + (y * step.layer.out_width + x) * blocks + channel // program.config.word_bytes
        part = channel % program.config.word_bytes // 4
    return Cut(image, program.traced, memory, address, part, command.start, command.start + command.cycles)


class _Run:
    """One call of the command."""

    def __init__(self, arguments: argparse.Namespace):
        self.path = Path(arguments.model)
        self.model = load(self.path)
        self.config = config_from(arguments, self.model.network)
        default = self.path.with_name(f"{self.path.stem}.vectors.safetensors")
        self.subject = _subject(self.model, arguments.vectors, default, arguments.images, arguments.seed)
        self.programs = {trace: compile_model(self.model, self.config, trace=trace) for trace in (True, False)}
        self.cycles = {trace: predict(program) for trace, program in self.programs.items()}
        self.out = arguments.out or BUILD / "sim" / f"{self.model.network.name}-pe{self.config.pe}"
        self.out.mkdir(parents=True, exist_ok=True)
        images = self.out / "images.npy"
        np.save(images, self.subject.images)
        self.job = Job(self.config, str(self.path.resolve()), str(images.resolve()), arguments.stall, arguments.seed)
        self.report = Report(
            self.path, self.programs[False], self.cycles[False], self.subject.labels, arguments.stall, arguments.seed,
            list(self.subject.traces),
        )
        self.console = Console(stderr=True)

    def execute(self) -> None:
        """Build, run, compare; the report then says what was found."""
        with self.console.status(f"building the simulation of {self.config.pe} PEs"):
            simulation = simulation_of(self.config)
        events = follow(simulation, "run_images", self.job, self.out)
        with Progress(*_COLUMNS, console=self.console) as progress:
            task = progress.add_task("loading", total=2 * len(self.subject.images))
            for event in events:
                progress.update(task, description=f"{event['event']} inferences")
                if event["event"] == "loaded":
                    continue
                progress.advance(task)
                found = self._judge(event)
                if found is not None:
                    events.close()
                    break

    def _judge(self, event: dict) -> str | None:
        """Compare what one event brought; the mismatch as a sentence, if any."""
        image, trace = event["image"], event["event"] == "traced"
        program = self.programs[trace]
        if trace:
            with np.load(self.out / f"traced-{image}.npz") as file:
                tensors = [file[f"arr_{i}"] for i in range(len(program.frames))]
        else:
            tensors = [np.array(event["logits"], np.int32)]
            self.report.add_plain(image, event["logits"], event["counters"], event["cycles"], event["seconds"])
            self.report.add_traffic(*event["traffic"])
        for reference, expected in self.subject.traces.items():
            mismatch = first_mismatch(reference, expected, image, program.frames, tensors)
            if mismatch is not None:
                self.report.mismatch = self._explain(mismatch, program, image)
                return self.report.mismatch
            self.report.values_compared += value_count(tensors)
        if not self.job.stall:
            expected = expected_counters(self.cycles[trace])
            for name, cycles in event["counters"].items():
                if cycles != expected[name]:
                    self.report.mismatch = (
                        f"image {image}: counter {name} is {cycles}, but the cycle model says {expected[name]}"
                    )
                    return self.report.mismatch
        return None

    def _explain(self, mismatch: Mismatch, program: Program, image: int) -> str:
        """The sentence for ``mismatch``, with the cycle it was stored in and the waveform around it."""
        cut = _cut(mismatch, program, image)
        text = f"image {image} {mismatch}"
        waveform = (self.out / "mismatch.vcd").resolve()
        waveform.unlink(missing_ok=True)
        job = Job(self.config, self.job.model, self.job.images, self.job.stall, self.job.seed, cut)
        self.console.print(f"mismatch: {text}\nrunning image {image} again for its waveform")
        try:
            simulation = simulation_of(self.config, waves=True)
            (event,) = follow(simulation, "cut_waveform", job, self.out / "waveform", dump_file=waveform)
        except SimulationFailed as failure:
            return f"{text}; stored between cycles {cut.first} and {cut.end}; no waveform: {failure}"
        when = f"in cycle {event['stored']}" if event["stored"] is not None else f"by cycle {cut.end}"
        return f"{text}; stored {when} of the inference, clock cycle {event['cycle']} of waveform {waveform}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim.run", description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model file (.safetensors)")
    parser.add_argument("--images", type=int, default=10, help="images to run (default 10)")
    parser.add_argument(
        "--vectors", type=Path,
        help="vector file (default: NAME.vectors.safetensors beside the model, else random images)",
    )
    parser.add_argument(
        "--stall", type=float, default=0.0, metavar="PROBABILITY", help="pause every bus channel at random (default 0)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of random images and stalls (default 1)")
    parser.add_argument("--out", type=Path, help="folder for everything written (default build/sim/NAME-peN)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report to FILE")
    add_build_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate a model; exit 0 if every value and every cycle agrees, 1 if not."""
    arguments = _parser().parse_args(argv)
    if arguments.images < 1:
        raise Refused(f"--images must be at least 1, not {arguments.images}")
    if not 0 <= arguments.stall < 1:
        raise Refused(f"--stall must be a probability from 0 to below 1, not {arguments.stall}")
    run = _Run(arguments)
    console = Console()
    try:
        run.execute()
    except SimulationFailed as failure:
        console.print(f"simulation failed: {failure}", markup=False)
        return 1
    report = run.report
    console.print(report.table())
    written = [write_text(run.out / "report.json", json.dumps(report.as_json(), indent=2) + "\n")]
    if arguments.json:
        written.append(write_text(arguments.json, json.dumps(report.as_json(), indent=2) + "\n"))
    for path in written:
        console.print(f"wrote {path}", soft_wrap=True, markup=False)
    if report.mismatch is not None:
        console.print(f"MISMATCH: {report.mismatch}", soft_wrap=True, markup=False)
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
