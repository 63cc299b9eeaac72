r"""Turn a trained checkpoint into a model file: integers only, on which two implementations provably agree.

    python -m train.export --checkpoint build/train/digits/checkpoint.pt --out build/digits.safetensors
    python -m train.export --checkpoint build/train/digits/checkpoint.pt --bits 6 --out build/digits-6bit.safetensors
    python -m train.export --checkpoint build/train/digits/checkpoint.pt \
        --stretch stage2.fold=3 --out build/3.safetensors

Writes the model and, beside it, ``NAME.vectors.safetensors``: held-out images with everything the deployed torch model
stores on them. Same checkpoint and options, same bytes. Scales of activations are the best of several by calibration
(:mod:`train.deploy.choice`), or those the network was fine-tuned with (:mod:`train.finetune`).
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.table import Table

from spec import model
from spec.refusal import Refused, run_command
from spec.vectors import Vectors
from train.data import Dataset, load_dataset
from train.deploy.choice import Calibration, add_calibration_options, given_calibration
from train.deploy.proof import MismatchError, proved, store, vectors_path
from train.deploy.quantize import quantize
from train.loop import checkpoint
from train.loop.options import named
from train.loop.trainer import accuracy
from train.nets.model import HiddenFoldNet
from train.nets.scales import Scales
from train.nets.stretch import recalibrate, stretch

__all__ = ["export", "main"]


def export(
    state: dict, dataset: Dataset, calibration: Calibration | None, count: int,
    iterations: Mapping[str, int] = MappingProxyType({}),
) -> tuple[model.Model, Vectors]:
    """Deploy the network of checkpoint ``state`` and prove it on the first ``count`` held-out images.

    A network that was fine-tuned has its scales; any other gets them by ``calibration``, or as is usual. Recurrent
    blocks named in ``iterations`` run that often instead of as trained, with statistics measured again on the images
    of the calibration (:mod:`train.nets.stretch`).

    Returns
    -------
    The model, its provenance holding recipe and accuracies, and its vectors by the deployed torch model.

    Raises
    ------
    Refused
        If the data is not what the network was trained on, a setting is impossible, or the network cannot be stored.
    MismatchError
        If the deployed torch model and the golden model differ anywhere.
    """
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(f"The checkpoint was trained on other images than {dataset.name} now holds; train it again")
    if not 1 <= count <= len(dataset.test_images):
        limit = f"{len(dataset.test_images)} images of {dataset.name}"
        raise Refused(f"Option --vectors must be from 1 to {limit}, not {count}")
    trained, tuning = checkpoint.restore(state), checkpoint.finetuning_of(state)
    if tuning is None:
        calibration = calibration or Calibration()
        if iterations:
            trained = _stretched(trained, iterations, dataset, calibration.calibration)
        scales, how = _calibrated(trained, dataset, calibration)
        float_accuracy = round(accuracy(trained, dataset.test_images, dataset.test_labels), 6)
    elif iterations:
        raise Refused(
            "The checkpoint was fine-tuned for the iterations it was trained with; leave out --stretch, or stretch the "
            "checkpoint it was fine-tuned from"
        )
    elif calibration is None:
        scales, how = tuning.scales, _how(tuning.scales, tuning.rule, tuning.calibration) | {"fine_tuned": True}
        float_accuracy = tuning.float_accuracy
    else:
        raise Refused(
            f"The checkpoint was fine-tuned with scales of its own, of {tuning.bits} bits; leave out --bits, "
            "--calibrator and --calibration, or export the checkpoint it was fine-tuned from"
        )
    deployed = quantize(trained, scales, provenance={})
    proof, measured = proved(deployed, dataset, count)
    deployed = model.with_provenance(
        deployed,
        dataset=dataset.name, dataset_sha256=dataset.digest, held_out_images=len(dataset.test_images),
        float_accuracy=float_accuracy, deployed_accuracy=round(measured, 6),
        recipe=state["settings"], epochs=state["epoch"], seed=state["settings"]["seed"],
        normalization=state["normalization"],
        **({"stretched": dict(iterations)} if iterations else {}),
        calibration=how,
        versions=state["versions"],
    )
    return deployed, proof


def _stretched(trained: HiddenFoldNet, iterations: Mapping[str, int], dataset: Dataset, count: int) -> HiddenFoldNet:
    left_out = [name for name, runs in iterations.items() if runs == 0]
    if left_out:
        raise Refused(f"Block {left_out[0]} cannot be left out of a deployed network; let it run at least once")
    stretched = stretch(trained, iterations).eval()
    recalibrate(stretched, dataset.train_images[:count])
    return stretched


def _calibrated(trained: HiddenFoldNet, dataset: Dataset, calibration: Calibration) -> tuple[Scales, dict]:
    """Scales of a float network, and how they were found."""
    choice = calibration.choose(trained, dataset)
    tried = {str(rule): nats and round(nats, 9) for rule, nats in choice.divergences.items()}
    return choice.scales, _how(choice.scales, choice.rule, calibration.calibration) | {"divergence_nats": tried}


def _how(scales: Scales, rule: str, count: int) -> dict:
    return {
        "images": f"the first {count} training images", "rule": str(rule), "count": count, "bits": scales.bits,
    }


def _table(deployed: model.Model) -> Table:
    facts = deployed.provenance
    table = Table("deployed network", deployed.network.name, show_edge=False)
    table.add_row("weights", f"{sum(layer.weights for layer in deployed.network.layers):,}")
    table.add_row("mask", f"{deployed.mask_bits / 8:,.0f} bytes")
    if deployed.ring_bits:
        signs = sum(ring.size for ring in deployed.network.rings) // 4
        table.add_row("stored signs", f"{signs:,} bytes on chip, masks included")
    table.add_row("batch-norm entries", f"{deployed.entry_count:,} x 4 bytes")
    table.add_row("activations", f"{deployed.bits} bits, scales by {facts['calibration']['rule']}")
    table.add_row("float accuracy", f"{facts['float_accuracy']:.2%} of {facts['held_out_images']} held-out images")
    table.add_row("deployed accuracy", f"{facts['deployed_accuracy']:.2%}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m train.export", description="Turn a trained checkpoint into a model file.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--checkpoint", type=Path, default=Path("build/train/digits/checkpoint.pt"), help="written by train.fit")
    add("--out", type=Path, default=Path("build/digits.safetensors"), help="model file to write")
    add_calibration_options(parser)
    add("--stretch", type=lambda text: named(text, int, "stage2.fold=3"), default={}, metavar="BLOCK=N,...",
        help="recurrent blocks that run N times instead of as trained; statistics are measured again")
    add("--vectors", type=int, default=32, help="held-out images in the vector file")
    add("--data", type=Path, default=Path("build/data"), help="folder with the files of data sets")
    add("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    vectors_path(arguments.out)  # Refused now, if it is.
    calibration = given_calibration(arguments)
    state = checkpoint.load(arguments.checkpoint)
    dataset = load_dataset(state["settings"]["dataset"], arguments.data)
    try:
        deployed, proof = export(state, dataset, calibration, arguments.vectors, arguments.stretch)
    except MismatchError as mismatch:
        print(f"error: torch and the golden model differ, so nothing was written: {mismatch}", file=sys.stderr)
        return 1
    _, beside = store(deployed, proof, arguments.out)
    if arguments.json:
        print(json.dumps(
            deployed.provenance | {"model": str(arguments.out), "vectors": str(beside), "hash": deployed.hash}
        ))
    else:
        Console().print(_table(deployed))
        print(arguments.out)
        print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)
