"""`python -m gen.synthetic resnet50 --image 32 --mode 1of4 --out FILE`: a model file of a named network nobody trained.

Masks and rings are random and batch norms calibrated on random images (:mod:`spec.synthetic`), so the file exercises
every part of the hardware at full size, at a full model's cycles, and classifies nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from console.command import CommandParser, Number, Several, Whole, add_out, add_seed
from spec.block import Kind
from spec.budgets import Budget
from spec.files import output_file
from spec.hourglass import hourglass
from spec.model import save
from spec.network import Network
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused, run_command
from spec.ring import PLANES_MAX, WORDS_MAX
from spec.supermask import Mode, check_density
from spec.synthetic import synthetic_model
from spec.topologies import RESNET_NAMES, RING_OPTIONS, depth_of, resnet, rings_of_stages, rpg

__all__ = ["main", "network_of", "parser"]

HOURGLASS = "hourglass"


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m gen.synthetic", description=__doc__.splitlines()[0])
    made.add_argument(
        "network", help=f"one of {', '.join(RESNET_NAMES)}, or {HOURGLASS}; with -rpg behind it, drawn from a ring"
    )
    made.add_argument("--image", type=Whole(1, 1024), default=32, help="height and width of an image (default 32)")
    made.add_argument(
        "--classes", type=Whole(2, Budget.CLASSES.most), help=f"classes, or maps of an {HOURGLASS} (default 100, or 16)"
    )
    made.add_argument(
        "--folded", type=Several(Whole(1, 4)),
        help="folded stages, some of 1 to 4 (default 3,4, and none with -rpg; empty for none)",
    )
    made.add_argument("--width", type=Whole(1, 4096), default=64, help="channels of the stem (default 64)")
    made.add_argument("--depth", type=Whole(1, 8), help=f"halvings of an {HOURGLASS} (default 4)")
    made.add_argument("--stacks", type=Whole(1, 16), help=f"{HOURGLASS}es behind one another (default 1)")
    made.add_argument("--shared", action="store_true", help="stacks have the same weights, each its own batch norms")
    made.add_argument(
        "--wider", type=Number(above=0, most=Budget.WIDER.most), default=1.0,
        help="factor on inner channels (default 1; wide: 2)"
    )
    made.add_argument(
        "--mode", choices=list(map(str, Mode)), default=str(Mode.ANY), help="structure of all masks (default any)"
    )
    made.add_argument(
        "--bits", type=Whole(ACTIVATION_BITS_MIN, ACTIVATION_BITS), default=ACTIVATION_BITS,
        help=f"of stored activations (default {ACTIVATION_BITS})",
    )
    made.add_argument("--density", type=Number(above=0, most=1), help="kept fraction (default 0.3, or that of --mode)")
    ring = made.add_argument_group("-rpg")
    ring.add_argument("--ring-words", type=Whole(1, WORDS_MAX), help="words of 16 values in the ring")
    ring.add_argument(
        "--planes", type=Whole(1, PLANES_MAX), default=PLANES_MAX, help="balanced-ternary digits of a value (default 5)"
    )
    ring.add_argument(
        "--ring-parts", default="shortcut", help=f"layers beside the main path that draw from it too, some of "
        f"{','.join(RING_OPTIONS)} (default shortcut; empty for none)",
    )
    ring.add_argument("--ring-per-stage", action="store_true", help="a ring of that size for every stage")
    add_seed(made, "of signs, masks and batch norms", default=0)
    add_out(made, "model file (default build/synthetic/NAME-MODE.safetensors)")
    return made


def network_of(arguments: argparse.Namespace) -> Network:
    """The network that the options of :func:`parser` describe.

    Raises
    ------
    Refused
        If there is no such network.
    """
    base, drawn = arguments.network.removesuffix("-rpg"), arguments.network.endswith("-rpg")
    if base != HOURGLASS and (arguments.depth or arguments.stacks or arguments.shared):
        raise Refused(
            f"Options --depth, --stacks and --shared are those of an {HOURGLASS}; a ResNet has its depth in its name"
        )
    depth = None if base == HOURGLASS else depth_of(base)
    if drawn != (arguments.ring_words is not None):
        raise Refused("Give --ring-words with a network called -rpg, and only with such a network")
    mode, density = Mode(arguments.mode), arguments.density
    if density is not None and not drawn:
        check_density(density, mode, "Option --density")
    name = f"{arguments.network}-{arguments.image}" if drawn else None
    common = {"mode": mode, "density": 0.3 if density is None else density, "seed": arguments.seed}
    if depth is None:
        network = _hourglass(arguments, name or f"{base}-{arguments.image}", common)
    else:
        folded = arguments.folded if arguments.folded is not None else () if drawn else (3, 4)
        network = resnet(
            depth, classes=arguments.classes or 100, image=arguments.image,
            folded=folded, width=arguments.width, wider=arguments.wider, name=name, **common,
        )
    if drawn:
        parts = [name for name in arguments.ring_parts.split(",") if name]
        draw = rings_of_stages if arguments.ring_per_stage else rpg
        network = draw(network, words=arguments.ring_words, planes=arguments.planes, parts=parts)
    return network


def _hourglass(arguments: argparse.Namespace, name: str, common: dict) -> Network:
    """Bottlenecks, as the published ones have."""
    if arguments.folded or arguments.wider != 1:
        raise Refused(f"Options --folded and --wider are those of a ResNet; leave them out with an {HOURGLASS}")
    return hourglass(
        name, image=(arguments.image, arguments.image, 3), joints=arguments.classes or 16, width=arguments.width,
        depth=arguments.depth or 4, stacks=arguments.stacks or 1, shared=arguments.shared, kind=Kind.BOTTLENECK,
        **common,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write the model; exit 0, or 2 if there is no such network."""
    arguments = parser().parse_args(argv)
    network = network_of(arguments)
    kind = f"{arguments.ring_words}x{arguments.planes}" if network.rings else arguments.mode
    kind += f"-{arguments.bits}bit" if arguments.bits < ACTIVATION_BITS else ""
    out = output_file(arguments.out or Path("build", "synthetic", f"{network.name}-{kind}.safetensors"))
    print(save(synthetic_model(network, arguments.seed, calibration_images=1, bits=arguments.bits), out))
    return 0


if __name__ == "__main__":
    run_command(main)
