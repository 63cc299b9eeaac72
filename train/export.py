r"""Turn a trained checkpoint into a model file: integers only, on which two implementations provably agree.

    python -m train.export --checkpoint build/train/digits/checkpoint.pt --out build/digits.safetensors
    python -m train.export --checkpoint build/train/digits/checkpoint.pt --bits 6 --out build/digits-6bit.safetensors
    python -m train.export --checkpoint build/train/digits/checkpoint.pt \
        --stretch stage2.fold=3 --out build/3.safetensors

A network with rings (``train.fit --dof``) is rounded to integers of ``--planes`` balanced-ternary digits first. Writes
the model and, beside it, ``NAME.vectors.safetensors``: held-out images with everything the deployed torch model
stores on them. Same checkpoint and options, same bytes. Scales of activations are the best of several by calibration
(:mod:`train.deploy.choice`), or those the network was fine-tuned with (:mod:`train.finetune`).
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rich.table import Table

from console.command import CommandParser, Named, Whole, add_json, add_out
from console.record import json_text
from console.screen import screen
from console.settings import add_settings, given_settings
from spec import model
from spec.commands import RUNS_MAX
from spec.model import CLASS_NAMES
from spec.refusal import Refused, run_command
from spec.ring import PLANES_MAX
from spec.vectors import Vectors
from train.data import Dataset
from train.deploy.choice import Calibration
from train.deploy.proof import MismatchError, add_vectors, proved, store, vectors_count, vectors_path
from train.deploy.quantize import quantize
from train.deploy.ring_integers import round_rings
from train.loop import checkpoint
from train.loop.processes import device_of
from train.loop.settings import Settings
from train.loop.trainer import accuracy
from train.nets.model import ResidualNet
from train.nets.ring_net import RpgResNet
from train.nets.scales import FineTuning, Scales
from train.nets.stretch import recalibrate, stretch

__all__ = ["export", "main", "parser", "table_of"]


def export(
    state: dict, dataset: Dataset, calibration: Calibration | None, count: int,
    iterations: Mapping[str, int] = MappingProxyType({}), planes: int = PLANES_MAX,
) -> tuple[model.Model, Vectors]:
    """Deploy the network of checkpoint ``state`` and prove it on the first ``count`` held-out images.

    The one network is stretched, measured, rounded and quantized, in that order. One that was fine-tuned has its
    scales; any other gets them by ``calibration``, or as is usual. Recurrent blocks named in ``iterations`` run that
    often instead of as trained, with statistics measured again on the images of the calibration
    (:mod:`train.nets.stretch`). Rings become integers of ``planes`` balanced-ternary digits.

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
    settings = Settings.from_json(state["settings"])
    _check(state, settings.finetuning, dataset, calibration, count, iterations)
    net = checkpoint.restore(state)
    usual = calibration or Calibration()
    if iterations:
        net = stretch(net, iterations).eval()
        recalibrate(net, dataset.train_images[: usual.count(dataset)])
    tuning = settings.finetuning
    measured = tuning.float_accuracy if tuning else _float_accuracy(net, dataset)
    if isinstance(net, RpgResNet):
        round_rings(net, planes)
    scales, how = _scales(net, tuning, usual, dataset)
    deployed = quantize(net, scales, provenance={})
    proof, after = proved(deployed, dataset, count)
    return model.with_provenance(
        deployed,
        dataset=dataset.name, dataset_sha256=dataset.digest, held_out_images=len(dataset.test_images),
        float_accuracy=measured, deployed_accuracy=round(after, 6),
        recipe=state["settings"], epochs=state["epoch"], seed=settings.seed, normalization=state["normalization"],
        **({"stretched": dict(iterations)} if iterations else {}),
        calibration=how, versions=state["versions"],
        **({CLASS_NAMES: list(dataset.class_names)} if dataset.class_names else {}),
    ), proof


def _float_accuracy(net: ResidualNet, dataset: Dataset) -> float:
    """On all held-out images, on a GPU where there is one; what follows is computed on the CPU."""
    net.to(device_of("auto"))
    found = accuracy(net, dataset.test_images, dataset.test_labels)
    net.cpu()
    return round(found, 6)


