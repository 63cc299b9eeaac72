"""What a trained ResNet-RPG can still lose: values of the ring, filters, bits. Tables 6, 7 and the quantization.

    python -m train.studies.compress --data DIR --dof 36864 --prune-dof 9216 --flops 0.6

Each loss starts from the same trained network; the pruned ones are trained on by the same recipe. The integer rings are
rounded after training, without training on: 8 bits as in the paper, and the levels of balanced-ternary planes.

Ref: RPG (arXiv:2107.07110), sections 5.5 and 5.6.
"""

import copy
from collections.abc import Callable, Sequence

from rich.table import Table

from console.command import CommandParser, Number, Whole
from spec.budgets import Budget
from spec.refusal import Refused, run_command
from spec.ring import PLANES_MAX
from train.deploy.ring_integers import make_integer, ring_limit
from train.fit import CHECKPOINT
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.trainer import Run, Trainer, accuracy
from train.nets.ring_net import RpgResNet
from train.studies.cells import folder_of
from train.studies.pruning import flops, kept_filters, prune_filters, prune_ring, ring_dof
from train.studies.variants import cells_of, publish, ring_parser, run_variants

__all__ = ["main", "parser", "pruned_ring", "rounded"]


def pruned_ring(trained: RpgResNet, dof: int, rounds: int, train_on: Callable[[RpgResNet], None]) -> RpgResNet:
    """A copy of ``trained`` whose rings keep ``dof`` values, after ``rounds`` of pruning and training on.

    Every round takes the same share of what is left.
    """
    sparse = copy.deepcopy(trained)
    rings = list(sparse.rings)
    start = sum(ring_dof(ring) for ring in rings)
    for done in range(1, rounds + 1):
        prune_ring(rings, round(start * (dof / start) ** (done / rounds)))
        train_on(sparse)
    return sparse


def rounded(trained: RpgResNet, planes: int | None) -> RpgResNet:
    """A copy of ``trained`` with integer rings, of 8 bits without ``planes``."""
    model = copy.deepcopy(trained)
    make_integer(model.rings, ring_limit(planes))
    return model


def parser() -> CommandParser:
    """The command line."""
    made = ring_parser("compress", __doc__.splitlines()[0], dof=36864)
    add = made.add_argument
    add("--prune-dof", type=Whole(1, Budget.WEIGHTS.most), default=9216,
        help="values that fine-grained pruning leaves (default 9216)")
    add("--rounds", type=Whole(1, 1000), default=3, help="rounds of it, with training between (default 3)")
    add("--flops", type=Number(above=0, most=1), default=0.6,
        help="fraction of the FLOPs that filter pruning leaves; 0.602 in Table 7 (default 0.6)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    cells = cells_of({"trained": {}}, arguments)
    settings = cells["trained"][0].settings
    if not settings.model.residual:
        raise Refused(f"Filters of a {settings.model.network} cannot be pruned; give --network small or a ResNet")
    dataset, processes = settings.load(arguments.data), Processes.start(arguments.device)
    run_variants(cells, dataset, arguments)
    rows = []
    for cell in cells["trained"]:
        seed = cell.settings.seed
        trained = checkpoint.restore(checkpoint.load(folder_of(cell, arguments.out) / CHECKPOINT)).to(processes.device)
        trainer = Trainer(trained, dataset, settings.recipe, seed, Run(processes, f"training on, seed {seed}"))

        def train_on(model: RpgResNet, trainer: Trainer = trainer) -> None:
            trainer.model = model
            trainer.run()
            model.eval()

        thin = copy.deepcopy(trained)
        prune_filters(thin, round(arguments.flops * trained.network.macs))
        train_on(thin)
        networks = {
            "trained": trained,
            "pruned ring": pruned_ring(trained, arguments.prune_dof, arguments.rounds, train_on),
            "pruned filters": thin,
            "ring of 8 bits": rounded(trained, None),
        }
        networks |= {f"ring of {planes} planes": rounded(trained, planes) for planes in range(PLANES_MAX, 0, -1)}
        rows += [{
            "seed": seed, "what": what,
            "accuracy": accuracy(model, dataset.test_images, dataset.test_labels, processes=processes),
            "dof": sum(ring_dof(ring) for ring in model.rings), "macs": flops(model.network, kept_filters(model)),
        } for what, model in networks.items()]
    table = Table("network", "seed", "accuracy, %", "DoF of the ring", "FLOPs", show_edge=False)
    for row in rows:
        table.add_row(
            row["what"], str(row["seed"]), f"{100 * row['accuracy']:.2f}", f"{row['dof']:,}", f"{row['macs']:,}"
        )
    return publish(arguments, {"rows": rows}, table)


if __name__ == "__main__":
    run_command(main)
