"""Turn a trained ResNet-RPG into a model file: integer rings, masks for what is outside them, folded batch norms.

    python -m train.studies.ring_export --cell build/rpg/fit/cell.pt --data DIR --planes 5 --out build/rpg.safetensors

Only what hardware can run: word permutation with flips (:mod:`spec.ring`), layers outside the rings hidden. The scale
of a layer, ``sigma_l / RING_SIGMA`` times the step of its ring, goes into its batch-norm entries.

Ref: docs/design.md; RPG (arXiv:2107.07110), section 5.6, "Quantization".
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from spec import model, topologies, vectors
from spec import ring as ring_weights
from spec.model import Model
from spec.network import Role
from spec.refusal import Refused, run_command
from spec.ring import PLANES_MAX, RING_WORD
from train.data import Dataset, load_dataset
from train.deploy.calibration import Rule, calibrate
from train.deploy.proof import proved, vectors_path
from train.deploy.quantize import entries_of
from train.deploy.ring_integers import make_integer, ring_limit
from train.loop.trainer import accuracy
from train.nets.addressing import Addressing
from train.nets.config import Method
from train.nets.model import NORMALIZATION
from train.nets.ring_net import RpgResNet
from train.nets.scales import read_steps
from train.studies.experiment import Experiment, read_cell
from train.studies.ring_options import prepared

__all__ = ["integer_model", "main", "ring_network"]


def ring_network(trained: RpgResNet, planes: int):
    """Description of the network that ``trained`` is, its layers drawing from rings of ``planes`` planes.

    Raises
    ------
    Refused
        If its rings are addressed in a way that hardware has not, or a layer has dense weights.
    """
    where = f"Network {trained.network.name!r} cannot be exported"
    for ring in trained.rings:
        if ring.addressing is not Addressing.WORD or not ring.flips:
            raise Refused(
                f"{where}: ring {ring.name} is addressed by {ring.addressing}{'' if ring.flips else ' without flips'}; "
                "train with --addressing word and flips"
            )
    outside = [layer.name for layer in trained.network.layers if layer.name not in trained.drawn]
    if outside and not trained.outside.masks:
        raise Refused(f"{where}: layer {outside[0]} has dense weights; train with --outside {Method.HNN}")
    return topologies.drawn(trained.network, *(
        ring_weights.Ring(ring.name, ring.size // RING_WORD, planes, tuple(slot.name for slot in ring.slots))
        for ring in trained.rings
    ))


def integer_model(trained: RpgResNet, images, planes: int) -> Model:
    """Integer model of ``trained``, which is rounded in place; scales are calibrated on uint8 ``images`` after that.

    Raises
    ------
    Refused
        If hardware cannot run it, or, naming the layer, if a batch norm fits no entry or an accumulator could wrap.
    """
    network = ring_network(trained, planes)
    rings = make_integer(trained.rings, ring_limit(planes))
    scales = calibrate(trained, images, Rule.MAX)
    read = read_steps(network, scales)
    factors = {
        slot.name: ring.scale(slot) * rings[ring.name][1] for ring in trained.rings for slot in ring.slots
    }
    masks, entries = {}, {}
    for layer in network.layers:
        convolution = trained.convolutions[layer.index]
        if layer.ring is None:
            masks[layer.name] = convolution.mask().numpy()
            weights, factor = convolution.trits(), convolution.sigma
        else:
            draw, seed = network.draws[layer.name], network.seed_of(layer)
            weights = ring_weights.unpack(rings[layer.ring.name][0], layer.shape, draw, seed)
            factor = factors[layer.name]
        if layer.role is not Role.CLASSIFIER:
            entries[layer.name] = entries_of(layer, convolution, weights, factor, read[layer.name], scales)
    return Model(network, masks, entries, {}, {name: values for name, (values, _) in rings.items()})


def export(cell: dict, dataset: Dataset, planes: int, calibration: int, count: int):
    """Integer model of the network of ``cell`` and its vectors on the first ``count`` held-out images.

    Raises
    ------
    Refused
        As :func:`integer_model`, or if ``dataset`` is not what the network was trained on.
    MismatchError
        If the deployed torch model and the golden model differ anywhere.
    """
    if cell["dataset_sha256"] != dataset.digest:
        raise Refused(
            f"The cell was trained on other images than {dataset.name} is with these --shrink and --images; give the "
            "options it was trained with"
        )
    experiment = Experiment.from_json(cell["experiment"])
    trained = experiment.model(dataset)
    if not isinstance(trained, RpgResNet):
        raise Refused(f"A network of kind {experiment.network} cannot be exported; train small or a ResNet")
    trained.load_state_dict(cell["state"]["model"])
    trained.eval()
    before = accuracy(trained, dataset.test_images, dataset.test_labels)
    deployed = integer_model(trained, dataset.train_images[:calibration], planes)
    proof, after = proved(deployed, dataset, count)
    return model.with_provenance(
        deployed,
        dataset=dataset.name, dataset_sha256=dataset.digest, held_out_images=len(dataset.test_images),
        float_accuracy=round(before, 6), deployed_accuracy=round(after, 6),
        recipe=cell["recipe"], experiment=cell["experiment"], epochs=cell["state"]["epoch"], seed=experiment.seed,
        normalization=NORMALIZATION,
        calibration={"images": f"the first {calibration} training images", "rule": str(Rule.MAX), "count": calibration},
    ), proof


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m train.studies.ring_export", description="Turn a trained ResNet-RPG into a model file.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--cell", type=Path, default=Path("build/rpg/fit/cell.pt"), help="written by train.studies.ring_fit")
    add("--out", type=Path, default=Path("build/rpg.safetensors"), help="model file to write")
    add("--planes", type=int, default=PLANES_MAX, help=f"balanced-ternary digits of a ring value, 1 to {PLANES_MAX}")
    add("--dataset", default="fashion-mnist")
    add("--data", type=Path, default=Path("build/data"), help="folder that holds the files of the data set")
    add("--shrink", type=int, default=2, help="as it was trained")
    add("--images", type=int, default=6000, help="as it was trained")
    add("--calibration", type=int, default=512, help="training images that activation scales are taken from")
    add("--vectors", type=int, default=32, help="held-out images in the vector file")
    add("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    if not 1 <= arguments.planes <= PLANES_MAX:
        raise Refused(f"Option --planes must be from 1 to {PLANES_MAX}, not {arguments.planes}")
    torch.set_num_threads(1)
    beside = vectors_path(arguments.out)
    cell = read_cell(arguments.cell)
    dataset = prepared(load_dataset(arguments.dataset, arguments.data), arguments.shrink, arguments.images)
    deployed, proof = export(cell, dataset, arguments.planes, arguments.calibration, arguments.vectors)
    # The model last: where it is, everything is.
    vectors.save(beside, deployed, proof)
    model.save(deployed, arguments.out)
    facts = deployed.provenance
    if arguments.json:
        print(json.dumps(facts | {"model": str(arguments.out), "vectors": str(beside), "hash": deployed.hash}))
        return 0
    table = Table("deployed network", deployed.network.name, show_edge=False)
    table.add_row("weights", f"{sum(layer.weights for layer in deployed.network.layers):,}")
    table.add_row("rings", f"{deployed.ring_bits / 8:,.0f} bytes, {arguments.planes} planes")
    table.add_row("mask", f"{deployed.mask_bits / 8:,.0f} bytes")
    table.add_row("batch-norm entries", f"{deployed.entry_count:,} x 4 bytes")
    table.add_row("float accuracy", f"{facts['float_accuracy']:.2%} of {facts['held_out_images']} held-out images")
    table.add_row("deployed accuracy", f"{facts['deployed_accuracy']:.2%}")
    Console().print(table)
    print(arguments.out)
    print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)
