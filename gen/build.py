"""`python -m gen.build --pe 16 [--model FILE] --out DIR`: the accelerator's Verilog, and a model compiled for it.

Always: ``foldenite.v``, ``foldenite.vlt`` (what Verilator's lint is to allow, and why), ``config.json``,
``ports.json``, ``regs.h``, ``regs.svd``, ``regs.md``. With a model also ``program.bin`` (commands), ``image.bin`` (all
packets to load, ready for the stream), ``program.mem``, ``mask.mem``, ``ring.mem`` and ``entries.mem`` (memory contents
for ``$readmemh``, of those memories that the model fills), ``cycles.json`` (per command and iteration),
``model.safetensors`` (the model again, so that the folder is complete) and ``expected/vectors.safetensors`` (images and
everything the golden model stores on them).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from console.command import CommandParser, Whole, add_json, add_out
from console.progress import progress_bars
from console.record import json_text
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.options import add_build_options, config_from
from gen.register_files import c_header, markdown, svd
from gen.verilog import TOP, accelerator_verilog, check_top, waivers
from rtl.accelerator import PORTS
from spec import golden, vectors
from spec.config import AcceleratorConfig
from spec.files import output_folder, write_bytes, write_text
from spec.model import Model, load, save
from spec.packets import HEADER_WORDS, Target, cut
from spec.refusal import Refused, run_command
from spec.synthetic import random_images
from spec.vectors import Vectors

__all__ = ["Build", "build", "built", "main", "parser", "ports"]


_IMAGES = 4  #: Of a vector file, where nothing is said of them.


@dataclass(frozen=True)
class Build:
    """What was written: the folder, its configuration, and the program if there is a model."""

    out: Path
    config: AcceleratorConfig
    program: Program | None


def ports() -> list[dict]:
    """Name, direction and width in bits of every port of the top module."""
    return [
        {
            "name": name,
            "direction": "input" if port.flow == In else "output",
            "width_bits": Shape.cast(port.shape).width,
        }
        for name, port in PORTS.items()
    ]


def build(
    config: AcceleratorConfig, out: Path, model: Model | None = None, expected: Vectors | None = None, top: str = TOP
) -> Build:
    """Write the build of ``config`` (and of ``model`` on it) to the folder ``out``; every file is whole or absent.

    ``expected`` gives the images of the expected vectors; without it two random images are used. The Verilog is called
    after its module ``top``, with which the names of all others begin.

    Raises
    ------
    Refused
        If the model does not fit the build, before anything is written.
    """
    out = output_folder(out)
    program = compile_model(model, config) if model is not None else None
    files: dict[str, str | bytes] = {
        f"{top}.v": accelerator_verilog(config, top=top),
        f"{top}.vlt": waivers(top),
        "config.json": json_text(config.to_json() | {"hash": f"{config.hash:08x}", "pe": config.pe}),
        "ports.json": json_text({"ports": ports()}),
        "regs.h": c_header(config),
        "regs.svd": svd(config),
        "regs.md": markdown(config),
    }
    if program is not None:
        files |= _model_files(program)
    for name, content in files.items():
        (write_text if isinstance(content, str) else write_bytes)(out / name, content)
    if program is not None:
        save(model, out / "model.safetensors")
        _write_expected(out / "expected" / "vectors.safetensors", model, expected)
    return Build(out, config, program)


def _model_files(program: Program) -> dict[str, str | bytes]:
    config = program.config
    contents = {Target(packet[0]): packet[4 * HEADER_WORDS :] for packet in program.packets}  # lowest byte first
    word_bytes = {
        Target.PROGRAM: 4, Target.MASK: config.mask_word_bits // 8, Target.RING: 4, Target.ENTRIES: 4 * config.rows,
    }
    cycles = predict(program)
    return {
        "program.bin": contents[Target.PROGRAM],
        "image.bin": b"".join(packet for whole in program.packets for packet in cut(whole)),
        **{
            f"{target.name.lower()}.mem": _readmemh(content, word_bytes[target])
            for target, content in contents.items()
        },
        "cycles.json": json_text({
            "network": program.model.network.name,
            "model_hash": program.model.hash,
            "total_cycles": cycles.total,
            "images": cycles.lanes,
            "causes_cycles": {cause.name.lower(): count for cause, count in cycles.causes.items()},
            "commands": [
                {
                    "label": command.label,
                    "layer": command.layer,
                    "iteration": command.iteration,
                    "start_cycle": command.start,
                    "cycles": command.cycles,
                    "causes_cycles": {cause.name.lower(): n for cause, n in command.causes.items() if n},
                    "dense_equivalent_macs": command.macs,
                    "passes": command.passes,
                }
                for command in cycles.commands
            ],
        }),
    }


def _readmemh(content: bytes, word_bytes: int) -> str:
    """One hexadecimal word per line, as ``$readmemh`` takes it."""
    padded = content + bytes(-len(content) % word_bytes)
    words = (padded[i : i + word_bytes][::-1].hex() for i in range(0, len(padded), word_bytes))
    return "\n".join(words) + "\n"


def _write_expected(path: Path, model: Model, given: Vectors | None) -> Path:
    """The golden model's trace of the given images, or of two random ones."""
    images = random_images(model.network, 2, seed=1) if given is None else given.images
    labels = np.full(len(images), -1) if given is None else given.labels
    return vectors.save(path, model, Vectors(images, labels, golden.run(model, images)))


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m gen.build", description=__doc__.splitlines()[0])
    made.add_argument("--model", type=Path, help="model file to compile (default: none, the Verilog alone)")
    made.add_argument("--vectors", type=Path, help="vector file whose images become the expected vectors")
    made.add_argument(
        "--images", type=Whole(1, 1_000_000), help=f"how many of them (default {_IMAGES}, or all of fewer)"
    )
    made.add_argument(
        "--top", default=TOP, metavar="NAME",
        help=f"name of the top module, with which all module names begin, and of its file (default {TOP}): give two "
        "builds in one design different ones",
    )
    add_out(made, "folder to write (default build/peN)")
    add_json(made, "what was written")
    add_build_options(made)
    return made


def built(arguments: argparse.Namespace) -> Build:
    """Write the build that the options of :func:`parser` describe.

    Raises
    ------
    Refused
        If they contradict each other or the model, before anything is written.
    """
    check_top(arguments.top)
    model = load(arguments.model) if arguments.model else None
    config = config_from(arguments, model.network if model else None)
    if arguments.vectors and model is None:
        raise Refused("Option --vectors needs --model: vectors belong to a model")
    expected = None
    if arguments.vectors:
        expected = vectors.load(arguments.vectors, model)
        expected = expected.first(expected.count(arguments.images, arguments.vectors, _IMAGES))
    with progress_bars(counted=False, transient=True, disable=arguments.json) as progress:
        progress.add_task(f"building {config.pe} PEs", total=None)
        out = arguments.out or Path("build", f"pe{config.pe}")
        return build(config, out, model, expected, arguments.top)


def main(argv: Sequence[str] | None = None) -> int:
    """Build; exit 0, or 2 if the configuration or the model is refused."""
    arguments = parser().parse_args(argv)
    result = built(arguments)
    written = sorted(str(path) for path in result.out.rglob("*") if path.is_file())
    if arguments.json:
        print(json_text({"out": str(result.out), "files": written}), end="")
    else:
        print("\n".join(written))
    return 0


if __name__ == "__main__":
    run_command(main)
