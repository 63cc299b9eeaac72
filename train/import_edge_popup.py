"""Deploy a network that a public edge-popup code trained: from its state dict to a model file.

    python -m train.import_edge_popup --state model.pt --density 0.5 --dataset cifar10 --data DIR \\
        --mean 0.491,0.482,0.447 --std 0.247,0.243,0.262 --out build/imported.safetensors

Takes what edge-popup, biprop (``--code biprop``) and Hidden-Fold Networks save. The network is read from the names and
shapes of its tensors. Its signs are not those of our generator, so they are stored (:mod:`train.deploy.stored_signs`).
Prints what is carried over, what is assumed, and what is lost. Nothing is trained.

Ref: Ramanujan et al., CVPR 2020, and the code released with it; docs/howto/import.md.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from console.command import CommandParser, Number, Several, Whole, add_json, add_out
from console.record import json_text
from console.screen import screen
from console.settings import add_settings, given_settings
from spec import model
from spec.refusal import run_command
from train.data import DATASETS, load_dataset
from train.deploy.calibration import calibrate
from train.deploy.choice import Calibration
from train.deploy.imported import Code, Reading, Report, imported
from train.deploy.normalization import Normalization
from train.deploy.proof import MismatchError, add_vectors, proved, store, vectors_count, vectors_path
from train.deploy.public_state import read_state
from train.deploy.quantize import quantize
from train.loop.trainer import accuracy
from train.nets.config import ModelConfig
from train.nets.model import HiddenFoldNet

__all__ = ["main", "parser"]

#: Settings of the network that an import takes; the others say how to train.
_OPTIONS = {"network", "widths", "iterations", "stem", "width", "wider", "stages", "density", "densities"}


def _float_accuracy(net: HiddenFoldNet, images: np.ndarray, labels: np.ndarray, report: Report) -> float:
    """Accuracy of ``net`` as it was trained; if its images are surrounded by a color, they are no more from now on, and
    ``report`` says what that costs.
    """
    found = accuracy(net, images, labels)
    stem = net.convolutions[0]
    if stem.surround is not None and stem.window.pad:
        stem.surround = None
        black = accuracy(net, images, labels)
        report.lost.append(
            "padding of the first layer: it was the mean color, on the accelerator it is black, which differs at "
            f"borders only: float accuracy {found:.2%} with the one, {black:.2%} with the other"
        )
    stem.surround = None
    return found


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.import_edge_popup", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("--state", type=Path, required=True, help="its state dict, written by torch.save")
    add("--code", choices=[str(code) for code in Code], default=str(Code.EDGE_POPUP),
        help="which trained it: biprop gives the kept weights of a layer one magnitude (default edge-popup)")
    add("--epsilon", type=Number(above=0, most=1), default=1e-5, help="of its batch norms (default 1e-05)")
    add_settings(made.add_argument_group("network (by default what the tensors say)"), ModelConfig, only=_OPTIONS)
    add("--mean", type=Several(Number(least=-1000, most=1000)), default=(0.0,),
        help="subtracted from x/255, by channel, in training (default 0)")
    add("--std", type=Several(Number(above=0, most=1000)), default=(1.0,), help="divided by after that (default 1)")
    add("--dataset", default="cifar10", help=f"data set: {', '.join(DATASETS)} (default cifar10)")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add("--calibration", type=Whole(1, 1_000_000), help="training images for scales (default 512, or all of fewer)")
    add_vectors(made)
    add_out(made, "model file to write (default build/imported.safetensors)", Path("build/imported.safetensors"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    vectors_path(arguments.out)  # Refused now, if it is.
    state = read_state(arguments.state)
    dataset = load_dataset(arguments.dataset, arguments.data)
    calibration, vectors = Calibration(calibration=arguments.calibration or 0).count(dataset), vectors_count(
        arguments.vectors, dataset
    )
    normalization = Normalization.of(arguments.mean, arguments.std, dataset.image[2])
    reading = Reading(
        given_settings(arguments, ModelConfig), Code(arguments.code), arguments.epsilon, normalization
    )
    net, report = imported(state, reading, dataset.image, dataset.classes)
    float_accuracy = _float_accuracy(net, dataset.test_images, dataset.test_labels, report)
    scales = calibrate(net, dataset.train_images[:calibration])
    deployed = quantize(net, scales, provenance={})
    try:
        proof, measured = proved(deployed, dataset, vectors)
    except MismatchError as mismatch:
        print(f"error: torch and the golden model differ, so nothing was written: {mismatch}", file=sys.stderr)
        return 1
    facts = {
        "dataset": dataset.name, "dataset_sha256": dataset.digest, "held_out_images": len(dataset.test_images),
        "float_accuracy": round(float_accuracy, 6),
        "deployed_accuracy": round(measured, 6),
        "state_sha256": hashlib.sha256(arguments.state.read_bytes()).hexdigest(),
        "mean": list(normalization.mean), "std": list(normalization.deviation), "settings": net.config.to_json(),
        "code": arguments.code, "epsilon": arguments.epsilon,
        "carried": report.carried, "assumed": report.assumed, "lost": report.lost,
    }
    deployed = model.with_provenance(deployed, **facts)
    _, beside = store(deployed, proof, arguments.out)
    if arguments.json:
        paths = {"model": str(arguments.out), "vectors": str(beside), "hash": deployed.hash}
        print(json_text(facts | paths), end="")
        return 0
    console = screen()
    for title, sentences in (
        ("carried over", report.carried), ("assumed", report.assumed), ("lost", report.lost or ["nothing"]),
    ):
        console.print(f"{title}:")
        for sentence in sentences:
            console.print(f"  {sentence}")
    console.print(f"float accuracy {facts['float_accuracy']:.2%}, deployed {facts['deployed_accuracy']:.2%}")
    print(arguments.out)
    print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)