def _check(
    state: dict, tuning: FineTuning | None, dataset: Dataset, calibration: Calibration | None, count: int,
    iterations: Mapping[str, int],
) -> None:
    """Refuse what does not go together, before anything is computed."""
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(f"The checkpoint was trained on other images than {dataset.name} now holds; train it again")
    if not 1 <= count <= len(dataset.test_images):
        limit = f"{len(dataset.test_images)} images of {dataset.name}"
        raise Refused(f"Option --vectors must be from 1 to {limit}, not {count}")
    if tuning and iterations:
        raise Refused(
            "The checkpoint was fine-tuned for the iterations it was trained with; leave out --stretch, or stretch the "
            "checkpoint it was fine-tuned from"
        )
    if tuning and calibration is not None:
        raise Refused(
            f"The checkpoint was fine-tuned with scales of its own, of {tuning.bits} bits; leave out --bits, "
            "--calibrator and --calibration, or export the checkpoint it was fine-tuned from"
        )
    if 0 in iterations.values():
        name = next(name for name, runs in iterations.items() if not runs)
        raise Refused(f"Block {name} cannot be left out of a deployed network; let it run at least once")


def _scales(
    net: ResidualNet, tuning: FineTuning | None, calibration: Calibration, dataset: Dataset
) -> tuple[Scales, dict]:
    """Scales of the activations of ``net``, and how they were found, for the provenance."""
    if tuning:
        scales, rule, count, more = tuning.scales, tuning.rule, tuning.calibration, {"fine_tuned": True}
    else:
        choice = calibration.choose(net, dataset)
        scales, rule, count = choice.scales, choice.rule, calibration.count(dataset)
        more = {"divergence_nats": {str(tried): nats and round(nats, 9) for tried, nats in choice.divergences.items()}}
    images = f"the first {count} training images"
    return scales, {"images": images, "rule": str(rule), "count": count, "bits": scales.bits} | more


def table_of(deployed: model.Model) -> Table:
    """What a command that deploys prints of ``deployed``."""
    facts, network = deployed.provenance, deployed.network
    table = Table("deployed network", network.name, show_edge=False)
    table.add_row("weights", f"{network.weight_count:,}")
    table.add_row("mask", f"{deployed.mask_bits / 8:,.0f} bytes")
    for ring in network.rings:
        table.add_row(f"ring {ring.name}", f"{ring.size:,} values, {ring.planes} planes")
    table.add_row("batch-norm entries", f"{deployed.entry_count:,} x 4 bytes")
    table.add_row("activations", f"{deployed.bits} bits, scales by {facts['calibration']['rule']}")
    table.add_row("float accuracy", f"{facts['float_accuracy']:.2%} of {facts['held_out_images']} held-out images")
    table.add_row("deployed accuracy", f"{facts['deployed_accuracy']:.2%}")
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.export", description=__doc__.splitlines()[0])
    add, usual = made.add_argument, Path("build/train/digits/checkpoint.pt")
    add("--checkpoint", type=Path, default=usual, help=f"written by train.fit (default {usual})")
    add_out(made, "model file to write (default build/digits.safetensors)", Path("build/digits.safetensors"))
    add_settings(made, Calibration)
    add("--stretch", type=Named(Whole(0, RUNS_MAX)), default={}, metavar="BLOCK=N,...",
        help="recurrent blocks that run N times instead of as trained; statistics are measured again")
    add("--planes", type=Whole(1, PLANES_MAX), default=PLANES_MAX,
        help=f"balanced-ternary digits of a value of a ring (default {PLANES_MAX})")
    add_vectors(made)
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    vectors_path(arguments.out)  # Refused now, if it is.
    given = given_settings(arguments, Calibration)
    calibration = Calibration(**given) if given else None
    state = checkpoint.load(arguments.checkpoint)
    dataset = Settings.from_json(state["settings"]).load(arguments.data)
    count = vectors_count(arguments.vectors, dataset)
    try:
        deployed, proof = export(state, dataset, calibration, count, arguments.stretch, arguments.planes)
    except MismatchError as mismatch:
        print(f"error: torch and the golden model differ, so nothing was written: {mismatch}", file=sys.stderr)
        return 1
    written, beside = store(deployed, proof, arguments.out)
    if arguments.json:
        paths = {"model": str(written), "vectors": str(beside), "hash": deployed.hash}
        print(json_text(deployed.provenance | paths), end="")
    else:
        screen().print(table_of(deployed))
        print(written)
        print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)
