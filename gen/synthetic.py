"""`python -m gen.synthetic resnet50 --image 32 --mode 1of4 --out FILE`: a model file of a named network nobody trained.

Masks are random and batch norms calibrated on random images (:mod:`spec.synthetic`), so the file exercises every part
of the hardware at full size, at a full model's cycles, and classifies nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from spec.model import save
from spec.refusal import Refused, run_command
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import RESNET_NAMES, depth_of, resnet

__all__ = ["main"]


def _stages(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(stage) for stage in text.split(",") if stage)
    except ValueError:
        raise Refused(f"--folded must be stages such as 3,4, or nothing, not {text!r}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Write the model; exit 0, or 2 if there is no such network."""
    parser = argparse.ArgumentParser(prog="python -m gen.synthetic", description=__doc__.splitlines()[0])
    parser.add_argument("network", help=f"one of {', '.join(RESNET_NAMES)}")
    parser.add_argument("--image", type=int, default=32, help="image size (default 32)")
    parser.add_argument("--classes", type=int, default=100, help="classes (default 100)")
    parser.add_argument("--folded", default="3,4", help="folded stages (default 3,4; empty for none)")
    parser.add_argument("--width", type=int, default=64, help="channels of the stem (default 64)")
    parser.add_argument("--wider", type=float, default=1.0, help="factor on inner channels (default 1; wide: 2)")
    parser.add_argument("--mode", default=str(Mode.ANY), help=f"mask mode: {', '.join(Mode)} (default any)")
    parser.add_argument("--density", type=float, default=0.3, help="kept fraction (default 0.3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of signs, masks and batch norms (default 0)")
    parser.add_argument("--out", type=Path, help="model file (default build/synthetic/NAME-MODE.safetensors)")
    arguments = parser.parse_args(argv)
    if arguments.mode not in list(Mode):
        raise Refused(f"--mode must be one of {', '.join(Mode)}, not {arguments.mode!r}")
    network = resnet(
        depth_of(arguments.network), classes=arguments.classes, image=arguments.image,
        folded=_stages(arguments.folded), width=arguments.width, wider=arguments.wider, mode=Mode(arguments.mode),
        density=arguments.density, seed=arguments.seed,
    )
    out = arguments.out or Path("build", "synthetic", f"{network.name}-{arguments.mode}.safetensors")
    print(save(synthetic_model(network, arguments.seed, calibration_images=1), out))
    return 0


if __name__ == "__main__":
    run_command(main)
