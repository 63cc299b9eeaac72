"""`python -m sim.activity MODEL --config FILE --netlist FILE --saif FILE`: an image through gates; what switches.

The netlist is Verilog of gates with the pins of the accelerator. Its logits must be the golden model's, so the run
proves the netlist on the way.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from gen.compile import compile_model
from gen.cycles import predict
from sim.job import Job
from sim.session import follow
from sim.verilator import SimulationFailed, build_simulation
from spec import golden, vectors
from spec.config import AcceleratorConfig
from spec.files import write_text
from spec.model import load
from spec.refusal import Refused, run_command

__all__ = ["main"]

_SCHEMA = 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim.activity", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="model file (.safetensors)")
    parser.add_argument("--config", type=Path, required=True, help="build that the netlist is of, as JSON")
    parser.add_argument("--netlist", type=Path, required=True, help="Verilog of gates")
    parser.add_argument("--saif", type=Path, required=True, help="file of switching activity to write")
    parser.add_argument(
        "--vectors", type=Path, help="vector file with the images (default: NAME.vectors.safetensors beside the model)"
    )
    parser.add_argument("--image", type=int, default=0, help="first image, one per lane from it on (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the simulation")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was measured to FILE")
    return parser


def _config(path: Path) -> AcceleratorConfig:
    try:
        return AcceleratorConfig.from_json(json.loads(path.read_text()))
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
    arguments = _parser().parse_args(argv)
    for name in ("config", "netlist"):
        if not (path := getattr(arguments, name)).is_file():
            raise Refused(f"File {path} of option --{name} does not exist; flows.asic writes one")
    model = load(arguments.model)
    config = _config(arguments.config)
    images = _images(arguments, model, config.lanes)
    arguments.out.mkdir(parents=True, exist_ok=True)
    np.save(arguments.out / "images.npy", images)
    job = Job(config, str(arguments.model.resolve()), str((arguments.out / "images.npy").resolve()))
    console = Console()
    try:
        with Console(stderr=True).status("building the simulation of gates"):
            simulation = build_simulation(
                arguments.netlist.read_text(), arguments.out / "verilator", acc_bits=config.widths.acc,
                lanes=config.lanes, gates=True,
            )
        with Console(stderr=True).status("loading the model, then running an image"):
            arguments.saif.parent.mkdir(parents=True, exist_ok=True)
            saif = arguments.saif.resolve()
            (event,) = follow(simulation, "record_activity", job, arguments.out / "run", dump_file=saif)
    except SimulationFailed as failure:
        console.print(f"simulation failed: {failure}", markup=False)
        return 1
    expected = golden.run(model, images).logits.tolist()
    predicted = predict(compile_model(model, config)).total
    record = {
        "schema_version": _SCHEMA,
        "images": len(images),
        "cycles_recorded": event["cycles"],
        "cycles_of_inference": event["total"],
        "cycles_predicted": predicted,
        "logits": event["logits"],
        "logits_expected": expected,
    }
    written = [arguments.saif]
    if arguments.json:
        written.append(write_text(arguments.json, json.dumps(record, indent=2) + "\n"))
    for path in written:
        console.print(f"wrote {path}", soft_wrap=True, markup=False)
    if event["logits"] != expected or event["total"] != predicted:
        console.print(
            f"MISMATCH: logits {event['logits']} in {event['total']} cycles, but the models say {expected} in "
            f"{predicted}", soft_wrap=True, markup=False,
        )
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
