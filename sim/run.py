"""`python -m sim.run MODEL --pe N`: run images through the Verilog and compare everything it stores.

As many images run at a time as the build has lanes, and every image runs twice: through a program that sends every
stored activation of every layer and iteration, compared with the golden model and, where the model has vectors, with
the deployed torch model; and through the plain program, whose logits are compared again and whose cycles are compared
with the cycle model.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.options import add_build_options, config_from
from sim.builds import simulation_of
from sim.compare import Mismatch, expected_counters, first_mismatch, first_wrong_command, value_count
from sim.divergence import Divergence, examine
from sim.job import Job
from sim.report import Report
from sim.session import follow
from sim.subject import add_subject_options, subject_of
from sim.verilator import SimulationFailed
from sim.watcher import Watcher
from spec.files import build_root, write_text
from spec.model import load
from spec.refusal import Refused, run_command

__all__ = ["main"]

_COLUMNS = (
    TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
)


class _Run:
    """One call of the command."""

    def __init__(self, arguments: argparse.Namespace):
        self.path = Path(arguments.model)
        self.model = load(self.path)
        self.config = config_from(arguments, self.model.network)
        default = self.path.with_name(f"{self.path.stem}.vectors.safetensors")
        self.subject = subject_of(self.model, arguments.vectors, default, arguments.images, arguments.seed)
        self.programs = {trace: compile_model(self.model, self.config, trace=trace) for trace in (True, False)}
        self.cycles = {trace: predict(program) for trace, program in self.programs.items()}
        self.out = arguments.out or build_root() / "sim" / f"{self.model.network.name}-pe{self.config.pe}"
        self.out.mkdir(parents=True, exist_ok=True)
        images = self.out / "images.npy"
        np.save(images, self.subject.images)
        self.job = Job(self.config, str(self.path.resolve()), str(images.resolve()), arguments.stall, arguments.seed)
        self.report = Report(
            self.path, self.programs[False], self.cycles[False], self.subject.labels, arguments.stall, arguments.seed,
            list(self.subject.traces),
        )
        self.console = Console(stderr=True)
        self.divergence: Divergence | None = None
        self.debug = arguments.debug

    def execute(self) -> None:
        """Build, run, compare; the report then says what was found."""
        with self.console.status(f"building the simulation of {self.config.pe} PEs"):
            simulation = simulation_of(self.config, waves=self.debug)
        events = follow(simulation, "run_images", self.job, self.out)
        with Progress(*_COLUMNS, console=self.console) as progress:
            task = progress.add_task("loading", total=2 * len(self.subject.images))
            for event in events:
                progress.update(task, description=f"{event['event']} inferences")
                if event["event"] == "loaded":
                    continue
                progress.advance(task, len(event["images"]))
                found = self._judge(event)
                if found is not None:
                    events.close()
                    break

    def _judge(self, event: dict) -> str | None:
        """Compare what one event brought; the mismatch as a sentence, if any."""
        trace = event["event"] == "traced"
        if not trace:
            self.report.add_plain(
                event["images"], event["logits"], event["counters"], event["cycles"], event["seconds"]
            )
            self.report.add_traffic(*event["traffic"])
            self.report.commands = event["commands"]
        for lane, image in enumerate(event["images"]):
            found = self._judge_image(image, lane, None if trace else event["logits"][lane])
            if found is not None:
                return found
        if not self.job.stall:
            expected = expected_counters(self.cycles[trace])
            for name, cycles in event["counters"].items():
                if cycles != expected[name]:
                    self.report.mismatch = (
                        f"image {event['images'][0]}: counter {name} is {cycles}, "
                        f"but the cycle model says {expected[name]}"
                    )
                    return self.report.mismatch
            wrong = None if trace else first_wrong_command(self.cycles[trace], event["commands"])
            if wrong is not None:
                self.report.mismatch = f"image {event['images'][0]}: {wrong}"
        return self.report.mismatch

    def _judge_image(self, image: int, lane: int, logits: list[int] | None) -> str | None:
        """Compare the logits of one image, or without them everything its traced inference stored."""
        program = self.programs[logits is None]
        frames = program.frames_by_lane[lane]
        if logits is None:
            with np.load(self.out / f"traced-{image}.npz") as file:
                tensors = [file[f"arr_{i}"] for i in range(len(frames))]
        else:
            tensors = [np.array(logits, np.int32)]
        for reference, expected in self.subject.traces.items():
            mismatch = first_mismatch(reference, expected, image, frames, tensors)
            if mismatch is not None:
                self.report.mismatch = self._explain(mismatch, program, image, lane, tensors)
                return self.report.mismatch
            self.report.values_compared += value_count(tensors)
        return None

    def _explain(
        self, mismatch: Mismatch, program: Program, image: int, lane: int, tensors: list[np.ndarray]
    ) -> str:
        """The sentence for ``mismatch``, with the cycle of its store and the waveform around where it went wrong."""
        text = f"image {image} {mismatch}"
        self.console.print(f"mismatch: {text}\nrunning image {image} again for its waveform", markup=False)
        frame = next(i for i, f in enumerate(program.frames_by_lane[lane]) if f.step == mismatch.step)
        watcher = Watcher(self.job, program, image, frame, mismatch.place, self.out)
        try:
            found = examine(program, mismatch, self.subject.images, image, tensors[frame], watcher)
        except SimulationFailed as failure:
            return f"{text}; no waveform: {failure}"
        self.divergence = found
        when = f"in cycle {found.stored}" if found.stored is not None else f"by cycle {found.site.end}"
        return f"{text}; stored {when} of the inference, clock cycle {watcher.cycle} of waveform {watcher.waveform}"


def _write(run: _Run) -> list[Path]:
    """Write ``report.json``, ``layers.json`` and the page made from both."""
    from sim.page import render  # here, because drawing takes a second to import

    report = run.report
    layers = layers_json(report.program, report.cycles, report.commands)
    texts = {
        "report.json": json.dumps(report.as_json(), indent=2) + "\n",
        "layers.json": json.dumps(layers, indent=2) + "\n",
        "report.html": render(report.as_json(), layers),
    }
    if run.divergence is not None:
        texts["divergence.json"] = json.dumps(run.divergence.as_json(), indent=2) + "\n"
    return [write_text(run.out / name, text) for name, text in texts.items()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim.run", description=__doc__.splitlines()[0])
    add_subject_options(parser, images=10)
    parser.add_argument(
        "--stall", type=float, default=0.0, metavar="PROBABILITY", help="pause every bus channel at random (default 0)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of random images and stalls (default 1)")
    parser.add_argument(
        "--debug", action="store_true",
        help="trace the first mismatch to its cause, and build for waveforms at once (slower while all is well)",
    )
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
    written = _write(run)
    if arguments.json:
        written.append(write_text(arguments.json, json.dumps(report.as_json(), indent=2) + "\n"))
    for path in written:
        console.print(f"wrote {path}", soft_wrap=True, markup=False)
    if report.mismatch is not None:
        console.print(f"MISMATCH: {report.mismatch}", soft_wrap=True, markup=False)
        if arguments.debug and run.divergence is not None:
            console.print(f"first divergence: {run.divergence}", soft_wrap=True, markup=False)
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
