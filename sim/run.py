"""`python -m sim.run MODEL --pe N`: run images through the Verilog and compare everything it stores.

As many images run at a time as the build has lanes, and every image runs twice: through a program that sends every
stored activation of every layer and iteration, compared with the golden model and, where the model has vectors, with
the deployed torch model; and through the plain program, whose logits are compared again and whose cycles are compared
with the cycle model.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from console.command import CommandParser, Number, add_json, add_out, add_seed
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.options import add_build_options, config_from
from sim.builds import simulation_of
from sim.compare import Mismatch, expected_counters, first_mismatch, first_wrong_command, value_count
from sim.divergence import Divergence, examine
from sim.job import Job
from sim.page import render
from sim.report import Report
from sim.session import follow
from sim.subject import Subject, add_subject_options, subject_of
from sim.verilator import SimulationFailed, View
from sim.watcher import Watcher
from spec.files import build_root, output_folder, write_text
from spec.model import load
from spec.refusal import run_command

__all__ = ["Verdict", "main", "parser", "simulate"]


@dataclass(frozen=True)
class Verdict:
    """What a run found: the report, where a mismatch came from if it was traced, and the files that were written."""

    report: Report
    divergence: Divergence | None
    files: tuple[Path, ...]


class _Run:
    """One call of the command."""

    def __init__(self, arguments: argparse.Namespace, subject: Subject | None):
        self.path = Path(arguments.model)
        self.model = load(self.path)
        self.config = config_from(arguments, self.model.network)
        self.subject = subject or subject_of(arguments, self.model)
        self.programs = {trace: compile_model(self.model, self.config, trace=trace) for trace in (True, False)}
        self.cycles = {trace: predict(program) for trace, program in self.programs.items()}
        default_out = build_root() / "sim" / f"{self.path.stem}-pe{self.config.pe}"
        self.out = output_folder(arguments.out or default_out)
        self.out.mkdir(parents=True, exist_ok=True)
        images = self.out / "images.npy"
        np.save(images, self.subject.images)
        self.job = Job(self.config, str(self.path.resolve()), str(images.resolve()), arguments.stall, arguments.seed)
        self.report = Report(
            self.path, self.programs[False], self.cycles[False], self.subject.labels, arguments.stall, arguments.seed,
            list(self.subject.traces),
        )
        self.console = screen(stderr=True)
        self.divergence: Divergence | None = None
        self.debug = arguments.debug

    def execute(self) -> None:
        """Build, run, compare; the report then says what was found."""
        with self.console.status(f"building the simulation of {self.config.pe} PEs"):
            simulation = simulation_of(self.config, view=View.WAVES if self.debug else View.PLAIN)
        events = follow(simulation, "run_images", self.job, self.out)
        with progress_bars(self.console) as progress:
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
        self.console.print(f"mismatch: {text}\nrunning image {image} again for its waveform")
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
    report = run.report
    layers = layers_json(report.program, report.cycles, report.commands)
    texts = {
        "report.json": json_text(report.as_json()),
        "layers.json": json_text(layers),
        "report.html": render(report.as_json(), layers),
    }
    if run.divergence is not None:
        texts["divergence.json"] = json_text(run.divergence.as_json())
    return [write_text(run.out / name, text) for name, text in texts.items()]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.run", description=__doc__.splitlines()[0])
    add_subject_options(made, images=10)
    made.add_argument(
        "--stall", type=Number(least=0, below=1), default=0.0, metavar="PROBABILITY",
        help="pause every bus channel at random (default 0)",
    )
    add_seed(made, "of random images and stalls")
    made.add_argument(
        "--debug", action="store_true",
        help="trace the first mismatch to its cause, and build for waveforms at once (slower while all is well)",
    )
    add_out(made, "folder for everything written (default build/sim/NAME-peN)")
    add_json(made, "the report")
    add_build_options(made)
    return made


def simulate(arguments: argparse.Namespace, subject: Subject | None = None) -> Verdict:
    """Run what the options of :func:`parser` describe, on ``subject`` if it is given, and write what was found.

    Raises
    ------
    Refused
        If the options contradict each other or the model, before anything is simulated.
    SimulationFailed
        If a tool fails.
    """
    run = _Run(arguments, subject)
    run.execute()
    return Verdict(run.report, run.divergence, tuple(_write(run)))


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate a model; exit 0 if every value and every cycle agrees, 1 if not."""
    arguments = parser().parse_args(argv)
    console = screen(stderr=arguments.json)
    try:
        found = simulate(arguments)
    except SimulationFailed as failure:
        console.print(f"simulation failed: {failure}")
        return 1
    report = found.report
    if arguments.json:
        print(json_text(report.as_json()), end="")
    else:
        console.print(report.table())
    for path in found.files:
        console.print(f"wrote {path}", soft_wrap=True)
    if report.mismatch is not None:
        console.print(f"MISMATCH: {report.mismatch}", soft_wrap=True)
        if arguments.debug and found.divergence is not None:
            console.print(f"first divergence: {found.divergence}", soft_wrap=True)
    return int(report.mismatch is not None)


if __name__ == "__main__":
    run_command(main)
