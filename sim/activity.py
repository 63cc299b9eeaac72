"""`python -m sim.activity MODEL --config FILE --netlist FILE --saif FILE`: an image through gates; what switches.

The netlist is Verilog of gates with the pins of the accelerator. Its logits must be the golden model's, so the run
proves the netlist on the way.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from console.command import CommandParser, Whole, add_json, add_out
from console.record import json_text, write_json
from console.screen import screen
from gen.compile import compile_model
from gen.cycles import predict
from sim.job import Job
from sim.session import follow
from sim.verilator import SimulationFailed, View, build_simulation
from spec import golden, vectors
from spec.config import AcceleratorConfig
from spec.documents import read_json
from spec.files import build_root, output_file, output_folder
from spec.model import load
from spec.refusal import Refused, run_command

__all__ = ["main", "parser"]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.activity", description=__doc__.splitlines()[0])
    made.add_argument("model", type=Path, help="model file (.safetensors)")
    made.add_argument("--config", type=Path, required=True, help="build that the netlist is of, as JSON")
    made.add_argument("--netlist", type=Path, required=True, help="Verilog of gates")
    made.add_argument("--saif", type=Path, required=True, help="file of switching activity to write")
    made.add_argument(
        "--vectors", type=Path, help="vector file with the images (default: NAME.vectors.safetensors beside the model)"
    )
    made.add_argument(
        "--image", type=Whole(0, 1_000_000), default=0, help="first image, one per lane from it on (default 0)"
    )
    add_out(made, "folder for the simulation and activity.json (default build/activity)", build_root() / "activity")
    add_json(made, "what was measured")
    return made


def _config(path: Path) -> AcceleratorConfig:
    try:
        return AcceleratorConfig.from_json(read_json(path, "Build", "flows.asic writes one"))
    except ValueError as error:
        raise Refused(f"File {path} of option --config is no build ({error}); flows.asic writes one") from None


def _images(arguments: argparse.Namespace, model, lanes: int) -> np.ndarray:
    """The images to run: real ones, because what switches depends on them."""
    path = arguments.vectors or arguments.model.with_name(f"{arguments.model.stem}.vectors.safetensors")
    images = vectors.load(path, model).images
    if not 0 <= arguments.image < len(images):
        raise Refused(f"Option --image must be 0 to {len(images) - 1}, the images of {path}, not {arguments.image}")
    return images[arguments.image :][:lanes]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one inference; exit 0 if its logits and its cycles are the models', 1 if not."""
    arguments = parser().parse_args(argv)
    for name in ("config", "netlist"):
        if not (path := getattr(arguments, name)).is_file():
            raise Refused(f"File {path} of option --{name} does not exist; flows.asic writes one")
    model = load(arguments.model)
    config = _config(arguments.config)
    images = _images(arguments, model, config.lanes)
    try:
        netlist = arguments.netlist.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused(f"File {arguments.netlist} of option --netlist is no Verilog; flows.asic writes one") from None
    output_file(arguments.saif)
    output_folder(arguments.out).mkdir(parents=True, exist_ok=True)
    np.save(arguments.out / "images.npy", images)
    job = Job(config, str(arguments.model.resolve()), str((arguments.out / "images.npy").resolve()))
    console = screen(stderr=arguments.json)
    try:
        with screen(stderr=True).status("building the simulation of gates"):
            simulation = build_simulation(
                netlist, arguments.out / "verilator", acc_bits=config.widths.acc,
                lanes=config.lanes, view=View.GATES,
            )
        with screen(stderr=True).status("loading the model, then running an image"):
            arguments.saif.parent.mkdir(parents=True, exist_ok=True)
            saif = arguments.saif.resolve()
            (event,) = follow(simulation, "record_activity", job, arguments.out / "run", dump_file=saif)
    except SimulationFailed as failure:
        console.print(f"simulation failed: {failure}")
        return 1
    expected = golden.run(model, images).logits.tolist()
    predicted = predict(compile_model(model, config)).total
    record = {
        "images": len(images),
        "cycles_recorded": event["cycles"],
        "cycles_of_inference": event["total"],
        "cycles_predicted": predicted,
        "logits": event["logits"],
        "logits_expected": expected,
    }
    if arguments.json:
        print(json_text(record), end="")
    for path in (arguments.saif, write_json(arguments.out / "activity.json", record)):
        console.print(f"wrote {path}", soft_wrap=True)
    if event["logits"] != expected or event["total"] != predicted:
        console.print(
            f"MISMATCH: logits {event['logits']} in {event['total']} cycles, but the models say {expected} in "
            f"{predicted}", soft_wrap=True,
        )
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
