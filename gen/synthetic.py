"""`python -m gen.synthetic resnet50 --image 32 --mode 1of4 --out FILE`: a model file of a named network nobody trained.

Masks and rings are random and batch norms calibrated on random images (:mod:`spec.synthetic`), so the file exercises
every part of the hardware at full size, at a full model's cycles, and classifies nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from spec.model import save
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused, run_command
from spec.ring import PLANES_MAX
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import RESNET_NAMES, RING_OPTIONS, depth_of, resnet, rings_of_stages, rpg

__all__ = ["main"]


def _stages(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(stage) for stage in text.split(",") if stage)
    except ValueError:
        raise Refused(f"--folded must be stages such as 3,4, or nothing, not {text!r}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Write the model; exit 0, or 2 if there is no such network."""
    parser = argparse.ArgumentParser(prog="python -m gen.synthetic", description=__doc__.splitlines()[0])
    parser.add_argument("network", help=f"one of {', '.join(RESNET_NAMES)}; with -rpg behind it, drawn from a ring")
    parser.add_argument("--image", type=int, default=32, help="image size (default 32)")
    parser.add_argument("--classes", type=int, default=100, help="classes (default 100)")
    parser.add_argument("--folded", help="folded stages (default 3,4, and none with -rpg; empty for none)")
    parser.add_argument("--width", type=int, default=64, help="channels of the stem (default 64)")
    parser.add_argument("--wider", type=float, default=1.0, help="factor on inner channels (default 1; wide: 2)")
    parser.add_argument("--mode", default=str(Mode.ANY), help=f"mask mode: {', '.join(Mode)} (default any)")
    parser.add_argument(
        "--bits", type=int, default=ACTIVATION_BITS,
        help=f"of stored activations, {ACTIVATION_BITS_MIN} to {ACTIVATION_BITS} (default {ACTIVATION_BITS})",
    )
    parser.add_argument("--density", type=float, default=0.3, help="kept fraction (default 0.3)")
    ring = parser.add_argument_group("-rpg")
    ring.add_argument("--ring-words", type=int, help="words of 16 values in the ring")
    ring.add_argument("--planes", type=int, default=PLANES_MAX, help="balanced-ternary digits of a value (default 5)")
    ring.add_argument(
        "--ring-parts", default="shortcut", help=f"layers beside the main path that draw from it too, some of "
        f"{','.join(RING_OPTIONS)} (default shortcut; empty for none)",
    )
    ring.add_argument("--ring-per-stage", action="store_true", help="a ring of that size for every stage")
    parser.add_argument("--seed", type=int, default=0, help="seed of signs, masks and batch norms (default 0)")
    parser.add_argument("--out", type=Path, help="model file (default build/synthetic/NAME-MODE.safetensors)")
    arguments = parser.parse_args(argv)
    if arguments.mode not in list(Mode):
        raise Refused(f"--mode must be one of {', '.join(Mode)}, not {arguments.mode!r}")
    depth, drawn = depth_of(arguments.network.removesuffix("-rpg")), arguments.network.endswith("-rpg")
    if drawn != (arguments.ring_words is not None):
        raise Refused("Give --ring-words with a network called -rpg, and only with such a network")
    folded = arguments.folded if arguments.folded is not None else "" if drawn else "3,4"
    name = f"{arguments.network}-{arguments.image}" if drawn else None
    network = resnet(
        depth, classes=arguments.classes, image=arguments.image,
        folded=_stages(folded), width=arguments.width, wider=arguments.wider, mode=Mode(arguments.mode),
        density=arguments.density, seed=arguments.seed, name=name,
    )
    if drawn:
        parts = [part for part in arguments.ring_parts.split(",") if part]
        draw = rings_of_stages if arguments.ring_per_stage else rpg
        network = draw(network, words=arguments.ring_words, planes=arguments.planes, parts=parts)
    if not ACTIVATION_BITS_MIN <= arguments.bits <= ACTIVATION_BITS:
        raise Refused(f"--bits must be from {ACTIVATION_BITS_MIN} to {ACTIVATION_BITS}, not {arguments.bits}")
    kind = f"{arguments.ring_words}x{arguments.planes}" if drawn else arguments.mode
    kind += f"-{arguments.bits}bit" if arguments.bits < ACTIVATION_BITS else ""
    out = arguments.out or Path("build", "synthetic", f"{network.name}-{kind}.safetensors")
    print(save(synthetic_model(network, arguments.seed, calibration_images=1, bits=arguments.bits), out))
    return 0


if __name__ == "__main__":
    run_command(main)
