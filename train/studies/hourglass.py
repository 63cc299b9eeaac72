"""A pose network that deploys: an hourglass with a recurrent middle, trained on stick figures, as a model file.

    python -m train.studies.hourglass --out build/hourglass
    python -m sim.run build/hourglass/pose.safetensors --pe 64 --fit --images 4

Beside the model file lie its vectors, and a picture of the joints at the peaks of its heat maps; what the Verilog
sends is compared with these maps. Accuracies are PCKh@0.5.
"""

import argparse
import json
from collections.abc import Sequence

import torch

from console.command import CommandParser, Number, Whole, add_out, add_seed
from console.progress import progress_bars
from spec import golden, vectors
from spec.files import build_root, output_folder, write_text
from spec.model import Model, save, with_provenance
from spec.refusal import run_command
from spec.ring import PLANES_MAX
from spec.supermask import Mode
from spec.vectors import Vectors
from train.deploy.deployed import DeployedNet
from train.deploy.proof import MismatchError
from train.deploy.ring_integers import round_rings
from train.loop.existing import versions
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import Rings
from train.pose.deployable import DeployableHourglass, deployed, deployed_score, pose_network
from train.pose.figures import synthetic_poses
from train.pose.heatmaps import peaks
from train.pose.learn import PoseRecipe, learn, score
from train.pose.picture import picture
from train.pose.poses import PoseData, Poses

__all__ = ["main", "parser"]

_SHOWN, _CALIBRATION = 6, 256  #: People in the picture and the vectors; those that scales are taken from.
_DENSITY = 0.5


def _network(arguments: argparse.Namespace) -> tuple[DeployableHourglass, ModelConfig]:
    """The network that the options describe, untrained."""
    rings = Rings(dof=arguments.ring) if arguments.ring else None
    usual = _DENSITY if arguments.mode in (Mode.ANY, Mode.TWO_OF_FOUR) else None
    density = usual if arguments.density is None else arguments.density
    config = ModelConfig.of(
        Method.HFN, width=arguments.width, mode=arguments.mode, affine=True, rings=rings, net_seed=arguments.seed,
        **({} if density is None else {"density": density}),
    )
    network = pose_network(
        "pose", config, side=arguments.side, depth=arguments.depth, iterations=arguments.iterations,
        stacks=arguments.stacks, shared=arguments.shared,
    )
    return DeployableHourglass(network, config, torch.Generator().manual_seed(arguments.seed)), config


def _proved(model: Model, poses: Poses) -> Vectors:
    """What the deployed torch model stores of ``poses``, if the golden model stores the same."""
    trace = DeployedNet(model, torch.device("cpu")).run(poses.images)
    wrong = vectors.difference(golden.run(model, poses.images), trace)
    if wrong is not None:
        raise MismatchError(wrong)
    return Vectors(poses.images, torch.full((len(poses),), -1).numpy(), trace)


def _exported(model: DeployableHourglass, config: ModelConfig, data: PoseData, recipe: PoseRecipe, seed: int) -> Model:
    """In integers, with all that is known of it."""
    floats = score(model, data.held_out)
    if config.rings is not None:
        round_rings(model.net, PLANES_MAX)
    calibration = data.train.images[:_CALIBRATION]
    made = deployed(model, calibration, {})
    return with_provenance(
        made, dataset=data.name, dataset_sha256=data.digest, held_out_images=len(data.held_out), judged="PCKh@0.5",
        float_accuracy=round(floats, 6), deployed_accuracy=round(deployed_score(made, data.held_out), 6),
        recipe=config.to_json(), epochs=recipe.epochs, seed=seed,
        calibration={"rule": "max", "images": len(calibration)}, versions=versions(),
    )


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.hourglass", description=__doc__.splitlines()[0])
    add, usual = made.add_argument, PoseRecipe()
    add("--width", type=Whole(4, 1024), default=32, help="channels (default 32)")
    add("--depth", type=Whole(1, 8), default=2, help="halvings (default 2)")
    add("--iterations", type=Whole(1, 255), default=3, help="runs of the middle block (default 3)")
    add("--stacks", type=Whole(1, 16), default=1, help="hourglasses behind one another (default 1)")
    add("--shared", action="store_true", help="stacks have the same weights, each its own batch norms")
    add("--mode", type=Mode, choices=list(Mode), default=Mode.ANY, help="structure of all masks (default any)")
    add("--density", type=Number(above=0, most=1), help=f"kept fraction (default {_DENSITY}, or that of --mode)")
    add("--ring", type=Whole(16, 1 << 24), help="values of a ring that all blocks draw from (default: masks)")
    add("--side", type=Whole(16, 1024), default=64, help="pixels a side of an image (default 64)")
    add("--people", type=Whole(1, 1_000_000), default=1500, help="stick figures to train on (default 1500)")
    add("--held-out", type=Whole(_SHOWN, 1_000_000), default=500, help="and to judge by (default 500)")
    add("--epochs", type=Whole(1, 10_000), default=30, help="epochs (default 30)")
    add("--lr", type=Number(above=0, most=10), default=usual.lr, help=f"largest learning rate (default {usual.lr})")
    add_seed(made, "of weights, order and figures", default=0)
    add_out(made, "folder to write (default build/hourglass)", build_root() / "hourglass")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Train, export and draw; exit 0, or 1 if the two implementations of the integers differ."""
    arguments = parser().parse_args(argv)
    out = output_folder(arguments.out)
    model, config = _network(arguments)
    torch.set_num_threads(1)
    data = synthetic_poses(arguments.people, arguments.held_out, arguments.side, arguments.seed)
    recipe = PoseRecipe(epochs=arguments.epochs, lr=arguments.lr)
    with progress_bars() as progress:
        task = progress.add_task("epochs", total=recipe.epochs)
        learn(model, data.train, recipe, arguments.seed, lambda: progress.advance(task))
    exported = _exported(model, config, data, recipe, arguments.seed)
    shown = data.held_out.first(_SHOWN)
    try:
        proof = _proved(exported, shown)
    except MismatchError as mismatch:
        print(f"the deployed model and the golden model differ: {mismatch}")
        return 1
    found = peaks(torch.from_numpy(proof.trace.logits).permute(0, 3, 1, 2).int()).numpy()
    drawn = picture(shown.images, found, shown.joints, shown.annotated, "Joints found in held-out figures")
    facts = exported.provenance
    print(json.dumps({name: facts[name] for name in ("judged", "float_accuracy", "deployed_accuracy")}))
    for path in (
        vectors.save(out / "pose.vectors.safetensors", exported, proof), write_text(out / "pose.svg", drawn),
        save(exported, out / "pose.safetensors"),
    ):
        print(path)
    return 0


if __name__ == "__main__":
    run_command(main)
