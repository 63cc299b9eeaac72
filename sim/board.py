"""`python -m sim.board --port /dev/ttyUSB0 MODEL --pe N`: run images on a board and compare everything it sends.

As in ``sim.run`` every image runs twice: through the program that sends every stored activation, compared with the
golden model and, where the model has vectors, with the deployed torch model; and through the plain program, whose
logits are compared again, and its cycles with the cycle model unless they depend on the speed of the line.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from console.command import CommandParser, Whole, add_json, add_out, add_seed
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from gen.board import BAUD
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.options import add_build_options, config_from
from rtl.serial.bridge import FETCH_QUEUE
from sim.compare import expected_counters, first_mismatch, value_count
from sim.driver import Driver, Result, check_counters
from sim.errors import AcceleratorError
from sim.serial_transport import LinkFailed, SerialPort, SerialTransport
from sim.subject import Subject, add_subject_options, subject_of
from spec.config import AcceleratorConfig
from spec.files import build_root, output_folder, write_text
from spec.model import Model, load
from spec.refusal import Refused, run_command

__all__ = ["Findings", "check_board", "cycles_are_exact", "main", "open_port", "parser"]

_READ_SECONDS = 0.5  # that a port waits for a byte; USB adapters hold bytes back for up to 16 ms


@dataclass
class Findings:
    """What a board gave.

    Parameters
    ----------
    images, values_compared : int
    labelled_images, correct_images : int
        Those whose label is known, and those of them whose largest logit is at the label.
    mismatch : str, optional
        The first, as a sentence.
    cycles_measured : list of int
        Of every inference of the plain program.
    cycles_predicted : int
    cycles_compared : bool
        Whether they must be equal.
    repeats : int
        Requests that were sent again, because something was lost on the line.
    seconds : float
        For all of it, loading included.
    """

    images: int = 0
    values_compared: int = 0
    labelled_images: int = 0
    correct_images: int = 0
    mismatch: str | None = None
    cycles_measured: list[int] | None = None
    cycles_predicted: int = 0
    cycles_compared: bool = False
    repeats: int = 0
    seconds: float = 0.0


def cycles_are_exact(program: Program) -> bool:
    """Whether an inference waits for nothing on the line: no mask is streamed, and the queue holds all it sends."""
    return not program.stream_packets and sum(frame.byte_count for frame in program.frames) <= 4 * FETCH_QUEUE


def check_board(
    port: SerialPort, config: AcceleratorConfig, model: Model, subject: Subject, tell: Callable[[str], None]
) -> Findings:
    """Run all images of ``subject`` on the board at ``port``, up to the first mismatch.

    ``tell`` is called after every inference with what it was.

    Raises
    ------
    Refused
        If the board is another build, or the model does not fit it.
    AcceleratorError, LinkFailed, TimeoutError
        If the board reports an error, or does not answer.
    """
    begin = time.perf_counter()
    programs = {trace: compile_model(model, config, trace=trace) for trace in (True, False)}
    predicted = expected_counters(predict(programs[False]))
    findings = Findings(
        cycles_measured=[], cycles_predicted=predicted["TOTAL"], cycles_compared=cycles_are_exact(programs[False])
    )
    transport = SerialTransport(port)
    driver = Driver(transport, config)
    driver.identify()
    for trace, program in programs.items():
        driver.load(program, commands_only=not trace)
        for first in range(0, len(subject.images), config.lanes):
            result = driver.infer(subject.images[first : first + config.lanes])
            check_counters(result.counters)
            findings.mismatch = _wrong_value(program, subject, first, result, findings)
            if not trace:
                findings.cycles_measured.append(result.counters["TOTAL"])
                findings.images += len(result.logits)
                if not model.network.head.stored:  # maps predict no class
                    labels = subject.labels[first : first + config.lanes]
                    findings.labelled_images += int((labels >= 0).sum())
                    findings.correct_images += int((labels == result.logits.argmax(axis=1)).sum())
                findings.mismatch = findings.mismatch or _wrong_counter(findings, first, result, predicted)
            tell("traced" if trace else "plain")
            findings.repeats, findings.seconds = transport.repeats, time.perf_counter() - begin
            if findings.mismatch is not None:
                return findings
    return findings


def _wrong_value(program: Program, subject: Subject, first: int, result: Result, findings: Findings) -> str | None:
    for lane, tensors in enumerate(result.frames):
        for reference, trace in subject.traces.items():
            wrong = first_mismatch(reference, trace, first + lane, program.frames_by_lane[lane], tensors)
            if wrong is not None:
                return f"image {first + lane} {wrong}"
            findings.values_compared += value_count(tensors)
    return None


def _wrong_counter(findings: Findings, first: int, result: Result, predicted: dict[str, int]) -> str | None:
    for name, cycles in result.counters.items():
        if findings.cycles_compared and cycles != predicted[name]:
            return f"image {first}: counter {name} is {cycles}, but the cycle model says {predicted[name]}"
    return None


def open_port(path: str, baud: int) -> SerialPort:
    """The serial port at ``path``, 8N1, without the adapter's delay where the system knows how to turn it off.

    Raises
    ------
    Refused
        If pyserial is not installed, or the port cannot be opened.
    """
    try:
        import serial
    except ImportError:
        raise Refused(
            "A board needs the Python package pyserial, which is not installed; run pip install 'foldenite[board]'"
        ) from None
    try:
        port = serial.Serial(path, baud, timeout=_READ_SECONDS)
    except (serial.SerialException, ValueError) as error:
        raise Refused(
            f"Serial port {path} cannot be opened at {baud} baud ({error}); check --port, that the board is plugged "
            "in, and that you may use it (on Debian: group dialout)"
        ) from None
    with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
        port.set_low_latency_mode(True)
    return port


def _table(model: Model, config: AcceleratorConfig, findings: Findings) -> Table:
    table = Table("what", "value", title=f"{model.network.name} on {config.pe} PEs, on a board", show_header=False)
    table.columns[1].justify = "right"
    measured = np.mean(findings.cycles_measured) if findings.cycles_measured else float("nan")
    compared = "" if findings.cycles_compared else " (more are right: the line is waited for)"
    for what, value in (
        ("images", f"{findings.images:,}"),
        ("classified as labelled", f"{findings.correct_images:,} of {findings.labelled_images:,}"),
        ("cycles per inference, measured", f"{measured:,.10g}"),
        (f"cycles per inference, predicted{compared}", f"{findings.cycles_predicted:,}"),
        ("requests sent again", f"{findings.repeats:,}"),
        ("seconds", f"{findings.seconds:.1f}"),
        ("values compared", f"{findings.values_compared:,}"),
        ("mismatches", str(int(findings.mismatch is not None))),
    ):
        table.add_row(what, value)
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.board", description=__doc__.splitlines()[0])
    add_subject_options(made, images=8)
    made.add_argument("--port", required=True, help="serial port of the board, such as /dev/ttyUSB0 or COM3")
    made.add_argument(
        "--baud", type=Whole(1, 100_000_000), default=BAUD,
        help=f"bits per second, as the bitstream was made with (default {BAUD})"
    )
    add_seed(made, "of random images")
    add_out(made, "folder for the report (default build/board/NAME-peN)")
    add_json(made, "the report")
    add_build_options(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run a model on a board; exit 0 if every value and every cycle agrees, 1 if not."""
    arguments = parser().parse_args(argv)
    path = Path(arguments.model)
    model = load(path)
    config = config_from(arguments, model.network)
    subject = subject_of(arguments, model)
    out = output_folder(arguments.out or build_root() / "board" / f"{path.stem}-pe{config.pe}")
    console = screen(stderr=arguments.json)
    try:
        with (
            contextlib.closing(open_port(arguments.port, arguments.baud)) as port,
            progress_bars() as progress,
        ):
            task = progress.add_task("loading", total=2 * -(-len(subject.images) // config.lanes))
            findings = check_board(
                port, config, model, subject,
                lambda what: progress.update(task, advance=1, description=f"{what} inferences"),
            )
    except (AcceleratorError, LinkFailed, TimeoutError) as failure:
        console.print(f"board failed: {failure}", soft_wrap=True)
        return 1
    report = {"network": model.network.name, "model_sha256": model.hash,
              "config": config.to_json(), "pe": config.pe, "baud": arguments.baud,
              "references": list(subject.traces), **asdict(findings)}
    if arguments.json:
        print(json_text(report), end="")
    else:
        console.print(_table(model, config, findings))
    written = write_text(out / "report.json", json_text(report))
    console.print(f"wrote {written}", soft_wrap=True)
    if findings.mismatch is not None:
        console.print(f"MISMATCH: {findings.mismatch}", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
